from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert, select

from attendance.peers.odoo import Odoo
from visavis.attendance import tables
from visavis.attendance.integrations.push import push
from visavis.attendance.integrations.zkteco.receive import receive
from visavis.attendance.integrations.zkteco.terminals import read_states, read_terminals
from visavis.attendance.rights import apply_retention, erase, export_employee
from visavis.attendance.site import Site
from visavis.attendance.types import Employee, Punch

from .conftest import configure

AddPunch = Callable[..., Punch]


def test_an_erased_person_is_in_no_table_of_deliveries(folder: Path, odoo: Odoo, punch: AddPunch) -> None:
    configure(folder, "[zkteco.gate]\nserial = 'ZK1'\naddresses = ['10.0.0.5']")
    for number in ("7", "8", "9"):
        punch(number, "08:00")
        punch(number, "12:00", "out")
    with Site(folder) as site:
        push(site, "odoo", pauses=())
        lines = "7\t2026-06-01 99:00:00\t0\t15\n77\t2026-06-01 08:00:00\t0\t15\n"
        receive(site, read_terminals(site)["ZK1"], lines.encode(), at=datetime.now(UTC))
        for number in ("7", "9"):
            erase(site, number, actor="test", reason="asked for it")
        with site.database.read() as conn:
            assert {*conn.execute(select(tables.SENT.c.employee)).scalars()} == {"8"}
            assert {*conn.execute(select(tables.REFUSED.c.employee)).scalars()} == set()
        assert [line.line[:2] for line in read_states(site)[0].held] == ["77"]
        report = push(site, "odoo", pauses=())
    assert (report.deleted, report.stopped, report.refused) == (0, "", ())
    assert len(odoo.attendances) == 2  # what Odoo has is erased there


def test_an_export_has_what_was_delivered_about_a_person(folder: Path, odoo: Odoo, punch: AddPunch) -> None:
    configure(folder, "[zkteco.gate]\nserial = 'ZK1'\naddresses = ['10.0.0.5']")
    for number in ("7", "8"):
        punch(number, "08:00")
        punch(number, "12:00", "out")
        punch(number, "13:00", "out")
    with Site(folder) as site:
        push(site, "odoo", pauses=())
        lines = "7\t2026-06-01 99:00:00\t0\t15\n77\t2026-06-01 08:00:00\t0\t15\n"
        receive(site, read_terminals(site)["ZK1"], lines.encode(), at=datetime.now(UTC))
        export = export_employee(site, "7")
    (delivered,) = export.deliveries
    assert (delivered.target, delivered.cursor > 6) == ("odoo", True)
    assert [record.content["check_in"][-8:] for record in delivered.sent] == ["01:00:00"]
    assert [record.reason for record in delivered.refused] == ["there is no check-in before this check-out"]
    assert export.held_lines == ("7\t2026-06-01 99:00:00\t0\t15",)


def test_blanks_around_a_number_hide_no_line_from_its_owner(folder: Path) -> None:
    configure(folder, "[zkteco.gate]\nserial = 'ZK1'\naddresses = ['10.0.0.5']")
    with Site(folder) as site:
        lines = b"7 \t2026-06-01 99:00:00\t0\t15\n \x0b7\x0b\t2026-06-02 99:00:00\t0\t15\n7 7\t2026-06-01 08:00:00\n"
        receive(site, read_terminals(site)["ZK1"], lines, at=datetime.now(UTC))
        with site.database.write() as conn:  # as older versions have stored lines
            row = {"serial": "ZK1", "line": " 7  \tx", "reason": "its time", "received": "2026-06-01T00:00:00+00:00"}
            conn.execute(insert(tables.HELD).values(row))
        held = export_employee(site, "7").held_lines
        assert sorted(line.split("\t")[1] for line in held) == ["2026-06-01 99:00:00", "2026-06-02 99:00:00", "x"]
        erase(site, "7", actor="test", reason="asked for it")
        assert [line.line for line in read_states(site)[0].held] == ["7 7\t2026-06-01 08:00:00"]


def test_the_erasure_of_a_number_leaves_lines_of_the_number_in_capitals(folder: Path) -> None:
    configure(folder, "[zkteco.gate]\nserial = 'ZK1'\naddresses = ['10.0.0.5']")
    with Site(folder) as site:
        site.put_employees([Employee("a7", "Amy"), Employee("A7", "Abe")], actor="test")
        lines = "a7\t2026-06-01 99:00:00\t0\t15\nA7\t2026-06-01 99:00:00\t0\t15\n"
        receive(site, read_terminals(site)["ZK1"], lines.encode(), at=datetime.now(UTC))
        erase(site, "a7", actor="test", reason="asked for it")
        assert [line.line[:2] for line in read_states(site)[0].held] == ["A7"]


def test_what_retention_removes_here_is_not_deleted_at_the_target(folder: Path, odoo: Odoo, punch: AddPunch) -> None:
    """Not even where an old punch was refused, for which the pairs of that time are computed anew at each push."""
    long_ago = (datetime.now(UTC) - timedelta(days=100)).date()
    punch("7", "08:00", day=long_ago)
    punch("7", "12:00", "out", day=long_ago)
    punch("7", "20:00", "out", day=long_ago - timedelta(days=1))
    with Site(folder) as site:
        report = push(site, "odoo", pauses=())
    assert (report.created, len(report.refused)) == (1, 1)
    text = (folder / "site.toml").read_text()
    (folder / "site.toml").write_text(text.replace("punches_days = 0", "punches_days = 90"))
    punch("7", "08:00")
    with Site(folder) as site:
        assert apply_retention(site, actor="test").records == 3
        report = push(site, "odoo", pauses=())
    assert (report.deleted, report.stopped) == (0, "")
    assert len(odoo.attendances) == 1
