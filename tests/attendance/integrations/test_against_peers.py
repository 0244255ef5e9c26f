"""Our clients against servers that were written from the public protocols alone, and that fail at every request.

Whatever fails: each punch is at the target once in the end, and one that is still to come does not make an absence.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest

from attendance.peers.frappe import Frappe
from attendance.peers.frappe_shift import Attendance, ShiftType
from attendance.peers.frappe_shift import Employee as HrEmployee
from attendance.peers.http_peer import Fault, Peer
from attendance.peers.odoo import Odoo
from attendance.peers.webhook import Webhook
from cli.conftest import Run
from visavis.attendance.demo.people import LAST
from visavis.attendance.demo.site import create_demo
from visavis.attendance.integrations import connection
from visavis.attendance.integrations.push import push
from visavis.attendance.integrations.types import PushReport
from visavis.attendance.integrations.zkteco.receive import receive
from visavis.attendance.integrations.zkteco.terminals import note_contact, read_terminals
from visavis.attendance.site import Site
from visavis.attendance.types import Punch

from .conftest import YESTERDAY, configure, target

AddPunch = Callable[..., Punch]
DAY = timedelta(days=1)

QUICK = [Fault.RESET_AFTER, Fault.GATEWAY_TIMEOUT_AFTER]
for_faults = pytest.mark.parametrize(
    "faults",
    [pytest.param(QUICK, id="lost answers"), pytest.param(list(Fault), id="all", marks=pytest.mark.slow(seconds=12))],
)


def deliver(folder: Path, kind: str) -> PushReport:
    with Site(folder) as site:
        return push(site, kind, pauses=())


def deliver_all(folder: Path, kind: str, peer: Peer) -> None:
    """Push until all is sent, as a timer does."""
    for _ in range(20):
        report = deliver(folder, kind)
        peer.revive()
        if not report.stopped:
            assert (report.waiting, report.refused) == (0, ())
            return
    raise AssertionError(report.stopped)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait half a second for the answer of a silent server, not half a minute."""
    monkeypatch.setattr(connection, "TIMEOUT_S", (10.0, 0.5))


def fail_everywhere(folder: Path, kind: str, peer: Peer, punch: AddPunch, faults: list[Fault]) -> list[Punch]:
    """Punch in and out for days, and let each fault befall each request of a push; return the punches."""
    added, day = [], YESTERDAY - 80 * DAY
    for fault in faults:
        for position in range(3):
            day += DAY
            added += [punch("7", "08:00", day=day), punch("7", "17:00", "out", day=day)]
            peer.faults.extend([None] * position + [fault])
            deliver_all(folder, kind, peer)
            peer.faults.clear()
    return added


@for_faults
@pytest.mark.usefixtures("impatient")
def test_each_fault_at_each_request_leaves_one_check_in_a_punch(
    folder: Path, frappe: Frappe, punch: AddPunch, faults: list[Fault]
) -> None:
    added = fail_everywhere(folder, "frappe", frappe, punch, faults)
    stored = [(checkin.employee, f"{checkin.time}", checkin.log_type) for checkin in frappe.checkins]
    expected = [("HR-EMP-7", f"{item.at:%Y-%m-%d %H:%M:%S}", item.direction.upper()) for item in added]
    assert stored == expected
    assert all(second >= first for (_, first), (_, second) in zip(frappe.syncs, frappe.syncs[1:], strict=False))


@for_faults
@pytest.mark.usefixtures("impatient")
def test_each_fault_at_each_call_leaves_one_row_a_pair(
    folder: Path, either_odoo: Odoo, punch: AddPunch, faults: list[Fault]
) -> None:
    added = fail_everywhere(folder, "odoo", either_odoo, punch, faults)
    stored = [(row["check_in"], row["check_out"]) for row in either_odoo.attendances]
    times = [f"{item.at.astimezone(UTC):%Y-%m-%d %H:%M:%S}" for item in added]
    assert stored == list(zip(times[::2], times[1::2], strict=True))


@for_faults
@pytest.mark.usefixtures("impatient")
def test_each_fault_at_each_event_leaves_one_event_a_change(
    folder: Path, webhook: Webhook, punch: AddPunch, faults: list[Fault]
) -> None:
    added = fail_everywhere(folder, "webhook", webhook, punch, faults)
    assert [body["punch_id"] for body in webhook.bodies] == [item.id for item in added]
    assert webhook.repeated


def test_days_at_frappe_are_those_of_our_punches(folder: Path, frappe: Frappe, punch: AddPunch) -> None:
    punch("7", "08:16")
    punch("7", "17:00", "out")
    punch("8", "07:55", day=YESTERDAY - DAY)
    punch("8", "16:25", "out", day=YESTERDAY - DAY)
    deliver_all(folder, "frappe", frappe)
    made = {(item.employee, item.day): item for item in frappe.process_auto_attendance()}
    late = made["HR-EMP-7", YESTERDAY]
    assert (late.status, late.working_hours, late.late_entry) == ("Present", 8.73, True)
    assert made["HR-EMP-8", YESTERDAY - DAY].working_hours == 8.5
    assert made["HR-EMP-7", YESTERDAY - DAY] == Attendance("HR-EMP-7", YESTERDAY - DAY, "Absent")


def absent(frappe: Frappe, employee: str) -> list[date]:
    days = frappe.process_auto_attendance()
    return [item.day for item in days if (item.employee, item.status) == (employee, "Absent")]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("fault", [Fault.ERROR_BEFORE, Fault.RESET_AFTER, Fault.DEATH_AFTER])
def test_a_push_that_ends_early_makes_no_absence(folder: Path, frappe: Frappe, punch: AddPunch, fault: Fault) -> None:
    days = [YESTERDAY - count * DAY for count in range(5, -1, -1)]
    for day in days:
        punch("7", "08:00", day=day)
        punch("8", "08:00", day=day)
    frappe.faults.extend([None, None, None, fault])
    assert deliver(folder, "frappe").stopped
    assert (frappe.process_auto_attendance(), frappe.syncs) == ([], [])
    frappe.revive()
    deliver_all(folder, "frappe", frappe)
    assert [day for number in "78" for day in absent(frappe, f"HR-EMP-{number}") if day in days] == []


def test_a_terminal_that_is_back_makes_no_absence_before_its_upload(folder: Path, frappe: Frappe) -> None:
    """It was off for two days, in which people punched; it greets, and a push comes before its upload."""
    configure(folder, "[zkteco.gate]\nserial = 'ZK1'\naddresses = ['10.0.0.5']\n")
    now = datetime.now(UTC)
    days = [YESTERDAY - 2 * DAY, YESTERDAY - DAY]
    away = datetime.combine(YESTERDAY - 3 * DAY, time(12), UTC)
    lines = [f"{number}\t{day} 08:00:00\t0\t15\n" for day in days for number in "78"]
    with Site(folder) as site:
        for minutes in (10, 5, 0):
            note_contact(site, "ZK1", at=away - timedelta(minutes=minutes))
        note_contact(site, "ZK1", at=now - timedelta(seconds=20))  # the greeting
        report = push(site, "frappe", pauses=())
        assert report.synced == away
        assert report.notes[0].endswith("before it was away: it may still send punches of that time.")
        frappe.process_auto_attendance()
        receive(site, read_terminals(site)["ZK1"], "".join(lines).encode(), at=now)
    deliver_all(folder, "frappe", frappe)
    with Site(folder) as site:
        for minutes in (4, 8, 12):
            note_contact(site, "ZK1", at=now + timedelta(minutes=minutes))
        assert (push(site, "frappe", pauses=()).synced or now) > now - timedelta(minutes=3)
    assert [day for number in "78" for day in absent(frappe, f"HR-EMP-{number}") if day in days] == []


def test_check_ins_that_come_too_late_are_named(folder: Path, frappe: Frappe, punch: AddPunch) -> None:
    """Frappe HR has made an absence of the day, and keeps it: only canceling it there helps."""
    deliver_all(folder, "frappe", frappe)
    day = YESTERDAY - 2 * DAY
    assert day in absent(frappe, "HR-EMP-7")
    punch("7", "09:00", day=day)
    punch("7", "08:00", day=day)
    (note,) = deliver(folder, "frappe").notes
    assert note.startswith("check-ins of days that Frappe HR has already dealt with: 2, the first of employee 7 at ")
    assert f"at {day}T08:00:00+07:00. Cancel Attendance of those days" in note
    assert day in absent(frappe, "HR-EMP-7")
    del frappe.attendances["HR-EMP-7", day]
    assert day not in absent(frappe, "HR-EMP-7")


@pytest.mark.slow(seconds=30)
def test_days_of_the_sample_site_by_the_commands(tmp_path: Path, run: Run) -> None:
    """The last five: 30 people, early, late and night shifts, and what goes wrong at real sites."""
    first, folder = LAST - 4 * DAY, tmp_path / "sample"
    with create_demo(folder) as site:
        employees, punches = site.employees(), site.punches(first, None)
    people = [HrEmployee(f"HR-{item.number}", item.number, "Any", relieving_date=LAST) for item in employees]
    with Frappe(*people) as frappe, Odoo() as odoo:
        frappe.shift_types["Any"] = ShiftType(time(0), time(23, 59), first)
        for item in employees:
            odoo.add_employee(item.name, barcode=item.number)
        late = f"\nfirst_day = {first}"
        configure(folder, target("frappe", frappe.url, shift_types=["Any"]) + late, frappe="key:secret")
        configure(folder, target("odoo", odoo.url, database="acme") + late, odoo="a1b2c3")
        done = run("attendance", "push", "--to", "frappe", "--site", folder, "--json")
        assert (done.code, done.line["refused"], done.line["waiting"]) == (0, [], 0)
        expected = {(f"HR-{item.employee}", f"{item.at:%Y-%m-%d %H:%M:%S}") for item in punches}
        assert {(checkin.employee, str(checkin.time)) for checkin in frappe.checkins} == expected
        assert len(expected) > 100
        absences = {
            (item.employee, str(item.day)) for item in frappe.process_auto_attendance() if item.status == "Absent"
        }
        assert absences.isdisjoint((employee, at[:10]) for employee, at in expected)
        assert absences
        done = run("attendance", "push", "--to", "odoo", "--site", folder, "--json")
        assert (done.line["stopped"], done.line["waiting"]) == ("", 0)
        times = {f"{item.at.astimezone(UTC):%Y-%m-%d %H:%M:%S}" for item in punches}
        rows = odoo.attendances
        assert {row["check_in"] for row in rows} <= times
        assert len(rows) == done.line["created"] > 50
