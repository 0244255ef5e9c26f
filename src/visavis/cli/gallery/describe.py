"""gallery describe: set the note, consent or metadata of a person."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from visavis.cli._galleries import open_existing
from visavis.cli._options import GALLERY, GalleryUrl, Json
from visavis.cli._output import Output
from visavis.cli.gallery._lines import COLUMNS, person_line, person_row
from visavis.cli.gallery._people import Who
from visavis.errors import UsageError
from visavis.structured_text import parse_json


def describe(
    who: Who,
    *,
    remark: Annotated[str | None, typer.Option("--note", metavar="TEXT", help="A remark.")] = None,
    consent: Annotated[str | None, typer.Option("--consent", metavar="TEXT", help="How consent was given.")] = None,
    consented: Annotated[
        datetime | None, typer.Option("--consented", formats=["%Y-%m-%d"], help="The day consent was given.")
    ] = None,
    metadata: Annotated[
        str | None, typer.Option("--metadata", metavar="JSON", help="A JSON object of your own data.")
    ] = None,
    gallery: GalleryUrl = GALLERY,
    json: Json = False,
) -> None:
    """Set the note, consent or metadata of a person.

    Keeps what is not given.
    """
    fields = None if metadata is None else _parse_object(metadata)
    with open_existing(gallery) as store, Output(*COLUMNS, json=json) as output:
        person_id = store.find(who).id
        day = None if consented is None else consented.date()
        store.describe(person_id, note=remark, consent=consent, consented=day, metadata=fields)
        person = store.person(person_id)
        output.answer(person_line(person), person_row(person))


def _parse_object(text: str) -> dict[str, object]:
    """Parse the JSON object of --metadata."""
    try:
        parsed = parse_json(text)
    except ValueError as error:
        raise UsageError(f"--metadata is not JSON: {error}.") from error
    if not isinstance(parsed, dict):
        raise UsageError('--metadata must be an object, such as {"desk": 4}.')
    return parsed
