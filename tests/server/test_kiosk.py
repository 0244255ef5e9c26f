"""The kiosk of a server's site: who it recognizes, whom it refuses, and what its key cannot do."""

from __future__ import annotations

import hashlib
import hmac
import io
import os
import secrets
import time
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from PIL import Image, ImageOps

from conftest import DATA
from visavis.attendance.consents import give_consent, link_person
from visavis.attendance.kiosk.credentials import set_badge, set_pin
from visavis.attendance.kiosk.refusals import count_refusals
from visavis.attendance.kiosk.types import KioskAnswer
from visavis.attendance.ledger.ledger import void_punch
from visavis.attendance.settings import SiteSettings
from visavis.attendance.site import Site
from visavis.attendance.types import Employee
from visavis.errors import UsageError
from visavis.server.config import ServerConfig
from visavis.server.run import prepare

from .running_server import RunningServer, photos

PIN = "580213"
ANN, BEN, EVE, OLD, KIM, LEE = (
    Employee("1", "Ann", "Sales"),
    Employee("2", "Ben", "Sales"),
    Employee("3", "Eve", "Plant"),
    Employee("4", "Old", "Plant", left=date(2020, 1, 1)),
    Employee("5", "Kim", "Plant"),
    Employee("6", "Lee", "Plant"),
)
"""Each but Ben and Old is for one test."""


class Door(NamedTuple):
    """A server with a kiosk: ``key`` is that of the kiosk "door"."""

    server: RunningServer
    site: Site
    key: str
    other_key: str
    people: dict[str, int]

    def post(self, path: str, *, key: str | None = None, **options: Any) -> Any:
        return self.server.post(f"/v1/kiosk{path}", key=key or self.key, **options)

    def punch(self, key: str | None = None, **order: Any) -> Any:
        return self.post("/punches", key=key, json={"id": draw(), **order})

    def show(self, frames: list[bytes], attempt: str = "0" * 32, **query: str) -> Any:
        files = [("photo", (f"{row}.jpg", frame)) for row, frame in enumerate(frames)]
        params = {"punch_id": draw(), "attempt": attempt, **query}
        answer = self.post("/frames", params=params, files=files)
        assert answer.status_code == 200, answer.text
        return answer.json()


def draw() -> str:
    return secrets.token_hex(16)


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory, sample_photos: Path) -> Iterator[Door]:
    """A server whose site has Ann with the face of a photo, and employees with a PIN or a badge."""
    folder = tmp_path_factory.mktemp("door")
    site = Site.create(folder / "site", SiteSettings("Office", "Europe/Berlin", gallery="sqlite:///../faces.db"))
    with (folder / "site" / "site.toml").open("a") as file:
        file.write('[kiosk]\nliveness = "off"\noffline_frames = true\n')
    site.put_employees([ANN, BEN, EVE, OLD, KIM, LEE], actor="test")
    for number in ("2", "4", "6"):
        set_pin(site, number, PIN, actor="test")
    set_badge(site, "5", "0004711", actor="test")
    (folder / "server.toml").write_text("[server]\nattendance_site = 'site'\n[galleries]\ndefault = 'faces.db'\n")
    weights = {"VISAVIS_WEIGHTS": os.environ.get("VISAVIS_WEIGHTS") or str(DATA.parent / "weights")}
    running = RunningServer("--config", "server.toml", folder=folder, environment=weights)
    running.set_up()
    people = {}
    for name, file_name in (("Ann", "obama2.jpg"), ("Unpaid", "biden.jpg")):
        answer = running.post("/v1/people", data={"name": name}, files=photos("photo", sample_photos / file_name))
        people[name] = answer.json()["person_id"]
    with site.ledger.write(actor="test") as writer:
        give_consent(writer, "1", text_version="2026-01", given=date(2026, 1, 2))
        link_person(writer, "1", people["Ann"])
    keys = [running.post("/v1/keys", json={"name": name, "role": "kiosk"}).json()["key"] for name in ("door", "gate")]
    yield Door(running, site, *keys, people)
    running.stop()
    site.close()
    assert "Traceback" not in running.text


def make_frames(photo: Path, count: int = 3, *, size: int = 640) -> list[bytes]:
    """Return frames that differ as those of a camera do."""
    frames = []
    with Image.open(photo) as picture:
        for row in range(count):
            small = ImageOps.exif_transpose(picture).convert("RGB")
            small.thumbnail((size - row, size - row))
            data = io.BytesIO()
            small.save(data, "JPEG", quality=92)
            frames.append(data.getvalue())
    return frames


def test_a_face_punches_once_and_is_undone(door: Door, sample_photos: Path) -> None:
    frames = make_frames(sample_photos / "obama.jpg")
    assert door.show(frames[:1])["state"] == "hold"
    assert door.show([frames[0]] * 3)["state"] == "hold"  # the same frame is one frame
    first = door.show(frames)
    assert (first["state"], first["name"], first["direction"]) == ("recorded", "Ann", "in")
    (punch,) = door.site.punches(employees=["1"])
    assert (punch.id, punch.device, punch.method) == (first["punch_id"], "door", "face")
    assert 0 < (punch.distance or 0) < 0.6
    undo = f"/punches/{first['punch_id']}/undo"
    assert door.post(undo, key=door.other_key).status_code == 404
    assert [door.post(undo).status_code for _ in range(2)] == [204, 204]
    assert door.site.punches(employees=["1"]) == []
    chosen = door.show(frames, direction="out")
    assert (chosen["state"], chosen["direction"]) == ("recorded", "out")
    again = door.show(frames)
    assert (again["state"], again["punch_id"]) == ("already", chosen["punch_id"])
    assert datetime.fromisoformat(chosen["at"]).utcoffset() in (timedelta(hours=1), timedelta(hours=2))


def test_those_who_may_not_punch_by_face_are_counted_and_not_named(door: Door, sample_photos: Path) -> None:
    unpaid, both = make_frames(sample_photos / "biden.jpg"), [field.name for field in fields(KioskAnswer)]
    attempt = draw()
    answers = [door.show(unpaid, attempt) for _ in range(2)]  # no employee is this person of the gallery
    assert answers == [dict(zip(both, ("unknown", *[None] * 5), strict=True))] * 2
    door.site.put_employees([replace(EVE, person_id=door.people["Unpaid"])], actor="test")
    assert door.show(unpaid, draw())["state"] == "unknown"  # Eve has given no consent
    door.site.put_employees([EVE], actor="test")
    counts = [count_refusals(door.site, datetime.now(UTC).date() + timedelta(days)) for days in (-1, 0, 1)]
    assert sum(count.get("no_consent", 0) for count in counts) == 1
    assert sum(count.get("stranger", 0) for count in counts) == 1  # two answers about one attempt
    assert door.site.punches(employees=["3"]) == []


def test_two_people_at_once_are_not_taken_for_each_other(door: Door, sample_photos: Path) -> None:
    ann, other = (make_frames(sample_photos / name, size=480) for name in ("obama.jpg", "biden.jpg"))
    both = []
    for left, right in zip(ann, other, strict=True):
        pictures = [Image.open(io.BytesIO(each)) for each in (left, right)]
        side_by_side, data = Image.new("RGB", (960, 480)), io.BytesIO()
        for place, picture in zip((0, 480), pictures, strict=True):
            side_by_side.paste(picture, (place, 0))
        side_by_side.save(data, "JPEG", quality=92)
        both.append(data.getvalue())
    for frames, state in ((both, "single"), ([ann[0], other[0], ann[1]], "hold")):  # the nearer face changes
        answer = door.show(frames, draw())
        assert (answer["state"], answer["name"], answer["punch_id"]) == (state, None, None)


def test_advice_comes_before_a_name(door: Door, sample_photos: Path) -> None:
    with Image.open(sample_photos / "obama2.jpg") as photo:
        far = Image.new("RGB", (1280, 960), (90, 140, 90))
        small = photo.convert("RGB")
        small.thumbnail((400, 400))
        far.paste(small, (0, 0))
    data = io.BytesIO()
    far.save(data, "JPEG", quality=92)
    empty = io.BytesIO()
    Image.new("RGB", (320, 240), (90, 140, 90)).save(empty, "JPEG")
    assert door.show([data.getvalue()])["state"] == "nearer"
    assert door.show([empty.getvalue()])["state"] == "waiting"


def test_a_pin_and_a_badge_punch(door: Door) -> None:
    order = {"id": draw(), "number": "2", "pin": PIN}
    first, second = (door.post("/punches", json=order).json() for _ in range(2))
    assert (first["state"], first["name"], first["direction"]) == ("recorded", "Ben", "in")
    assert second == {**first, "state": "already"}
    badge = door.punch(badge="0004711", direction="out").json()
    assert (badge["state"], badge["name"], badge["direction"]) == ("recorded", "Kim", "out")
    assert [punch.method for punch in door.site.punches(employees=["2", "5"])] == ["pin", "badge"]
    assert door.punch(key=door.other_key, number="2", pin=PIN).json()["state"] == "already"  # at another kiosk


def test_what_is_wrong_is_refused_alike(door: Door) -> None:
    wrong = [
        door.punch(number=number, pin=pin)
        for number, pin in (("2", "000001"), ("no such number", PIN), ("1", PIN), ("4", PIN))
    ]
    wrong.append(door.punch(badge="0004712"))
    assert {(answer.status_code, answer.json()["code"]) for answer in wrong} == {(422, "wrong_credentials")}
    assert len({answer.json()["detail"] for answer in wrong}) == 1
    assert [door.punch(**order).json()["code"] for order in ({}, {"number": "2"}, {"pin": PIN, "badge": "1"})] == [
        "incomplete", "incomplete", "wrong_credentials",
    ]  # fmt: skip
    assert door.punch(id="1", badge="1").status_code == 422
    blocked = [door.punch(key=door.other_key, number="9", pin=str(row)).status_code for row in range(6)]
    assert blocked == [422] * 5 + [429]


def sign(door: Door, order: dict[str, Any], made: int) -> str:
    key = bytes.fromhex(door.post("/signing-key").json()["key"])
    text = "\n".join((order["id"], str(made), order.get("number", ""), order.get("pin", ""), "", ""))
    return hmac.new(key, text.encode(), "sha256").hexdigest()


def test_a_punch_that_waited_is_recorded_once_at_its_time(door: Door) -> None:
    ahead, waited = 3600, 4 * 3600
    sent = round((time.time() + ahead) * 1000)
    made = sent - waited * 1000
    order = {"id": draw(), "number": "6", "pin": PIN}
    waiting = {"made": made, "sent": sent, "signature": sign(door, order, made)}
    before = datetime.now(UTC) - timedelta(seconds=waited)
    first = door.post("/punches", json={**order, "waited": waiting}).json()
    assert (first["state"], first["name"]) == ("recorded", "Lee")
    assert timedelta() <= datetime.fromisoformat(first["at"]) - before < timedelta(minutes=10)
    again = door.post("/punches", json={**order, "waited": {**waiting, "sent": sent + 5000}}).json()
    assert again == {**first, "state": "already"}
    reason = door.site.ledger.history(punch_id=first["punch_id"])[0].reason
    assert reason.startswith("waited 14400 s at the kiosk without a connection, whose clock was ")
    forged = [{**waiting, "made": made - 1}, {**waiting, "signature": "00"}]
    answers = [door.post("/punches", json={**order, "id": draw(), "waited": each}) for each in [waiting, *forged]]
    assert [answer.status_code for answer in answers] == [400, 400, 400]
    other = door.post("/punches", key=door.other_key, json={**order, "id": draw(), "waited": waiting})
    assert other.status_code == 400


def send_later(door: Door, frames: list[bytes], ago: timedelta, **changed: Any) -> Any:
    """Send frames that waited, signed as the kiosk signs them."""
    sent = round(time.time() * 1000)
    made = sent - round(ago.total_seconds() * 1000)
    params = {"punch_id": draw(), "made": made, "sent": sent, **changed}
    digests = [hashlib.sha256(frame).hexdigest() for frame in frames]
    text = "\n".join((params["punch_id"], str(made), "", "", "", "", *digests))
    key = bytes.fromhex(door.post("/signing-key").json()["key"])
    params = {"signature": hmac.new(key, text.encode(), "sha256").hexdigest(), **params}
    files = [("photo", (f"{row}.jpg", frame)) for row, frame in enumerate(frames)]
    return door.post("/frames/waited", params=params, files=files)


def test_frames_that_waited_are_recognized_once_at_their_time(door: Door, sample_photos: Path) -> None:
    frames, waited, punch_id = make_frames(sample_photos / "obama.jpg"), timedelta(hours=30), draw()
    before = datetime.now(UTC) - waited
    first, second = (send_later(door, frames, waited, punch_id=punch_id).json() for _ in range(2))
    nameless = {"punch_id": punch_id, "name": None, "at": None, "direction": None, "challenge": None}
    assert (first, second) == ({"state": "recorded", **nameless}, {"state": "already", **nameless})
    (record,) = door.site.ledger.history(punch_id=punch_id)
    assert record.punch is not None
    assert (record.punch.employee, record.punch.method, record.punch.device) == ("1", "face", "door")
    assert timedelta(seconds=-1) <= record.punch.at - before < timedelta(minutes=10)
    assert record.reason.startswith("waited 108000 s at the kiosk without a connection")
    with door.site.ledger.write(actor="test") as writer:
        void_punch(writer, punch_id, reason="test")
    assert send_later(door, frames, waited, signature="00").status_code == 400
    assert send_later(door, frames, timedelta(days=8)).status_code == 400


def test_frames_that_waited_and_name_no_employee_leave_the_day_undecided(door: Door, sample_photos: Path) -> None:
    waited, punch_id = timedelta(days=5), draw()
    day = (datetime.now(UTC) - waited).date()
    frames = make_frames(sample_photos / "biden.jpg")
    answers = [send_later(door, frames, waited, punch_id=punch_id).json() for _ in range(2)]
    assert [(answer["state"], answer["punch_id"], answer["name"]) for answer in answers] == [
        ("undecided", None, None)
    ] * 2
    days = [day + timedelta(step) for step in (-1, 0, 1)]
    assert sum(count_refusals(door.site, each).get("stranger", 0) for each in days) == 1
    (outage,) = door.site.outages(days[0], days[-1])
    assert (outage.device, outage.end - outage.start) == ("door", timedelta(minutes=1))
    assert outage.reason == f"a face that waited without a connection was not recognized ({punch_id})"


def test_the_settings_name_nobody(door: Door) -> None:
    answer = door.server.get("/v1/kiosk", key=door.key).json()
    assert (answer["site"], answer["zone"], answer["recognizes"]) == ("Office", "Europe/Berlin", True)
    assert answer["settings"]["liveness"] == "off"
    assert not {employee.name for employee in (ANN, BEN, EVE, OLD, KIM, LEE)} & {*str(answer).replace("'", " ").split()}


def test_the_key_of_a_kiosk_does_nothing_else(door: Door) -> None:
    for path in ("/v1/people", "/v1/events", "/v1/keys", "/v1/galleries", "/v1/log", "/v1/jobs"):
        answer = door.server.get(path, key=door.key)
        assert answer.status_code in (403, 404), path
    read = door.server.post("/v1/keys", json={"name": "reader", "role": "enroll"}).json()["key"]
    assert door.punch(key=read, badge="0004711").status_code == 403
    assert door.server.get("/v1/kiosk", key=None).status_code == 401


def test_a_server_without_a_site_says_so(server: RunningServer) -> None:
    answer = server.get("/v1/kiosk")
    assert (answer.status_code, answer.json()["code"]) == (404, "no_attendance")


def test_wrong_settings_are_refused_at_the_start(tmp_path: Path) -> None:
    """A server that runs with them would refuse the punches that wait in browsers, which then forget them."""
    with Site.create(tmp_path / "site", SiteSettings("Plant", "UTC")):
        pass
    with (tmp_path / "site" / "site.toml").open("a") as file:
        file.write("\n[kiosk]\nframes = 2\n")
    with pytest.raises(UsageError, match="from 3 to 8"):
        prepare(ServerConfig(attendance_site=tmp_path / "site", state=f"sqlite:///{tmp_path / 'server.db'}"), print)
