"""PIN, badge, refusals, and punches that waited without a connection."""

from __future__ import annotations

import hmac
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from visavis.attendance.kiosk import credentials, refusals
from visavis.attendance.kiosk.credentials import find_by_badge, find_by_pin, set_badge, set_pin
from visavis.attendance.kiosk.queued import QueuedPunch, check_signature, correct_time
from visavis.attendance.kiosk.refusals import count_refusals, record_refusal
from visavis.attendance.rights import erase, export_employee
from visavis.attendance.site import Site
from visavis.attendance.tables import CREDENTIALS, KIOSK_REFUSALS
from visavis.errors import UnknownNameError, UsageError
from visavis.sql_database import write_time

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "COST", {"n": 2, "r": 8, "p": 1})


def read_stored(site: Site) -> list[tuple[object, ...]]:
    with site.database.read() as conn:
        return [tuple(row) for row in conn.execute(select(CREDENTIALS))]


def test_a_pin_is_stored_as_a_salted_hash(site: Site) -> None:
    set_pin(site, "1", "4711", actor="desk")
    set_pin(site, "2", "4711", actor="desk")
    (_, first, _), (_, second, _) = read_stored(site)
    assert isinstance(first, bytes)
    assert len(first) == 16 + 32
    assert first != second
    assert b"4711" not in first
    assert "4711" not in str(site.ledger.history(employee="1"))
    assert site.ledger.history(employee="1")[-1].detail == {"action": "set PIN"}
    assert site.verify() == []


def test_a_pin_names_the_employee_of_the_number_alone(site: Site) -> None:
    set_pin(site, "2", "4711", actor="desk")
    tries = [("2", "4711"), ("2", "4712"), ("1", "4711"), ("9", "4711"), ("2", "4711000000000"), ("2", "")]
    answers = [find_by_pin(site, *each, kiosk="door", attempt=f"a{row}") for row, each in enumerate(tries)]
    assert answers == [site.employee("2"), "wrong", "wrong", "wrong", "wrong", "wrong"]
    set_pin(site, "2", None, actor="desk")
    assert find_by_pin(site, "2", "4711", kiosk="door", attempt="b") == "wrong"
    assert read_stored(site) == []


@pytest.mark.parametrize("pin", ["123", "1234567890123", "12a4", "٤٧١١", "", "1111", "1234", "8765"])
def test_pins_that_are_not_taken(file_site: Site, pin: str) -> None:
    with pytest.raises(UsageError, match="PIN"):
        set_pin(file_site, "2", pin, actor="desk")


def test_badges(site: Site) -> None:
    set_badge(site, "2", " 0004711 ", actor="desk")
    assert find_by_badge(site, "0004711", kiosk="door", attempt="a") == site.employee("2")
    assert find_by_badge(site, "0004712", kiosk="door", attempt="b") == "wrong"
    assert "4711" not in str(read_stored(site))
    with pytest.raises(UsageError, match="another employee has this badge"):
        set_badge(site, "1", "0004711", actor="desk")
    set_badge(site, "2", "0004711", actor="desk")  # the same again
    set_badge(site, "2", None, actor="desk")
    set_badge(site, "1", "0004711", actor="desk")
    with pytest.raises(UnknownNameError):
        set_badge(site, "9", "1", actor="desk")
    with pytest.raises(UsageError, match="badge number"):
        set_badge(site, "1", " ", actor="desk")


@pytest.mark.parametrize("number", ["2", "9"])
def test_a_number_is_blocked_after_wrong_pins_whether_or_not_it_exists(site: Site, number: str) -> None:
    set_pin(site, "2", "4711", actor="desk")
    set_pin(site, "1", "4712", actor="desk")
    answers = [find_by_pin(site, number, "9999", kiosk=f"door {row}", attempt=f"a{row}") for row in range(6)]
    assert answers == ["wrong"] * 5 + ["blocked"]
    assert find_by_pin(site, number, "4711", kiosk="door", attempt="b") == "blocked"  # the right one, too
    assert find_by_pin(site, "1", "4712", kiosk="door", attempt="c") == site.employee("1")
    pass_time(site, refusals.NUMBER_WINDOW)
    expected = site.employee("2") if number == "2" else "wrong"
    assert find_by_pin(site, number, "4711", kiosk="door", attempt="d") == expected


def pass_time(site: Site, time: timedelta) -> None:
    with site.database.write() as conn:
        past = write_time(datetime.now(UTC) - time - timedelta(seconds=1))
        conn.execute(update(KIOSK_REFUSALS).values(at=past))


def test_a_kiosk_is_blocked_after_wrong_pins_of_any_number(file_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "KIOSK_TRIES", 3)
    set_badge(file_site, "2", "77", actor="desk")
    answers = [find_by_badge(file_site, f"b{row}", kiosk="door", attempt=f"a{row}") for row in range(4)]
    assert answers == ["wrong", "wrong", "wrong", "blocked"]
    assert find_by_pin(file_site, "2", "4711", kiosk="door", attempt="b") == "blocked"
    assert find_by_badge(file_site, "77", kiosk="gate", attempt="c") == file_site.employee("2")  # another kiosk
    pass_time(file_site, refusals.PIN_WINDOW)
    assert find_by_badge(file_site, "77", kiosk="door", attempt="d") == file_site.employee("2")


def test_other_pins_and_badges_with_the_id_of_an_attempt_are_counted_too(file_site: Site) -> None:
    again = [find_by_pin(file_site, "2", "9999", kiosk="door", attempt="a") for _ in range(6)]
    assert again == ["wrong"] * 6  # the same one, sent again
    answers = [find_by_pin(file_site, "2", f"{row}999", kiosk="door", attempt="a") for row in range(5)]
    assert answers == ["wrong"] * 4 + ["blocked"]
    badges = [find_by_badge(file_site, f"b{row}", kiosk="gate", attempt="a") for row in range(21)]
    assert badges == ["wrong"] * refusals.KIOSK_TRIES + ["blocked"]


def test_many_pins_at_once_are_no_more_than_the_limit(site: Site) -> None:
    with ThreadPoolExecutor(12) as threads:
        tries = [
            threads.submit(find_by_pin, site, "2", f"{1000 + row}", kiosk=f"door {row}", attempt=f"a{row}")
            for row in range(12)
        ]
        assert Counter(each.result() for each in tries) == {"wrong": 5, "blocked": 7}


def test_refusals_are_counted_once_for_each_attempt(site: Site) -> None:
    for attempt, kind in (("a", "stranger"), ("a", "stranger"), ("a", "attack"), ("b", "stranger")):
        record_refusal(site, attempt, kind, kiosk="door")  # type: ignore[arg-type]
    today = datetime.now(UTC).astimezone().date()
    counts = [count_refusals(site, today + timedelta(days)) for days in (-1, 0, 1)]
    assert {"stranger": 2, "attack": 1} in counts
    assert sum(sum(each.values()) for each in counts) == 3


def test_typed_numbers_are_forgotten_after_an_hour(file_site: Site) -> None:
    find_by_pin(file_site, "a PIN typed as a number", "1", kiosk="door", attempt="a")
    with file_site.database.read() as conn:
        (mark,) = conn.execute(select(KIOSK_REFUSALS.c.number_mark)).scalars()
    assert mark == file_site.key.mark_number("a PIN typed as a number")
    pass_time(file_site, refusals.NUMBER_WINDOW)
    record_refusal(file_site, "b", "stranger", kiosk="door")
    with file_site.database.read() as conn:
        assert {*conn.execute(select(KIOSK_REFUSALS.c.number_mark)).scalars()} == {None}


def test_credentials_are_exported_and_erased(file_site: Site) -> None:
    set_pin(file_site, "2", "4711", actor="desk")
    set_badge(file_site, "2", "77", actor="desk")
    assert export_employee(file_site, "2").credentials == ("pin", "badge")
    assert export_employee(file_site, "1").credentials == ()
    erase(file_site, "2", actor="desk", reason="asked for it")
    assert read_stored(file_site) == []
    assert file_site.verify() == []


QUEUED = QueuedPunch("k1", 1_772_442_000_000, 1_772_442_090_000, "2", "4711", "", "in", "")


def test_a_signature_covers_all_that_was_typed(file_site: Site) -> None:
    text = "k1\n1772442000000\n2\n4711\n\nin"
    signature = hmac.new(file_site.key.derive_kiosk_key("door"), text.encode(), "sha256").hexdigest()
    signed = replace(QUEUED, signature=signature)
    check_signature(file_site, signed, kiosk="door")
    check_signature(file_site, replace(signed, sent=0), kiosk="door")  # sent again, at another time
    for changed in (
        {"id": "k2"}, {"made": 1}, {"number": "1"}, {"pin": "1"}, {"badge": "1"}, {"direction": "out"},
        {"signature": "é"},
    ):  # fmt: skip
        with pytest.raises(UsageError, match="does not have the signature"):
            check_signature(file_site, replace(signed, **changed), kiosk="door")
    with pytest.raises(UsageError, match="does not have the signature"):
        check_signature(file_site, signed, kiosk="gate")


@pytest.mark.parametrize(
    ("ahead", "note"),
    [
        (0, "waited 90 s at the kiosk without a connection"),
        (4, "waited 90 s at the kiosk without a connection"),
        (3600, "waited 90 s at the kiosk without a connection, whose clock was 3600 s ahead"),
        (-86400, "waited 90 s at the kiosk without a connection, whose clock was 86400 s behind"),
    ],
)
def test_the_time_is_put_right_by_the_clock_of_the_server(ahead: int, note: str) -> None:
    sent = round((NOW.timestamp() + ahead) * 1000)
    queued = replace(QUEUED, made=sent - 90_000, sent=sent)
    assert correct_time(queued, NOW, most_days=7) == (NOW - timedelta(seconds=90), note)


def test_a_clock_that_was_set_while_a_punch_waited() -> None:
    sent = round(NOW.timestamp() * 1000)
    assert correct_time(replace(QUEUED, made=sent + 60_000, sent=sent), NOW, most_days=7)[0] == NOW
    for waited in (-121, 7 * 86400 + 1):
        with pytest.raises(UsageError, match="can wait for 7 days"):
            correct_time(replace(QUEUED, made=sent - waited * 1000, sent=sent), NOW, most_days=7)
