"""People of the gallery that an employee is or was linked to, and what a withdrawal of consent leaves of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from visavis.attendance.site import Site
from visavis.attendance.tables import EMPLOYEES
from visavis.images import shown

if TYPE_CHECKING:
    from visavis.gallery import Gallery

_MERGED = re.compile(r"\d+ templates of person (\d+)")
"""Detail of a merge in the audit log of a gallery."""


def list_linked(site: Site, employee: str) -> set[int]:
    """Return the ids of all people that an employee is or was linked to, as the ledger has it."""
    linked = set()
    for record in site.ledger.history(employee=employee):
        row = (record.detail or {}).get("row")
        if row and record.detail and record.detail["table"] == EMPLOYEES.name and row["person_id"] is not None:
            linked.add(int(row["person_id"]))
    return linked


def describe_left_people(site: Site, gallery: Gallery, employee: str, person_id: int | None) -> Iterator[str]:
    """Yield sentences about people of the gallery who may still have templates of an employee.

    ``person_id`` is the person who was just removed. Which templates of another person are those of the employee is not
    known: they are removed by hand.
    """
    people = {person.id: person.name for person in gallery.people()}
    others = {each.person_id for each in site.employees() if each.number != employee}
    merges = {
        int(match[1]): entry.person_id
        for entry in gallery.audit()
        if entry.action == "merge" and entry.person_id is not None and (match := _MERGED.fullmatch(entry.detail))
    }
    ids = list_linked(site, employee) | (set() if person_id is None else {person_id})
    for linked in sorted(ids):
        target, steps = merges.get(linked), {linked}
        while target in merges and target not in people and target not in steps:
            steps.add(target)
            target = merges[target]
        if linked not in people and target in people:
            yield (
                f"person {linked}, who was employee {shown(employee)}, was merged into person {target} "
                f"({shown(people[target])}): remove the templates of the employee there."
            )
        elif linked in people and linked != person_id and linked not in others:
            yield (
                f"employee {shown(employee)} was person {linked} ({shown(people[linked])}) before: if that is the same "
                f"human, remove this person too: visavis gallery remove {linked}."
            )
