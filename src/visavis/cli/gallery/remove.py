"""gallery remove: remove people and everything stored about them."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from visavis.cli._options import GALLERY, GalleryUrl, Json
from visavis.cli._output import Output, confirm, note, write
from visavis.cli.gallery._lines import person_line
from visavis.cli.gallery._people import People, answer_unknown, describe_person, find_people, finish

UNREACHED = (
    "not erased, if there are any: exports, backups, reports, and what visavis video wrote (--events, --faces, --out, "
    "--clips, --outbox); see docs/privacy.md."
)
"""What a removal does not reach."""


def remove(
    who: People,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    gallery: GalleryUrl = GALLERY,
    json: Json = False,
) -> None:
    """Remove people and everything stored about them.

    Asks first if standard input is a terminal. Exits 1 if one of several people is unknown; the others are removed.
    """
    from visavis.gallery import Gallery

    with Gallery(gallery, create=False) as store:
        people, unknown = find_people(store, who)
        if people and not yes and sys.stdin.isatty():
            confirm(f"Remove {', '.join(map(describe_person, people))} for good?", abort=True)
        if people:
            store.remove(*(person.id for person in people))
            note(UNREACHED)
    if json:
        with Output(json=True) as output:
            for person in people:
                output.answer({**person_line(person), "removed": True})
            answer_unknown(output, unknown, removed=False)
    else:
        for person in people:
            write(f"removed {describe_person(person)}.\n")
    finish(people, unknown, json=json)
