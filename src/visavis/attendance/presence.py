"""Who is in now: for a list that is read aloud after an evacuation, so a doubt counts as being in.

The newest punches of an employee decide, in stretches without a gap of ``LONGEST_STAY`` or more. Punches that say "in"
or "out" are believed; others alternate, beginning with "in" in each stretch. Who came in longer ago than
``LONGEST_STAY``, or punched again after so long, may have forgotten to punch, and is listed as "perhaps". So is who
punched twice within ``SHORT_STAY`` without a direction, until a punch says one: it may have been a double punch.

A device that the rules of the site call an entrance or an exit says the direction of its punches. Where a punch says
the other one, the employee is listed as "perhaps", since one of the two is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from operator import attrgetter
from typing import Literal

from visavis.attendance.types import Direction, Employee, Punch
from visavis.plain import Plain

LONGEST_STAY = timedelta(hours=14)
LOOK_BACK = timedelta(days=3)
"""How far back punches can say that an employee is in."""
REPEATED = timedelta(minutes=1)
"""Punches without a direction that follow each other faster are one."""
SHORT_STAY = timedelta(minutes=15)
"""Stays between two punches without a direction that may as well be one punch given twice."""

Devices = Mapping[str, Direction]
PresenceState = Literal["in", "perhaps"]


@dataclass(frozen=True, slots=True)
class Present(Plain):
    """An employee who is in since a time, or perhaps is."""

    employee: str
    name: str
    department: str
    state: PresenceState
    since: datetime
    device: str


def find_present(
    employees: Iterable[Employee], punches: Iterable[Punch], now: datetime, devices: Devices | None = None
) -> list[Present]:
    """Return who is in at ``now``, or perhaps is, by department and name.

    ``punches`` are those of the time from ``now - LOOK_BACK`` on, of all employees. ``devices`` are the entrances and
    exits.
    """
    by_number = {employee.number: employee for employee in employees}
    earlier = sorted(
        (punch for punch in punches if now - LOOK_BACK <= punch.at <= now),
        key=lambda punch: (punch.employee, punch.at, punch.id),
    )
    present = []
    for number, own in groupby(earlier, key=attrgetter("employee")):
        directed, contradicted = _apply_devices([*own], devices or {})
        entry, doubtful = _find_entry(directed)
        doubtful = doubtful or (entry is not None and entry.id in contradicted)
        if entry is not None and (employee := by_number.get(number)) is not None:
            state: PresenceState = "perhaps" if doubtful or now - entry.at >= LONGEST_STAY else "in"
            present.append(Present(number, employee.name, employee.department, state, entry.at, entry.device))
    return sorted(present, key=lambda each: (each.department, each.name, each.employee))


def _apply_devices(punches: Sequence[Punch], devices: Devices) -> tuple[list[Punch], set[str]]:
    """Return punches with the directions of their devices, and the ids of those that say the other direction.

    These count as coming in.
    """
    directed, contradicted = [], set()
    for punch in punches:
        direction = devices.get(punch.device, punch.direction)
        if punch.direction not in ("unspecified", direction):
            contradicted.add(punch.id)
            direction = "in"
        directed.append(punch if direction == punch.direction else replace(punch, direction=direction))
    return directed, contradicted


def _find_entry(punches: Sequence[Punch]) -> tuple[Punch | None, bool]:
    """Return the punch by which an employee came in, None where they went, and whether it may be one of going.

    The punches are ordered by time.
    """
    entry, doubtful = (punches[0] if punches[0].direction != "out" else None), False
    is_parity_unsure = False
    for before, punch in pairwise(punches):
        if punch.direction != "unspecified":
            entry, doubtful = (punch if punch.direction == "in" else None), False
            is_parity_unsure = False
        elif punch.at - before.at >= LONGEST_STAY:
            doubtful = entry is not None
            entry = punch
            is_parity_unsure = False
        elif is_parity_unsure or (entry is not None and REPEATED <= punch.at - before.at < SHORT_STAY):
            entry, doubtful, is_parity_unsure = (entry or punch), True, True
        elif punch.at - before.at >= REPEATED:
            entry, doubtful = (punch if entry is None else None), False
    return entry, doubtful
