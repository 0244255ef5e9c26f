"""Punches are read as fast as there are indexes for, and are what the records say, one after the other."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Engine, event, inspect

from attendance.conftest import ZONE, punch
from visavis.attendance.ledger import ledger as ledger_module
from visavis.attendance.ledger import verify as verify_module
from visavis.attendance.ledger.ledger import correct_punch, new_punch_id, void_punch
from visavis.attendance.ledger.records import PUNCH, RESTORE, check_punch, describe_punch
from visavis.attendance.ledger.writing import LedgerWriter
from visavis.attendance.local_time import begin_day
from visavis.attendance.reports import source
from visavis.attendance.reports.source import read_records
from visavis.attendance.rules.read import parse_rules
from visavis.attendance.rules.schedule import Planner
from visavis.attendance.rules.starter import STARTER
from visavis.attendance.site import Site
from visavis.attendance.types import Punch
from visavis.errors import AttendanceError, InvalidTextError

START = datetime(2026, 3, 27, 5, tzinfo=UTC)
"""Two days before the clocks in Berlin change."""
DAYS = [date(2026, 3, 27) + timedelta(number) for number in range(5)]


def draw_punch(draw: random.Random) -> Punch:
    at = START + timedelta(seconds=draw.randrange(4 * 86_400), microseconds=draw.randrange(10**6))
    zone = draw.choice([ZONE, "Asia/Kolkata", "UTC"])
    return check_punch(
        Punch(
            new_punch_id(), draw.choice("123"), at, zone, draw.choice(["in", "out", "unspecified"]), "door",
            draw.choice(["face", "pin"]), draw.choice([None, 0.25]), draw.choice([None, 0.75]), draw.choice([None, 1]),
        )
    )  # fmt: skip


def write_at_random(writer: LedgerWriter, draw: random.Random) -> None:
    """Add punches in any order; correct some, make some void, restore some, several times."""
    punches = [draw_punch(draw) for _ in range(60)]
    writer.append_all(PUNCH, map(describe_punch, punches))
    void: dict[str, Punch] = {}
    for _ in range(60):
        chosen = draw.choice(punches).id
        if chosen in void:
            if draw.random() < 0.6:
                writer.append(RESTORE, describe_punch(void.pop(chosen)), reason="no test")
        elif draw.random() < 0.5:
            void[chosen] = void_punch(writer, chosen, reason="test")
        else:
            other = draw_punch(draw)  # its time is not that of the punch
            changes = {"at": other.at, "direction": other.direction, "employee": draw.choice(["1", "2", "3", None])}
            correct_punch(writer, chosen, reason="clock", changes=changes)


def read_plainly(site: Site) -> list[Punch]:
    """Return the punches as the newest record of each leaves them, read from all records."""
    newest = {}
    for change in site.ledger.changes(limit=10_000):
        newest[change.punch_id] = change.punch
    return sorted((each for each in newest.values() if each is not None), key=lambda each: (each.at, each.id))


@pytest.mark.parametrize("seed", range(2))
def test_punches_are_what_their_newest_records_say(site: Site, seed: int) -> None:
    draw = random.Random(seed)
    with site.ledger.write(actor="gate") as writer:
        write_at_random(writer, draw)
    expected = read_plainly(site)
    assert 20 < len(expected) < 60
    read = site.punches()
    assert read == expected
    assert [(each.at.isoformat(), each.zone) for each in read] == [
        (each.at.isoformat(), each.zone) for each in expected
    ]
    for first, last in ((DAYS[1], DAYS[1]), (DAYS[2], DAYS[3]), (None, DAYS[2]), (DAYS[3], None)):
        begin = begin_day(first or date(2001, 1, 1), ZONE)
        end = begin_day((last or date(2099, 1, 1)) + timedelta(1), ZONE)
        asked = [each for each in expected if begin <= each.at < end]
        assert site.punches(first, last) == asked
        for employees in (["2"], ["1", "3"], ["1", "2", "3"], []):
            assert site.punches(first, last, employees) == [each for each in asked if each.employee in employees]
    assert site.verify() == []


def test_punches_of_the_same_moment_come_by_id(site: Site) -> None:
    """Also where they have different offsets."""
    times = ("2026-03-02T08:00:00+01:00", "2026-03-02T07:00:00+00:00", "2026-03-02T07:59:59+01:00")
    made = [punch(number, "1", at) for number, at in zip((5, 4, 9, 3), (*times, times[0]), strict=True)]
    site.ledger.add(made, actor="gate")
    assert [each.id for each in site.punches()] == ["p9", "p3", "p4", "p5"]
    assert [each.id for each in site.punches(employees=["1", "2"])] == ["p9", "p3", "p4", "p5"]


def test_many_employees_are_asked_for_in_parts(file_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "AT_A_TIME", 2)
    with file_site.ledger.write(actor="gate") as writer:
        write_at_random(writer, random.Random(7))
    assert file_site.punches(employees=["3", "1", "2", "9"]) == file_site.punches()


@contextmanager
def collect_statements() -> Iterator[list[tuple[str, object]]]:
    statements: list[tuple[str, object]] = []

    def note(_conn: object, _cursor: object, statement: str, parameters: object, *_rest: object) -> None:
        statements.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def explain(site: Site, statements: list[tuple[str, object]]) -> list[str]:
    """Return the plans of SELECT statements of punches."""
    plans = []
    with site.database.read() as conn:
        for statement, parameters in statements:
            if "attendance_records" in statement and "INSERT" not in statement:
                rows = conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)  # type: ignore[arg-type]
                plans.append("\n".join(row.detail for row in rows))
    return plans


def test_sqlite_searches_in_indexes(file_site: Site) -> None:
    changes = "USING INDEX attendance_records_changes (punch_id=? AND number>?)"
    with collect_statements() as of_days:
        file_site.punches(DAYS[0], DAYS[1])
    (plan,) = explain(file_site, of_days)
    assert "SEARCH attendance_records USING INDEX attendance_records_at (at>? AND at<?)" in plan
    assert changes in plan
    with collect_statements() as of_employees:
        file_site.punches(DAYS[0], DAYS[1], ["1", "2"])
    (plan,) = explain(file_site, of_employees)
    assert "SEARCH attendance_records USING INDEX attendance_records_employee (employee=? AND at>? AND at<?)" in plan
    assert changes in plan
    with collect_statements() as of_import:
        file_site.ledger.add_new_times([punch(1, "1", "2026-03-02T08:00:00+01:00")], actor="gate")
    keys = explain(file_site, [each for each in of_import if "wanted" in each[0]])
    assert len(keys) == 1
    assert "USING INDEX attendance_records_employee (employee=? AND at=?)" in keys[0]
    with collect_statements() as of_tables:
        file_site.verify(since=START)
    (plan,) = explain(file_site, [each for each in of_tables if each[0].startswith("SELECT attendance_records.detail")])
    assert plan == "SEARCH attendance_records USING INDEX attendance_records_kind (kind=?)"
    with collect_statements() as of_history:
        file_site.ledger.history(employee="1", after=2)
    (plan,) = explain(file_site, of_history)
    assert "SEARCH attendance_records USING INDEX attendance_records_employee (employee=?" in plan


def test_one_employee_too_many_days_are_read_in_parts(file_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with file_site.ledger.write(actor="gate") as writer:
        write_at_random(writer, random.Random(3))
    planner = Planner(parse_rules(STARTER, zone=ZONE))
    (whole,) = read_records(file_site, [planner], DAYS[0], DAYS[4])
    assert [each.number for each in whole.employees] == ["1", "2", "3"]
    monkeypatch.setattr(source, "BATCH_DAYS", 10)
    parts = list(read_records(file_site, [planner], DAYS[0], DAYS[4]))
    assert [[each.number for each in part.employees] for part in parts] == [["1", "2"], ["3"]]
    together = [each for part in parts for each in part.punches]
    assert sorted(together, key=lambda each: (each.at, each.id)) == list(whole.punches)
    monkeypatch.setattr(source, "BATCH_DAYS", 1)
    assert len(list(read_records(file_site, [planner], DAYS[0], DAYS[4]))) == 3


def test_verify_holds_some_records_at_a_time(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with site.ledger.write(actor="gate") as writer:
        write_at_random(writer, random.Random(4))
    monkeypatch.setattr(verify_module, "FETCHED", 10)
    fetched: list[int] = []
    read = verify_module._check_record

    def count_ahead(chain: verify_module._Chain, row: verify_module._Record) -> Iterator[verify_module.LedgerFault]:
        fetched.append(row.number)
        return read(chain, row)

    monkeypatch.setattr(verify_module, "_check_record", count_ahead)
    assert site.verify() == []
    assert fetched == list(range(1, site.ledger.newest() + 1))
    del fetched[:]
    assert site.ledger.verify(since=START) == []
    assert fetched == list(range(4, site.ledger.newest() + 1))  # those of employees are before


@pytest.mark.parametrize("text", ["2\0", "2\ud800"])
def test_a_text_that_no_database_holds_is_refused_in_both_kinds(site: Site, text: str) -> None:
    for read in (site.employee, site.ledger.punch, site.ledger.oldest):
        with pytest.raises(InvalidTextError, match="has a character that no text may have"):
            read(text)
    with pytest.raises(InvalidTextError):
        site.record_access("day", actor="Ann", employees=["2", text])
    with pytest.raises(InvalidTextError):
        site.ledger.punches(None, None, ["2", text])
    assert site.employee("2").name == "Ben"


def test_a_file_that_is_damaged_after_its_first_punches_is_said_to_be(file_site: Site) -> None:
    at = [START + timedelta(seconds=number) for number in range(2000)]
    made = [Punch(f"d{number:04}", "1", time, "UTC", "in") for number, time in enumerate(at)]
    file_site.ledger.add(made, actor="gate")
    first = file_site.punches()[0]
    file_site.database.close()
    file = file_site.folder / "attendance.db"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2] + b"\xff" * (len(whole) - len(whole) // 2))
    with file_site.database.read() as conn:
        query = ledger_module._select_now(None, None)
        assert conn.execute(query).first()[0] == first.id
    with pytest.raises(AttendanceError, match=r"the attendance database .* cannot be used: "):
        file_site.punches()


def test_a_site_of_an_earlier_version_gets_the_indexes_it_lacks(site: Site) -> None:
    lost = {"attendance_records_changes", "attendance_records_at", "attendance_excuses_day"}
    with site.database.write() as conn:
        for name in lost:
            conn.exec_driver_sql(f"DROP INDEX {name}")
    site.close()
    with Site(site.folder) as opened, opened.database.read() as conn:
        inspector = inspect(conn)
        there = {index["name"] for table in inspector.get_table_names() for index in inspector.get_indexes(table)}
        assert there >= lost
        assert [opened.punches(), opened.ledger.newest()] == [[], 3]
