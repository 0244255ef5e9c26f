"""gallery compact: erase the traces of what was removed."""

from __future__ import annotations

from visavis.cli._galleries import open_existing
from visavis.cli._options import GALLERY, GalleryUrl, Json
from visavis.cli._output import Output


def compact(gallery: GalleryUrl = GALLERY, json: Json = False) -> None:
    """Erase all traces of what was removed or renamed.

    Each such change does this by itself; if others kept reading the gallery, the next command does. This command waits
    up to 30 seconds for them, and exits 3 if traces are left.
    """
    with open_existing(gallery) as store, Output("", "", json=json) as output:
        before = store.stats().bytes
        store.compact()
        line = {"url": store.url, "traces": False, "bytes_before": before, "bytes": store.stats().bytes}
        output.answer(line, ["traces", "none"], ["bytes before", str(before)], ["bytes", str(line["bytes"])])
