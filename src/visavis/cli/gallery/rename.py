"""gallery rename: rename a person."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli._galleries import open_existing
from visavis.cli._options import GALLERY, GalleryUrl, Json
from visavis.cli._output import Output, note
from visavis.cli.gallery._lines import COLUMNS, person_line, person_row
from visavis.cli.gallery._people import Who

if TYPE_CHECKING:
    from visavis.gallery import Person


def rename(
    who: Who,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The new name.")],
    gallery: GalleryUrl = GALLERY,
    json: Json = False,
) -> None:
    """Rename a person; the id stays.

    If another person has the same or a similar name, a note names that person and the command that merges the two.
    """
    with open_existing(gallery) as store, Output(*COLUMNS, json=json) as output:
        person_id = store.find(who).id
        store.rename(person_id, name)
        person = store.person(person_id)
        namesakes = [other for other in store.similar_names(person.name, equal=True) if other.id != person_id]
        output.answer(person_line(person), person_row(person))
        for text in namesake_notes(person, namesakes, store.url):
            note(text)


def namesake_notes(person: Person, others: Sequence[Person], gallery: str) -> Iterator[str]:
    """Yield a note for each other person with the same or a similar name: use ids, or merge the two."""
    where = "" if gallery == GALLERY else f" --gallery {shlex.quote(gallery)}"
    for other in others:
        yield (
            f"{other.name} (id {other.id}) is another person than {person.name} (id {person.id}): refer to them by "
            f"id, or, if they are one person, run visavis gallery merge {person.id} {other.id}{where}."
        )
