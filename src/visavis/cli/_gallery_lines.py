"""JSON lines, table rows and notes about people and templates, for the commands of ``gallery``."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from json import dumps
from typing import TYPE_CHECKING

from visavis.cli._options import GALLERY
from visavis.cli._output import decimals, short, significant
from visavis.cli._table import Column
from visavis.errors import DoubtfulPhotoError

if TYPE_CHECKING:
    from visavis.gallery import Person, StoredTemplate
    from visavis.gallery.types import Skipped

COLUMNS = (
    "person",
    "name",
    "photos",
    Column("consent", drop=3, least=12),
    Column("note", drop=2, least=12),
    "since",
)

LIST_CSV = ("person_id", "name", "photos", "consent", "consented", "note", "metadata", "created")


def person_line(person: Person) -> dict[str, object]:
    return {
        "person_id": person.id,
        "name": person.name,
        "photos": len(person.templates),
        "consent": person.consent,
        "consented": None if person.consented is None else person.consented.isoformat(),
        "note": person.note,
        "metadata": dict(person.metadata),
        "created": person.created.isoformat(),
    }


def person_row(person: Person) -> list[str]:
    count, consent = str(len(person.templates)), person.consent or "-"
    return [str(person.id), person.name, count, consent, person.note, f"{person.created:%Y-%m-%d}"]


def person_facts(person: Person) -> dict[str, str]:
    """Return the stored fields of a person, without the templates."""
    return {
        "person": str(person.id),
        "name": person.name,
        "consent": person.consent or "-",
        "consented": "-" if person.consented is None else person.consented.isoformat(),
        "note": person.note or "-",
        "metadata": dumps(dict(person.metadata), ensure_ascii=False) if person.metadata else "-",
        "since": f"{person.created:%Y-%m-%d}",
    }


def template_line(template: StoredTemplate) -> dict[str, object]:
    return {
        "template_id": template.id,
        "photo": template.photo,
        "sha256": template.photo_sha256,
        "box": template.box and decimals(template.box),
        "quality": significant(template.quality),
        "created": template.created.isoformat(),
    }


def template_row(template: StoredTemplate) -> list[str]:
    box = " ".join(f"{value:.0f}" for value in template.box) if template.box else "-"
    return [str(template.id), template.photo, box, short(template.quality, ".2f"), f"{template.created:%Y-%m-%d}"]


def next_steps(people: int, unassigned: int, gallery: str) -> Iterator[str]:
    """Yield what to do next if a gallery has no people, or has unassigned faces."""
    option = f" --gallery {shlex.quote(gallery)}"
    where = "" if gallery == GALLERY else option
    if unassigned:
        verb = "belongs" if unassigned == 1 else "belong"
        yield (
            f"{counted(unassigned, 'indexed face')} {verb} to nobody yet: visavis cluster{option} "
            f"shows who is alike, visavis gallery name NAME TEMPLATE...{where} names them."
        )
    elif not people:
        yield f"nobody is in the gallery yet: visavis enroll NAME PHOTO...{where} adds a person."


def namesake_notes(person: Person, others: Sequence[Person], gallery: str) -> Iterator[str]:
    """Yield a note for each other person with the same or a similar name: use ids, or merge the two."""
    where = "" if gallery == GALLERY else f" --gallery {shlex.quote(gallery)}"
    for other in others:
        yield (
            f"{other.name} (id {other.id}) is another person than {person.name} (id {person.id}): refer to them by "
            f"id, or, if they are one person, run visavis gallery merge {person.id} {other.id}{where}."
        )


def why_skipped(photo: Skipped) -> str:
    """Return a sentence that names the photo once and says why it was skipped."""
    if photo.status == DoubtfulPhotoError.status:
        return f"{photo.photo} {photo.message}"
    return photo.message if photo.photo in photo.message else f"{photo.photo}: {photo.message}"


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
