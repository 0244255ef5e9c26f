"""CSV that visavis writes: RFC 4180, with texts that no spreadsheet runs and no terminal obeys.

Spreadsheets run a text that begins like a formula. Such a text gets an apostrophe before it: ``=1+1`` is written
``'=1+1``. A text that has apostrophes before such a beginning gets one more, so that removing one apostrophe restores
the text.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

from visavis.printable import make_printable

FORMULA = re.compile(r"'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20].", re.DOTALL)
"""Beginning of a text that a spreadsheet may run (OWASP, CSV Injection), also in full width; "-" alone is safe."""


def format_row(cells: Sequence[str]) -> str:
    """Return a row of CSV with its end of line."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(cells)
    return buffer.getvalue()


def format_text(text: str) -> str:
    """Return a text as a cell that is safe to open and to print: no formula, and foreign characters escaped."""
    printable = make_printable(text, keep="\t\r\n")
    return f"'{printable}" if FORMULA.match(printable) else printable
