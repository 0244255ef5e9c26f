"""Times of texts at a place, on ordinary days and when clocks are set."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from visavis.attendance.local_time import (
    begin_day,
    count_microseconds,
    find_own_zone,
    make_time,
    read_day,
    read_time,
    read_zone,
)
from visavis.errors import UsageError

BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2026-03-02 08:00", BERLIN, "2026-03-02T08:00:00+01:00"),
        (" 2026-07-02T08:00:05.25 ", BERLIN, "2026-07-02T08:00:05.250000+02:00"),
        ("2026-03-02 08:00+00:00", BERLIN, "2026-03-02T09:00:00+01:00"),
        ("2026-03-02T08:00Z", "Asia/Ho_Chi_Minh", "2026-03-02T15:00:00+07:00"),
        ("2026-03-29 01:59", BERLIN, "2026-03-29T01:59:00+01:00"),
        ("2026-03-29 03:00", BERLIN, "2026-03-29T03:00:00+02:00"),
        ("2026-10-25 02:30+02:00", BERLIN, "2026-10-25T02:30:00+02:00"),
        ("2026-10-25 02:30+01:00", BERLIN, "2026-10-25T02:30:00+01:00"),
        ("2024-02-29 23:59:59", "UTC", "2024-02-29T23:59:59+00:00"),
    ],
)
def test_times(text: str, zone: str, expected: str) -> None:
    assert read_time(text, zone).isoformat() == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2026-03-29 02:30", "there is no 02:30 on 2026-03-29 in Europe/Berlin: clocks are set forward over it."),
        ("2026-10-25 02:30", "2026-10-25 02:30 comes twice in Europe/Berlin, since clocks are set back: write "
         "2026-10-25T02:30:00+02:00 or 2026-10-25T02:30:00+01:00."),
        ("2026-03-02", "'2026-03-02' is no time"),
        ("20260302", "'20260302' is no time"),
        ("2025-02-29 08:00", "'2025-02-29 08:00' is no time"),
        ("8:00", "'8:00' is no time"),
        ("", "'' is no time"),
        ("0001-01-01 00:00", "is before 2000"),
        ("0001-01-01 00:00+14:00", "is beyond what a calendar holds"),
    ],
)  # fmt: skip
def test_texts_that_are_no_time_of_a_punch(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_time(text, BERLIN)
    assert message in str(caught.value)


def test_days_begin_when_they_do_there() -> None:
    """Midnight in São Paulo did not exist on the day on which clocks were set forward there."""
    assert begin_day(date(2026, 3, 29), BERLIN) == datetime(2026, 3, 28, 23, tzinfo=UTC)
    assert begin_day(date(2026, 3, 30), BERLIN) == datetime(2026, 3, 29, 22, tzinfo=UTC)
    assert begin_day(date(2018, 11, 4), "America/Sao_Paulo") == datetime(2018, 11, 4, 3, tzinfo=UTC)


def test_microseconds_are_exact() -> None:
    time = datetime(2026, 3, 2, 8, 0, 0, 1, tzinfo=UTC)
    assert make_time(count_microseconds(time), 3600).isoformat() == "2026-03-02T09:00:00.000001+01:00"
    assert count_microseconds(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)) == 1_000_000


def test_days() -> None:
    assert read_day(" 2026-03-02 ") == date(2026, 3, 2)
    with pytest.raises(UsageError, match="is no day: write it as"):
        read_day("2.3.2026")
    for text in ("0001-01-01", "1899-12-31", "9999-12-31"):
        with pytest.raises(UsageError, match=f"{text} is not a day from 1900-01-01 to 9998-12-31"):
            read_day(text)
        assert read_day(text, any_year=True).isoformat() == text


def test_the_zone_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for value, expected in ((":Asia/Kolkata", "Asia/Kolkata"), ("Europe/Berlin", BERLIN)):
        monkeypatch.setenv("TZ", value)
        assert find_own_zone() == expected
    monkeypatch.setenv("TZ", "nowhere/at all")
    assert read_zone(find_own_zone()).key == find_own_zone()
