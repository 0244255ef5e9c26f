"""What the page of a day proposes for a day that is to be settled: requests to the REST API, of which one is chosen.

Each takes a reason, which the ledger keeps.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import quote

from visavis.attendance.days.types import DayPart
from visavis.attendance.local_time import read_zone
from visavis.attendance.rules.schedule import ShiftTime
from visavis.attendance.types import Direction, Punch
from visavis.printable import dump_json
from visavis.server.pages.attendance_scope import Scope
from visavis.server.pages.attendance_today import TodayRow
from visavis.server.roles import APPROVE, ATTENDANCE, MANAGE

API = "/v1/attendance"
REACH = timedelta(hours=42)
"""How far from noon the punches of a day may be: night shifts begin on the day before, or end on the next."""


@dataclass(frozen=True, slots=True)
class Order:
    """A request: ``{id}`` in the path is that of the answer before."""

    path: str
    body: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A way to settle a day: ``key`` of its text in the catalogs with ``values``, and the requests that do it."""

    key: str
    orders: tuple[Order, ...]
    values: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return the requests for the script of the page."""
        return dump_json([{"path": order.path, "body": dict(order.body)} for order in self.orders])


def propose(
    row: TodayRow, punches: Mapping[str, Punch], now: datetime, leave_kinds: Iterable[str], *, may_record: bool
) -> list[Proposal]:
    """Return the ways to settle a day; ``punches`` are those of the employee by id.

    Who may not record punches can excuse a late arrival alone. A day without a proposal has a page that says more.
    """
    proposals: list[Proposal] = []
    if "late" in row.marks:
        path = f"{API}/employees/{quote(row.employee.number, safe='')}/days/{row.day.day}/excuse"
        proposals.append(Proposal("excuse", (Order(path),)))
    if not may_record or not row.marks & {"missing", "unpaired", "undecided"}:
        return proposals
    times = () if row.plan is None else row.plan.times
    for shift, part in zip(times, row.day.parts, strict=False):
        proposals += _complete(row, shift, part, punches, now)
    proposals += [_void(punches[each]) for each in row.day.outside if each in punches]
    if not row.day.arrival and not any(part.unpaired for part in row.day.parts):
        proposals += [_give_leave(row, kind) for kind in leave_kinds]
    return proposals


def _complete(
    row: TodayRow, shift: ShiftTime, part: DayPart, punches: Mapping[str, Punch], now: datetime
) -> Iterator[Proposal]:
    """Yield the proposals for a shift: the punches that are missing, at the times that the rules plan."""
    start, end = part.start or shift.starts_at, part.end or shift.ends_at
    if shift.shift is None or start is None or end is None:
        return
    if not part.intervals and not part.unpaired and not part.open:
        planned = [("in", start), *([("out", end)] if end <= now else [])]
        yield Proposal(
            "was_there" if len(planned) > 1 else "has_come",
            tuple(_add(row, direction, at) for direction, at in planned),
            {"start": f"{start:%H:%M}", "end": f"{end:%H:%M}"},
        )
    for punch in [punches[each] for each in part.unpaired if each in punches]:
        yield from _pair(row, part, punch, [(start, end), *_list_breaks(shift, start)], now)
        yield _void(punch)


def _pair(
    row: TodayRow, part: DayPart, punch: Punch, spans: list[tuple[datetime, datetime]], now: datetime
) -> Iterator[Proposal]:
    """Yield the proposals for a punch without its other half; ``spans`` are the shift and its breaks."""
    version, clock = None if row.plan is None else row.plan.version, {"at": f"{punch.at:%H:%M}"}
    says = punch.direction if version is None else version.devices.get(punch.device, punch.direction)
    least = 0.0 if version is None or punch.method != "face" else version.least_probability
    if "doubtful_face" in part.notes and (punch.probability or 0.0) < least:
        yield Proposal("is_face", (*_void(punch).orders, _add(row, punch.direction, punch.at)), clock)
    elif "no_direction" in part.notes and says == "unspecified":
        for direction in ("in", "out"):
            order = Order(f"{API}/punches/{quote(punch.id, safe='')}/correct", {"direction": direction})
            yield Proposal(f"was_{direction}", (order,), clock)
    elif ("missing_in" in part.notes and says == "out") or _is_departure(part, punch, *spans[0]):
        at = _find_arrival(part, punch, spans)
        if at is not None and at < punch.at:
            yield Proposal("add_in", (_add(row, "in", at),), {"at": f"{at:%H:%M}"})
    elif "missing_out" in part.notes:
        at = _find_departure(part, punch, spans)
        if at is not None and punch.at < at <= now:
            yield Proposal("add_out", (_add(row, "out", at),), {"at": f"{at:%H:%M}"})


def _is_departure(part: DayPart, punch: Punch, start: datetime, end: datetime) -> bool:
    """Return whether the only punch of a shift is rather that of going, although the rules count it as coming."""
    return not part.intervals and len(part.unpaired) == 1 and abs(punch.at - end) < abs(punch.at - start)


def _find_arrival(part: DayPart, punch: Punch, spans: list[tuple[datetime, datetime]]) -> datetime | None:
    """Return when an employee has probably come before a departure: at the start, or after the last break."""
    before = [interval.departure for interval in part.intervals if interval.departure <= punch.at]
    if not before:
        return spans[0][0]
    return max((stop for _, stop in spans[1:] if before[-1] < stop < punch.at), default=None)


def _find_departure(part: DayPart, punch: Punch, spans: list[tuple[datetime, datetime]]) -> datetime | None:
    """Return when an employee has probably gone after an arrival: at the end, or at the next break."""
    after = [interval.arrival for interval in part.intervals if interval.arrival >= punch.at]
    if not after:
        return spans[0][1]
    return min((begin for begin, _ in spans[1:] if punch.at < begin < after[0]), default=None)


def _list_breaks(shift: ShiftTime, like: datetime) -> list[tuple[datetime, datetime]]:
    """Return the breaks of a shift, in the zone of another time."""
    zone = like.tzinfo
    return [
        (datetime.fromtimestamp(60 * begin, zone), datetime.fromtimestamp(60 * stop, zone))
        for begin, stop in sorted(shift.breaks)
    ]


def _add(row: TodayRow, direction: Direction | str, at: datetime) -> Order:
    body = {"employee": row.employee.number, "direction": direction, "at": at.isoformat()}
    return Order(f"{API}/punches", body)


def _void(punch: Punch) -> Proposal:
    order = Order(f"{API}/punches/{quote(punch.id, safe='')}/void")
    return Proposal("void", (order,), {"at": f"{punch.at:%H:%M}"})


def _give_leave(row: TodayRow, kind: str) -> Proposal:
    day = row.day.day.isoformat()
    ask = {"kind": "leave", "employee": row.employee.number, "leave": kind, "first": day}
    return Proposal("leave", (Order(f"{API}/requests", ask), Order(f"{API}/requests/{{id}}/approve")), {"kind": kind})


def list_proposals(scope: Scope, rows: Iterable[TodayRow], day: date) -> dict[str, list[Proposal]]:
    """Return the ways to settle the days of employees that the visitor may settle, by employee number."""
    own = scope.view.employee
    may_record = scope.visitor.may(MANAGE) and scope.visitor.may(ATTENDANCE)
    if not may_record and not scope.visitor.may(APPROVE):
        return {}
    listed = [row for row in rows if row.is_open and (own is None or row.employee.number != own.number)]
    if not listed:
        return {}
    numbers = [row.employee.number for row in listed]
    noon = datetime.combine(day, time(12), read_zone(scope.zone))
    ids = {each.id: each for each in scope.site.punches_between(noon - REACH, noon + REACH, numbers)}
    kinds = [*scope.planner.rules.leave]
    return {row.employee.number: propose(row, ids, scope.now, kinds, may_record=may_record) for row in listed}
