from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from visavis.attendance.integrations.pairs import pair_punches
from visavis.attendance.types import Direction, Punch

BERLIN = ZoneInfo("Europe/Berlin")
LETTERS: dict[str, Direction] = {"i": "in", "o": "out", "u": "unspecified"}
NO_END, NO_BEGIN, NEXT = "there is no check-out within 16 hours", "there is no check-in before", "before the next"


def pair(text: str, *, now: str = "2026-06-30 00:00") -> tuple[list[str], list[str]]:
    """Pairs and lonely punches of punches such as "1 08:00 i": day of June, time and direction."""
    punches = []
    for number, item in enumerate(text.split(", ")):
        day, time, letter = item.split()
        at = datetime.fromisoformat(f"2026-06-{int(day):02} {time}").replace(tzinfo=BERLIN)
        punches.append(Punch(str(number), "7", at, "Europe/Berlin", LETTERS[letter]))
    moment = datetime.fromisoformat(now).replace(tzinfo=BERLIN)
    pairing = pair_punches(punches, longest=timedelta(hours=16), now=moment)
    ends = ["" if item.check_out is None else f"{item.check_out.at:%H:%M}" for item in pairing.pairs]
    pairs = [f"{item.check_in.at:%d %H:%M}-{end}" for item, end in zip(pairing.pairs, ends, strict=True)]
    return pairs, [f"{punch.at:%d %H:%M} {reason}" for punch, reason in pairing.unpaired]


@pytest.mark.parametrize(
    ("punches", "pairs", "unpaired"),
    [
        ("1 08:00 i, 1 17:00 o", ["01 08:00-17:00"], []),
        ("1 08:00 u, 1 12:00 u, 1 13:00 u, 1 17:00 u", ["01 08:00-12:00", "01 13:00-17:00"], []),
        ("1 22:00 i, 2 06:00 o, 2 22:00 i, 3 06:00 o", ["01 22:00-06:00", "02 22:00-06:00"], []),
        ("1 08:00 i, 1 08:00:30 i, 1 17:00 o, 1 17:00:20 o", ["01 08:00-17:00"], []),  # double punches
        ("1 08:00 u, 1 08:00:59 u, 1 17:00 u", ["01 08:00-17:00"], []),
        ("1 08:00 i, 1 08:00:30 o", ["01 08:00-08:00"], []),  # in and out again at once is no repetition
        ("1 08:00 i, 2 08:00 i, 2 17:00 o", ["02 08:00-17:00"], [f"01 08:00 {NO_END}"]),
        ("1 08:00 u, 2 08:00 u, 2 17:00 u", ["02 08:00-17:00"], [f"01 08:00 {NO_END}"]),  # not turned round for ever
        ("1 08:00 i, 1 12:00 i, 1 17:00 o", ["01 12:00-17:00"], [f"01 08:00 there is no check-out {NEXT} check-in"]),
        ("1 17:00 o", [], [f"01 17:00 {NO_BEGIN} this check-out"]),
        ("1 08:00 i, 1 12:00 o, 1 17:00 o", ["01 08:00-12:00"], [f"01 17:00 {NO_BEGIN} this check-out"]),
        ("1 22:00 o, 2 06:00 u, 2 14:00 u", ["02 06:00-14:00"], [f"01 22:00 {NO_BEGIN} this check-out"]),
        ("1 08:00 i, 1 08:00 i", [], [f"01 08:00 {NO_END}"]),
    ],
)  # fmt: skip
def test_pairs(punches: str, pairs: list[str], unpaired: list[str]) -> None:
    assert pair(punches) == (pairs, unpaired)


def test_the_last_check_in_is_open_for_as_long_as_a_pair_may_last() -> None:
    assert pair("1 08:00 i", now="2026-06-02 00:00") == (["01 08:00-"], [])
    assert pair("1 08:00 i", now="2026-06-02 00:01") == ([], [f"01 08:00 {NO_END}"])


def test_the_length_of_a_pair_is_the_time_that_passes() -> None:
    """The night in which clocks go forward: 16:30 to 9:30 shows 17 hours on clocks, and lasts 16."""
    times = [datetime(2026, 3, 28, 16, 30, tzinfo=BERLIN), datetime(2026, 3, 29, 9, 30, tzinfo=BERLIN)]
    punches = [Punch("1", "7", times[0], "Europe/Berlin", "in"), Punch("2", "7", times[1], "Europe/Berlin", "out")]
    assert len(pair_punches(punches, longest=timedelta(hours=16), now=times[1]).pairs) == 1
