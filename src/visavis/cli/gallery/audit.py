"""gallery audit: print the audit log."""

from __future__ import annotations

from dataclasses import asdict

from visavis.cli._galleries import open_existing
from visavis.cli._options import GALLERY, GalleryUrl, Json
from visavis.cli._output import Output
from visavis.cli._table import Row


def audit(gallery: GalleryUrl = GALLERY, json: Json = False) -> None:
    """Print the audit log: who changed what, and when.

    Shows people by id only.
    """
    with open_existing(gallery) as store, Output("when", "who", "did", "person", json=json) as output:
        for entry in store.audit():
            line = {**asdict(entry), "at": entry.at.isoformat()}
            person = "-" if entry.person_id is None else str(entry.person_id)
            cells = [f"{entry.at:%Y-%m-%d %H:%M:%S}", entry.actor or "-", entry.action, person]
            output.answer(line, Row(cells, entry.detail))
