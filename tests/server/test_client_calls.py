"""Every operation of the OpenAPI description has a method of the client, with a typed result."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from visavis.client import Client
from visavis.client._connection import Connection
from visavis.client.job_calls import read_data
from visavis.compare import Calibration
from visavis.errors import ServerError, UnknownNameError, UsageError
from visavis.server.app import create_app
from visavis.server.config import ServerConfig
from visavis.server.services import Services
from visavis.server.state.database import StateDatabase
from visavis.server.state.events import Events
from visavis.server.types import FaceCluster, Job, ModelFile, NewKey, StoredEvent, StoredFace

from .running_server import RunningServer
from .test_jobs import make_event

TABLE = Calibration("sface", (0.1, 0.001), (0.9, 0.5), -20, 12)
PHOTO = b"the bytes of a photo"
DAY = date(2026, 10, 31)
NOON = datetime(2026, 10, 31, 12, tzinfo=UTC)
CALLS: dict[str, Callable[[Client], Any]] = {
    "POST /v1/detect": lambda client: client.detect(PHOTO),
    "POST /v1/verify": lambda client: client.verify(PHOTO, PHOTO),
    "POST /v1/identify": lambda client: client.identify(PHOTO),
    "POST /v1/why": lambda client: client.why(PHOTO, "Ann"),
    "POST /v1/quality": lambda client: list(client.quality(PHOTO)),
    "POST /v1/landmarks": lambda client: client.landmarks(PHOTO),
    "POST /v1/liveness": lambda client: client.check_liveness(PHOTO),
    "POST /v1/classify": lambda client: list(client.classify(PHOTO)),
    "POST /v1/similar": lambda client: client.similar(PHOTO, [PHOTO]),
    "POST /v1/gallery/similar": lambda client: client.similar(PHOTO),
    "POST /v1/representative": lambda client: client.representative(PHOTO),
    "GET /v1/people": lambda client: client.people(),
    "POST /v1/people": lambda client: client.enroll("Ann", PHOTO),
    "DELETE /v1/people": lambda client: client.remove("Ann", "Bob"),
    "GET /v1/people/{person_id}": lambda client: client.person(1),
    "PATCH /v1/people/{person_id}": lambda client: client.rename("Ann", "Anne"),
    "DELETE /v1/people/{person_id}": lambda client: client.remove("Ann"),
    "POST /v1/people/{person_id}/merge": lambda client: client.merge("Ann", "Bob"),
    "POST /v1/people/{person_id}/faces": lambda client: client.move([1], "Ann"),
    "GET /v1/people/{person_id}/rejections": lambda client: client.rejections("Ann"),
    "POST /v1/people/{person_id}/rejections": lambda client: client.reject(PHOTO, "Ann"),
    "POST /v1/people/{person_id}/rejections/effect": lambda client: client.rejection_effect(PHOTO, "Ann"),
    "GET /v1/people/{person_id}/near": lambda client: client.near_people("Ann"),
    "GET /v1/people/{person_id}/history": lambda client: client.history("Ann"),
    "GET /v1/people/{person_id}/export": lambda client: client.export_person("Ann"),
    "DELETE /v1/people/{person_id}/consent": lambda client: client.withdraw_consent("Ann"),
    "GET /v1/faces/{template_id}/crop": lambda client: client.crop(1),
    "GET /v1/rejections": lambda client: client.rejections(),
    "DELETE /v1/rejections/{rejection_id}": lambda client: client.undo_rejection(1),
    "GET /v1/faces": lambda client: client.faces(),
    "POST /v1/faces/name": lambda client: client.name_faces("Ann", [1]),
    "POST /v1/faces/unassign": lambda client: client.unassign_faces([1]),
    "DELETE /v1/faces/{template_id}": lambda client: client.remove_template(1),
    "GET /v1/clusters": lambda client: client.clusters(),
    "POST /v1/clusters": lambda client: client.cluster(),
    "POST /v1/clusters/{number}/name": lambda client: client.name_cluster(1, "Ann"),
    "GET /v1/groups": lambda client: client.groups(),
    "GET /v1/groups/{number}": lambda client: client.group(1),
    "GET /v1/groups/{number}/near": lambda client: client.near_groups(1, [2]),
    "POST /v1/groups/{number}/move": lambda client: client.move_to_group(1, [2], 3),
    "POST /v1/groups/{number}/name": lambda client: client.name_group(1, [2], "Ann"),
    "POST /v1/groups/{number}/unname": lambda client: client.unname_faces(1, [2], 3),
    "PUT /v1/groups/{number}/aside": lambda client: client.put_aside(1),
    "GET /v1/galleries": lambda client: client.galleries(),
    "GET /v1/galleries/{name}": lambda client: client.stats(),
    "GET /v1/galleries/{name}/coach": lambda client: client.coach(),
    "GET /v1/galleries/{name}/calibration": lambda client: client.calibration(),
    "PUT /v1/galleries/{name}/calibration": lambda client: client.calibrate(TABLE),
    "DELETE /v1/galleries/{name}/calibration": lambda client: client.calibrate(None),
    "GET /v1/galleries/{name}/threshold": lambda client: client.threshold(),
    "GET /v1/galleries/{name}/rate": lambda client: client.rate(),
    "PUT /v1/galleries/{name}/rate": lambda client: client.set_rate(0.001),
    "DELETE /v1/galleries/{name}/rate": lambda client: client.set_rate(None),
    "GET /v1/galleries/{name}/rate/effect": lambda client: client.rate_effect(0.001),
    "GET /v1/galleries/{name}/backup": lambda client: client.back_up("backup.zip"),
    "GET /v1/galleries/{name}/migrate": lambda client: client.migration(),
    "POST /v1/galleries/{name}/migrate": lambda client: client.migrate("sface-float"),
    "GET /v1/galleries/{name}/audit": lambda client: client.audit(),
    "POST /v1/jobs/index": lambda client: client.index_folder("photos"),
    "POST /v1/jobs/train": lambda client: client.train_classifier("staff", "photos"),
    "GET /v1/jobs": lambda client: client.jobs(),
    "GET /v1/jobs/{job_id}": lambda client: client.job("1"),
    "POST /v1/jobs/{job_id}/cancel": lambda client: client.cancel_job("1"),
    "POST /v1/jobs/{job_id}/resume": lambda client: client.resume_job("1"),
    "GET /v1/cameras": lambda client: client.cameras(),
    "GET /v1/cameras/{name}": lambda client: client.camera("door"),
    "POST /v1/cameras/{name}/start": lambda client: client.start_camera("door"),
    "POST /v1/cameras/{name}/stop": lambda client: client.stop_camera("door"),
    "POST /v1/cameras/{name}/check": lambda client: client.check_camera("door"),
    "GET /v1/retention": lambda client: client.retention(),
    "POST /v1/retention/run": lambda client: client.remove_expired(),
    "DELETE /v1/cameras/{name}/data": lambda client: client.erase_camera_data("door"),
    "GET /v1/camera-pictures/stream": lambda client: next(client.stream_pictures("door")),
    "GET /v1/strangers": lambda client: client.strangers(),
    "DELETE /v1/strangers": lambda client: client.forget_strangers(),
    "DELETE /v1/strangers/{number}": lambda client: client.forget_stranger(1),
    "GET /v1/strangers/{number}/near": lambda client: client.people_near_stranger(1),
    "POST /v1/strangers/{number}/name": lambda client: client.name_stranger(1, "Ann"),
    "GET /v1/events": lambda client: client.events(),
    "GET /v1/events/stream": lambda client: next(client.stream_events()),
    "GET /v1/log": lambda client: next(client.log()),
    "GET /v1/models": lambda client: client.models(),
    "POST /v1/models/{name}/fetch": lambda client: client.fetch_model("sface-float"),
    "POST /v1/models/measure": lambda client: client.measure_models(["sface"]),
    "GET /v1/evaluations": lambda client: client.evaluations(),
    "POST /v1/evaluations": lambda client: client.evaluate("identification"),
    "GET /v1/evaluations/{evaluation_id}": lambda client: client.evaluation("1"),
    "GET /v1/evaluations/{evaluation_id}/report": lambda client: client.evaluation_report("1"),
    "DELETE /v1/evaluations/{evaluation_id}": lambda client: client.remove_evaluation("1"),
    "GET /v1/classifiers": lambda client: client.classifiers(),
    "GET /v1/classifiers/{name}": lambda client: client.classifier("staff"),
    "GET /v1/classifiers/{name}/report": lambda client: client.classifier_report("staff"),
    "DELETE /v1/classifiers/{name}": lambda client: client.remove_classifier("staff"),
    "GET /v1/training-runs": lambda client: client.training_run("photos/net"),
    "GET /v1/calibration": lambda client: client.default_calibration(),
    "GET /v1/kiosk": lambda client: client.describe_kiosk(),
    "POST /v1/kiosk/frames": lambda client: client.punch_by_face([PHOTO]),
    "POST /v1/kiosk/frames/waited": lambda client: client.send_waiting_frames(
        [PHOTO], punch_id="0" * 32, waited={"made": 1, "sent": 2, "signature": ""}
    ),
    "POST /v1/kiosk/challenges/{challenge_id}/frames": lambda client: client.follow_challenge("0" * 32, [PHOTO], [0]),
    "POST /v1/kiosk/punches": lambda client: client.punch_by_pin("17", "4711"),
    "POST /v1/kiosk/punches/{punch_id}/undo": lambda client: client.undo_punch("0" * 32),
    "POST /v1/kiosk/signing-key": lambda client: client.read_signing_key(),
    "GET /v1/attendance": lambda client: client.attendance_site(),
    "GET /v1/attendance/employees": lambda client: client.employees(),
    "GET /v1/attendance/who-is-in": lambda client: client.who_is_in(),
    "GET /v1/attendance/me": lambda client: client.own_attendance(),
    "GET /v1/attendance/employees/{number}/history": lambda client: client.attendance_history("17"),
    "GET /v1/attendance/verify": lambda client: client.verify_attendance(),
    "GET /v1/attendance/reports/{kind}": lambda client: client.attendance_report("month", "2026-10"),
    "GET /v1/attendance/employees/{number}/days": lambda client: client.attendance_days("17", "2026-10"),
    "GET /v1/attendance/employees/{number}/days/{day}": lambda client: client.attendance_day("17", DAY),
    "GET /v1/attendance/targets": lambda client: client.attendance_targets(),
    "POST /v1/attendance/targets/{name}/push": lambda client: client.push_attendance("payroll"),
    "POST /v1/attendance/targets/{name}/dismiss": lambda client: client.dismiss_refused("payroll", "7"),
    "GET /v1/attendance/exports/{kind}": lambda client: client.export_punches("odoo", "2026-10"),
    "GET /v1/attendance/refused": lambda client: client.refused_attempts(DAY),
    "POST /v1/attendance/refused/settle": lambda client: client.settle_refused("door", DAY, until=NOON),
    "POST /v1/attendance/employees/{number}/days/{day}/excuse": lambda client: client.excuse_late(
        "17", DAY, reason="-"
    ),
    "GET /v1/attendance/requests": lambda client: client.staff_requests(),
    "POST /v1/attendance/requests": lambda client: client.request_leave("vacation", DAY, reason="holiday"),
    "POST /v1/attendance/requests/{request_id}/approve": lambda client: client.decide_request("1", approve=True),
    "POST /v1/attendance/requests/{request_id}/decline": lambda client: client.decide_request("1", approve=False),
    "POST /v1/attendance/requests/{request_id}/withdraw": lambda client: client.withdraw_request("1"),
    "POST /v1/attendance/punches": lambda client: client.punch("17"),
    "POST /v1/attendance/punches/{punch_id}/correct": lambda client: client.correct_punch("1", reason="wrong"),
    "POST /v1/attendance/punches/{punch_id}/void": lambda client: client.void_punch("1", reason="wrong"),
    "POST /v1/attendance/punches/{punch_id}/restore": lambda client: client.restore_punch("1", reason="wrong"),
    "POST /v1/attendance/months/{month}/close": lambda client: client.close_month("2026-10"),
    "POST /v1/attendance/months/{month}/reopen": lambda client: client.reopen_month("2026-10", reason="late"),
    "GET /v1/keys": lambda client: client.api_keys(),
    "POST /v1/keys": lambda client: client.create_key("camera", "read"),
    "POST /v1/keys/{name}/rotate": lambda client: client.rotate_key("camera"),
    "DELETE /v1/keys/{name}": lambda client: client.revoke_key("camera"),
    "POST /v1/setup": lambda client: client.set_up("1234"),
    "GET /livez": lambda client: client.is_alive(),
    "GET /readyz": lambda client: client.readiness(),
    "GET /metrics": lambda client: client.metrics(),
}
"""A call of the client for each operation; other operations are not in the description."""
WITHOUT_METHOD: set[str] = set()


@pytest.fixture(scope="module")
def operations(tmp_path_factory: pytest.TempPathFactory) -> dict[str, re.Pattern[str]]:
    """The operations of the description, with the pattern of their paths."""
    folder = tmp_path_factory.mktemp("described")
    app = create_app(Services(ServerConfig(state=f"sqlite:///{folder / 'state.db'}")))
    paths = app.openapi()["paths"]
    app.state.services.close()
    return {
        f"{method.upper()} {path}": re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)))
        for path, item in paths.items()
        for method in item
    }


def test_every_operation_has_a_method(operations: dict[str, re.Pattern[str]]) -> None:
    assert {*operations} == {*CALLS} | WITHOUT_METHOD


PERSON = {"id": 1, "name": "Ann", "note": "", "consent": None, "created": "2026-01-01T00:00:00+00:00", "templates": []}


class _SentError(Exception):
    """Stops a call after the request that it is about."""


@pytest.mark.parametrize("operation", CALLS)
def test_the_method_sends_the_request_of_its_operation(
    operation: str, operations: dict[str, re.Pattern[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """People are found first, by GET /v1/people; every other request is the one of the operation."""

    def send(_self: object, method: str, path: str, _options: object, *, prefix: str = "/v1") -> Any:
        if (method, path) == ("GET", "/people") and operation != "GET /v1/people":
            wanted = _options["params"]["who"]  # type: ignore[index]
            people = [{**PERSON, "id": number} for number, _ in enumerate(wanted, 1)]
            return SimpleNamespace(status_code=200, json=lambda: {"people": people, "next": None})
        sent.append((method, prefix + path))
        raise _SentError

    sent: list[tuple[str, str]] = []
    monkeypatch.setattr(Connection, "_try", send)
    with Client("http://server", "key", "one gallery") as client, pytest.raises(_SentError):
        CALLS[operation](client)
    ((method, path),) = sent
    matching = [name for name, pattern in operations.items() if pattern.fullmatch(path) and name.startswith(method)]
    assert operation in matching


@pytest.fixture
def client(server: RunningServer, spare_gallery: str) -> Iterator[Client]:
    with Client(server.url, server.key, spare_gallery) as opened:
        yield opened


def test_faces_are_listed_clustered_and_named(client: Client, sample_photos: Path) -> None:
    files = [sample_photos / name for name in ("obama.jpg", "obama2.jpg", "obama3.jpg")]
    person = client.enroll("Barack", files)
    other = client.enroll("Joe", sample_photos / "biden.jpg")
    faces = client.faces()
    assert all(isinstance(face, StoredFace) for face in faces)
    assert [(face.person_id, face.photo) for face in faces] == [
        *((person.person_id, path.name) for path in files), (other.person_id, "biden.jpg")
    ]  # fmt: skip
    assert faces[0].box is not None
    assert len(faces[0].box) == 4
    assert client.faces(unassigned=True) == []
    clusters = client.cluster()
    ids = person.added
    assert clusters[0] == FaceCluster(clusters[0].cluster, 3, 0, (person.person_id,), ids)
    assert client.clusters() == clusters
    with pytest.raises(UnknownNameError, match="no cluster"):
        client.name_cluster(clusters[0].cluster, "Ann")


def test_quality_has_the_reasons_of_each_face(client: Client, sample_photos: Path) -> None:
    (good, reasons), (bad, none) = client.quality([sample_photos / "obama.jpg", sample_photos / "missing.jpg"])
    assert (len(good.faces), reasons) == (1, [("grainy", "squeezed")])
    assert good.quality[0].score == pytest.approx(0.9794, abs=1e-3)
    assert (bad.status, none) == ("missing", [])


def test_the_table_of_thresholds_is_read_and_replaced(client: Client) -> None:
    shipped = client.calibration()
    assert shipped.model == "sface"
    client.calibrate(TABLE)
    assert (client.calibration().far, client.calibration().thresholds) == ((0.1, 0.001), (0.9, 0.5))
    assert client.stats().thresholds == "own"
    client.calibrate(None)
    assert client.calibration() == shipped


def test_jobs_are_queued_canceled_and_resumed(client: Client, server: RunningServer) -> None:
    folder = server.folder / "photos" / client.gallery
    folder.mkdir(exist_ok=True)
    job = client.index_folder(f"photos/{client.gallery}", exclude=["*.tmp"])
    assert isinstance(job, Job)
    assert (job.kind, job.gallery, job.order["exclude"]) == ("index", client.gallery, ["*.tmp"])
    assert client.job(job.id).created == job.created
    assert job.id in [item.id for item in client.jobs()]
    client.cancel_job(job.id)
    deadline = time.monotonic() + 60
    while client.job(job.id).state not in {"canceled", "done"}:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    if client.job(job.id).state == "canceled":
        assert client.resume_job(job.id).state == "queued"
    with pytest.raises(UnknownNameError):
        client.train_classifier("nothing", "photos")


def test_events_are_listed_and_streamed(client: Client, server: RunningServer) -> None:
    database = StateDatabase(f"sqlite:///{server.folder / 'faces.server.db'}")
    events = Events(database)
    for number in range(3):
        events.add(client.gallery, make_event(number, f"door of {client.gallery}"))
    listed = client.events()
    assert [event.content["from"] for event in listed] == ["2026-01-01"] * 3
    assert client.events(after=listed[0].number, limit=1) == listed[1:2]
    assert client.events(since=datetime(2999, 1, 1, tzinfo=UTC)) == []
    stream = client.stream_events(after=listed[1].number)
    assert next(stream) == listed[2]
    adding = threading.Timer(0.2, lambda: events.add(client.gallery, make_event(3, f"door of {client.gallery}")))
    adding.start()
    assert next(stream).content["id"] == f"door of {client.gallery}-3"
    stream.close()  # type: ignore[attr-defined] - a generator
    adding.join()
    database.close()


def test_keys_are_made_rotated_and_revoked(client: Client, server: RunningServer) -> None:
    name = f"a/b? of {client.gallery}"
    key = client.create_key(name, "read", galleries=[client.gallery])
    assert isinstance(key, NewKey)
    with Client(server.url, key.key, client.gallery) as reader:
        assert reader.galleries() == [client.gallery]
        rotated = client.rotate_key(name)
        with pytest.raises(UsageError, match="wrong or was revoked"):
            reader.galleries()
    with Client(server.url, rotated.key, client.gallery) as reader:
        client.revoke_key(name)
        with pytest.raises(UsageError, match="wrong or was revoked"):
            reader.galleries()
    (listed,) = (item for item in client.api_keys() if item.name == name)
    assert (listed.galleries, listed.revoked is not None) == ((client.gallery,), True)
    assert ("revoke key", name) in [(entry.action, entry.detail) for entry in client.log()]
    with pytest.raises(UsageError, match="has a key already"):
        client.set_up("0000-0000-0000-0000")


def test_models_and_health(client: Client) -> None:
    models = {model.name: model for model in client.models()}
    assert isinstance(models["sface"], ModelFile)
    assert models["sface"].present
    assert (client.is_alive(), bool(client.readiness())) == (True, True)
    assert {*client.readiness().checks} == {"database", "model", "queue", "disk"}
    assert "visavis_requests_total" in client.metrics()


def test_a_server_that_is_away_is_not_alive() -> None:
    with Client("http://127.0.0.1:9", "key") as client:
        assert client.is_alive() is False
        with pytest.raises(ServerError, match="cannot be reached"):
            client.readiness()


def test_a_stream_that_breaks_off_is_an_error_of_the_library() -> None:
    line = json.dumps(StoredEvent(7, "now", "default", {"person": "Å"}).to_dict(), ensure_ascii=False)
    part = f"id: 7\ndata: {line}\n\n".encode()
    head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

    def answer(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65_536)
            connection.sendall(head.encode() + f"{len(part):x}\r\n".encode() + part + b"\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer, args=[listener])
        thread.start()
        with Client(f"http://127.0.0.1:{listener.getsockname()[1]}", "key") as client:
            stream = client.stream_events(after=6)
            assert next(stream) == StoredEvent(7, "now", "default", {"person": "Å"})
            with pytest.raises(ServerError, match="broke off"):
                next(stream)
        thread.join()


def test_data_of_a_stream_are_joined_and_comments_left_out() -> None:
    lines = [": events", "", "id: 1", "data: {", "data:}", "", "", ": alive", "", "data: cut off"]
    assert list(read_data(lines)) == ["{\n}"]


def test_an_event_that_is_not_json_is_an_error_of_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Connection, "stream_lines", lambda self, path, options: iter(["data: {", ""]))
    with Client("http://127.0.0.1:9") as client, pytest.raises(ServerError, match="does not send events as"):
        next(client.stream_events())
