"""Punches in a CSV: columns employee and time, and direction, device and zone if wanted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from visavis.attendance.ledger.ledger import AT_A_TIME, new_punch_id
from visavis.attendance.ledger.records import check_punch
from visavis.attendance.local_time import read_time
from visavis.attendance.site import Site
from visavis.attendance.types import Direction, Punch
from visavis.csv_files import read_table
from visavis.errors import UsageError
from visavis.images import shown
from visavis.text_files import errors_in, malformed, read_text

NEEDED, OPTIONAL = ("employee", "time"), ("direction", "device", "zone")
DIRECTIONS: Mapping[str, Direction] = {
    "": "unspecified", "unspecified": "unspecified", "in": "in", "out": "out",
}  # fmt: skip
"""Directions by what the file says, in any case."""


class PunchCounts(NamedTuple):
    """How many punches of a file were added, and how many are in the ledger already."""

    added: int
    present: int


Watch = Callable[[Iterator[Punch], int], Iterator[Punch]]
"""Yields punches as they come; it has their number, to show how many were added."""


def import_punches(site: Site, path: Path, *, actor: str, watch: Watch | None = None) -> PunchCounts:
    """Add the punches of a file, unless the employee has one of the same time and direction.

    A time without an offset is local in ``zone``, or in the zone of the site. The file is checked before anything is
    added; then it is added in parts, so that others can punch meanwhile: an import that was interrupted goes on where
    the same is imported again. Raises UsageError, which names the file and the line.
    """
    text = read_text(path)
    employees = {employee.number for employee in site.employees()}
    with errors_in(path):
        total = sum(1 for _ in _read_punches(text, site.zone, employees))
    punches = _read_punches(text, site.zone, employees)
    if watch is not None:
        punches = watch(punches, total)
    added = 0
    while part := [*islice(punches, AT_A_TIME)]:
        added += site.ledger.add_new_times(part, actor=actor)
    return PunchCounts(added, total - added)


def _read_punches(text: str, zone: str, employees: Collection[str]) -> Iterator[Punch]:
    devices: set[str] = set()
    for line, cells in read_table(text, NEEDED, OPTIONAL):
        try:
            punch = _make_punch(cells, zone)
            if punch.device not in devices:  # all else of the punch is what a file can hold
                devices.add(check_punch(punch).device)
        except UsageError as error:
            raise malformed(line, str(error)) from error
        if punch.employee not in employees:
            raise malformed(line, f"there is no employee {shown(punch.employee)}: import people first.")
        yield punch


def _make_punch(cells: Mapping[str, str], zone: str) -> Punch:
    direction = DIRECTIONS.get(cells.get("direction", "").lower())
    if direction is None:
        raise UsageError(f"a direction is in, out or empty, got {shown(cells['direction'])}.")
    place = cells.get("zone") or zone
    at = read_time(cells["time"], place)
    return Punch(new_punch_id(), cells["employee"], at, place, direction, cells.get("device", ""))
