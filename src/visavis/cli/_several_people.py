"""gallery show, gallery remove: several people in one command, each found or not without regard to the others."""

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

People = Annotated[
    list[str], typer.Argument(metavar="WHO...", help="Ids of people, or names that one person each has.")
]


def show(who: People, gallery: GalleryUrl = GALLERY, json: Json = False) -> None:
    """Show all that is stored of people.

    Note, consent, metadata, and the templates: their ids, and the photos they are from. Exits 1 where one of several
    is unknown.
    """
    from visavis.gallery import Gallery

    with Gallery(gallery, create=False) as store:
        people, unknown = _find(store, who)
    if json:
        with Output(json=True) as output:
            for person in people:
                templates = [template_line(one) for one in person.templates]
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
        output.answer({}, *(template_row(one) for one in person.templates))


def remove(
    who: People,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    gallery: GalleryUrl = GALLERY,
    json: Json = False,
) -> None:
    """Remove people and all that is stored of them.

    Asks first where standard input is a terminal. Exits 1 where one of several is unknown; the others are removed.
    """
    from visavis.gallery import Gallery

    with Gallery(gallery, create=False) as store:
        people, unknown = _find(store, who)
        if people and not yes and sys.stdin.isatty():
            typer.confirm(f"Remove {', '.join(map(_described, people))} for good?", abort=True, err=True)
        if people:
            store.remove(*(person.id for person in people))
    if json:
        with Output(json=True) as output:
            for person in people:
                output.answer({**person_line(person), "removed": True})
            _answer_unknown(output, unknown, removed=False)
    else:
        for person in people:
            write(f"removed {_described(person)}.\n")
    _finish(people, unknown, json=json)


def _find(store: Gallery, who: Sequence[str]) -> tuple[list[Person], dict[str, UsageError]]:
    """Return the people that are meant, each once, and the error of each word that means nobody or several people.

    Raises that error where the word is the only one.
    """
    people: dict[int, Person] = {}
    unknown: dict[str, UsageError] = {}
    for each in who:
        try:
            person = store.find(each)
        except UsageError as error:
            if len(who) == 1:
                raise
            unknown[each] = error
        else:
            people[person.id] = person
    return list(people.values()), unknown


def _answer_unknown(output: Output, unknown: dict[str, UsageError], **more: object) -> None:
    for word, error in unknown.items():
        output.answer({"person_id": None, "name": word, **more, "message": str(error)})


def _finish(people: Sequence[Person], unknown: dict[str, UsageError], *, json: bool) -> None:
    """Tell of those who were not found, and exit: 0 where all were, 1 where one was not, 2 where nobody was."""
    if not json:
        for error in unknown.values():
            note(str(error))
    raise typer.Exit(0 if not unknown else 1 if people else 2)


def _described(person: Person) -> str:
    return f"{printable(person.name)} (id {person.id}) with {counted(len(person.templates), 'template')}"
