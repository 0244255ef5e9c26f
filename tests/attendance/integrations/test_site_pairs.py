"""Pairs for Odoo are those of the days of the site."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from attendance.peers.odoo import Odoo
from visavis.attendance.integrations.export import export_odoo
from visavis.attendance.integrations.push import push
from visavis.attendance.integrations.site_pairs import ALONE, OUTSIDE, SitePairs
from visavis.attendance.rights import apply_retention
from visavis.attendance.settings import SiteSettings
from visavis.attendance.site import Site
from visavis.attendance.types import Direction, Employee, Punch

from .conftest import YESTERDAY

AddPunch = Callable[..., Punch]
ZONE = "Europe/Berlin"
BERLIN = ZoneInfo(ZONE)
RULES = """
[[versions]]
from = 2026-01-05
devices = { entrance = "in", exit = "out" }
[versions.shifts.day]
start = "08:00"
end = "17:00"
[versions.shifts.door]
start = "08:00"
end = "17:00"
direction = "device"
[versions.shifts.night]
start = "22:00"
end = "06:00"
hours = "first_last"
[versions.shifts.short]
start = "08:00"
end = "12:00"
auto_checkout = 15
[[assignments]]
shifts = ["day"]
[[assignments]]
employees = ["2"]
shifts = ["door"]
[[assignments]]
employees = ["3"]
shifts = ["night"]
[[assignments]]
employees = ["4"]
shifts = ["short"]
"""
LATER = datetime(2026, 3, 10, tzinfo=UTC)
DIRECTIONS: dict[str, Direction] = {">": "in", "<": "out", "?": "unspecified"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A site with rules; each test has an employee of its own."""
    made = Site.create(tmp_path_factory.mktemp("pairs") / "site", SiteSettings("Berlin", ZONE))
    made.rules_path.write_text(RULES, encoding="utf-8")
    made.put_employees([Employee(str(number), f"N{number}") for number in range(1, 9)], actor="test")
    return made


def add(site: Site, number: str, text: str) -> None:
    """Add punches such as ``02 08:00>entrance``: day of March, time, direction and device."""
    made = []
    for item in text.split(", "):
        at = datetime.fromisoformat(f"2026-03-{item[:8]}+01:00")
        made.append(Punch(f"{number} {item}", number, at, ZONE, DIRECTIONS[item[8]], item[9:], "badge"))
    site.ledger.add(made, actor="test")


def pairs(site: Site, number: str, begin: datetime | None = None, now: datetime = LATER) -> list[str]:
    """Pairs such as ``02 08:00-17:00``, then what is in none, with the reason."""
    pairing = SitePairs(site, longest=timedelta(hours=16)).pair(number, begin, now=now)
    made = []
    for pair in pairing.pairs:
        out = "" if pair.check_out is None else f"{pair.check_out.at.astimezone(BERLIN):%H:%M}"
        made.append(f"{pair.check_in.at:%d %H:%M}-{out}")
    return made + [f"{punch.at:%d %H:%M} {reason}" for punch, reason in pairing.unpaired]


def test_directions_that_the_rules_ignore_make_no_pairs(site: Site) -> None:
    """By alternation the second "in" is a departure, as it is in the report of the day."""
    add(site, "1", "02 08:00>, 02 12:00>, 02 13:00<, 02 17:00<, 02 20:00?, 03 08:00?")
    assert pairs(site, "1") == ["02 08:00-12:00", "02 13:00-17:00", f"02 20:00 {OUTSIDE}", f"03 08:00 {ALONE}"]


def test_devices_say_the_direction(site: Site) -> None:
    """A second punch at the entrance makes no pair; what the punch says does not count."""
    add(site, "2", "02 08:00?entrance, 02 12:00<entrance, 02 17:00>exit")
    assert pairs(site, "2") == ["02 12:00-17:00", f"02 08:00 {ALONE}"]


def test_a_night_is_one_pair(site: Site) -> None:
    """From the first arrival to the last departure, whatever was punched in between; the next night is another one."""
    add(site, "3", "02 21:55?, 03 01:00?, 03 01:30?, 03 06:05?, 03 22:00?, 04 06:00?")
    assert pairs(site, "3") == ["02 21:55-06:05", "03 22:00-06:00"]
    begin = datetime.fromisoformat("2026-03-03T00:00:00+01:00")
    assert pairs(site, "3", begin) == ["03 22:00-06:00"]  # and no departure of the night before that begins it


def test_an_automatic_check_out_is_that_of_the_day(site: Site) -> None:
    add(site, "4", "02 08:00>")
    assert pairs(site, "4") == ["02 08:00-12:15"]


def test_an_arrival_is_open_until_its_shift_is_over(site: Site) -> None:
    add(site, "5", "02 08:00>")
    assert pairs(site, "5", now=datetime.fromisoformat("2026-03-02T17:30:00+01:00")) == ["02 08:00-"]
    assert pairs(site, "5", now=datetime.fromisoformat("2026-03-02T18:01:00+01:00")) == [f"02 08:00 {ALONE}"]


def test_before_the_rules_punches_say_what_they_are(site: Site) -> None:
    made = [
        Punch(at, "6", datetime.fromisoformat(f"2025-12-01T{at}+01:00"), ZONE, direction, "", "badge")
        for at, direction in (("08:00:00", "in"), ("12:00:00", "in"), ("17:00:00", "out"))
    ]
    site.ledger.add(made, actor="test")  # type: ignore[arg-type]
    add(site, "6", "02 08:00>, 02 12:00>")
    assert pairs(site, "6") == [
        "01 12:00-17:00", "02 08:00-12:00", "01 08:00 there is no check-out before the next check-in",
    ]  # fmt: skip


def test_the_file_has_the_pairs_of_the_days(site: Site) -> None:
    add(site, "7", "05 08:00>, 05 12:00>, 06 08:00?, 06 17:00?")
    first, last = date(2026, 3, 5), date(2026, 3, 5)
    rows = [row for row in export_odoo(site, first, last).rows if row["employee_id"] == "N7"]
    assert rows == [{"employee_id": "N7", "check_in": "2026-03-05 07:00:00", "check_out": "2026-03-05 11:00:00"}]


def test_pairs_that_are_erased_while_they_are_read_are_not_compared(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else Odoo's rows of them would be deleted, as if the punches were void."""
    add(site, "8", "02 08:00>, 02 17:00<, 04 08:00>, 04 17:00<, 05 08:00>, 05 17:00<")
    limit, read_punches = datetime(2026, 3, 3, tzinfo=UTC), site.punches

    def read_and_erase(first: date | None, last: date | None, employees: list[str]) -> list[Punch]:
        punches = read_punches(first, last, employees)
        monkeypatch.setattr(site, "erased_before", lambda: limit)
        return punches

    monkeypatch.setattr(site, "punches", read_and_erase)
    since = datetime(2026, 3, 2, 7, tzinfo=UTC)
    begin, pairing = SitePairs(site, longest=timedelta(hours=16)).pair_since("8", since, now=LATER, first_day=None)
    assert begin == datetime.fromisoformat("2026-03-05T00:00:00+01:00")
    assert [f"{pair.check_in.at:%d %H:%M}" for pair in pairing.pairs] == ["05 08:00"]


OF_ODOO = """
[[versions]]
from = 2020-01-01
[versions.shifts.night]
start = "22:00"
end = "06:00"
[[assignments]]
shifts = ["night"]
"""


def test_odoo_is_brought_to_the_pairs_of_the_rules(folder: Path, odoo: Odoo, punch: AddPunch) -> None:
    """Two nights whose punches all say "in"; a correction changes its night alone, an erasure changes nothing there."""
    (folder / "rules.toml").write_text(OF_ODOO, encoding="utf-8")
    days = [YESTERDAY - timedelta(days=number) for number in (4, 3, 2)]
    begin, end = punch("7", "21:55", day=days[0]), punch("7", "06:10", day=days[1])
    punch("7", "22:01", day=days[1])
    punch("7", "06:02", day=days[2])
    nights = [(f"{days[0]} 14:55:00", f"{days[0]} 23:10:00"), (f"{days[1]} 15:01:00", f"{days[1]} 23:02:00")]
    with Site(folder) as site:
        report = push(site, "odoo", pauses=())
        assert (report.created, report.refused) == (2, ())
        assert [(row["check_in"], row["check_out"]) for row in odoo.attendances] == nights
        site.ledger.correct(end.id, at=end.at + timedelta(minutes=5), reason="clock", actor="test")
        report = push(site, "odoo", pauses=())
        assert (report.created, report.updated, report.deleted) == (0, 1, 0)
        site.ledger.void(begin.id, reason="another person", actor="test")
        report = push(site, "odoo", pauses=())
        assert (report.created, report.updated, report.deleted, len(report.refused)) == (0, 0, 1, 1)
        assert [(row["check_in"], row["check_out"]) for row in odoo.attendances] == nights[1:]


def test_odoo_keeps_what_retention_has_erased_here(folder: Path, odoo: Odoo) -> None:
    """Also where the arrival of a pair was erased, and its departure was not."""
    (folder / "rules.toml").write_text("[[versions]]\nfrom = 2020-01-01\nshifts = {}\n", encoding="utf-8")
    limit = datetime.now(UTC) - timedelta(days=40)
    with Site(folder) as site:
        for hours in (-2, 2, 50):  # the last one has no departure: its pairs are computed anew at each push
            site.punch("7", actor="test", at=limit + timedelta(hours=hours))
        report = push(site, "odoo", pauses=())
        assert (report.created, [record.reason for record in report.refused]) == (1, [ALONE])
        rows = deepcopy(odoo.attendances)
    text = (folder / "site.toml").read_text(encoding="utf-8")
    (folder / "site.toml").write_text(text.replace("punches_days = 0", "punches_days = 40"), encoding="utf-8")
    with Site(folder) as site:
        assert apply_retention(site, actor="test").records == 1
        report = push(site, "odoo", pauses=())
    assert (report.created, report.updated, report.deleted, report.stopped) == (0, 0, 0, "")
    assert (odoo.attendances, [record.reason for record in report.refused]) == (rows, [ALONE])
