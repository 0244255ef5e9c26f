"""People named by WHO arguments: one, or several that are looked up independently."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli._output import Output, counted, note
from visavis.errors import UsageError
from visavis.printable import make_printable

if TYPE_CHECKING:
    from visavis.gallery import Gallery, Person

Who = Annotated[str, typer.Argument(metavar="WHO", help="A person's id or unique name.")]
People = Annotated[list[str], typer.Argument(metavar="WHO...", help="Ids or unique names of people.")]


def find_people(store: Gallery, who: Sequence[str]) -> tuple[list[Person], dict[str, UsageError]]:
    """Return the distinct people in ``who``, and the error of each word that names no person or several.

    Raise that error if there is only one word.
    """
    people: dict[int, Person] = {}
    unknown: dict[str, UsageError] = {}
    for word in who:
        try:
            person = store.find(word)
        except UsageError as error:
            if len(who) == 1:
                raise
            unknown[word] = error
        else:
            people[person.id] = person
    return list(people.values()), unknown


def answer_unknown(output: Output, unknown: dict[str, UsageError], **keys: object) -> None:
    for word, error in unknown.items():
        output.answer({"person_id": None, "name": word, **keys, "message": str(error)})


def finish(people: Sequence[Person], unknown: dict[str, UsageError], *, json: bool) -> None:
    """Note who was not found, and exit: 0 if all were found, 1 if some, 2 if none."""
    if not json:
        for error in unknown.values():
            note(str(error))
    raise typer.Exit(0 if not unknown else 1 if people else 2)


def describe_person(person: Person) -> str:
    return f"{make_printable(person.name)} (id {person.id}) with {counted(len(person.templates), 'template')}"
