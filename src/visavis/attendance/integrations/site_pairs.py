"""Pairs of the punches of a site for Odoo: those of its days, so that they agree with the reports.

A site without a file of rules has no days; its punches are paired by what they say, and so are those of the time before
the first version of the rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

from visavis.attendance.days.compute import DAYS_AFTER, DAYS_BEFORE, compute_days
from visavis.attendance.days.erased import is_erased
from visavis.attendance.days.types import Day, WorkedInterval
from visavis.attendance.integrations.pairs import CheckPair, Pairing, find_anchor, pair_punches
from visavis.attendance.local_time import begin_day, read_zone
from visavis.attendance.rules.read import read_rules
from visavis.attendance.rules.schedule import Planner
from visavis.attendance.site import Site
from visavis.attendance.types import Employee, Punch

LOOK_BACK = timedelta(days=40)
"""How far before a changed punch a gap is looked for, at which pairs of a site without rules begin anew."""
CHANGED_BEFORE = timedelta(days=DAYS_AFTER + 1)
"""How far before a punch that changes pairs may begin that change with it."""
NIGHT = timedelta(days=3)
"""A pair that begins on a day belongs to it, or to a day less long before."""
OUTSIDE = "it is outside of the time of every shift"
ALONE = "by the rules it has no other punch that makes a pair with it"


class SitePairs:
    """Pairs of the employees of a site. Raises UsageError for rules that cannot be read."""

    def __init__(self, site: Site, *, longest: timedelta) -> None:
        self._site, self._longest = site, longest
        has_rules = site.rules_path.exists()
        self._planner = Planner(read_rules(site.rules_path, zone=site.zone)) if has_rules else None
        self._zone = read_zone(site.zone) if self._planner is None else self._planner.rules.zone
        self._people = {employee.number: employee for employee in site.employees()}

    def pair_since(
        self, number: str, since: datetime, *, now: datetime, first_day: date | None
    ) -> tuple[datetime, Pairing]:
        """Return the pairs of an employee that a change of a punch at ``since``, or later, can change.

        With them the time from which on these are all pairs; none begins before ``first_day``. ``now`` is the time
        until which punches are complete.
        """
        day = since.astimezone(self._zone).date() - CHANGED_BEFORE
        begin = begin_day(day, self._zone.key)
        if not self._has_rules(day):
            earliest = (since - LOOK_BACK).date() if first_day is None else max((since - LOOK_BACK).date(), first_day)
            anchor = find_anchor(self._site.punches(earliest, None, [number]), since, self._longest)
            begin = anchor if self._planner is None else min(anchor, begin)
        if first_day is not None:
            begin = max(begin, begin_day(first_day, self._zone.key))
        pairing = self.pair(number, begin, now=now)
        erased = self._site.erased_before()  # after the punches: what is erased meanwhile is to stay at the target
        if self._planner is not None and erased is not None:
            begin = max(begin, begin_day(erased.astimezone(self._zone).date() + timedelta(2), self._zone.key))
        return begin, _begin_at(pairing, begin)

    def pair(self, number: str, begin: datetime | None, *, now: datetime, last: date | None = None) -> Pairing:
        """Return the pairs of an employee that begin at a time or later, on ``last`` or before; None: all."""
        first = None if begin is None else begin.astimezone(self._zone).date() - NIGHT
        needed = None if first is None else first - timedelta(DAYS_BEFORE)
        punches = self._site.punches(needed, None if last is None else last + NIGHT, [number])
        employee = self._people.get(number)
        if self._planner is None or employee is None:
            early, late = punches, list[Punch]()
        else:
            begins = begin_day(self._planner.rules.versions[0].start, self._zone.key)
            early, late = (
                [each for each in punches if each.at < begins],
                [each for each in punches if each.at >= begins],
            )
        pairing = pair_punches(
            [each for each in early if begin is None or each.at >= begin], longest=self._longest, now=now
        )
        if late and employee is not None and self._planner is not None:
            self._pair_by_rules(pairing, employee, late, first, now)
        return pairing if begin is None else _begin_at(pairing, begin)

    def _has_rules(self, day: date) -> bool:
        return self._planner is not None and self._planner.rules.versions[0].start < day - NIGHT

    def _pair_by_rules(
        self, pairing: Pairing, employee: Employee, punches: Sequence[Punch], first: date | None, now: datetime
    ) -> None:
        """Add the pairs of the days of an employee from ``first`` on."""
        if self._planner is None:
            return
        days = [punches[number].at.astimezone(self._zone).date() for number in (0, -1)]
        start = max(first or days[0] - timedelta(1), self._planner.rules.versions[0].start)
        end = max(start, days[1])
        leaves, erased = self._site.leaves(start, end, [employee.number]), self._site.erased_before()
        by_id = {punch.id: punch for punch in punches}
        for day in compute_days(employee, start, end, punches, self._planner, leaves, now=now):
            if is_erased(day.day, erased, self._zone):
                continue
            pairing.pairs += _list_pairs(day, by_id)
            pairing.unpaired += [(by_id[punch_id], OUTSIDE) for punch_id in day.outside]
            pairing.unpaired += [(by_id[punch_id], ALONE) for part in day.parts for punch_id in part.unpaired]


def _begin_at(pairing: Pairing, begin: datetime) -> Pairing:
    """Return the pairs that begin at a time or later."""
    return Pairing(
        [pair for pair in pairing.pairs if pair.check_in.at >= begin],
        [each for each in pairing.unpaired if each[0].at >= begin],
    )


def _list_pairs(day: Day, punches: dict[str, Punch]) -> Iterator[CheckPair]:
    for part in day.parts:
        for interval in part.intervals:
            yield CheckPair(punches[interval.arrival_id], _find_departure(interval, punches))
        if part.open:
            yield CheckPair(punches[part.open], None)


def _find_departure(interval: WorkedInterval, punches: dict[str, Punch]) -> Punch:
    """Return the punch that ends an interval; an automatic check-out, of which there is none, becomes one."""
    if interval.departure_id:
        return punches[interval.departure_id]
    arrival = punches[interval.arrival_id]
    return Punch("", arrival.employee, interval.departure, arrival.zone, "out", "", "import")
