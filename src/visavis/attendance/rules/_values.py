"""Values of the rules: times of day, durations, dates and names, each checked where it is read.

Functions that read a value raise ValueError with the end of a sentence, which :class:`TableKeys` begins with the name
of the key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any, TypeVar

from visavis.errors import UsageError
from visavis.images import shown
from visavis.printable import make_printable

T = TypeVar("T")
CLOCK = re.compile(r"([0-9]{1,3}):([0-5][0-9])")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MOST_MINUTES = 14_400
"""Ten days."""


class TableKeys:
    """The keys of a table of TOML, each taken once; ``place`` names the table in messages."""

    def __init__(self, table: object, place: str) -> None:
        if not isinstance(table, Mapping):
            raise UsageError(f"{place} is a table, got {quote(table)}.")
        self.place = place
        self._table = table
        self._names: list[str] = []

    def take(self, name: str, parse: Callable[[object], T], default: T) -> T:
        """Return the value of a key as ``parse`` reads it, or the default."""
        self._names.append(name)
        if name not in self._table:
            return default
        with _errors_of(f"{self.place}: {name}"):
            return parse(self._table[name])

    def need(self, name: str, parse: Callable[[object], T]) -> T:
        """Return the value of a key that must be there."""
        if name not in self._table:
            raise UsageError(f"{self.place} needs {name}.")
        self._names.append(name)
        with _errors_of(f"{self.place}: {name}"):
            return parse(self._table[name])

    def finish(self) -> None:
        """Raise UsageError for a key that was not taken."""
        for key in self._table:
            if key not in self._names:
                raise UsageError(f"{self.place} has no key {quote(key)}: the keys are {', '.join(self._names)}.")


@contextmanager
def _errors_of(place: str) -> Iterator[None]:
    """Name the key in the errors of its parser; those of a table within it, UsageErrors, name theirs."""
    try:
        yield
    except UsageError:
        raise
    except ValueError as error:
        raise UsageError(f"{place} {error}") from error


def quote(value: object) -> str:
    """Return a value for a message, in limited length."""
    return (shown(value) if isinstance(value, str) else make_printable(repr(value)))[:80]


def read_clock(value: object) -> int:
    """Return the minutes after midnight of a text such as "08:30"; "24:00" is the end of the day."""
    match = CLOCK.fullmatch(value) if isinstance(value, str) else None
    minutes = 60 * int(match[1]) + int(match[2]) if match else -1
    if not 0 <= minutes <= 1440:
        raise ValueError(f'is a time of day such as "08:30", got {quote(value)}.')
    return minutes


def read_minutes(value: object) -> int:
    """Return a duration: a whole number of minutes, or a text of hours and minutes such as "4:30"."""
    if isinstance(value, str) and (match := CLOCK.fullmatch(value)):
        value = 60 * int(match[1]) + int(match[2])
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_MINUTES:
        raise ValueError(f'is a number of minutes, or hours and minutes such as "4:30", got {quote(value)}.')
    return value


def read_seconds(value: object) -> int:
    """Return a number of seconds of a day at most."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 86_400:
        raise ValueError(f"is a whole number of seconds from 0 to 86400, got {quote(value)}.")
    return value


def read_probability(value: object) -> float:
    """Return a probability."""
    return _read_number(value, "is a probability", 1)


def read_factor(value: object) -> float:
    """Return a factor of pay."""
    return _read_number(value, "is a factor", 10)


def _read_number(value: object, what: str, most: int) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise ValueError(f"{what} from 0 to {most}, got {quote(value)}.")
    return float(value)


def read_flag(value: object) -> bool:
    """Return true or false."""
    if not isinstance(value, bool):
        raise ValueError(f"is true or false, got {quote(value)}.")
    return value


def read_date(value: object) -> date:
    """Return a date of TOML, or of a text such as "2026-01-31"."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(value if isinstance(value, str) else "")
    except ValueError as error:
        raise ValueError(f"is a date such as 2026-01-31, got {quote(value)}.") from error


def read_string(value: object) -> str:
    """Return a text that is not empty."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"is text, got {quote(value)}.")
    return value


def read_strings(value: object) -> tuple[str, ...]:
    """Return a list of texts."""
    if not isinstance(value, list):
        raise ValueError(f'is a list of texts such as ["day"], got {quote(value)}.')
    return tuple(read_string(item) for item in value)


def read_list(parse: Callable[[object], T]) -> Callable[[object], tuple[T, ...]]:
    """Return a parser of a list of what ``parse`` reads."""

    def parse_items(value: object) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise ValueError(f"is a list, got {quote(value)}.")
        return tuple(parse(item) for item in value)

    return parse_items


def read_mapping(parse: Callable[[object], T]) -> Callable[[object], dict[str, T]]:
    """Return a parser of a table whose keys are names of the user."""

    def parse_values(value: object) -> dict[str, T]:
        if not isinstance(value, Mapping):
            raise ValueError(f"is a table, got {quote(value)}.")
        return {str(key): parse(item) for key, item in value.items()}

    return parse_values


def read_choice(*choices: Any) -> Callable[[object], Any]:
    """Return a parser of a text that is among the choices."""

    def parse(value: object) -> Any:
        if value not in choices:
            raise ValueError(f"is {', '.join(choices[:-1])} or {choices[-1]}, got {quote(value)}.")
        return value

    return parse


def read_weekdays(value: object) -> frozenset[int]:
    """Return the numbers of days of the week (0: Monday) of a list of their English names."""
    parse = read_choice(*WEEKDAYS)
    return frozenset(WEEKDAYS.index(parse(name.lower())) for name in read_strings(value))
