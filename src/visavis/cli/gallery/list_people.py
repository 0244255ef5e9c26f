"""gallery list: list the people of a gallery."""

from __future__ import annotations

from visavis.cli._galleries import next_steps, open_existing
from visavis.cli._options import GALLERY, Csv, GalleryUrl, Json
from visavis.cli._output import Output, note
from visavis.cli.gallery._lines import COLUMNS, LIST_CSV, person_line, person_row


def list_people(gallery: GalleryUrl = GALLERY, json: Json = False, csv: Csv = False) -> None:
    """List the people of a gallery."""
    with open_existing(gallery) as store:
        people, unassigned, url = store.people(), store.stats().unassigned, store.url
        with Output(*COLUMNS, json=json, csv=LIST_CSV if csv else None) as output:
            for person in people:
                output.answer(person_line(person), person_row(person))
    if not (json or csv):
        for text in next_steps(len(people), unassigned, url):
            note(text)
