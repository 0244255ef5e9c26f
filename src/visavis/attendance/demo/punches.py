"""Three months of made-up punches: mostly regular, with the faults of people, clocks and devices.

They are drawn with a seed for each employee and day, so that they are the same on every machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from random import Random

from visavis.attendance.demo.people import FIRST, LAST, ZONE, make_employees, make_leaves
from visavis.attendance.local_time import read_zone
from visavis.attendance.rules.schedule import Planner, ShiftTime
from visavis.attendance.rules.types import Rules
from visavis.attendance.types import Direction, Employee, Method, Outage, Punch

ABSENT, LATE, NO_DEPARTURE, DOUBLE, OVERTIME = 0.02, 0.06, 0.02, 0.03, 0.08
"""How often an employee is absent, late, forgets the departure, punches twice, and stays longer."""
ODD_DAYS: dict[tuple[str, date], str] = {
    ("1001", date(2024, 2, 10)): "09:00 12:30",  # a Saturday
    ("1001", date(2024, 4, 10)): "10:00 14:00",  # a holiday
    ("1007", date(2024, 2, 20)): "08:00 07:45 12:30 16:30",  # the clock was set back
    ("1008", date(2024, 2, 21)): "07:58 16:31 20:15",  # came back in the evening
    ("1009", date(2024, 3, 5)): "12:20",  # one punch
    ("1010", date(2024, 3, 6)): "08:01 09:30",  # under two hours
    ("1011", date(2024, 3, 7)): "07:59 11:00",  # half a day
    ("1012", date(2024, 3, 8)): "08:00 16:30",  # before the first day
    ("1024", date(2024, 2, 19)): "08:10",  # after the last day
    ("1028", date(2024, 2, 29)): "21:58 +1 06:03",  # the night after the leap day
    ("1028", date(2024, 3, 9)): "21:57 +1 06:02",  # clocks are set back in this night, from 3:00 to 2:00
    ("1029", date(2024, 3, 9)): "22:00 +1 02:30 +1 02:30* +1 06:00",  # two punches at 2:30, an hour apart
    ("1025", date(2024, 4, 13)): "21:55 +1 06:04",  # clocks are set forward in this night, from 2:00 to 3:00
    ("1026", date(2024, 4, 13)): "22:20 +1 06:00",  # and late
    ("1010", date(2024, 4, 2)): "08:00 12:30 13:10 19:05",  # two shifts; 13:10 is in the windows of both
    ("1010", date(2024, 4, 3)): "08:00 13:20 14:55 19:00",  # so is 13:20, which ends the first
    ("1010", date(2024, 4, 4)): "08:00 15:00 19:00",  # the departure of the first is missing
    ("1010", date(2024, 4, 5)): "08:00 12:00",  # the first alone
}
"""Days of particular employees, by the clock of the place, instead of drawn ones.

``+1`` before a time: on the next day; ``*`` behind it: the second time that clocks show it.
"""


def make_punches(rules: Rules) -> list[Punch]:
    """Return all punches that were recorded, by time and id."""
    planner, outages = Planner(rules), make_outages()
    punches = [punch for employee in make_employees() for punch in _number(employee, _draw_employee(employee, planner))]
    recorded = [punch for punch in punches if not any(_is_lost(punch, outage) for outage in outages)]
    return sorted(recorded, key=lambda punch: (punch.at.timestamp(), punch.id))


def _is_lost(punch: Punch, outage: Outage) -> bool:
    return outage.device in {"", punch.device} and outage.start <= punch.at < outage.end


def make_outages() -> list[Outage]:
    """Return the morning on which the entrance failed, and a night without recognition."""
    zone = read_zone(ZONE)
    return [
        Outage("entrance", _at(date(2024, 3, 13), time(6, 30)), _at(date(2024, 3, 13), time(10, 0)), "no power"),
        Outage("", datetime(2024, 4, 17, 21, 0, tzinfo=zone), datetime(2024, 4, 18, 6, 0, tzinfo=zone), "update"),
    ]


def _draw_employee(employee: Employee, planner: Planner) -> Iterator[tuple[datetime, Direction, str]]:
    """Yield time, direction and device of the punches of an employee."""
    away = {leave.first + timedelta(number): leave.part for leave in make_leaves() if leave.employee == employee.number
            for number in range((leave.last - leave.first).days + 1)}  # fmt: skip
    for number in range((LAST - FIRST).days + 1):
        day = FIRST + timedelta(number)
        odd = ODD_DAYS.get((employee.number, day))
        if odd is not None:
            yield from ((at, "unspecified", "entrance") for at in _read_times(day, odd))
            continue
        employed = (employee.joined or day) <= day <= (employee.left or day)
        part = away.get(day)
        plan = planner.plan(employee, day)
        if not employed or part == "whole" or plan.kind != "workday":
            continue
        for order, shift in enumerate(plan.times):
            chance = Random(f"{employee.number} {day}" + f" {order}" * (order > 0))
            yield from _draw_shift(shift, chance, part, may_stay=len(plan.times) == 1)


def _read_times(day: date, text: str) -> Iterator[datetime]:
    """Yield the times of a text as in ``ODD_DAYS``."""
    later = 0
    for word in text.split():
        if word.startswith("+"):
            later = int(word)
            continue
        clock = time.fromisoformat(word.removesuffix("*")).replace(fold=int(word.endswith("*")))
        yield _at(day + timedelta(later), clock)
        later = 0


def _draw_shift(
    shift: ShiftTime, chance: Random, part: str | None, *, may_stay: bool
) -> Iterator[tuple[datetime, Direction, str]]:
    """Yield the punches of a shift; ``may_stay`` is whether the employee may stay long after its end."""
    if chance.random() < ABSENT or shift.shift is None:
        return
    zone = read_zone(ZONE)
    start = shift.middle if part == "first_half" else shift.start
    end = shift.middle if part == "second_half" else shift.end
    late = chance.randint(12, 50) if chance.random() < LATE else chance.randint(-12, 4)
    longer = chance.randint(20, 110) if chance.random() < OVERTIME and may_stay else chance.randint(0, 9)
    moments = [60 * (start + late) + chance.randint(0, 59), 60 * (end + longer) + chance.randint(0, 59)]
    if shift.breaks and part is None and chance.random() < 0.5:
        leaves = shift.breaks[0][0] + chance.randint(-2, 3)
        back = shift.breaks[0][1] + chance.randint(-4, 12)
        moments[1:1] = [60 * leaves + chance.randint(0, 59), 60 * back + chance.randint(0, 59)]
    if chance.random() < NO_DEPARTURE:
        moments.pop()
    if chance.random() < DOUBLE:
        moments.insert(1, moments[0] + chance.randint(5, 90))
    way: Direction = "out"
    for number, moment in enumerate(moments):
        repeated = number == 1 and moment - moments[0] <= 90
        way = way if repeated else "in" if way == "out" else "out"
        turnstile = shift.shift.name == "late"
        device = f"turnstile-{way}" if turnstile else "entrance"
        yield datetime.fromtimestamp(moment, zone), "unspecified" if turnstile else way, device


def _number(employee: Employee, drawn: Iterator[tuple[datetime, Direction, str]]) -> Iterator[Punch]:
    """Yield punches with ids that count; most are of recognized faces, every 40th is of a PIN."""
    for number, (at, direction, device) in enumerate(drawn, 1):
        chance = Random(f"{employee.number} {number}")
        method: Method = "pin" if number % 40 == 0 else "face"
        distance, probability = (None, None) if method == "pin" else _draw_face(chance)
        yield Punch(
            f"demo-{employee.number}-{number:03}",
            employee.number,
            at,
            ZONE,
            direction,
            device,
            method,
            distance,
            probability,
        )


def _draw_face(chance: Random) -> tuple[float, float]:
    return round(chance.uniform(0.15, 0.42), 3), round(chance.uniform(0.985, 0.999), 4)


def _at(day: date, clock: time) -> datetime:
    return datetime.combine(day, clock, read_zone(ZONE))
