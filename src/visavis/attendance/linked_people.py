"""People of the gallery that an employee is or was linked to, and what a withdrawal of consent leaves of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from visavis.attendance.site import Site
from visavis.attendance.tables import EMPLOYEES
from visavis.gallery.merge_log import LoggedMerge, read_merge
from visavis.images import shown

if TYPE_CHECKING:
    from visavis.gallery import Gallery


def list_linked(site: Site, employee: str) -> set[int]:
    """Return the ids of all people that an employee is or was linked to, as the ledger has it."""
    linked = set()
    for record in site.ledger.history(employee=employee):
        row = (record.detail or {}).get("row")
        if row and record.detail and record.detail["table"] == EMPLOYEES.name and row["person_id"] is not None:
            linked.add(int(row["person_id"]))
    return linked


def remove_merged_templates(gallery: Gallery, person_id: int | None) -> int:
    """Remove the templates of a person who was merged into another one, from that one; return how many.

    Those are left that were moved on to a third person, and those of a merge that an older version has logged without
    their ids. A person without other templates is removed.
    """
    merges = _read_merges(gallery)
    if person_id not in merges:
        return 0
    people = {person.id: person for person in gallery.people()}
    person = people.get(_follow(merges, person_id, people))
    moved = {*(merges[person_id][1].template_ids or ())}
    templates = [template.id for template in person.templates if template.id in moved] if person is not None else []
    for template_id in templates:
        gallery.remove_template(template_id, with_person=True)
    return len(templates)


def describe_left_people(
    site: Site, gallery: Gallery, employee: str, person_id: int | None, *, removed: int = 0
) -> Iterator[str]:
    """Yield sentences about people of the gallery who may still have templates of an employee.

    ``person_id`` is the person who was just removed, or merged before: then ``removed`` templates of it were. Which
    other templates are those of the employee is not known: they are removed by hand.
    """
    people = {person.id: person.name for person in gallery.people()}
    others = {each.person_id for each in site.employees() if each.number != employee}
    merges = _read_merges(gallery)
    ids = list_linked(site, employee) | (set() if person_id is None else {person_id})
    for linked in sorted(ids):
        target = _follow(merges, linked, people)
        if linked not in people and target in people:
            merged = (
                f"person {linked}, who was employee {shown(employee)}, was merged into person {target} "
                f"({shown(people[target])})"
            )
            if linked == person_id and removed:
                yield (
                    f"{merged}: the templates that came with it are removed there. If that is the same human, remove "
                    f"this person too: visavis gallery remove {target}."
                )
            else:
                yield f"{merged}: remove the templates of the employee there."
        elif linked in people and linked != person_id and linked not in others:
            yield (
                f"employee {shown(employee)} was person {linked} ({shown(people[linked])}) before: if that is the same "
                f"human, remove this person too: visavis gallery remove {linked}."
            )


def _read_merges(gallery: Gallery) -> dict[int, tuple[int, LoggedMerge]]:
    """Return the merges of a gallery by the person who was merged: into which person, and what was moved."""
    return {
        merge.source: (entry.person_id, merge)
        for entry in gallery.audit()
        if entry.action == "merge" and entry.person_id is not None and (merge := read_merge(entry.detail)) is not None
    }


def _follow(merges: Mapping[int, tuple[int, LoggedMerge]], person_id: int, people: Mapping[int, object]) -> int:
    """Return the person who a person was merged into, through further merges; the same person without one."""
    steps = set()
    while person_id in merges and person_id not in people and person_id not in steps:
        steps.add(person_id)
        person_id = merges[person_id][0]
    return person_id
