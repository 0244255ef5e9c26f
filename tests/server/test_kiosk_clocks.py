"""A kiosk while the clock of its server is set: an hour that comes twice, and a clock that was ahead."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import UTC, date, datetime, tzinfo
from pathlib import Path
from typing import Any

import pytest

from visavis import sql_database
from visavis.attendance.days.compute import compute_day
from visavis.attendance.kiosk.credentials import set_badge
from visavis.attendance.rules.read import parse_rules
from visavis.attendance.settings import SiteSettings
from visavis.attendance.site import Site
from visavis.attendance.types import Employee
from visavis.server.auth import Principal
from visavis.server.config import ServerConfig
from visavis.server.resources import kiosk
from visavis.server.roles import ROLES
from visavis.server.services import Services

ANN, BEN = Employee("1", "Ann"), Employee("2", "Ben")
NIGHT = """
zone = "Europe/Berlin"
[[versions]]
from = 2024-01-01
[versions.shifts.night]
start = "00:00"
end = "08:00"
direction = "strict"
[[assignments]]
shifts = ["night"]
"""
SUNDAY = date(2024, 10, 27)
"""The day on which clocks are set back from 3:00 to 2:00 in Berlin."""
DOOR = Principal("door", ROLES["kiosk"])


class Door:
    """The requests of a kiosk, at times of the clock of its server."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.services = Services(
            ServerConfig(state=f"sqlite:///{folder / 'state.db'}", attendance_site=folder / "site")
        )
        self._monkeypatch = monkeypatch

    def set_clock(self, text: str) -> None:
        time = datetime.fromisoformat(text).astimezone(UTC)

        class Stopped(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
                return time.astimezone(tz)

        for module in (kiosk, sql_database):
            self._monkeypatch.setattr(module, "datetime", Stopped)

    def punch(self, employee: Employee, clock: str) -> dict[str, Any]:
        self.set_clock(clock)
        order = kiosk.CredentialPunch(id=secrets.token_hex(16), badge=f"badge-{employee.number}")
        return kiosk.punch(order, self.services, DOOR)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site.create(tmp_path / "site", SiteSettings("Works", "Europe/Berlin")) as made:
        made.put_employees([ANN, BEN], actor="test")
        for employee in (ANN, BEN):
            set_badge(made, employee.number, f"badge-{employee.number}", actor="test")
        yield made


@pytest.fixture
def door(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    made = Door(tmp_path, monkeypatch)
    yield made
    made.services.close()


def test_half_past_two_comes_twice_when_clocks_are_set_back(door: Door, site: Site) -> None:
    first = door.punch(ANN, "2024-10-27T00:30:00+00:00")
    second = door.punch(ANN, "2024-10-27T01:30:00+00:00")
    assert [(answer["at"], answer["state"], answer["direction"]) for answer in (first, second)] == [
        ("2024-10-27T02:30:00+02:00", "recorded", "in"),
        ("2024-10-27T02:30:00+01:00", "recorded", "out"),
    ]
    punches = site.punches(SUNDAY, SUNDAY)
    assert [punch.id for punch in punches] == [first["punch_id"], second["punch_id"]]
    day = compute_day(ANN, SUNDAY, punches, parse_rules(NIGHT))
    assert day.worked == 60


def test_a_clock_that_is_set_back_makes_no_arrival_of_who_is_in(door: Door, site: Site) -> None:
    begin = door.punch(ANN, "2024-03-04T12:00:00+01:00")
    again = door.punch(ANN, "2024-03-04T11:59:20+01:00")  # within the cooldown
    assert (again["state"], again["punch_id"]) == ("already", begin["punch_id"])
    early = door.punch(ANN, "2024-03-04T11:30:00+01:00")
    assert (early["state"], early["direction"]) == ("recorded", "unspecified")
    assert door.punch(BEN, "2024-03-04T11:31:00+01:00")["direction"] == "in"
    assert door.punch(ANN, "2024-03-04T17:00:00+01:00")["direction"] == "out"
    recorded = [record.punch for record in site.ledger.history(employee="1") if record.punch is not None]
    assert [f"{punch.at:%H:%M}" for punch in recorded] == ["12:00", "11:30", "17:00"]
    assert [f"{punch.at:%H:%M}" for punch in site.punches(employees=["1"])] == ["11:30", "12:00", "17:00"]
    assert site.verify() == []
