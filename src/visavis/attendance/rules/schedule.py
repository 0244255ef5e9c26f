"""What is planned for an employee on a day: the shifts by the clock of the place, a day off, a holiday.

Times are minutes since 1970-01-01 00:00 UTC, so that durations are right where clocks change. A time of day that clocks
skip is as long after midnight as on other days; of a time that comes twice the first is meant.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from visavis.attendance.rules.types import DAY, Assignment, Counting, DayKind, Rules, RuleVersion, Shift
from visavis.attendance.types import Employee
from visavis.errors import UsageError

MOST_PLANS = 200_000
"""Plans that are kept; more begin anew."""


@dataclass(frozen=True, slots=True, eq=False)
class ShiftTime:
    """A shift on a day. Punches from ``opens`` to ``closes`` may belong to it.

    ``shift`` is None for a day without a shift, which begins and ends at midnight; ``extension`` is the end of the time
    in which a departure may still belong to it. ``planned`` is in minutes, ``first_half`` that before ``middle``.
    """

    shift: Shift | None
    day: date
    start: int
    end: int
    opens: int
    closes: int
    counting: Counting
    extension: int = 0
    middle: int = 0
    planned: int = 0
    breaks: tuple[tuple[int, int], ...] = ()
    core: tuple[int, int] | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True, eq=False)
class DayPlan:
    """The plan of a day, from ``midnight`` to ``next_midnight``; ``planned`` are the minutes of all its shifts."""

    day: date
    kind: DayKind
    version: RuleVersion
    times: tuple[ShiftTime, ...]
    planned: int
    midnight: int
    next_midnight: int
    holiday: str = ""


class Planner:
    """Plans of employees by day; what many employees share is computed once."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self._named = {number for assignment in rules.assignments for number in assignment.employees}
        self._assignments: dict[tuple[str, str], tuple[Assignment, ...]] = {}
        self._groups: dict[tuple[int, ...], tuple[Assignment, ...]] = {}
        self._plans: dict[tuple[int, date], DayPlan] = {}
        self._times: dict[tuple[date, str, date], ShiftTime] = {}

    def plan(self, employee: Employee, day: date) -> DayPlan:
        """Return the plan of a day; UsageError for a day before the first version of the rules."""
        assignment = self._assignment(employee, day)
        key = id(assignment), day
        plan = self._plans.get(key)
        if plan is None:
            if len(self._plans) >= MOST_PLANS:
                self._plans.clear()
                self._times.clear()
            plan = self._plans[key] = self._make_plan(assignment, day)
        return plan

    def group(self, employee: Employee) -> int:
        """Return a number that is the same for employees with the same assignments, and so with the same plans."""
        return id(self._find_assignments(employee))

    def minute(self, day: date, minutes: int) -> int:
        """Return a time of day, in minutes since 1970."""
        return int(self._at(day, minutes).timestamp()) // 60

    def version(self, day: date) -> RuleVersion:
        """Return the version of the rules of a day."""
        version = next((version for version in reversed(self.rules.versions) if version.start <= day), None)
        if version is None:
            first = self.rules.versions[0].start
            raise UsageError(f"no rules apply to {day}: the first version begins on {first}.")
        return version

    def _assignment(self, employee: Employee, day: date) -> Assignment | None:
        """Return the assignment of an employee; that which names the employee comes before that of the department."""
        for assignment in self._find_assignments(employee):
            if assignment.first <= day and (assignment.last is None or day <= assignment.last):
                return assignment
        return None

    def _find_assignments(self, employee: Employee) -> tuple[Assignment, ...]:
        """Return the assignments of an employee by precedence: the same tuple for all who have the same."""
        number = employee.number
        key = number if number in self._named else "", employee.department
        assignments = self._assignments.get(key)
        if assignments is None:
            matching = self._match(employee)
            assignments = self._groups.setdefault(tuple(map(id, matching)), matching)
            self._assignments[key] = assignments
        return assignments

    def _match(self, employee: Employee) -> tuple[Assignment, ...]:
        """Return the assignments of an employee by precedence: the most specific first, then the last in the file."""
        ranked = []
        for number, assignment in enumerate(self.rules.assignments):
            everyone = not assignment.employees and not assignment.departments
            rank = 2 if employee.number in assignment.employees else int(employee.department in assignment.departments)
            if rank or everyone:
                ranked.append((rank, number, assignment))
        return tuple(assignment for _, _, assignment in sorted(ranked, key=lambda entry: entry[:2], reverse=True))

    def _make_plan(self, assignment: Assignment | None, day: date) -> DayPlan:
        version = self.version(day)
        midnight, next_midnight = self.minute(day, 0), self.minute(day + timedelta(1), 0)
        names = () if assignment is None else self._shifts(assignment, day)
        holiday = "" if assignment is None else self._holiday(assignment, day)
        if names and not holiday:
            times = sorted((self._time(version, name, day) for name in names), key=lambda time: time.start)
            planned = sum(time.planned for time in times)
            return DayPlan(day, "workday", version, tuple(times), planned, midnight, next_midnight)
        kind: DayKind = "holiday" if holiday else "off" if assignment else "unassigned"
        free = version.free_day
        time = ShiftTime(
            None,
            day,
            midnight,
            next_midnight,
            midnight,
            next_midnight - 1,
            free.counting,
            next_midnight + free.window_after,
        )
        return DayPlan(day, kind, version, (time,), 0, midnight, next_midnight, holiday)

    def _shifts(self, assignment: Assignment, day: date) -> tuple[str, ...]:
        if assignment.roster:
            roster = self.rules.rosters[assignment.roster]
            return roster.cycle[(day - roster.start).days % len(roster.cycle)]
        return () if day.weekday() in assignment.weekly_off else assignment.shifts

    def _holiday(self, assignment: Assignment, day: date) -> str:
        names = (self.rules.holidays[name].get(day, "") for name in assignment.holidays)
        return next(filter(None, names), "")

    def _time(self, version: RuleVersion, name: str, day: date) -> ShiftTime:
        key = version.start, name, day
        time = self._times.get(key)
        if time is None:
            time = self._times[key] = self._make_time(version.shifts[name], day)
        return time

    def _make_time(self, shift: Shift, day: date) -> ShiftTime:
        starts_at, ends_at = self._at(day, shift.start), self._at(day, shift.end)
        start, end = self.minute(day, shift.start), self.minute(day, shift.end)
        begins = [self.minute(day, item.start) for item in shift.breaks]
        breaks = tuple(  # as long as by the rules, also where clocks change within
            (begin, begin + item.end - item.start) for begin, item in zip(begins, shift.breaks, strict=True)
        )
        return ShiftTime(
            shift,
            day,
            start,
            end,
            start - shift.window_before,
            end + shift.window_after,
            shift.counting,
            middle=(start + end) // 2 if shift.middle is None else self.minute(day, shift.middle),
            planned=_planned(shift, start, end, breaks),
            breaks=breaks,
            core=None if shift.core is None else (self.minute(day, shift.core[0]), self.minute(day, shift.core[1])),
            starts_at=starts_at,
            ends_at=ends_at,
        )

    def _at(self, day: date, minutes: int) -> datetime:
        days, rest = divmod(minutes, DAY)
        later = day + timedelta(days)
        at = datetime(later.year, later.month, later.day, rest // 60, rest % 60, tzinfo=self.rules.zone)
        return datetime.fromtimestamp(at.timestamp(), self.rules.zone)


def _planned(shift: Shift, start: int, end: int, breaks: tuple[tuple[int, int], ...]) -> int:
    """Return the time to be worked: flexible hours as required, else the shift without its breaks."""
    if shift.required is not None:
        return shift.required
    fixed = sum(stop - begin for begin, stop in breaks)
    return end - start - fixed - automatic_break(shift.counting, end - start - fixed, fixed)


def automatic_break(counting: Counting, worked: int, breaks: int) -> int:
    """Return the automatic break to be deducted: the longest that is due, less the breaks that were taken."""
    due = max((item.minutes for item in counting.automatic_breaks if worked > item.after), default=0)
    return max(0, due - breaks)
