"""models list: list the weight files and the user's own models."""

from __future__ import annotations

from visavis.cli._options import Json
from visavis.cli._output import Output
from visavis.cli.models._lines import COLUMNS, imported_lines, table_row, weight_line


def list_models(json: Json = False) -> None:
    """List the weight files: task, license, size, place, pin.

    A file without a published hash is pinned at its first download or import: after that, another hash is an error.
    """
    from visavis.weights.spec import all_specs
    from visavis.weights.store import locate

    with Output(*COLUMNS, json=json) as output:
        for line in [*(weight_line(spec, locate(spec)) for spec in all_specs()), *imported_lines()]:
            output.answer(line, table_row(line))
