"""Jobs and events by REST."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import requests

from visavis.errors import BusyError
from visavis.server.resources.events import stream_events
from visavis.server.services import MOST_STREAMS
from visavis.server.state.database import StateDatabase
from visavis.server.state.events import Events
from visavis.server.state.jobs import Jobs

from .running_server import RunningServer
from .test_keys import make_key


@pytest.fixture
def database(server: RunningServer) -> Iterator[StateDatabase]:
    """The server's own database, as its other processes use it."""
    opened = StateDatabase(f"sqlite:///{server.folder / 'faces.server.db'}")
    yield opened
    opened.close()


def test_a_job_is_queued_read_canceled_and_resumed(
    server: RunningServer, database: StateDatabase, spare_gallery: str
) -> None:
    (server.folder / "photos" / spare_gallery).mkdir(exist_ok=True)
    query = {"gallery": spare_gallery}
    created = server.post("/v1/jobs/index", params=query, json={"folder": f"photos/{spare_gallery}"})
    assert created.status_code == 202, created.text
    job = created.json()
    assert (job["kind"], job["gallery"], job["created_by"]) == ("index", spare_gallery, "first admin")
    assert job["order"] == {"folder": f"photos/{spare_gallery}", "exclude": [], "min_face": 20.0}
    assert str(server.folder) not in created.text
    path = f"/v1/jobs/{job['id']}"
    ended = server.post(f"{path}/cancel")
    assert ended.status_code == 200, ended.text
    assert ended.json()["state"] in {"canceled", "canceling", "done"}
    assert job["id"] in [item["id"] for item in server.get("/v1/jobs").json()["jobs"]]
    assert server.get(path).json()["id"] == job["id"]


def test_a_failed_job_is_resumed_and_a_done_one_is_not(
    server: RunningServer, database: StateDatabase, spare_gallery: str
) -> None:
    folder = server.folder / "photos" / f"later {spare_gallery}"
    job = Jobs(database).create("index", spare_gallery, {"folder": f"photos/{folder.name}"}, actor="Ann")
    failed = wait_for(server, job.id, "failed")
    assert failed["message"] == f"there is no folder 'photos/{folder.name}' on this server."
    folder.mkdir()
    assert server.post(f"/v1/jobs/{job.id}/resume").json()["message"] == ""
    assert wait_for(server, job.id, "done")["result"] == {"photos": 1, "statuses": {"missing": 1}}
    again = server.post(f"/v1/jobs/{job.id}/resume")
    assert (again.status_code, again.json()["code"]) == (400, "usage")


def wait_for(server: RunningServer, job: str, state: str) -> dict[str, Any]:
    """Wait until a job has a state; return it."""
    deadline = time.monotonic() + 60
    while True:
        current: dict[str, Any] = server.get(f"/v1/jobs/{job}").json()
        if current["state"] == state:
            return current
        assert time.monotonic() < deadline, current
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("folder", "status", "code"),
    [
        ("elsewhere", 404, "unknown_name"),
        ("photos/none", 404, "unknown_name"),
        ("photos/../photos", 400, "usage"),
        ("/etc", 404, "unknown_name"),
        ("", 422, "invalid_value"),
    ],
)
def test_only_folders_below_the_roots_are_indexed(server: RunningServer, folder: str, status: int, code: str) -> None:
    answer = server.post("/v1/jobs/index", json={"folder": folder})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert str(server.folder) not in answer.text


def test_jobs_are_of_the_galleries_of_the_key(
    server: RunningServer, database: StateDatabase, spare_gallery: str, other_gallery: str
) -> None:
    job = Jobs(database).create("index", spare_gallery, {}, actor="Ann")
    Jobs(database).cancel(job.id, actor="Ann")
    own, other = (make_key(server, f"jobs of {name}", "admin", [name]) for name in (spare_gallery, other_gallery))
    assert server.get(f"/v1/jobs/{job.id}", key=own).status_code == 200
    hidden = server.get(f"/v1/jobs/{job.id}", key=other)
    assert (hidden.status_code, hidden.json()["detail"]) == (404, f"there is no job '{job.id}' on this server.")
    assert server.get("/v1/jobs", key=other).json() == {"jobs": []}
    assert server.post("/v1/jobs/index", key=other, json={"folder": "photos"}).status_code == 404


@pytest.mark.parametrize(
    ("kind", "folder", "status"),
    [("train", None, 403), ("fetch", None, 403), ("measure", None, 403), ("evaluate", "photos", 403),
     ("evaluate", None, 200), ("index", "photos", 200)],
)  # fmt: skip
def test_a_key_of_a_gallery_changes_no_job_of_the_server(
    server: RunningServer, database: StateDatabase, spare_gallery: str, kind: str, folder: str | None, status: int
) -> None:
    jobs = Jobs(database)
    job = jobs.create(kind, spare_gallery, {"folder": folder}, actor="Ann")
    jobs.cancel(job.id, actor="Ann")
    key = make_key(server, f"admin of {spare_gallery}, {kind}, {folder}", "admin", [spare_gallery])
    assert server.post(f"/v1/jobs/{job.id}/cancel", key=key).status_code == status
    if status == 403:
        assert server.post(f"/v1/jobs/{job.id}/resume", key=key).json()["code"] == "forbidden"


def make_event(number: int, camera: str, person: int | None = None) -> dict[str, object]:
    return {"id": f"{camera}-{number}", "event": "known", "camera": camera, "person_id": person, "from": "2026-01-01"}


def test_events_are_listed_with_filters(server: RunningServer, database: StateDatabase, spare_gallery: str) -> None:
    events = Events(database)
    for number in range(4):
        events.add("default" if number else spare_gallery, make_event(number, "gate", number))
    listed = server.get("/v1/events", params={"camera": "gate"}).json()
    assert [event["content"]["id"] for event in listed["events"]] == ["gate-0", "gate-1", "gate-2", "gate-3"]
    assert listed["events"][1]["content"] == make_event(1, "gate", 1)
    first = listed["events"][0]["number"]
    page = server.get("/v1/events", params={"camera": "gate", "after": first, "limit": 2}).json()
    assert ([event["content"]["id"] for event in page["events"]], page["next"]) == (["gate-1", "gate-2"], first + 2)
    by_person = server.get("/v1/events", params={"camera": "gate", "person_id": 2}).json()
    assert [event["content"]["id"] for event in by_person["events"]] == ["gate-2"]
    later = server.get("/v1/events", params={"camera": "gate", "since": "2999-01-01T00:00:00+01:00"}).json()
    assert later == {"events": [], "next": None}
    key = make_key(server, "events of one", "read", [spare_gallery])
    own = server.get("/v1/events", params={"camera": "gate"}, key=key).json()
    assert [event["content"]["id"] for event in own["events"]] == ["gate-0"]
    assert server.get("/v1/events", params={"gallery": "default"}, key=key).status_code == 404


def read_stream(answer: requests.Response, count: int) -> list[tuple[int, dict[str, object]]]:
    """Read this many events of a stream: their ids and data."""
    received: list[tuple[int, dict[str, object]]] = []
    number = 0
    for line in answer.iter_lines(chunk_size=1, decode_unicode=True):
        if line.startswith("id: "):
            number = int(line.removeprefix("id: "))
        if line.startswith("data: "):
            received.append((number, json.loads(line.removeprefix("data: "))))
            if len(received) == count:
                break
    return received


def test_the_stream_sends_new_events_and_goes_on_after_the_last_one(
    server: RunningServer, database: StateDatabase
) -> None:
    events = Events(database)
    events.add("default", make_event(0, "hall"))
    with server.get("/v1/events/stream", params={"camera": "hall"}, stream=True) as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        adding = threading.Timer(0.7, lambda: [events.add("default", make_event(n, "hall")) for n in (1, 2)])
        adding.start()
        received = read_stream(answer, 2)
        adding.join()
    assert [data["content"]["id"] for _, data in received] == ["hall-1", "hall-2"]  # type: ignore[index]
    headers = {"Last-Event-ID": str(received[0][0])}
    with server.get("/v1/events/stream", params={"camera": "hall"}, headers=headers, stream=True) as answer:
        again = read_stream(answer, 1)
    assert again == received[1:]


def test_a_stream_ends_when_the_server_stops(tmp_path: Path) -> None:
    running = RunningServer(folder=tmp_path)
    try:
        with running.get("/v1/events/stream", stream=True) as answer:
            lines = answer.iter_lines(chunk_size=1)
            assert next(lines) == b": events"
            running.process.terminate()
            assert [*lines] == [b""]
        assert running.process.wait(60) in {0, -15}
    finally:
        running.stop()


def test_links_that_lead_out_of_a_root_are_not_indexed(
    server: RunningServer, spare_gallery: str, tmp_path: Path
) -> None:
    outside = tmp_path / "private"
    outside.mkdir()
    (outside / "boss.jpg").write_bytes(b"a photo")
    root = server.folder / "photos"
    for name, target in (("folder", outside), ("file.jpg", outside / "boss.jpg"), ("gone.jpg", tmp_path / "gone.jpg")):
        folder = root / f"{spare_gallery} {name}"
        folder.mkdir()
        (folder / name).symlink_to(target)
        failed = wait_for(server, queue(server, spare_gallery, folder), "failed")
        advice = "remove them, or add their targets to [index_roots]"
        assert failed["message"] == f"'photos/{folder.name}' has links that lead out of its root: {advice}."
    inside = root / f"{spare_gallery} inside"
    inside.mkdir()
    (inside / "same").symlink_to(root / "other" / spare_gallery)
    (root / "other" / spare_gallery).mkdir(parents=True)
    (root / "other" / spare_gallery / "text.jpg").write_text("no photo")
    (inside / "loop.jpg").symlink_to("loop.jpg")
    done = wait_for(server, queue(server, spare_gallery, inside), "done")
    assert (done["result"]["photos"], sum(done["result"]["statuses"].values())) == (2, 2)


def queue(server: RunningServer, gallery: str, folder: Path) -> str:
    """Queue a job that indexes a folder of the root ``photos``; return its id."""
    order = {"folder": f"photos/{folder.name}"}
    job: str = server.post("/v1/jobs/index", params={"gallery": gallery}, json=order).json()["id"]
    return job


def test_streams_that_begin_together_are_counted() -> None:
    services: Any = SimpleNamespace(
        streams=threading.Semaphore(MOST_STREAMS), events=SimpleNamespace(last_number=lambda: 7)
    )
    request, selected = cast(Any, None), cast(Any, None)
    streams = [stream_events(request, services, selected) for _ in range(MOST_STREAMS)]  # none is read yet
    with pytest.raises(BusyError, match="there are 32 streams of events already"):
        stream_events(request, services, selected)

    async def leave() -> None:
        with suppress(Exception):
            await streams[0]({"type": "http"}, cast(Any, None), cast(Any, None))

    asyncio.run(leave())  # ends with an error
    assert stream_events(request, services, selected).media_type == "text/event-stream"
    with pytest.raises(BusyError):
        stream_events(request, services, selected)
