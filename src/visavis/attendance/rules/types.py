"""Rules of attendance, as they are read from a file of TOML.

Times of day are minutes after midnight of the day that a shift belongs to, by the clock of the zone; 1440 and more are
of the next day. Durations are minutes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal
from zoneinfo import ZoneInfo

DAY = 1440
"""Minutes of a day by the clock."""

DEFAULT_COOLDOWN = 60
"""Seconds in which a second punch is a double of the first, where the rules do not say."""

DirectionRule = Literal["alternate", "device", "strict"]
HoursRule = Literal["pairs", "first_last"]
RoundingMode = Literal["none", "up", "down", "nearest"]
DayKind = Literal["workday", "off", "holiday", "unassigned", "not_employed"]


@dataclass(frozen=True, slots=True)
class FixedBreak:
    """A break at a time of day, which is not work: what was worked in it is deducted."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class AutomaticBreak:
    """A break that is deducted where more than ``after`` minutes were worked, less the gaps between punches."""

    minutes: int
    after: int


@dataclass(frozen=True, slots=True)
class PunchRounding:
    """How arrivals, departures and worked time are rounded to multiples of ``step`` minutes, for the hours alone."""

    step: int = 1
    arrival: RoundingMode = "none"
    departure: RoundingMode = "none"
    worked: RoundingMode = "none"


@dataclass(frozen=True, slots=True)
class Counting:
    """How punches become hours.

    ``direction`` says what makes a punch an arrival: ``alternate`` (every other punch, whatever it says), ``device``
    (the table of devices) or ``strict`` (what the punch says). ``hours`` counts ``pairs`` of an arrival and the
    following departure, or all from the first arrival to the last departure. A pair is at most ``longest`` minutes
    apart. Gaps between pairs count as work up to ``paid_break`` minutes.
    """

    direction: DirectionRule = "alternate"
    hours: HoursRule = "pairs"
    longest: int = 960
    paid_break: int = 0
    automatic_breaks: tuple[AutomaticBreak, ...] = ()
    rounding: PunchRounding = PunchRounding()


@dataclass(frozen=True, slots=True)
class Shift:
    """A shift: from ``start`` to ``end``, which is greater, over midnight too.

    Punches from ``window_before`` minutes before the start to ``window_after`` minutes after the end belong to it. An
    arrival more than ``grace_late`` minutes after the start is late; likewise ``grace_early`` at the end. Who worked
    less than ``absent_below`` minutes is absent, else who worked less than ``half_day_below`` was there half a day.
    ``required`` is the planned time of flexible hours, None for fixed ones: then only ``core`` says who is late.
    ``middle`` divides the day for leave of half a day. ``auto_checkout`` is the number of minutes after the end at
    which an arrival without a departure ends; None: never. ``count_before`` and ``count_after`` say whether time
    outside of the shift is work.
    """

    name: str
    start: int
    end: int
    window_before: int = 60
    window_after: int = 60
    grace_late: int = 0
    grace_early: int = 0
    half_day_below: int = 0
    absent_below: int = 0
    required: int | None = None
    core: tuple[int, int] | None = None
    middle: int | None = None
    breaks: tuple[FixedBreak, ...] = ()
    auto_checkout: int | None = None
    count_before: bool = True
    count_after: bool = True
    counting: Counting = Counting()


@dataclass(frozen=True, slots=True)
class OvertimeRule:
    """Overtime of a kind of day: less than ``least`` minutes does not count, nor what exceeds ``most`` minutes a day.

    ``factor`` is what payroll multiplies it by.
    """

    least: int = 0
    most: int | None = None
    factor: float = 1.0


@dataclass(frozen=True, slots=True)
class OvertimeRules:
    """Overtime by kind of day; ``most_a_month`` bounds the sum of a month. None: such overtime does not count."""

    workday: OvertimeRule | None = None
    off: OvertimeRule | None = None
    holiday: OvertimeRule | None = None
    most_a_month: int | None = None


@dataclass(frozen=True, slots=True)
class FreeDay:
    """Days without a shift: work that begins on one and ends up to ``window_after`` minutes after it belongs to it."""

    window_after: int = 480
    counting: Counting = Counting()


@dataclass(frozen=True, slots=True)
class RuleVersion:
    """Rules from the day ``start`` on, until the next version.

    A punch up to ``cooldown`` seconds after another of the same direction is a double punch. ``least_probability`` is
    the probability below which a recognized face decides nothing.
    """

    start: date
    shifts: Mapping[str, Shift]
    cooldown: int = DEFAULT_COOLDOWN
    least_probability: float = 0.0
    devices: Mapping[str, Literal["in", "out"]] = field(default_factory=dict)
    overtime: OvertimeRules = OvertimeRules()
    free_day: FreeDay = FreeDay()


@dataclass(frozen=True, slots=True)
class LeaveKind:
    """A kind of leave. ``works`` is true where the employee works elsewhere, ``paid`` where the hours are credited."""

    name: str
    code: str = "L"
    works: bool = False
    paid: bool = True


@dataclass(frozen=True, slots=True)
class Roster:
    """Shifts that repeat: ``cycle`` has the names of the shifts of each day, beginning with the day ``start``."""

    start: date
    cycle: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Assignment:
    """What is planned from ``first`` to ``last`` day for employees and departments; for all where both are empty.

    Either ``shifts`` on each day but ``weekly_off`` (0: Monday), or those of a ``roster``. ``holidays`` names lists of
    holidays.
    """

    first: date
    last: date | None = None
    employees: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    shifts: tuple[str, ...] = ()
    roster: str = ""
    weekly_off: frozenset[int] = frozenset()
    holidays: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules of a site; ``versions`` by date, ``holidays`` by list and day."""

    zone: ZoneInfo
    versions: tuple[RuleVersion, ...]
    assignments: tuple[Assignment, ...]
    rosters: Mapping[str, Roster] = field(default_factory=dict)
    holidays: Mapping[str, Mapping[date, str]] = field(default_factory=dict)
    leave: Mapping[str, LeaveKind] = field(default_factory=dict)
