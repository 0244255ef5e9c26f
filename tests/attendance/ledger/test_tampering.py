"""What other programs change in the database is found: each case is SQL done by hand."""

from __future__ import annotations

import json
import re
from contextlib import suppress

import pytest
from sqlalchemy import text

from attendance.conftest import BEN, ZONE, punch
from visavis.attendance.ledger.chain import read_key
from visavis.attendance.ledger.records import CONTENT
from visavis.attendance.ledger.verify import find_faults
from visavis.attendance.settings import SiteSettings
from visavis.attendance.site import Site
from visavis.errors import AttendanceError, UsageError

RECORDS = "attendance_records"
COLUMNS = "punch_id, employee, at, utc_offset, zone, direction, device, method, distance, probability, liveness"
REST = "recorded, actor, reason, detail, salt, digest"


def fill(site: Site) -> None:
    """Records 1 to 3 are employees, 4 to 8 punches, 9 to 11 a correction, a void and a restore, 12 and 13 punches."""
    days = [punch(day, "12"[day % 2], f"2026-03-0{day}T08:00:00+01:00", "in") for day in range(1, 6)]
    site.ledger.add(days, actor="gate")
    site.ledger.correct("p2", reason="late bus", actor="boss", direction="out")
    site.ledger.void("p3", reason="a test", actor="boss")
    site.ledger.restore("p3", reason="no test", actor="boss")
    site.ledger.add([punch(6, "1", "2026-03-06T08:00:00+01:00"), punch(7, "2", "2026-03-06T09:00:00+01:00")], actor="g")


def alter(site: Site, *statements: str) -> None:
    with site.database.write() as conn:
        for statement in statements:
            assert conn.execute(text(statement)).rowcount > 0, statement


def faults_of(site: Site) -> list[str]:
    return [fault.message for fault in site.verify()]


def test_a_ledger_that_was_written_by_visavis_alone_is_whole(site: Site) -> None:
    assert faults_of(site) == []
    fill(site)
    assert (site.ledger.newest(), faults_of(site)) == (13, [])


CHANGED = "record {} is not the one that was written there."
FORM = "record {} was changed: it has another form than was written."
VALUES = {
    "employee": "'1'", "at": "at + 1", "utc_offset": "0", "zone": "'Europe/Paris'", "direction": "'out'",
    "device": "''", "method": "'face'", "distance": "0.5", "probability": "1", "liveness": "0",
    "recorded": "recorded - 60000000", "actor": "'boss'", "reason": "'none'", "detail": "'{}'", "punch_id": "'p1'",
    "kind": "'void'",
}  # fmt: skip
"""Another value of each column of a punch."""


class UndoneError(Exception):
    """Ends a transaction without effect."""


def faults_after(site: Site, *statements: str) -> list[str]:
    """Return the faults of the ledger that statements make, which are undone."""
    messages: list[str] = []
    with suppress(UndoneError), site.database.write() as conn:
        for statement in statements:
            assert conn.execute(text(statement)).rowcount > 0, statement
        key = read_key(site.folder / "ledger.key")
        messages += [fault.message for fault in find_faults(conn, key, site.ledger.head_file.read())]
        raise UndoneError
    return messages


def test_a_changed_value(site: Site) -> None:
    fill(site)
    assert {*VALUES} == {*CONTENT, "kind"}
    for column, value in VALUES.items():
        changed = faults_after(site, f"UPDATE {RECORDS} SET {column} = {value} WHERE number = 8")
        assert changed == [CHANGED.format(8)], column
    assert faults_of(site) == []


CHAINS = [
    ("UPDATE {0} SET kind = 'edit' WHERE number = 8", ["record 8 has the kind 'edit', which there is not."]),
    ("UPDATE {0} SET mac = (SELECT mac FROM {0} WHERE number = 7) WHERE number = 8",
     [CHANGED.format(8), CHANGED.format(9)]),
    ("UPDATE {0} SET salt = (SELECT salt FROM {0} WHERE number = 7) WHERE number = 8", [CHANGED.format(8)]),
    ("UPDATE {0} SET digest = mac WHERE number = 8", [FORM.format(8)]),
    ("UPDATE {0} SET salt = NULL WHERE number = 8",
     [FORM.format(8), "the content of record 8 is missing, and was not erased by visavis."]),
    ("DELETE FROM {0} WHERE number = 1", ["record 1 is missing."]),
    ("DELETE FROM {0} WHERE number = 8", ["record 8 is missing."]),
    ("DELETE FROM {0} WHERE number BETWEEN 6 AND 8", ["records 6 to 8 are missing."]),
    ("DELETE FROM {0} WHERE number = 13", ["record 13 is missing: the newest of the ledger."]),
    ("DELETE FROM {0} WHERE number > 10", ["records 11 to 13 are missing: the newest of the ledger."]),
    ("DELETE FROM {0}", ["records 1 to 13 are missing: the newest of the ledger."]),
    ("UPDATE {0} SET number = 14 WHERE number = 8", ["record 8 is missing.", CHANGED.format(14)]),
    ("UPDATE {0} SET number = number + 1000000 WHERE number = 13", ["records 13 to 1000012 are missing."]),
    ("UPDATE {0} SET number = 0 WHERE number = 4",
     ["a record has the number 0, which no record can have here.", "record 4 is missing."]),
]  # fmt: skip


def test_changes_of_the_chain(site: Site) -> None:
    fill(site)
    for statement, expected in CHAINS:
        assert faults_after(site, statement.format(RECORDS)) == expected, statement
    assert faults_of(site) == []


def test_a_removed_record_whose_followers_were_renumbered(site: Site) -> None:
    fill(site)
    steps = [f"UPDATE {RECORDS} SET number = {n} WHERE number = {n + 1}" for n in range(8, 13)]
    expected = [CHANGED.format(number) for number in range(8, 13)]
    assert faults_after(site, f"DELETE FROM {RECORDS} WHERE number = 8", *steps) == [
        *expected, "record 13 is missing: the newest of the ledger.",
    ]  # fmt: skip


def test_two_records_that_were_swapped(site: Site) -> None:
    fill(site)
    moves = ((12, -1), (13, 12), (-1, 13))
    swapped = [f"UPDATE {RECORDS} SET number = {to} WHERE number = {old}" for old, to in moves]
    assert faults_after(site, *swapped) == [CHANGED.format(12), CHANGED.format(13), HEAD.format(13)]


HEAD = "record {} is not the one that the head of the ledger names."


def test_an_inserted_copy_of_a_record(site: Site) -> None:
    """With everything that a record needs, but the key."""
    fill(site)
    columns = f"kind, {COLUMNS}, {REST}, mac"
    alter(site, f"INSERT INTO {RECORDS} (number, {columns}) SELECT 14, {columns} FROM {RECORDS} WHERE number = 8")
    assert faults_of(site) == [CHANGED.format(14)]


def test_all_is_written_anew_with_another_key(site: Site) -> None:
    """A whole chain of another site in place of ours: the key does not match, and the site says so."""
    fill(site)
    alter(site, "UPDATE attendance_meta SET key_mark = '0123456789abcdef'")
    with pytest.raises(AttendanceError, match=r"ledger\.key is not the key of the ledger in "):
        Site(site.folder)


def test_a_database_that_was_put_back_to_an_earlier_state(site: Site) -> None:
    """Removed records are followed by new ones, from a site whose head was lost too."""
    fill(site)
    head = site.ledger.head_file.path.read_bytes()
    alter(site, f"DELETE FROM {RECORDS} WHERE number > 12")
    site.ledger.add([punch(9, "1", "2026-03-09T08:00:00+01:00")], actor="gate")
    assert faults_of(site) == [HEAD.format(13)]
    site.ledger.head_file.path.write_bytes(head)
    assert faults_of(site) == [HEAD.format(13)]


def test_later_punches_do_not_hide_that_the_newest_records_were_removed(site: Site) -> None:
    fill(site)
    alter(site, f"DELETE FROM {RECORDS} WHERE number > 12")
    for number in (9, 10, 11):
        site.ledger.add([punch(number, "1", f"2026-03-{number:02}T08:00:00+01:00")], actor="gate")
    assert (site.ledger.newest(), faults_of(site)) == (15, [HEAD.format(13)])
    site.ledger.accept_head(actor="boss", reason="backup of Monday")
    site.ledger.add([punch(12, "1", "2026-03-12T08:00:00+01:00")], actor="gate")
    head = site.ledger.head_file.read()
    assert head is not None
    assert (head.number, faults_of(site)) == (17, [])


@pytest.mark.parametrize("content", [None, "", "[]", '{"number": 12, "code": "00", "signature": "00"}'])
def test_a_head_that_is_missing_or_forged(file_site: Site, content: str | None) -> None:
    fill(file_site)
    path = file_site.ledger.head_file.path
    path.unlink()
    if content is not None:
        path.write_text(content, encoding="utf-8")
    missing = ["the head of the ledger is missing or was changed: the newest records may be missing."]
    assert faults_of(file_site) == missing
    file_site.ledger.add([punch(9, "1", "2026-03-09T08:00:00+01:00")], actor="gate")
    assert faults_of(file_site) == missing  # a later punch does not hide it


def test_a_site_that_is_made_anew_keeps_the_head(file_site: Site) -> None:
    fill(file_site)
    alter(file_site, f"DELETE FROM {RECORDS} WHERE number > 12")
    (file_site.folder / "site.toml").unlink()
    with Site.create(file_site.folder, file_site.settings) as again:
        assert faults_of(again) == ["record 13 is missing: the newest of the ledger."]


def test_values_of_other_types(file_site: Site) -> None:
    """SQLite stores anything anywhere."""
    fill(file_site)
    alter(
        file_site,
        f"UPDATE {RECORDS} SET mac = 'text' WHERE number = 5",
        f"UPDATE {RECORDS} SET device = x'00ff' WHERE number = 7",
        f"UPDATE {RECORDS} SET at = 'noon' WHERE number = 9",
        f"UPDATE {RECORDS} SET salt = 'text' WHERE number = 11",
    )
    messages = [fault.message for fault in file_site.ledger.verify()]
    assert messages == [FORM.format(5), FORM.format(7), CHANGED.format(9), FORM.format(11)]


def test_many_faults_are_counted_out(file_site: Site) -> None:
    many = [punch(number, "1", f"2026-03-01T08:{number // 60:02}:{number % 60:02}+01:00") for number in range(200)]
    file_site.ledger.add(many, actor="gate")
    alter(file_site, f"UPDATE {RECORDS} SET device = 'door' WHERE kind = 'punch'")
    messages = [fault.message for fault in file_site.ledger.verify()]
    assert (len(messages), messages[0], messages[-1]) == (101, CHANGED.format(4), "there are more faults.")


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("UPDATE attendance_employees SET department = 'Plant' WHERE number = '2'",
         "row '2' of attendance_employees was changed by another program than visavis."),
        ("DELETE FROM attendance_employees WHERE number = '3'",
         "row '3' of attendance_employees was removed by another program than visavis."),
        ("INSERT INTO attendance_leaves (id, employee, kind, first, last, part) "
         "VALUES ('x', '2', 'vacation', '2026-03-02', '2026-03-03', 'whole')",
         "row 'x' of attendance_leaves was inserted by another program than visavis."),
    ],
)  # fmt: skip
def test_rows_that_the_ledger_records(site: Site, statement: str, expected: str) -> None:
    fill(site)
    alter(site, statement)
    assert faults_of(site) == [expected]


def test_nothing_in_the_database_tells_the_key(file_site: Site) -> None:
    fill(file_site)
    key = (file_site.folder / "ledger.key").read_text(encoding="ascii").strip()
    assert re.fullmatch("[0-9a-f]{64}", key)
    assert (file_site.folder / "ledger.key").stat().st_mode & 0o777 == 0o600
    stored = b"".join(path.read_bytes() for path in file_site.folder.glob("attendance.db*"))
    assert (b"late bus" in stored, key.encode() in stored, bytes.fromhex(key) in stored) == (True, False, False)


def test_another_site_on_the_same_database_needs_the_key(site: Site) -> None:
    url = site.settings.database
    if url.startswith("sqlite"):
        url = f"sqlite:///{(site.folder / 'attendance.db').absolute()}"
    other = site.folder.with_name("other")
    with pytest.raises(AttendanceError, match="copy the folder of the site"):
        Site.create(other, SiteSettings("Other", ZONE, database=url))
    assert [*other.iterdir()] == []


def test_details_of_events_are_what_was_done(site: Site) -> None:
    (record,) = [each for each in site.ledger.history(employee="2") if each.kind == "event"]
    assert (record.actor, record.punch, record.detail) == (
        "tester",
        None,
        {
            "table": "attendance_employees",
            "action": "add employee",
            "key": "2",
            "row": {
                "number": "2", "name": BEN.name, "department": "Sales", "person_id": None, "joined": None,
                "left": None, "manages": json.dumps([]),
            },
        },
    )  # fmt: skip


def test_a_restored_backup_is_accepted_with_a_reason(site: Site) -> None:
    fill(site)
    alter(site, f"DELETE FROM {RECORDS} WHERE number > 12")
    site.ledger.head_file.path.unlink()
    with pytest.raises(UsageError, match="this takes a reason"):
        site.ledger.accept_head(actor="boss", reason=" ")
    assert len(faults_of(site)) == 1
    site.ledger.accept_head(actor="boss", reason="backup of Monday")
    assert faults_of(site) == []
    newest = site.ledger.history()[-1]
    assert (newest.number, newest.actor, newest.reason) == (13, "boss", "backup of Monday")
    assert newest.detail == {"action": "accept head", "before": None}
    alter(site, f"DELETE FROM {RECORDS} WHERE number > 12")
    assert faults_of(site) == ["record 13 is missing: the newest of the ledger."]
