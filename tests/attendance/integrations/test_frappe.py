from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from attendance.peers.frappe import Frappe
from attendance.peers.frappe_shift import Employee as HrEmployee
from attendance.peers.http_peer import Answer, Fault, Request
from visavis.attendance.integrations import push as pushing
from visavis.attendance.integrations.push import dismiss, push, read_states
from visavis.attendance.integrations.types import PushReport
from visavis.attendance.integrations.zkteco.held import find_earliest_held
from visavis.attendance.integrations.zkteco.receive import clear_held, receive, retry_held
from visavis.attendance.integrations.zkteco.terminals import note_contact, read_terminals
from visavis.attendance.site import Site
from visavis.attendance.types import Employee, Punch

from .conftest import YESTERDAY, configure

AddPunch = Callable[..., Punch]
DAY = YESTERDAY.isoformat()


def deliver(folder: Path, *, retry: bool = False) -> PushReport:
    with Site(folder) as site:
        return push(site, "frappe", retry=retry, pauses=())


def checkins(frappe: Frappe) -> list[tuple[str, str, str]]:
    return sorted((checkin.employee, str(checkin.time), checkin.log_type) for checkin in frappe.checkins)


def last_sync(frappe: Frappe) -> str | None:
    synced = frappe.shift_types["Day"].last_sync_of_checkin
    return None if synced is None else str(synced)


def counts(report: PushReport) -> tuple[int, int, int, int]:
    return report.created, report.updated, report.deleted, report.waiting


def test_punches_become_check_ins_and_then_attendance(folder: Path, frappe: Frappe, punch: AddPunch) -> None:
    punch("7", "08:00:05")
    punch("7", "17:00", "out")
    punch("8", "08:30", "unspecified")
    before = datetime.now(UTC)
    report = deliver(folder)
    assert (counts(report), report.stopped, report.refused) == ((3, 0, 0, 0), "", ())
    assert checkins(frappe) == [
        ("HR-EMP-7", f"{DAY} 08:00:05", "IN"),
        ("HR-EMP-7", f"{DAY} 17:00:00", "OUT"),
        ("HR-EMP-8", f"{DAY} 08:30:00", ""),
    ]
    assert json.loads(frappe.requests[0].body)["timestamp"] == f"{DAY} 08:00:05.000000"
    assert json.loads(frappe.requests[0].body)["device_id"] == "door"
    synced = datetime.fromisoformat(last_sync(frappe) or "")
    local = (before + timedelta(hours=7)).replace(tzinfo=None)
    assert timedelta(minutes=-2, seconds=-1) <= synced - local <= timedelta(minutes=-1)
    made = [item for item in frappe.process_auto_attendance() if item.day == YESTERDAY]
    assert [(item.employee, item.status) for item in made] == [("HR-EMP-7", "Present"), ("HR-EMP-8", "Present")]


def test_a_record_that_was_put_aside_holds_up_no_other(
    folder: Path, frappe: Frappe, punch: AddPunch, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = frappe.answer

    def answer_partly(request: Request) -> Answer:
        fails = b'"employee_field_value": "7"' in request.body
        return Answer(500, b"{}") if fails else answer(request)

    monkeypatch.setattr(frappe, "answer", answer_partly)
    punch("7", "08:00")
    punch("8", "08:30")
    assert deliver(folder).stopped.startswith("it answered 500")
    with monkeypatch.context() as patch:
        patch.setattr(pushing, "GIVE_UP", timedelta())
        report = deliver(folder)
    assert (counts(report), report.stopped) == ((1, 0, 0, 0), "")
    punch("8", "17:00", "out")
    report = deliver(folder)
    assert (counts(report), report.stopped) == ((1, 0, 0, 0), "")
    assert [record.employee for record in report.refused] == ["7"]
    monkeypatch.setattr(frappe, "answer", answer)
    report = deliver(folder)
    assert (report.created, report.refused) == (1, ())


def test_a_second_push_sends_nothing_again(folder: Path, frappe: Frappe, punch: AddPunch) -> None:
    punch("7", "08:00")
    deliver(folder)
    sent = len(frappe.requests)
    assert counts(deliver(folder)) == (0, 0, 0, 0)
    assert [request.method for request in frappe.requests[sent:]] == ["PUT"]  # last_sync_of_checkin


def test_corrections_and_voids_reach_check_ins_that_were_sent(folder: Path, frappe: Frappe, punch: AddPunch) -> None:
    first, second, third = punch("7", "08:00"), punch("7", "12:00"), punch("8", "08:00")
    deliver(folder)
    with Site(folder) as site:
        site.ledger.correct(first.id, at=first.at + timedelta(minutes=5), reason="clock", actor="test")
        site.ledger.correct(second.id, direction="out", reason="wrong button", actor="test")
        site.ledger.void(third.id, reason="another person", actor="test")
    assert counts(deliver(folder)) == (0, 2, 1, 0)
    expected = [("HR-EMP-7", f"{DAY} 08:05:00", "IN"), ("HR-EMP-7", f"{DAY} 12:00:00", "OUT")]
    assert checkins(frappe) == expected
    with Site(folder) as site:
        site.ledger.restore(third.id, reason="it was", actor="test")
        site.ledger.correct(first.id, employee="8", reason="badge of another", actor="test")
    assert counts(deliver(folder)) == (2, 0, 1, 0)
    assert [row[:2] for row in checkins(frappe)] == [
        ("HR-EMP-7", f"{DAY} 12:00:00"), ("HR-EMP-8", f"{DAY} 08:00:00"), ("HR-EMP-8", f"{DAY} 08:05:00"),
    ]  # fmt: skip


def test_what_was_made_attendance_of_is_refused_and_listed(folder: Path, frappe: Frappe, punch: AddPunch) -> None:
    late = punch("7", "08:00")
    deliver(folder)
    frappe.process_auto_attendance()
    with Site(folder) as site:
        site.ledger.void(late.id, reason="another person", actor="test")
    report = deliver(folder)
    assert [record.key for record in report.refused] == [late.id]
    name = frappe.checkins[0].name
    assert report.refused[0].reason.startswith(f"Employee Checkin {name} is linked with Attendance HR-ATT-")
    assert report.synced is not None
    assert report.synced > datetime.now(UTC) - timedelta(minutes=5)  # that day is over: the others go on


def test_an_unknown_employee_costs_only_himself_and_holds_attendance_back(
    folder: Path, frappe: Frappe, punch: AddPunch
) -> None:
    unknown = punch("9", "08:00")
    punch("7", "08:01")
    report = deliver(folder)
    assert (counts(report), len(report.refused)) == ((1, 0, 0, 0), 1)
    record = report.refused[0]
    assert (record.key, record.employee, record.at) == (unknown.id, "9", unknown.at)
    assert record.reason == "No Employee found for the given employee field value. 'attendance_device_id': 9"
    assert last_sync(frappe) == f"{DAY} 07:59:59"
    assert "refused" in report.notes[0]
    frappe.employees["HR-EMP-9"] = HrEmployee("HR-EMP-9", "9", "Day")
    report = deliver(folder)
    assert (counts(report), report.refused, report.notes) == ((1, 0, 0, 0), (), ())
    assert len(checkins(frappe)) == 2


def test_a_dismissed_record_holds_nothing_back(folder: Path, frappe: Frappe, punch: AddPunch) -> None:
    unknown = punch("9", "08:00")
    deliver(folder)
    with Site(folder) as site:
        dismiss(site, "frappe", unknown.id)
        assert read_states(site)[0].refused == ()
    deliver(folder)
    assert (last_sync(frappe) or "") > f"{DAY} 08:00:00"


@pytest.mark.parametrize("message", ["", "Nhân viên đã có bản ghi cùng thời điểm."])
def test_a_lost_answer_makes_no_second_check_in_in_any_language(
    folder: Path, frappe: Frappe, punch: AddPunch, message: str
) -> None:
    frappe.duplicate = message or frappe.duplicate
    added = punch("7", "08:00")
    frappe.faults.append(Fault.RESET_AFTER)
    report = deliver(folder)
    assert report.waiting == 1
    assert report.stopped.startswith("it cannot be reached")
    assert counts(deliver(folder)) == (1, 0, 0, 0)
    assert len(checkins(frappe)) == 1
    with Site(folder) as site:
        site.ledger.void(added.id, reason="test", actor="test")
    deliver(folder)
    assert checkins(frappe) == []


def test_a_void_after_a_lost_answer_leaves_nothing_behind(folder: Path, frappe: Frappe, punch: AddPunch) -> None:
    """The check-in was made, its answer lost; before the next push the punch becomes void."""
    added = punch("7", "08:00")
    frappe.faults.append(Fault.RESET_AFTER)
    deliver(folder)
    with Site(folder) as site:
        site.ledger.void(added.id, reason="test", actor="test")
    deliver(folder)
    assert checkins(frappe) == []


def test_a_key_that_may_not_read_still_takes_a_duplicate_for_done(
    folder: Path, frappe: Frappe, punch: AddPunch
) -> None:
    frappe.may_read = False
    punch("7", "08:00")
    frappe.faults.extend([Fault.RESET_AFTER, None])
    deliver(folder)
    frappe.faults.clear()
    frappe.shift_types.clear()
    with Site(folder) as site:
        site.database.close()
    report = deliver(folder)
    assert report.stopped.startswith("it refuses the key, or the key has no right to do this (403)")
    assert len(checkins(frappe)) == 1


def test_a_wrong_token_stops_the_push_and_is_not_printed(folder: Path, frappe: Frappe, punch: AddPunch) -> None:
    (folder / "frappe.key").write_text("key:wrong-secret")
    punch("7", "08:00")
    report = deliver(folder)
    assert (report.waiting, report.created) == (1, 0)
    assert report.stopped == "it refuses the key, or the key has no right to do this (401)."
    assert "wrong-secret" not in repr(report)


def test_failures_of_the_server_are_tried_again_in_the_same_run(folder: Path, frappe: Frappe, punch: AddPunch) -> None:
    punch("7", "08:00")
    frappe.faults.extend([503, Fault.RESET_BEFORE, 500])
    with Site(folder) as site:
        report = push(site, "frappe", pauses=(0, 0, 0))
    assert (report.created, report.stopped) == (1, "")


def test_two_punches_of_one_second_are_one_check_in_until_both_are_void(
    folder: Path, frappe: Frappe, punch: AddPunch
) -> None:
    first, second = punch("7", "08:00:00.100"), punch("7", "08:00:00.700")
    report = deliver(folder)
    assert (counts(report), report.refused) == ((1, 0, 0, 0), ())
    with Site(folder) as site:
        site.ledger.void(first.id, reason="test", actor="test")
    deliver(folder)
    assert len(checkins(frappe)) == 1
    with Site(folder) as site:
        site.ledger.void(second.id, reason="test", actor="test")
    deliver(folder)
    assert checkins(frappe) == []


def test_an_hour_that_comes_twice_is_not_taken_for_a_repetition(tmp_path: Path, frappe: Frappe, folder: Path) -> None:
    """Clocks in Berlin went back on 2025-10-26 at 3:00: 2:30 was at 0:30 and at 1:30 UTC."""
    text = (folder / "site.toml").read_text().replace("Asia/Ho_Chi_Minh", "Europe/Berlin")
    (folder / "site.toml").write_text(text)
    with Site(folder) as site:
        for hour in (0, 1):
            site.punch("7", actor="test", direction="in", at=datetime(2025, 10, 26, hour, 30, tzinfo=UTC))
    report = deliver(folder)
    assert checkins(frappe) == [("HR-EMP-7", "2025-10-26 02:30:00", "IN")]
    assert [record.reason for record in report.refused] == [
        "clocks were set back, and another punch of this person has the same local time"
    ]


def test_punches_before_the_first_day_are_not_sent(folder: Path, frappe: Frappe, punch: AddPunch) -> None:
    text = (folder / "site.toml").read_text()
    (folder / "site.toml").write_text(text.replace("kind =", f"first_day = {DAY}\nkind ="))
    punch("7", "23:00", day=YESTERDAY - timedelta(days=1))
    punch("7", "08:00")
    assert counts(deliver(folder)) == (1, 0, 0, 0)
    assert checkins(frappe) == [("HR-EMP-7", f"{DAY} 08:00:00", "IN")]


def test_an_outage_is_named_before_it_becomes_absence(folder: Path, frappe: Frappe, punch: AddPunch) -> None:
    from visavis.attendance.types import Outage

    start = datetime.combine(date.fromisoformat(DAY), datetime.min.time(), UTC)
    with Site(folder) as site:
        add_outage(site, Outage("door", start, start + timedelta(hours=2), "no power"))
    notes = deliver(folder).notes
    assert len(notes) == 1
    assert notes[0].startswith(f"door failed from {start.isoformat()}")
    assert notes[0].endswith("Frappe HR takes those without a check-in for absent.")
    assert deliver(folder).notes == ()


def add_outage(site: Site, outage: object) -> None:
    from visavis.attendance import absences

    with site.ledger.write(actor="test") as writer:
        absences.add_outage(writer, outage)  # type: ignore[arg-type]


def test_without_shift_types_the_report_says_that_no_attendance_is_made(
    folder: Path, frappe: Frappe, punch: AddPunch
) -> None:
    text = (folder / "site.toml").read_text()
    (folder / "site.toml").write_text(text.replace("shift_types = ['Day']", ""))
    assert deliver(folder).notes == (
        "shift_types is not set: last_sync_of_checkin is not written, so no Attendance is made.",
    )
    assert last_sync(frappe) is None


def test_a_terminal_without_contact_holds_attendance_back(folder: Path, frappe: Frappe, punch: AddPunch) -> None:
    """It may have punches that are not in the ledger yet: whoever punched there would be absent."""
    configure(folder, "[zkteco.gate]\nserial = 'ZK1'\naddresses = ['10.0.0.5']\n")
    punch("7", "08:00")
    report = deliver(folder)
    assert (report.created, report.synced, last_sync(frappe)) == (1, None, None)
    assert report.notes[0].startswith("terminal ZK1 has not yet been in contact for 10 minutes")
    with Site(folder) as site:
        for minute in (50, 55, 60):
            note_contact(site, "ZK1", at=datetime.fromisoformat(f"{DAY}T02:00Z") + timedelta(minutes=minute))
    report = deliver(folder)
    assert report.notes == ("last_sync_of_checkin is the last contact of terminal ZK1.",)
    assert last_sync(frappe) == f"{DAY} 10:00:00"


def test_a_punch_that_is_held_holds_attendance_back(folder: Path, frappe: Frappe, punch: AddPunch) -> None:
    """A terminal has sent punches of a person who is not among the employees yet; else Frappe HR calls him absent."""
    configure(folder, "[zkteco.gate]\nserial = 'ZK1'\naddresses = ['10.0.0.5']\n")
    punch("7", "09:00")
    received = datetime.now(UTC)
    lines = f"21\t{DAY} 08:00:00\t0\t15\n21\t{DAY} 17:00:00\t1\t15\ngarbage\n"
    with Site(folder) as site:
        for minutes in (12, 8, 4):
            note_contact(site, "ZK1", at=received - timedelta(minutes=minutes))
        receive(site, read_terminals(site)["ZK1"], lines.encode(), at=received)
    report = deliver(folder)
    assert report.created == 1
    assert report.notes[-1].startswith("last_sync_of_checkin stays before a punch that is held from terminal gate")
    assert last_sync(frappe) == f"{DAY} 07:59:59"
    with Site(folder) as site:
        site.put_employees([Employee("21", "New")], actor="test")
        retry_held(site, at=received)
        held = find_earliest_held(site, datetime.min.replace(tzinfo=UTC))
        assert held is not None
        assert held.at >= received - timedelta(seconds=1)  # of the line without a time: when it came
        clear_held(site, "gate")
        assert find_earliest_held(site, datetime.min.replace(tzinfo=UTC)) is None
    frappe.employees["HR-EMP-21"] = HrEmployee("HR-EMP-21", "21", "Day")
    report = deliver(folder)
    assert report.refused == ()
    assert [note for note in report.notes if "held" in note] == []
    assert str(last_sync(frappe)) > f"{DAY} 08:00:00"
