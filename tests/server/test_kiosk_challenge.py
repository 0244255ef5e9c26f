"""The challenge at a kiosk of a server: it begins with a recognized face, is used once, and photos do not pass it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from conftest import DATA
from visavis.attendance.consents import give_consent, link_person
from visavis.attendance.kiosk.refusals import count_refusals
from visavis.attendance.settings import SiteSettings
from visavis.attendance.site import Site
from visavis.attendance.types import Employee
from visavis.errors import UsageError
from visavis.server.config import ServerConfig
from visavis.server.run import prepare

from .running_server import RunningServer, photos
from .test_kiosk import Door, draw, make_frames

LIVE = DATA / "photos" / "spoof" / "image_T1.jpg"


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """A server whose kiosk asks for a challenge; Ann has the face of the photo LIVE."""
    if not LIVE.is_file():
        pytest.skip("the photos of attacks are not there")
    folder = tmp_path_factory.mktemp("challenge")
    with Site.create(folder / "site", SiteSettings("Office", "UTC", gallery="sqlite:///../faces.db")):
        pass
    with (folder / "site" / "site.toml").open("a") as file:
        file.write('[kiosk]\nliveness = "active"\n')
    (folder / "server.toml").write_text("[server]\nattendance_site = 'site'\n[galleries]\ndefault = 'faces.db'\n")
    weights = {"VISAVIS_WEIGHTS": os.environ.get("VISAVIS_WEIGHTS") or str(DATA.parent / "weights")}
    site = Site(folder / "site")
    site.put_employees([Employee("1", "Ann")], actor="test")
    running = RunningServer("--config", "server.toml", folder=folder, environment=weights)
    running.set_up()
    answer = running.post("/v1/people", data={"name": "Ann"}, files=photos("photo", LIVE)).json()
    with site.ledger.write(actor="test") as writer:
        give_consent(writer, "1", text_version="2026-01", given=date(2026, 1, 2))
        link_person(writer, "1", answer["person_id"])
    keys = [running.post("/v1/keys", json={"name": name, "role": "kiosk"}).json()["key"] for name in ("door", "gate")]
    yield Door(running, site, *keys, {})
    running.stop()
    site.close()
    assert "Traceback" not in running.text


def follow(door: Door, challenge: str, frames: list[bytes], times: str, **options: Any) -> Any:
    files = [("photo", (f"{row}.jpg", frame)) for row, frame in enumerate(frames)]
    return door.post(f"/challenges/{challenge}/frames", params={"times": times}, files=files, **options)


@pytest.mark.slow(seconds=20)
def test_a_recognized_face_has_to_move_and_frames_are_used_once(door: Door) -> None:
    frames = make_frames(LIVE, 9)
    first = door.show(frames[:3], draw())
    assert (first["state"], first["name"], first["punch_id"]) == ("straight", None, None)
    assert follow(door, first["challenge"], frames[3:5], "0,100", key=door.other_key).status_code == 404
    assert follow(door, first["challenge"], frames[3:5], "100,0").json()["code"] == "invalid_value"
    assert follow(door, first["challenge"], frames[3:5], "0").json()["code"] == "invalid_value"
    answer = follow(door, first["challenge"], frames[3:5], "0,100").json()
    assert answer == {**first, "state": "straight"}
    second = door.show(frames[:3], draw())["challenge"]
    assert second != first["challenge"]
    replayed = follow(door, second, frames[3:5], "0,100").json()  # of the first challenge
    assert (replayed["state"], replayed["challenge"]) == ("challenge_failed", None)
    over = follow(door, second, frames[5:7], "200,300")
    assert (over.status_code, over.json()["code"]) == (404, "challenge_over")
    third = door.show(frames[:3], draw())["challenge"]  # the first one may be over on a busy machine
    ahead = follow(door, third, frames[7:9], "200,60000").json()
    assert ahead["state"] == "challenge_failed"
    assert door.site.punches() == []
    days = [count_refusals(door.site, datetime.now(UTC).date() + timedelta(days)) for days in (-1, 0, 1)]
    assert sum(counts.pop("challenge_failed", 0) for counts in days) == 2
    assert not any(days)


def test_what_the_challenge_needs(tmp_path: Path) -> None:
    with Site.create(tmp_path / "site", SiteSettings("Plant", "UTC")):
        pass
    with (tmp_path / "site" / "site.toml").open("a") as file:
        file.write('\n[kiosk]\nliveness = "active"\n')
    config = ServerConfig(attendance_site=tmp_path / "site", state=f"sqlite:///{tmp_path / 'server.db'}", workers=2)
    with pytest.raises(UsageError, match="one worker, and the detector mtcnn"):
        prepare(config, print)
    with (tmp_path / "site" / "site.toml").open("a") as file:
        file.write("offline_frames = true\n")
    with pytest.raises(UsageError, match="a challenge needs the server"):
        prepare(config, print)
