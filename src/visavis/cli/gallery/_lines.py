"""JSON lines and table rows of people and templates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from visavis.cli._output import decimals, short
from visavis.cli._table import Column
from visavis.printable import dump_json, significant

if TYPE_CHECKING:
    from visavis.gallery import Person, StoredTemplate

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
        "metadata": dump_json(dict(person.metadata)) if person.metadata else "-",
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
