"""gallery show: show everything stored about people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from visavis.cli._options import GALLERY, GalleryUrl, Json
from visavis.cli._output import Output, write
from visavis.cli.gallery._lines import person_facts, person_line, template_line, template_row
from visavis.cli.gallery._people import People, answer_unknown, find_people, finish

if TYPE_CHECKING:
    from visavis.gallery import Person


def show(who: People, gallery: GalleryUrl = GALLERY, json: Json = False) -> None:
    """Show everything stored about people.

    Prints note, consent, metadata, and the ids and photos of the templates. Exits 1 if one of several is unknown.
    """
    from visavis.gallery import Gallery

    with Gallery(gallery, create=False) as store:
        people, unknown = find_people(store, who)
    if json:
        with Output(json=True) as output:
            for person in people:
                templates = [template_line(template) for template in person.templates]
                output.answer({**person_line(person), "templates": templates})
            answer_unknown(output, unknown)
    else:
        for place, person in enumerate(people):
            write("\n" if place else "")
            _write_person(person)
    finish(people, unknown, json=json)


def _write_person(person: Person) -> None:
    with Output("", "", json=False) as output:
        output.answer({}, *([key, value] for key, value in person_facts(person).items()))
    write("\n")
    with Output("template", "photo", "box", "quality", "since", json=False) as output:
        output.answer({}, *(template_row(template) for template in person.templates))
