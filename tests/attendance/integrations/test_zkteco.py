from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from visavis.attendance.integrations.zkteco.lines import (
    MalformedLineError,
    TerminalLine,
    parse_line,
    split_lines,
)
from visavis.attendance.integrations.zkteco.receive import UploadReport, receive, resolve_time, retry_held
from visavis.attendance.integrations.zkteco.terminals import (
    Contact,
    Terminal,
    find_oldest_contact,
    note_contact,
    read_states,
    read_terminals,
)
from visavis.attendance.site import Site
from visavis.attendance.types import Employee
from visavis.errors import UsageError

from .conftest import configure

GATE = "[zkteco.gate]\nserial = 'ZK1'\naddresses = ['10.0.0.5', '10.0.1.0/24', 'fd00::/8']\n"
NOON = datetime(2026, 6, 1, 5, tzinfo=UTC)
"""Twelve o'clock at the place of the site."""


@pytest.fixture
def gate(folder: Path) -> Terminal:
    configure(folder, GATE)
    with Site(folder) as site:
        return read_terminals(site)["ZK1"]


def upload(folder: Path, gate: Terminal, *lines: str, at: datetime = NOON) -> UploadReport:
    with Site(folder) as site:
        return receive(site, gate, "\n".join(lines).encode() + b"\n", at=at)


def punches(folder: Path) -> list[str]:
    with Site(folder) as site:
        return [f"{punch.employee} {punch.at.isoformat()} {punch.direction}" for punch in site.punches()]


def held(folder: Path) -> dict[str, str]:
    with Site(folder) as site:
        return {line.line: line.reason for line in read_states(site)[0].held}


@pytest.mark.parametrize(
    ("status", "direction"),
    [("0", "in"), ("1", "out"), ("2", "out"), ("3", "in"), ("4", "in"), ("5", "out"), ("255", ""), ("", "")],
)  # fmt: skip
def test_directions(status: str, direction: str) -> None:
    assert parse_line(f"7\t2026-06-01 08:00:00\t{status}\t15").direction == (direction or "unspecified")


def test_a_line_with_the_fields_of_newer_terminals() -> None:
    line = parse_line("7\t2026-06-01 08:00:00\t1\t15\t0\t0\t0\t255")
    assert line == TerminalLine("7", datetime(2026, 6, 1, 8), 1, 15)
    assert (line.method, parse_line("7\t2026-06-01 08:00:00\t0\t1").method) == ("face", "import")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("7", "fields"),
        ("\t2026-06-01 08:00:00\t0\t15", "no PIN"),
        ("7" * 25 + "\t2026-06-01 08:00:00\t0\t15", "no PIN"),
        ("7\t2026-06-01T08:00:00\t0\t15", "not written as"),
        ("7\t2026-06-31 08:00:00\t0\t15", "no such time"),
        ("7\t2026-06-01 24:00:00\t0\t15", "no such time"),
        ("7\t0000-00-00 00:00:00\t0\t15", "no such time"),
        ("7\t２０２６-06-01 08:00:00\t0\t15", "not written as"),
        ("7\t2026-06-01 08:00:00\tin\t15", "no number"),
        ("7\t2026-06-01 08:00:00\t-1\t15", "no number"),
        ("7\t2026-06-01 08:00:00\t0\t15" + "\t0" * 300, "fields"),
    ],
)
def test_malformed_lines(line: str, reason: str) -> None:
    with pytest.raises(MalformedLineError, match=reason):
        parse_line(line)


@given(st.binary(max_size=300))
def test_any_bytes_are_lines_or_malformed(body: bytes) -> None:
    for text in split_lines(b"7\t2026-06-01 08:00:00\t0\t15\n" + body):
        try:
            parse_line(text)
        except MalformedLineError:
            continue
    assert split_lines(b"7\t2026-06-01 08:00:00\t0\t15\r\n" + body)[0] == "7\t2026-06-01 08:00:00\t0\t15"


def test_an_upload_is_recorded_once_however_often_it_is_sent(folder: Path, gate: Terminal) -> None:
    lines = ["7\t2026-06-01 08:00:00\t0\t15", "8\t2026-06-01 08:00:00\t0\t15", "7\t2026-06-01 11:59:00\t1\t15"]
    assert upload(folder, gate, *lines) == UploadReport(3, 0, 0)
    assert upload(folder, gate, *lines, *lines) == UploadReport(0, 3, 0)
    assert upload(folder, gate, lines[0], "8\t2026-06-01 11:58:00\t1\t15") == UploadReport(1, 1, 0)
    assert punches(folder) == [
        "7 2026-06-01T08:00:00+07:00 in", "8 2026-06-01T08:00:00+07:00 in",
        "8 2026-06-01T11:58:00+07:00 out", "7 2026-06-01T11:59:00+07:00 out",
    ]  # fmt: skip
    with Site(folder) as site:
        first = site.punches()[0]
        assert (first.device, first.method, first.zone) == ("gate", "face", "Asia/Ho_Chi_Minh")
        (record,) = site.ledger.history(punch_id=first.id)
        assert record.actor == "terminal gate"


def test_a_repetition_after_a_correction_or_a_void_changes_nothing(folder: Path, gate: Terminal) -> None:
    lines = ["7\t2026-06-01 08:00:00\t0\t15", "8\t2026-06-01 08:00:00\t0\t15"]
    upload(folder, gate, *lines)
    with Site(folder) as site:
        first, second = site.punches()
        site.ledger.correct(first.id, direction="out", reason="wrong button", actor="test")
        site.ledger.void(second.id, reason="another person", actor="test")
    assert upload(folder, gate, *lines) == UploadReport(0, 2, 0)
    assert punches(folder) == ["7 2026-06-01T08:00:00+07:00 out"]


def test_a_repetition_after_the_device_was_renamed_is_no_second_punch(folder: Path, gate: Terminal) -> None:
    line = "7\t2026-06-01 08:00:00\t0\t15"
    upload(folder, gate, line)
    renamed = Terminal("door", gate.serial, gate.addresses, gate.zone)
    assert upload(folder, renamed, line, "8\t2026-06-01 08:01:00\t0\t15") == UploadReport(1, 1, 0)
    assert len(punches(folder)) == 2


def test_malformed_lines_cost_only_themselves(folder: Path, gate: Terminal) -> None:
    lines = [
        "7\t2026-06-01 08:00:00\t0\t15",
        "garbage\x1b[2J",
        "8\t2026-06-01 99:00:00\t0\t15",
        "7\t2026-06-01 11:00:00\t1\t1",
    ]
    assert upload(folder, gate, *lines) == UploadReport(2, 0, 2)
    assert held(folder) == {
        "garbage\\x1b[2J": "it has not the fields PIN, time, status and verify",
        "8\t2026-06-01 99:00:00\t0\t15": "there is no such time",
    }
    assert upload(folder, gate, *lines) == UploadReport(0, 2, 2)
    assert len(held(folder)) == 2


def test_a_person_who_is_not_known_yet_loses_nothing(folder: Path, gate: Terminal) -> None:
    early = "12\t2026-06-01 08:00:00\t0\t15"
    assert upload(folder, gate, early) == UploadReport(0, 0, 1)
    assert held(folder) == {early: "no employee has this number"}
    with Site(folder) as site:
        site.put_employees([Employee("12", "Deb Y")], actor="test")
    assert upload(folder, gate, "12\t2026-06-01 11:00:00\t1\t15") == UploadReport(2, 0, 0)
    assert (len(punches(folder)), held(folder)) == (2, {})


def test_held_lines_are_tried_again_without_the_terminal(folder: Path, gate: Terminal) -> None:
    upload(folder, gate, "12\t2026-06-01 08:00:00\t0\t15", "13\t2026-06-01 08:00:00\t0\t15", "bad")
    with Site(folder) as site:
        site.put_employees([Employee("12", "Deb Y")], actor="test")
        retry_held(site, at=NOON)
    assert punches(folder) == ["12 2026-06-01T08:00:00+07:00 in"]
    assert [*held(folder)] == ["13\t2026-06-01 08:00:00\t0\t15", "bad"]


def test_a_clock_that_is_ahead_makes_no_punches(folder: Path, gate: Terminal) -> None:
    """Not even later, when its times have come to be in the past: they stay wrong."""
    ahead = "7\t2026-06-01 15:03:00\t0\t15"
    assert upload(folder, gate, ahead, "8\t2026-06-01 11:59:00\t0\t15") == UploadReport(1, 0, 1)
    assert held(folder) == {ahead: "the clock of the terminal is ahead by 3 h 3 min or more"}
    with Site(folder) as site:
        assert read_states(site)[0].clock_seconds == 3 * 3600 + 180
    upload(folder, gate, "8\t2026-06-01 15:59:00\t1\t15", at=NOON + timedelta(hours=4))
    assert len(punches(folder)) == 2
    assert ahead in held(folder)


def test_a_clock_that_seems_behind_is_noted(folder: Path, gate: Terminal) -> None:
    upload(folder, gate, "7\t2026-06-01 11:30:00\t0\t15")
    with Site(folder) as site:
        (state,) = read_states(site)
    assert (state.clock_seconds, state.upload is not None) == (-1800, True)


def test_a_clock_that_was_never_set_makes_no_punch(folder: Path, gate: Terminal) -> None:
    assert upload(folder, gate, "7\t1999-12-31 08:00:00\t0\t15") == UploadReport(0, 0, 1)
    assert "is before 2000: is the clock set?" in "".join(held(folder).values())


@pytest.mark.parametrize(
    ("time", "reason", "seconds"),
    [
        ("0001-01-01 00:00:00", "there is no such time", None),
        ("9999-12-31 23:59:59", "the clock of the terminal is ahead by", 2**31 - 1),
    ],
)
def test_the_ends_of_the_calendar_cost_one_line(
    folder: Path, gate: Terminal, time: str, reason: str, seconds: int | None
) -> None:
    lines = (f"7\t{time}\t0\t15", "7\t2026-06-01 08:00:00\t0\t15", "8\t2026-06-01 08:00:00\t0\t15")
    assert upload(folder, gate, *lines) == UploadReport(2, 0, 1)
    assert [text.startswith(reason) for text in held(folder).values()] == [True]
    with Site(folder) as site:
        assert read_states(site)[0].clock_seconds == seconds


@pytest.mark.parametrize(
    ("local", "arrived", "utc"),
    [
        ("2025-10-26 02:30:00", "2025-10-26T00:31:00+00:00", "2025-10-26T00:30:00+00:00"),  # the first 2:30
        ("2025-10-26 02:30:00", "2025-10-26T01:31:00+00:00", "2025-10-26T01:30:00+00:00"),  # the second
        ("2025-10-26 04:00:00", "2025-10-26T03:01:00+00:00", "2025-10-26T03:00:00+00:00"),
        ("2026-03-29 02:30:00", "2026-03-29T01:31:00+00:00", "2026-03-29T01:30:00+00:00"),  # it did not go forward
    ],
)
def test_local_times_when_clocks_change(local: str, arrived: str, utc: str) -> None:
    time = resolve_time(datetime.fromisoformat(local), "Europe/Berlin", datetime.fromisoformat(arrived))
    assert time.astimezone(UTC).isoformat() == utc


@pytest.mark.parametrize(
    ("address", "is_allowed"),
    [
        ("10.0.0.5", True), ("10.0.0.6", False), ("10.0.1.77", True), ("::ffff:10.0.0.5", True), ("fd00::1", True),
        ("fe80::1", False), ("10.0.0.5.evil.example", False), ("", False),
    ],
)  # fmt: skip
def test_addresses(gate: Terminal, address: str, is_allowed: bool) -> None:
    assert gate.may_come_from(address) is is_allowed


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (GATE.replace("serial = 'ZK1'", ""), r"\[zkteco.gate\] needs serial"),
        (GATE.replace("ZK1", "ZK 1"), "needs serial"),
        (GATE.replace("addresses", "address"), "has no key 'address'"),
        ("[zkteco.gate]\nserial = 'ZK1'\naddresses = []", "needs addresses"),
        ("[zkteco.gate]\nserial = 'ZK1'\naddresses = ['10.0.0.1/8']", "has host bits set"),
        (GATE + GATE.replace("gate", "back"), "two terminals have the serial number ZK1"),
        (GATE + "zone = 'Mars'", "there is no time zone 'Mars'"),
        ("[zkteco]\ngate = 'ZK1'", r"a terminal is a table: write \[zkteco.gate\]"),
    ],
)
def test_mistakes_in_the_settings(folder: Path, table: str, message: str) -> None:
    configure(folder, table)
    with Site(folder) as site, pytest.raises(UsageError, match=message):
        read_terminals(site)


@pytest.mark.parametrize(
    ("minutes", "complete", "is_back"),
    [
        ([0], None, True),  # the first contact
        ([0, 5, 9], None, True),
        ([0, 5, 10], 10, False),
        ([0, 5, 10, 15.1], 10, True),  # it was away for more than five minutes
        ([0, 5, 10, 16, 20, 26], 10, True),  # again, before it had sent what it recorded meanwhile
        ([0, 5, 10, 16, 21, 26], 26, False),
    ],
)
def test_the_time_up_to_which_a_terminal_has_sent_all(
    folder: Path, gate: Terminal, minutes: list[float], complete: float | None, is_back: bool
) -> None:
    with Site(folder) as site:
        for minute in minutes:
            note_contact(site, gate.serial, at=NOON + timedelta(minutes=minute))
        time = None if complete is None else NOON + timedelta(minutes=complete)
        assert find_oldest_contact(site) == Contact("ZK1", time, is_back)


def test_the_oldest_contact(folder: Path, gate: Terminal) -> None:
    configure(folder, GATE.replace("gate", "back").replace("ZK1", "ZK2"))
    with Site(folder) as site:
        for minutes in (0, 5, 10):
            note_contact(site, gate.serial, at=NOON + timedelta(minutes=minutes))
        assert find_oldest_contact(site) == Contact("ZK2", None, False)
