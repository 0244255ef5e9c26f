"""Punches are added once, corrected by records that are added, and read as they now are."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from attendance.conftest import ZONE, punch
from visavis.attendance.site import Site
from visavis.attendance.types import LedgerChange, Punch
from visavis.errors import UsageError

MORNING = punch(1, "1", "2026-03-02T08:00:00+01:00", "in")
EVENING = punch(2, "1", "2026-03-02T17:00:00+01:00", "out")
OTHER = punch(3, "2", "2026-03-02T08:00:00+01:00")


def test_punches_are_read_by_day_employee_time_and_id(site: Site) -> None:
    night = [punch(4, "2", "2026-03-02T23:59:59.999999+01:00"), punch(5, "2", "2026-03-03T00:00:00+01:00")]
    assert site.ledger.add([*reversed(night), EVENING, OTHER, MORNING], actor="gate") == [
        *reversed(night), EVENING, OTHER, MORNING,
    ]  # fmt: skip
    assert site.punches() == [MORNING, OTHER, EVENING, *night]
    day = date(2026, 3, 2)
    assert site.punches(day, day) == [MORNING, OTHER, EVENING, night[0]]
    assert site.punches(date(2026, 3, 3)) == [night[1]]
    assert site.punches(None, date(2026, 3, 1)) == []
    assert site.punches(day, day, ["1"]) == [MORNING, EVENING]
    assert site.punches(day, day, []) == []


def test_all_values_of_a_punch_come_back(site: Site) -> None:
    full = Punch(
        "x", "1", datetime(2026, 7, 1, 6, 30, 15, 250_001, UTC), "Asia/Kolkata", "in", "door 2", "face", 0.31, 0.97, 0.5
    )
    site.ledger.add([full], actor="camera")
    (read,) = site.punches()
    assert read == full
    assert (read.at.isoformat(), read.zone) == ("2026-07-01T12:00:15.250001+05:30", "Asia/Kolkata")


def test_a_punch_that_is_sent_again_is_there_once(site: Site) -> None:
    site.ledger.add([MORNING], actor="gate")
    assert site.ledger.add([MORNING, EVENING, EVENING], actor="gate") == [EVENING]
    assert site.punches() == [MORNING, EVENING]
    with pytest.raises(UsageError, match="there is another punch with the id 'p1'"):
        site.ledger.add([OTHER, replace(MORNING, direction="out")], actor="gate")
    assert site.punches() == [MORNING, EVENING]  # nothing of a call that fails


def test_a_punch_that_is_sent_again_after_its_correction_stays_corrected(site: Site) -> None:
    site.ledger.add([MORNING], actor="gate")
    corrected = site.ledger.correct("p1", reason="late", actor="boss", direction="out")
    assert site.ledger.add([MORNING], actor="gate") == []
    assert site.punches() == [corrected]


def test_a_correction_adds_a_record(site: Site) -> None:
    site.ledger.add([MORNING, EVENING], actor="gate")
    later = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
    moved = site.ledger.correct("p1", reason="bus", actor="boss", at=later)
    assert (moved.at.isoformat(), moved.direction) == ("2026-03-02T10:15:00+01:00", "in")
    other = site.ledger.correct("p1", reason="it was Ben", actor="boss", employee="2", direction="out")
    assert other == replace(moved, employee="2", direction="out")
    assert site.punches() == [other, EVENING]
    assert (site.punches(employees=["1"]), site.punches(employees=["2"])) == ([EVENING], [other])
    records = site.ledger.history(punch_id="p1")
    assert [(each.kind, each.actor, each.reason, each.punch) for each in records] == [
        ("punch", "gate", "", MORNING), ("correction", "boss", "bus", moved),
        ("correction", "boss", "it was Ben", other),
    ]  # fmt: skip
    assert all(timedelta() <= datetime.now(UTC) - each.recorded < timedelta(minutes=5) for each in records)


def test_a_correction_to_another_day_leaves_the_first(site: Site) -> None:
    site.ledger.add([MORNING], actor="gate")
    site.ledger.correct("p1", reason="the day before", actor="boss", at=MORNING.at - timedelta(days=1))
    days = [date(2026, 3, 1), date(2026, 3, 2)]
    assert [[each.id for each in site.punches(day, day)] for day in days] == [["p1"], []]


def test_void_and_restored(site: Site) -> None:
    site.ledger.add([MORNING], actor="gate")
    moved = site.ledger.correct("p1", reason="bus", actor="boss", direction="out")
    assert site.ledger.void("p1", reason="a visitor's badge", actor="boss") == moved
    assert site.punches() == []
    with pytest.raises(UsageError, match="punch p1 is void"):
        site.ledger.punch("p1")
    for call in (site.ledger.void, site.ledger.correct):
        with pytest.raises(UsageError, match="is void: restore it first"):
            call("p1", reason="again", actor="boss")
    assert site.ledger.restore("p1", reason="no visitor", actor="boss") == moved
    assert site.punches() == [moved]
    with pytest.raises(UsageError, match="is not void"):
        site.ledger.restore("p1", reason="again", actor="boss")


def test_followers_read_what_each_record_leaves(site: Site) -> None:
    start = site.ledger.newest()
    site.ledger.add([MORNING, OTHER], actor="gate")
    moved = site.ledger.correct("p1", reason="bus", actor="boss", direction="out")
    site.ledger.void("p3", reason="a test", actor="boss")
    site.ledger.restore("p3", reason="no test", actor="boss")
    expected = [
        LedgerChange(start + 1, "punch", "p1", MORNING),
        LedgerChange(start + 2, "punch", "p3", OTHER),
        LedgerChange(start + 3, "correction", "p1", moved),
        LedgerChange(start + 4, "void", "p3", None),
        LedgerChange(start + 5, "restore", "p3", OTHER),
    ]
    assert site.ledger.changes() == expected
    assert site.ledger.changes(start + 1, limit=2) == expected[1:3]
    assert site.ledger.changes(start + 5) == []


def test_old_punches_are_added_once_each(site: Site) -> None:
    assert site.ledger.add_new_times([MORNING, replace(MORNING, id="x"), EVENING], actor="import") == 2
    site.ledger.void("p2", reason="a test", actor="boss")
    site.ledger.correct("p1", reason="bus", actor="boss", at=MORNING.at + timedelta(hours=1))
    again = [replace(MORNING, id="a"), replace(EVENING, id="b"), replace(MORNING, id="c", direction="out"), OTHER]
    assert site.ledger.add_new_times(again, actor="import") == 2
    assert [each.id for each in site.punches()] == ["c", "p3", "p1"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"employee": "9"}, "there is no employee '9'"),
        ({"direction": "up"}, "a direction is one of in, out, unspecified, got 'up'"),
        ({"method": "nose"}, "a method is one of face, pin, badge, administrator, import, got 'nose'"),
        ({"at": datetime(2026, 3, 2, 8)}, "has no offset"),
        ({"at": datetime(1999, 3, 2, 8, tzinfo=UTC)}, "is before 2000: is the clock set?"),
        ({"at": datetime.now(UTC) + timedelta(days=2)}, "is in the future: is the clock set?"),
        ({"at": datetime(9999, 12, 31, 23, 30, tzinfo=UTC)}, "is beyond what a calendar holds"),
        ({"zone": "Mars/Olympus"}, "there is no time zone 'Mars/Olympus'"),
        ({"zone": "../../etc/passwd"}, "there is no time zone"),
        ({"probability": 1.5}, "the probability of a punch is a number from 0 to 1, got 1.5"),
        ({"distance": float("nan")}, "the distance of a punch is a number from 0 to 10, got nan"),
        ({"device": "a\\nb"}, None),
        ({"device": "a\nb"}, "a name of a device must be one line of text"),
        ({"id": " "}, "a punch needs an id"),
    ],
)
def test_values_that_no_punch_has(file_site: Site, values: dict[str, object], message: str | None) -> None:
    wrong = replace(MORNING, **values)  # type: ignore[arg-type]
    if message is None:
        assert file_site.ledger.add([wrong], actor="gate") == [wrong]
        return
    with pytest.raises(UsageError) as caught:
        file_site.ledger.add([EVENING, wrong], actor="gate")
    assert message in str(caught.value)
    assert (file_site.punches(), file_site.ledger.newest()) == ([], 3)


def test_a_correction_needs_a_reason_and_an_effect(file_site: Site) -> None:
    file_site.ledger.add([MORNING], actor="gate")
    newest = file_site.ledger.newest()
    for words, call in (
        ("this takes a reason", lambda: file_site.ledger.void("p1", reason=" ", actor="boss")),
        ("this takes a reason", lambda: file_site.ledger.correct("p1", reason="", actor="b", direction="out")),
        ("is so already", lambda: file_site.ledger.correct("p1", reason="x", actor="boss", direction="in")),
        ("there is no punch 'p7'", lambda: file_site.ledger.void("p7", reason="x", actor="boss")),
        ("there is no employee '9'", lambda: file_site.ledger.correct("p1", reason="x", actor="boss", employee="9")),
        ("needs the name of who writes it", lambda: file_site.ledger.void("p1", reason="x", actor="")),
    ):
        with pytest.raises(UsageError, match=words):
            call()
    assert (file_site.ledger.newest(), file_site.punches()) == (newest, [MORNING])


def test_a_punch_of_now(file_site: Site) -> None:
    before = datetime.now(UTC)
    added = file_site.punch("2", actor="gate", direction="in", device="door")
    assert before <= added.at <= datetime.now(UTC)
    assert (added.employee, added.zone, added.method, added.device) == ("2", ZONE, "administrator", "door")
    assert file_site.punches() == [added]
