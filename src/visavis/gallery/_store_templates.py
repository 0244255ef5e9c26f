"""Storing templates of people: which are new, which are there already, whose they become."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from visavis.gallery.check_input import told_apart
from visavis.gallery.index import NOBODY
from visavis.gallery.sql import audit, indexed_photos, records
from visavis.gallery.sql.records import Owner
from visavis.gallery.types import Details, Duplicate, Enrollment, Template

NOTHING_SAID = Details()


class Wanted(NamedTuple):
    """Somebody to be stored: templates as :func:`visavis.gallery.check_input.ready` leaves them."""

    name: str
    templates: Sequence[Template]
    told: Details


class _Sorted(NamedTuple):
    """Templates of one person: new ones, ids of faces that were nobody's, and those that somebody has already."""

    fresh: list[Template]
    claimed: list[int]
    again: list[tuple[Template, Owner]]


def enroll(
    conn: Connection, model: str, wanted: Sequence[Wanted], known: Sequence[int | None], *, actor: str
) -> list[Enrollment]:
    """Store people with their templates; ``known`` says who is there already (None: new).

    Whoever would be new and has no face that is new, or nobody's, is not stored: the answer has the person id 0.
    """
    every = [one for person in wanted for one in person.templates]
    indexed_photos.agree_on_dimension(conn, model, len(every[0].embedding))
    parts = _sort_out(conn, model, wanted, every)
    new = [i for i, part in enumerate(parts) if known[i] is None and (part.fresh or part.claimed)]
    made = dict(zip(new, records.put_people(conn, [(wanted[i].name, wanted[i].told) for i in new]), strict=True))
    people = [made.get(i, one) or NOBODY for i, one in enumerate(known)]
    added = iter(
        records.add_templates(
            conn, model, [(who, one) for who, part in zip(people, parts, strict=True) for one in part.fresh]
        )
    )
    answers: list[Enrollment] = []
    stored: list[tuple[int | None, str]] = []
    for i, (who, part) in enumerate(zip(people, parts, strict=True)):
        if who and i not in made and (said := records.describe(conn, who, wanted[i].told)):
            audit.note(conn, "change", who, ", ".join(said), actor=actor)
        ids = (*(next(added) for _ in part.fresh), *part.claimed)
        if part.claimed:
            records.give(conn, part.claimed, who)
        if ids:
            stored.append((who, f"templates {ids[0]} to {ids[-1]}"))
        duplicates = tuple(_duplicate(one, owner, who, wanted[i].name) for one, owner in part.again)
        answers.append(Enrollment(who, wanted[i].name, i in made, ids, duplicates))
    audit.note_all(conn, "enroll", stored, actor=actor)
    return answers


def _sort_out(conn: Connection, model: str, wanted: Sequence[Wanted], every: Sequence[Template]) -> list[_Sorted]:
    photos = {one.photo_sha256 for one in every if one.photo_sha256 is not None}
    owners = iter(told_apart(every, records.owners(conn, model, photos)))
    parts = []
    for person in wanted:
        part = _Sorted([], [], [])
        for one in person.templates:
            owner = next(owners)
            if owner is None:
                part.fresh.append(one)
            elif owner.person_id == NOBODY and owner.template_id:
                part.claimed.append(owner.template_id)
            else:
                part.again.append((one, owner))
        parts.append(part)
    return parts


def _duplicate(one: Template, owner: Owner, person_id: int, name: str) -> Duplicate:
    """Say whose a face is that was there already; this person's where it came twice at once."""
    whose = (owner.person_id, owner.name) if owner.person_id else (person_id, name)
    return Duplicate(one.photo, one.photo_sha256 or "", *whose)
