from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from attendance.peers.http_peer import Answer, Fault, Request
from attendance.peers.odoo import Odoo
from visavis.attendance.integrations import push as pushing
from visavis.attendance.integrations.push import push
from visavis.attendance.integrations.types import PushReport
from visavis.attendance.site import Site
from visavis.attendance.types import Direction, Punch

from .conftest import YESTERDAY

AddPunch = Callable[..., Punch]
TODAY = YESTERDAY + timedelta(days=1)
DAY, BEFORE = YESTERDAY.isoformat(), (YESTERDAY - timedelta(days=1)).isoformat()


def deliver(folder: Path, *, pauses: tuple[float, ...] = ()) -> PushReport:
    with Site(folder) as site:
        return push(site, "odoo", pauses=pauses)


def rows(odoo: Odoo) -> list[tuple[str, str, str | None]]:
    names = {number: row["name"] for number, row in odoo.records.rows["hr.employee"].items()}
    return sorted((names[row["employee_id"]], row["check_in"], row["check_out"] or None) for row in odoo.attendances)


def counts(report: PushReport) -> tuple[int, int, int, int]:
    return report.created, report.updated, report.deleted, report.waiting


def test_punches_become_pairs_in_utc(folder: Path, either_odoo: Odoo, punch: AddPunch) -> None:
    punch("7", "08:00")
    punch("7", "12:00", "out")
    punch("7", "13:00", "unspecified")
    punch("7", "17:30", "unspecified")
    punch("8", "22:00", day=date.fromisoformat(BEFORE))
    punch("8", "06:00", "out")
    report = deliver(folder)
    assert (counts(report), report.stopped, report.refused) == ((3, 0, 0, 0), "", ())
    assert rows(either_odoo) == [
        ("Ann", f"{DAY} 01:00:00", f"{DAY} 05:00:00"),
        ("Ann", f"{DAY} 06:00:00", f"{DAY} 10:30:00"),
        ("Bo", f"{BEFORE} 15:00:00", f"{BEFORE} 23:00:00"),
    ]
    assert counts(deliver(folder)) == (0, 0, 0, 0)


def test_modes_are_sent_by_json_alone(folder: Path, odoo: Odoo, punch: AddPunch) -> None:
    punch("7", "08:00")
    punch("7", "12:00", "out")
    deliver(folder)
    (row,) = odoo.attendances
    assert (row["in_mode"], row["out_mode"]) == ("kiosk", "kiosk")


def test_an_open_check_in_gets_its_check_out(folder: Path, either_odoo: Odoo) -> None:
    start = datetime.now(UTC) - timedelta(hours=2)
    with Site(folder) as site:
        site.punch("7", actor="test", direction="in", at=start)
    assert counts(deliver(folder)) == (1, 0, 0, 0)
    assert rows(either_odoo) == [("Ann", f"{start:%Y-%m-%d %H:%M:%S}", None)]
    end = datetime.now(UTC) - timedelta(hours=1)
    with Site(folder) as site:
        site.punch("7", actor="test", direction="out", at=end)
    assert counts(deliver(folder)) == (0, 1, 0, 0)
    assert rows(either_odoo) == [("Ann", f"{start:%Y-%m-%d %H:%M:%S}", f"{end:%Y-%m-%d %H:%M:%S}")]


def test_a_forgotten_check_out_is_listed_and_blocks_nothing(folder: Path, either_odoo: Odoo) -> None:
    """Odoo refuses a second open row: the first is withdrawn when the next check-in comes."""
    start = datetime.now(UTC) - timedelta(hours=6)
    with Site(folder) as site:
        forgotten = site.punch("7", actor="test", direction="in", at=start)
        deliver(folder)
        site.punch("7", actor="test", direction="in", at=start + timedelta(hours=4))
    report = deliver(folder)
    assert [(record.key, record.reason) for record in report.refused] == [
        (forgotten.id, "there is no check-out before the next check-in")
    ]
    assert [row[1] for row in rows(either_odoo)] == [f"{start + timedelta(hours=4):%Y-%m-%d %H:%M:%S}"]
    with Site(folder) as site:
        site.punch("7", actor="test", direction="out", at=start + timedelta(hours=3))
    report = deliver(folder)
    assert report.refused == ()
    assert len(rows(either_odoo)) == 2


def test_corrections_and_voids_update_and_delete_rows(folder: Path, either_odoo: Odoo, punch: AddPunch) -> None:
    first, end = punch("7", "08:00"), punch("7", "12:00", "out")
    second, third = punch("7", "13:00"), punch("7", "17:00", "out")
    deliver(folder)
    with Site(folder) as site:
        site.ledger.correct(end.id, at=end.at + timedelta(minutes=90), reason="clock", actor="test")
        site.ledger.correct(second.id, at=second.at + timedelta(minutes=45), reason="clock", actor="test")
    assert counts(deliver(folder)) == (0, 2, 0, 0)  # 12:00 -> 13:30 is free only once 13:00 -> 13:45 is done
    assert rows(either_odoo) == [
        ("Ann", f"{DAY} 01:00:00", f"{DAY} 06:30:00"), ("Ann", f"{DAY} 06:45:00", f"{DAY} 10:00:00"),
    ]  # fmt: skip
    with Site(folder) as site:
        for voided in (second, third):
            site.ledger.void(voided.id, reason="another person", actor="test")
        site.ledger.correct(first.id, employee="8", reason="badge of another", actor="test")
        site.ledger.correct(end.id, employee="8", reason="badge of another", actor="test")
    report = deliver(folder)
    assert (report.created, report.deleted, report.refused) == (1, 2, ())
    assert rows(either_odoo) == [("Bo", f"{DAY} 01:00:00", f"{DAY} 06:30:00")]


@pytest.mark.parametrize(("before", "after", "name"), [("7", "8", "Bo"), ("8", "7", "Ann")])
def test_a_row_goes_with_its_punches_to_another_employee(
    folder: Path, either_odoo: Odoo, punch: AddPunch, before: str, after: str, name: str
) -> None:
    """Whichever of the two employees comes first."""
    punches = [punch(before, "08:00"), punch(before, "12:00", "out")]
    deliver(folder)
    with Site(folder) as site:
        for each in punches:
            site.ledger.correct(each.id, employee=after, reason="badge of another", actor="test")
    report = deliver(folder)
    assert (report.created, report.updated, report.deleted, report.refused) == (1, 0, 1, ())
    assert rows(either_odoo) == [(name, f"{DAY} 01:00:00", f"{DAY} 05:00:00")]
    assert counts(deliver(folder)) == (0, 0, 0, 0)


def test_an_employee_who_was_put_aside_holds_up_no_other(
    folder: Path, odoo: Odoo, punch: AddPunch, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = odoo.answer

    def answer_partly(request: Request) -> Answer:
        fails = b'"employee_id": 1,' in request.body
        return Answer(500, b'{"name": "odoo"}') if fails else answer(request)

    monkeypatch.setattr(odoo, "answer", answer_partly)
    for number in ("7", "8"):
        punch(number, "08:00")
        punch(number, "12:00", "out")
    assert deliver(folder).stopped.startswith("it answered 500")
    with monkeypatch.context() as patch:
        patch.setattr(pushing, "GIVE_UP", timedelta())
        report = deliver(folder)
    assert (counts(report), report.stopped) == ((1, 0, 0, 0), "")
    punch("7", "07:00", day=date.fromisoformat(BEFORE))
    punch("7", "11:00", "out", day=date.fromisoformat(BEFORE))
    punch("8", "13:00")
    punch("8", "17:00", "out")
    report = deliver(folder)
    assert (counts(report), report.stopped) == ((1, 0, 0, 0), "")
    assert [record.key for record in report.refused] == ["employee 7"]
    monkeypatch.setattr(odoo, "answer", answer)
    report = deliver(folder)
    assert (report.created, report.refused) == (2, ())


def test_the_order_in_which_punches_arrive_does_not_matter(folder: Path, either_odoo: Odoo, punch: AddPunch) -> None:
    """A terminal was away: the check-in comes last, after a push of the check-out."""
    punch("7", "17:00", "out")
    report = deliver(folder)
    assert [record.reason for record in report.refused] == ["there is no check-in before this check-out"]
    punch("7", "12:30", "in")
    deliver(folder)
    punch("7", "12:00", "out")
    punch("7", "08:00", "in")
    report = deliver(folder)
    assert report.refused == ()
    assert rows(either_odoo) == [
        ("Ann", f"{DAY} 01:00:00", f"{DAY} 05:00:00"), ("Ann", f"{DAY} 05:30:00", f"{DAY} 10:00:00"),
    ]  # fmt: skip


def test_a_void_after_a_lost_answer_deletes_the_row(folder: Path, odoo: Odoo, punch: AddPunch) -> None:
    added = punch("7", "08:00")
    punch("7", "12:00", "out")
    odoo.faults.extend([None, Fault.RESET_AFTER])
    assert deliver(folder).waiting == 2
    assert len(rows(odoo)) == 1
    with Site(folder) as site:
        site.ledger.void(added.id, reason="another person", actor="test")
    deliver(folder)
    assert rows(odoo) == []


def test_rows_of_others_are_left_alone(folder: Path, either_odoo: Odoo, punch: AddPunch) -> None:
    row = {"employee_id": 1, "check_in": f"{DAY} 02:00:00", "check_out": f"{DAY} 03:00:00"}
    either_odoo.records.create("hr.attendance", row)
    added = punch("7", "08:00")
    punch("7", "12:00", "out")
    report = deliver(folder)
    assert [record.key for record in report.refused] == [added.id]
    assert report.refused[0].reason.startswith("Cannot create new attendance record for Ann, the employee was already")
    assert rows(either_odoo) == [("Ann", f"{DAY} 02:00:00", f"{DAY} 03:00:00")]
    either_odoo.records.rows["hr.attendance"].clear()
    assert deliver(folder).refused == ()
    assert rows(either_odoo) == [("Ann", f"{DAY} 01:00:00", f"{DAY} 05:00:00")]


@pytest.mark.parametrize("mode", ["manual", "kiosk"])
@pytest.mark.parametrize("ends", ["12:00", "10:00"])
def test_a_row_of_another_with_the_same_second_is_not_taken_for_ours(
    folder: Path, either_odoo: Odoo, punch: AddPunch, ends: str, mode: str
) -> None:
    """An officer has typed the same check-in: it is neither written over nor, once the punch is void, deleted."""
    hours = {"12:00": "05:00:00", "10:00": "03:00:00"}[ends]
    row = {"employee_id": 1, "check_in": f"{DAY} 01:00:00", "check_out": f"{DAY} {hours}"}
    either_odoo.records.create("hr.attendance", {**row, "in_mode": mode, "out_mode": mode})
    before = list(either_odoo.attendances)
    added = punch("7", "08:00")
    punch("7", "12:00", "out")
    assert [record.key for record in deliver(folder).refused] == [added.id]
    assert either_odoo.attendances == before
    with Site(folder) as site:
        site.ledger.void(added.id, reason="another person", actor="test")
    deliver(folder)
    assert either_odoo.attendances == before


def test_a_void_after_a_lost_request_deletes_no_row_of_another(folder: Path, odoo: Odoo, punch: AddPunch) -> None:
    added = punch("7", "08:00")
    punch("7", "12:00", "out")
    odoo.faults.extend([None, Fault.RESET_BEFORE])
    assert (deliver(folder).waiting, rows(odoo)) == (2, [])
    row = {"employee_id": 1, "check_in": f"{DAY} 01:00:00", "check_out": f"{DAY} 09:00:00"}
    odoo.records.create("hr.attendance", row)
    with Site(folder) as site:
        site.ledger.void(added.id, reason="another person", actor="test")
    report = deliver(folder)
    assert added.id in [record.key for record in report.refused]
    assert rows(odoo) == [("Ann", row["check_in"], row["check_out"])]


def test_a_row_is_found_again_after_a_lost_answer_in_the_same_push(
    folder: Path, either_odoo: Odoo, punch: AddPunch
) -> None:
    punch("7", "08:00")
    punch("7", "12:00", "out")
    before = 2 if "xmlrpc" in (folder / "site.toml").read_text() else 1  # it is signed in first; then employees
    either_odoo.faults.extend([None] * before + [Fault.RESET_AFTER])
    report = deliver(folder, pauses=(0.0,))
    assert (report.created, report.refused, report.stopped) == (1, (), "")
    assert rows(either_odoo) == [("Ann", f"{DAY} 01:00:00", f"{DAY} 05:00:00")]


def test_an_unknown_employee_is_listed_and_sent_once_he_is_there(
    folder: Path, either_odoo: Odoo, punch: AddPunch
) -> None:
    punch("9", "08:00")
    punch("9", "12:00", "out")
    punch("7", "08:00")
    punch("7", "12:00", "out")
    report = deliver(folder)
    assert [(record.key, record.reason) for record in report.refused] == [
        ("employee 9", "no employee of Odoo has 9 in the field barcode")
    ]
    either_odoo.add_employee("Cem", barcode="9")
    report = deliver(folder)
    assert (report.created, report.refused) == (1, ())
    assert len(rows(either_odoo)) == 2


def test_a_number_that_two_employees_have_is_listed_and_sent_to_neither(
    folder: Path, either_odoo: Odoo, punch: AddPunch
) -> None:
    text = (folder / "site.toml").read_text()
    (folder / "site.toml").write_text(
        text.replace("database = 'company'", "employee_field = 'pin'\ndatabase = 'company'")
    )
    bo = either_odoo.records.rows["hr.employee"][2]
    bo["pin"] = "7"
    punch("7", "08:00")
    punch("7", "12:00", "out")
    report = deliver(folder)
    assert [(record.key, record.reason) for record in report.refused] == [
        ("employee 7", "two or more employees of Odoo have 7 in the field pin")
    ]
    assert rows(either_odoo) == []
    bo["pin"] = "8"
    assert deliver(folder).refused == ()
    assert rows(either_odoo) == [("Ann", f"{DAY} 01:00:00", f"{DAY} 05:00:00")]


def test_a_row_that_an_officer_deleted_comes_back_with_the_next_correction(
    folder: Path, either_odoo: Odoo, punch: AddPunch
) -> None:
    punch("7", "08:00")
    end = punch("7", "12:00", "out")
    deliver(folder)
    either_odoo.records.rows["hr.attendance"].clear()
    assert counts(deliver(folder)) == (0, 0, 0, 0)
    with Site(folder) as site:
        site.ledger.correct(end.id, at=end.at + timedelta(minutes=1), reason="clock", actor="test")
    deliver(folder)
    assert rows(either_odoo) == [("Ann", f"{DAY} 01:00:00", f"{DAY} 05:01:00")]


def test_a_wrong_key_stops_the_push(folder: Path, either_odoo: Odoo, punch: AddPunch) -> None:
    (folder / "odoo.key").write_text("a-wrong-key")
    punch("7", "08:00")
    report = deliver(folder)
    assert report.waiting == 1
    assert report.stopped.startswith("it refuses the")
    assert "a-wrong-key" not in repr(report)


@pytest.mark.parametrize(
    "body",
    [
        b"<?xml version='1.0'?><!DOCTYPE r [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><methodResponse>"
        b"<params><param><value><string>&b;</string></value></param></params></methodResponse>",
        "<?xml version='1.0' encoding='utf-16'?><methodResponse/>".encode("utf-16"),
        b"<methodResponse>" * 50_000,
        b"<methodResponse><params><param><value><int>"
        + b"9" * 9000
        + b"</int></value></param></params></methodResponse>",
        b"not xml",
        b"",
    ],
    ids=["entities", "utf-16", "deep", "long number", "text", "nothing"],
)
def test_a_hostile_answer_in_xml_is_refused(body: bytes) -> None:
    from visavis.attendance.integrations.connection import TargetAnswer
    from visavis.attendance.integrations.errors import RejectedError
    from visavis.attendance.integrations.odoo_client import read_xml

    with pytest.raises(RejectedError, match=r"not one of XML-RPC: is this the address of Odoo\?"):
        read_xml(TargetAnswer(200, body))


def test_an_answer_without_end_is_cut_off(
    folder: Path, odoo: Odoo, punch: AddPunch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(odoo, "answer", lambda request: Answer(200, json.dumps(["x" * (5 << 20)]).encode()))
    punch("7", "08:00")
    assert deliver(folder).stopped == "its answer has more than 4 MiB: is this the right address?"


def add(site: Site, number: str, at: datetime, direction: Direction) -> None:
    site.punch(number, actor="test", direction=direction, at=at)
