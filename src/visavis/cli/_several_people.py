"""gallery show, gallery remove: several people in one command, looked up independently."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli._cells import printable
from visavis.cli._gallery_lines import counted, person_facts, person_line, template_line, template_row
from visavis.cli._options import GALLERY, GalleryUrl, Json
from visavis.cli._output import Output, note, write
from visavis.errors import UsageError

if TYPE_CHECKING:
    from visavis.gallery import Gallery, Person

People = Annotated[list[str], typer.Argument(metavar="WHO...", help="Ids or unique names of people.")]


def show(who: People, gallery: GalleryUrl = GALLERY, json: Json = False) -> None:
    """Show everything stored about people.

    Prints note, consent, metadata, and the ids and photos of the templates. Exits 1 if one of several is unknown.
    """
    from visavis.gallery import Gallery

    with Gallery(gallery, create=False) as store:
        people, unknown = _find(store, who)
    if json:
        with Output(json=True) as output:
            for person in people:
                templates = [template_line(template) for template in person.templates]
                output.answer({**person_line(person), "templates": templates})
            _answer_unknown(output, unknown)
    else:
        for place, person in enumerate(people):
            write("\n" if place else "")
            _write_person(person)
    _finish(people, unknown, json=json)


def _write_person(person: Person) -> None:
    with Output("", "", json=False) as output:
        output.answer({}, *([key, value] for key, value in person_facts(person).items()))
    write("\n")
    with Output("template", "photo", "box", "quality", "since", json=False) as output:
        output.answer({}, *(template_row(template) for template in person.templates))


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
        people, unknown = _find(store, who)
        if people and not yes and sys.stdin.isatty():
            typer.confirm(f"Remove {', '.join(map(_describe, people))} for good?", abort=True, err=True)
        if people:
            store.remove(*(person.id for person in people))
    if json:
        with Output(json=True) as output:
            for person in people:
                output.answer({**person_line(person), "removed": True})
            _answer_unknown(output, unknown, removed=False)
    else:
        for person in people:
            write(f"removed {_describe(person)}.\n")
    _finish(people, unknown, json=json)


def _find(store: Gallery, who: Sequence[str]) -> tuple[list[Person], dict[str, UsageError]]:
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


def _answer_unknown(output: Output, unknown: dict[str, UsageError], **keys: object) -> None:
    for word, error in unknown.items():
        output.answer({"person_id": None, "name": word, **keys, "message": str(error)})


def _finish(people: Sequence[Person], unknown: dict[str, UsageError], *, json: bool) -> None:
    """Note who was not found, and exit: 0 if all were found, 1 if some, 2 if none."""
    if not json:
        for error in unknown.values():
            note(str(error))
    raise typer.Exit(0 if not unknown else 1 if people else 2)


def _describe(person: Person) -> str:
    return f"{printable(person.name)} (id {person.id}) with {counted(len(person.templates), 'template')}"
