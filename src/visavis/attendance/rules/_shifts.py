"""Read the table of a shift."""

from __future__ import annotations

from itertools import pairwise

from visavis.attendance.rules import _values as values
from visavis.attendance.rules._values import TableKeys
from visavis.attendance.rules.types import DAY, AutomaticBreak, Counting, FixedBreak, PunchRounding, Shift
from visavis.errors import UsageError


def read_shift(keys: TableKeys, name: str) -> Shift:
    """Return the shift of a table; times before the start are of the next day."""
    start = keys.need("start", values.read_clock)
    if start == DAY:
        raise UsageError(f'{keys.place}: start is a time of day before "24:00".')
    end = _after(start, keys.need("end", values.read_clock), inclusive=False)
    middle = keys.take("middle", values.read_clock, -1)
    auto_checkout = keys.take("auto_checkout", values.read_minutes, -1)
    required = keys.take("required", values.read_minutes, -1)
    core = keys.take("core", _read_span, None)
    breaks: tuple[tuple[int, int], ...] = keys.take("breaks", values.read_list(_read_span), ())
    shift = Shift(
        name,
        start,
        end,
        keys.take("window_before", values.read_minutes, 60),
        keys.take("window_after", values.read_minutes, 60),
        keys.take("grace_late", values.read_minutes, 0),
        keys.take("grace_early", values.read_minutes, 0),
        keys.take("half_day_below", values.read_minutes, 0),
        keys.take("absent_below", values.read_minutes, 0),
        None if required < 0 else required,
        core and _place(start, core),
        None if middle < 0 else _after(start, middle),
        tuple(FixedBreak(*_place(start, times)) for times in breaks),
        None if auto_checkout < 0 else auto_checkout,
        keys.take("count_before", values.read_flag, True),
        keys.take("count_after", values.read_flag, True),
        read_counting(keys),
    )
    keys.finish()
    _check(shift, keys.place)
    return shift


def read_counting(keys: TableKeys) -> Counting:
    """Return how punches become hours, of the keys of a shift or of free days."""
    return Counting(
        keys.take("direction", values.read_choice("alternate", "device", "strict"), "alternate"),
        keys.take("hours", values.read_choice("pairs", "first_last"), "pairs"),
        keys.take("longest", values.read_minutes, Counting().longest),
        keys.take("paid_break", values.read_minutes, 0),
        keys.take("automatic_breaks", values.read_list(_read_automatic), ()),
        keys.take("rounding", _read_rounding, PunchRounding()),
    )


def _after(start: int, minutes: int, *, inclusive: bool = True) -> int:
    """Return a time of day as the first at or after the start."""
    return minutes if minutes > start or (inclusive and minutes == start) else minutes + DAY


def _read_span(value: object) -> tuple[int, int]:
    keys = TableKeys(value, "a span of time")
    times = keys.need("start", values.read_clock), keys.need("end", values.read_clock)
    keys.finish()
    return times


def _place(start: int, times: tuple[int, int]) -> tuple[int, int]:
    """Return a span of time of day as it lies at or after the start."""
    begin = _after(start, times[0])
    end = times[1]
    while end <= begin:
        end += DAY
    return begin, end


def _read_automatic(value: object) -> AutomaticBreak:
    keys = TableKeys(value, "automatic_breaks")
    item = AutomaticBreak(keys.need("minutes", values.read_minutes), keys.need("after", values.read_minutes))
    keys.finish()
    return item


def _read_rounding(value: object) -> PunchRounding:
    keys = TableKeys(value, "rounding")
    mode = values.read_choice("none", "up", "down", "nearest")
    rounding = PunchRounding(
        keys.need("step", values.read_minutes),
        keys.take("arrival", mode, "none"),
        keys.take("departure", mode, "none"),
        keys.take("worked", mode, "none"),
    )
    keys.finish()
    if not 1 <= rounding.step <= 60 or 60 % rounding.step:
        raise UsageError(f"step is a number of minutes that divides an hour, such as 15, got {rounding.step}.")
    return rounding


def _check(shift: Shift, place: str) -> None:
    """Raise UsageError for times that contradict each other."""
    for item in shift.breaks:
        if not shift.start <= item.start < item.end <= shift.end:
            raise UsageError(f"{place}: a break lies within the shift, and ends after it starts.")
    ordered = sorted(shift.breaks, key=lambda item: item.start)
    if any(following.start < item.end for item, following in pairwise(ordered)):
        raise UsageError(f"{place}: breaks overlap.")
    if shift.core is not None and not shift.start <= shift.core[0] < shift.core[1] <= shift.end:
        raise UsageError(f"{place}: core lies within the shift, and ends after it starts.")
    if shift.middle is not None and not shift.start < shift.middle < shift.end:
        raise UsageError(f"{place}: middle lies within the shift.")
    if shift.core is not None and shift.required is None:
        raise UsageError(f"{place}: core belongs to flexible hours: write required too.")
    if 0 < shift.half_day_below < shift.absent_below:
        raise UsageError(f"{place}: absent_below is greater than half_day_below.")
