"""Punches of kiosks: direction, cooldown, once only, undone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from attendance.conftest import punch
from visavis.attendance.consents import give_consent, link_person
from visavis.attendance.kiosk import punches as kiosk_punches
from visavis.attendance.kiosk.punches import KioskOrder, find_recognized, record_punch, undo_punch
from visavis.attendance.rights import withdraw_consent
from visavis.attendance.site import Site
from visavis.errors import UnknownNameError, UsageError

DAY = "2026-03-02T"


def at(time: str, day: str = DAY) -> datetime:
    return datetime.fromisoformat(f"{day}{time}+01:00")


def order(number: int, time: str, direction: str | None = None, day: str = DAY) -> KioskOrder:
    return KioskOrder(f"k{number}", at(time, day), "pin", direction)  # type: ignore[arg-type]


def test_directions_follow_from_the_last_punch(site: Site) -> None:
    expected = [
        ("08:00:00", DAY, "in"),
        ("12:00:00", DAY, "out"),
        ("12:30:00", DAY, "in"),
        ("22:00:00", DAY, "out"),
        ("22:00:00", "2026-03-03T", "in"),
        ("06:00:00", "2026-03-04T", "out"),  # of a night
        ("08:00:00", "2026-03-05T", "in"),
        ("22:00:01", "2026-03-05T", "in"),  # more than 14 hours: forgot to punch out
    ]
    for number, (time, day, direction) in enumerate(expected):
        answer = record_punch(site, "2", order(number, time, day=day), kiosk="door")
        assert (answer.punch.direction, answer.is_repeat, answer.name) == (direction, False, "Ben"), time
    assert site.verify() == []


def test_a_doubtful_presence_gives_no_direction(site: Site) -> None:
    site.ledger.add([punch(1, "2", f"{DAY}08:00:00+01:00"), punch(2, "2", f"{DAY}08:10:00+01:00")], actor="x")
    assert record_punch(site, "2", order(3, "12:00:00"), kiosk="door").punch.direction == "unspecified"


def test_a_repeat_within_the_cooldown_is_not_recorded_again(site: Site) -> None:
    first = record_punch(site, "2", order(1, "08:00:00"), kiosk="door")
    again = record_punch(site, "2", order(2, "08:01:00"), kiosk="gate")  # 60 s: the default
    assert (again.is_repeat, again.punch) == (True, first.punch)
    before = record_punch(site, "2", order(3, "07:59:30"), kiosk="gate")  # one that waited, and is of before
    assert (before.is_repeat, before.punch) == (True, first.punch)
    chosen = record_punch(site, "2", order(4, "08:00:40", "out"), kiosk="door")
    assert (chosen.is_repeat, chosen.punch.direction) == (False, "out")
    later = record_punch(site, "2", order(5, "08:01:41"), kiosk="door")
    assert (later.is_repeat, later.punch.direction) == (False, "in")
    assert record_punch(site, "1", order(6, "08:00:01"), kiosk="door").is_repeat is False  # another person
    assert [each.id for each in site.punches(employees=["2"])] == ["k1", "k4", "k5"]


def test_the_cooldown_is_that_of_the_rules_of_the_day(file_site: Site) -> None:
    shift = '[versions.shifts.day]\nstart = "09:00"\nend = "17:00"\n'
    file_site.rules_path.write_text(
        f"[[versions]]\nfrom = 2026-01-01\ncooldown = 10\n{shift}"
        f"[[versions]]\nfrom = 2026-03-03\ncooldown = 300\n{shift}"
    )
    record_punch(file_site, "2", order(1, "08:00:00"), kiosk="door")
    assert record_punch(file_site, "2", order(2, "08:00:11"), kiosk="door").is_repeat is False
    record_punch(file_site, "2", order(3, "08:00:00", day="2026-03-03T"), kiosk="door")
    assert record_punch(file_site, "2", order(4, "08:05:00", day="2026-03-03T"), kiosk="door").is_repeat is True
    file_site.rules_path.write_text("broken")
    assert kiosk_punches.read_door_rules(file_site, at("08:00:00")).cooldown == 60


def test_an_entrance_of_the_rules_says_the_direction(file_site: Site) -> None:
    shift = '[versions.shifts.day]\nstart = "09:00"\nend = "17:00"\n'
    file_site.rules_path.write_text(f'[[versions]]\nfrom = 2026-01-01\ndevices = {{ gate = "in" }}\n{shift}')
    punches = [
        record_punch(file_site, "2", order(row, time, chosen), kiosk=kiosk).punch
        for row, (time, chosen, kiosk) in enumerate(
            [
                ("08:00:00", None, "gate"),
                ("12:00:00", None, "gate"),
                ("13:00:00", None, "door"),
                ("14:00:00", "out", "gate"),
            ]
        )
    ]
    assert [each.direction for each in punches] == ["in", "in", "out", "out"]


def test_who_goes_by_an_exit_within_the_cooldown_is_out(file_site: Site) -> None:
    """An entrance and an exit are two kiosks, and nobody has to choose a direction at them."""
    shift = '[versions.shifts.day]\nstart = "09:00"\nend = "17:00"\n'
    devices = '{ gate = "in", exit = "out", turnstile = "in" }'
    file_site.rules_path.write_text(f"[[versions]]\nfrom = 2026-01-01\ncooldown = 60\ndevices = {devices}\n{shift}")
    rows = [
        ("08:00:00", None, "gate", "in", False),
        ("08:00:20", None, "exit", "out", False),
        ("08:00:30", None, "exit", "out", True),
        ("08:00:40", None, "gate", "in", False),  # back again: it repeats the last punch alone, not the first
        ("08:00:50", "out", "door", "out", False),
        ("08:00:55", None, "door", "out", True),  # no direction is known there
    ]
    for number, (time, chosen, kiosk, direction, is_repeat) in enumerate(rows):
        answer = record_punch(file_site, "2", order(number, time, chosen), kiosk=kiosk)
        assert (answer.punch.direction, answer.is_repeat) == (direction, is_repeat), time
    assert [each.id for each in file_site.punches(employees=["2"])] == ["k0", "k1", "k3", "k4"]
    turnstile = replace(punch(9, "3", f"{DAY}08:00:00+01:00"), device="turnstile")  # says no direction itself
    file_site.ledger.add([turnstile], actor="import")
    assert record_punch(file_site, "3", order(7, "08:00:30"), kiosk="gate").is_repeat is True
    assert record_punch(file_site, "3", order(8, "08:00:30"), kiosk="exit").is_repeat is False


def test_the_same_order_is_recorded_once(site: Site) -> None:
    first = record_punch(site, "2", order(1, "08:00:00"), kiosk="door")
    second = record_punch(site, "2", order(1, "08:00:00"), kiosk="door")
    assert (second.is_repeat, second.punch) == (True, first.punch)
    for employee, kiosk in (("1", "door"), ("2", "gate")):
        with pytest.raises(UsageError, match="another punch was recorded with this id"):
            record_punch(site, employee, order(1, "08:00:00"), kiosk=kiosk)
    assert len(site.punches()) == 1


def test_only_employees_of_the_day_punch(site: Site) -> None:
    employed = replace(site.employee("2"), joined=date(2026, 3, 2), left=date(2026, 3, 3))
    site.put_employees([employed], actor="tester")
    for number, day in ((1, "2026-03-01T"), (2, "2026-03-04T")):
        with pytest.raises(UsageError, match="not employed"):
            record_punch(site, "2", order(number, "08:00:00", day=day), kiosk="door")
    for number, day in ((3, "2026-03-02T"), (4, "2026-03-03T")):
        record_punch(site, "2", order(number, "08:00:00", day=day), kiosk="door")
    with pytest.raises(UnknownNameError):
        record_punch(site, "9", order(5, "08:00:00"), kiosk="door")


def test_a_face_punches_with_consent_alone(site: Site) -> None:
    def recognize(person_id: int, time: datetime) -> object:
        with site.database.read() as conn:
            return find_recognized(conn, person_id, time, site.zone)

    by_face = replace(order(1, "08:00:00"), method="face", distance=0.3)
    with pytest.raises(UsageError, match="has given no consent"):
        record_punch(site, "2", by_face, kiosk="door")
    with site.ledger.write(actor="desk") as writer:
        give_consent(writer, "2", text_version="2026-01", given=date(2026, 1, 2))
        link_person(writer, "2", 7)
    assert recognize(7, at("08:00:00")) == site.employee("2")
    assert recognize(8, at("08:00:00")) == "stranger"
    site.put_employees([replace(site.employee("2"), left=date(2026, 3, 1))], actor="tester")
    assert recognize(7, at("08:00:00")) == "not_employed"
    site.put_employees([replace(site.employee("2"), left=None)], actor="tester")
    site.put_employees([replace(site.employee("3"), person_id=7)], actor="tester")
    assert recognize(7, at("08:00:00")) == "stranger"  # two employees: which is meant is not known
    site.put_employees([replace(site.employee("2"), person_id=None)], actor="tester")
    assert recognize(7, at("08:00:00")) == "no_consent"  # Eve has given none
    assert record_punch(site, "2", by_face, kiosk="door").punch.distance == 0.3
    withdraw_consent(site, "2", actor="desk")
    with pytest.raises(UsageError, match="has given no consent"):
        record_punch(site, "2", replace(by_face, id="k2", at=at("09:00:00")), kiosk="door")


def test_undo(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    record_punch(site, "2", order(1, "08:00:00"), kiosk="door")
    record_punch(site, "1", order(2, "08:00:01"), kiosk="door")  # the next person
    for punch_id, kiosk in (("k1", "gate"), ("k9", "door")):
        with pytest.raises(UnknownNameError, match="this kiosk has recorded no such punch"):
            undo_punch(site, punch_id, kiosk=kiosk)
    undone = undo_punch(site, "k1", kiosk="door")
    assert undo_punch(site, "k1", kiosk="door") == undone  # sent again
    assert [each.id for each in site.punches()] == ["k2"]
    history = site.ledger.history(punch_id="k1")
    assert [(each.kind, each.actor, each.reason) for each in history[1:]] == [("void", "door", "undone at the kiosk")]
    again = record_punch(site, "2", order(3, "08:00:10"), kiosk="door")
    assert (again.is_repeat, again.punch.direction) == (False, "in")  # a punch that is void repeats nothing
    site.ledger.correct("k3", reason="r", actor="desk", direction="out")
    with pytest.raises(UsageError, match="was changed meanwhile"):
        undo_punch(site, "k3", kiosk="door")
    record_punch(site, "1", order(4, "09:00:00"), kiosk="gate")
    with pytest.raises(UsageError, match="there is a later punch"):
        undo_punch(site, "k2", kiosk="door")
    record_punch(site, "3", order(5, "08:00:00"), kiosk="door")
    monkeypatch.setattr(kiosk_punches, "UNDO_SECONDS", -6)  # fifteen seconds and more are over
    with pytest.raises(UsageError, match="too late to undo"):
        undo_punch(site, "k5", kiosk="door")
    assert site.verify() == []


def test_a_punch_says_when_it_was_recorded_and_how_its_direction_was_found(file_site: Site) -> None:
    record_punch(file_site, "2", replace(order(1, "08:00:00"), note="waited 9 s"), kiosk="door")
    record_punch(file_site, "2", order(2, "09:00:00", "out"), kiosk="door")
    reasons = [each.reason for number in (1, 2) for each in file_site.ledger.history(punch_id=f"k{number}")]
    assert reasons == ["waited 9 s; direction by the last punch", ""]
    assert datetime.now(UTC) - file_site.ledger.history(punch_id="k1")[0].recorded < timedelta(minutes=10)
