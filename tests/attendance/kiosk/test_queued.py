"""Times of punches that waited at a kiosk, whose clock is wrong, or is set meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from visavis.attendance.kiosk.queued import QueuedPunch, correct_time, mark_undecided
from visavis.attendance.site import Site
from visavis.attendance.types import Outage
from visavis.errors import UsageError

NOW = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
"""Half an hour after the clocks of Europe were set forward, which changes no time in UTC."""
HOUR, DAY = 3600, 24 * 3600


def queue(made: int, sent: int, offset: int | None = None) -> QueuedPunch:
    """A punch that was made and sent at these seconds from NOW, by the kiosk's clock."""
    times = [round((NOW.timestamp() + seconds) * 1000) for seconds in (made, sent)]
    return QueuedPunch("0" * 32, *times, "1", "580213", "", "", "", (), None if offset is None else offset * 1000)


@pytest.mark.parametrize(
    ("made", "sent", "offset", "ago", "note"),
    [
        (-2 * HOUR, 0, None, 2 * HOUR, ""),
        (-2 * HOUR, 0, 0, 2 * HOUR, ""),
        (-HOUR, HOUR, -HOUR, 2 * HOUR, ", whose clock was 3600 s ahead"),
        (-2 * HOUR, HOUR, 0, 2 * HOUR, ", whose clock was set forward by 3600 s meanwhile"),
        (-2 * HOUR, -3 * HOUR, 0, 2 * HOUR, ", whose clock was set back by 10800 s meanwhile"),
        (-5 * HOUR, 0, 3 * HOUR, 2 * HOUR, ", whose clock was set forward by 10800 s meanwhile"),
        (-HOUR, -50, 0, HOUR - 50, ", whose clock was 50 s behind"),  # a clock that goes wrong a little was not set
        (10, 0, 0, 0, ""),
    ],
)
def test_when_a_punch_was_made(made: int, sent: int, offset: int | None, ago: int, note: str) -> None:
    at, written = correct_time(queue(made, sent, offset), NOW, most_days=7)
    assert NOW - at == timedelta(seconds=ago)
    assert written == f"waited {ago} s at the kiosk without a connection{note}"


@pytest.mark.parametrize(
    ("made", "sent", "offset"), [(-8 * 24 * HOUR, 0, None), (-HOUR, 0, -8 * 24 * HOUR), (HOUR, 0, 0)]
)
def test_punches_that_are_too_old_or_not_yet_made(made: int, sent: int, offset: int | None) -> None:
    with pytest.raises(UsageError, match="7 days at most"):
        correct_time(queue(made, sent, offset), NOW, most_days=7)


def test_the_offset_is_signed() -> None:
    first, second = queue(0, 0, 1), queue(0, 0, 2)
    assert first.signed_text != second.signed_text
    assert queue(0, 0).signed_text == f"{'0' * 32}\n{round(NOW.timestamp() * 1000)}\n1\n580213\n\n"


def test_frames_that_are_sent_again_are_one_mark_at_the_time_of_the_first(file_site: Site) -> None:
    for days, punch_id in ((0, "a"), (2, "a"), (0, "b")):
        mark_undecided(file_site, punch_id * 32, NOW + timedelta(days=days), kiosk="door")
    mark_undecided(file_site, "a" * 32, NOW + timedelta(hours=1), kiosk="gate")
    reason = "a face that waited without a connection was not recognized (%s)"
    marks = [("door", 0, "a"), ("door", 0, "b"), ("gate", HOUR, "a")]
    starts = [(kiosk, NOW + timedelta(seconds=seconds), reason % (letter * 32)) for kiosk, seconds, letter in marks]
    expected = [Outage(kiosk, start, start + timedelta(minutes=1), text) for kiosk, start, text in starts]
    assert sorted(file_site.outages(), key=lambda outage: (outage.start, outage.reason)) == expected
    assert file_site.verify() == []
