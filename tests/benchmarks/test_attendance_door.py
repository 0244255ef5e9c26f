"""A morning at two kiosks: what counts as lost or doubled, and a short one whose server is killed."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from visavis.attendance.settings import SiteSettings
from visavis.attendance.site import Site
from visavis.attendance.types import Employee

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import attendance_door as door  # noqa: E402
from _door_client import Answered, Visitor  # noqa: E402


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with a punch of Ann, and two of Ben."""
    with Site.create(tmp_path_factory.mktemp("morning") / "site", SiteSettings("Works", "Europe/Berlin")) as made:
        made.put_employees([Employee("1", "1 Ann"), Employee("2", "2 Ben")], actor="test")
        for punch_id, employee, time in (("a", "1", "08:00"), ("b", "2", "08:01"), ("c", "2", "08:30")):
            at = datetime.fromisoformat(f"2026-03-02 {time}+01:00")
            made.punch(employee, actor="door", punch_id=punch_id, at=at)
        yield made


def answered(number: str, name: str, punch_id: str, employee: str) -> Answered:
    return Answered(Visitor(number, name, None, Path()), employee, "face", punch_id, 0.5, "", 0)


def test_a_punch_that_is_lost_or_there_twice_is_a_fault(site: Site) -> None:
    assert door.find_faults(site, [answered("1", "Ann", "a", "1")]) == []
    assert door.find_faults(site, [answered("1", "Ann", "x", "1")]) == [
        "Ann: punch x was answered, and is not in the ledger"
    ]
    assert door.find_faults(site, [answered("2", "Ben", "b", "2")]) == ["Ben has 2 punches"]
    assert door.find_faults(site, [answered("1", "Ann", "", "")]) == ["Ann has no punch"]
    mistaken = [answered("2", "Ben", "b", "2"), answered("", "a stranger", "c", "2")]
    assert door.find_faults(site, mistaken) == []  # counted as a wrong name, not as a double punch


@pytest.mark.enable_socket
@pytest.mark.slow(seconds=30)
def test_a_server_that_is_killed_loses_and_doubles_nothing(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (data / "lfw").is_dir()
    monkeypatch.setattr(door, "KILL_SECONDS", (2.0, 6.0))
    chosen = Namespace(employees=14, strangers=2, minutes=0.25, cameras=0, kills=2, seed=19)
    _, results = door.measure(tmp_path, chosen)
    assert results["faults"] == []
    assert results["kills"] == 2
    answers = results["answers"]
    assert isinstance(answers, list)
    assert sum(answer["employee"] == answer["number"] != "" for answer in answers) == 14
