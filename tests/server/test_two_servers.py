"""Two servers on one PostgreSQL: a change in one is seen at once in the other; the database goes away."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .load import Load, fill_gallery
from .running_server import RunningServer, photos
from .test_bad_days import processes_of, wait_until

if TYPE_CHECKING:
    from servers import Postgres

REQUESTS = [
    ("GET", "/v1/people"),
    ("GET", "/v1/galleries"),
    ("GET", "/v1/keys"),
    ("GET", "/v1/jobs"),
    ("GET", "/v1/events"),
    ("GET", "/v1/log"),
    ("DELETE", "/v1/people/1"),
    ("POST", "/v1/clusters"),
    ("POST", "/v1/setup"),
]


@pytest.fixture(scope="module")
def servers(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[RunningServer]]:
    """Two servers with the same keys and a gallery of four people; one searches in memory, the other by pgvector."""
    url = postgres.new()
    fill_gallery(url)
    folder = tmp_path_factory.mktemp("two")
    indexes = ("exact", "pgvector")
    running = [
        RunningServer("--gallery", url, folder=folder, environment={"VISAVIS_SERVER_INDEX": index}) for index in indexes
    ]
    key = running[1].set_up()  # its code came last
    running[0].key = key
    yield running
    assert [server.stop() for server in running] == [0, 0]
    assert [server.text for server in running if "Traceback" in server.text] == []


def test_a_change_in_one_is_seen_at_once_in_the_other(servers: list[RunningServer], sample_photos: Path) -> None:
    first, second = servers
    probe = {"files": photos("photo", sample_photos / "obama2.jpg")}
    for here, there in ((first, second), (second, first)):
        assert _names_of(there, probe) == [None]
        body = {"data": {"name": "Barack"}, "files": photos("photo", sample_photos / "obama.jpg")}
        person = here.post("/v1/people", **body).json()["person_id"]
        assert _names_of(there, probe) == ["Barack"]
        there.request("PATCH", f"/v1/people/{person}", json={"name": "President"})
        assert _names_of(here, probe) == ["President"]
        here.request("DELETE", f"/v1/people/{person}")
        assert there.get(f"/v1/people/{person}").status_code == 404


def _names_of(server: RunningServer, probe: dict[str, object]) -> list[str | None]:
    answer = server.post("/v1/identify", **probe)
    assert answer.status_code == 200, answer.text
    return [face["name"] for face in answer.json()["photos"][0]["faces"]]


def test_a_key_of_one_is_taken_and_refused_at_once_by_the_other(servers: list[RunningServer]) -> None:
    first, second = servers
    key = first.post("/v1/keys", json={"name": "of both", "role": "read"}).json()["key"]
    assert second.get("/v1/people", key=key).status_code == 200
    assert second.request("DELETE", "/v1/keys/of both").status_code == 204
    assert first.get("/v1/people", key=key).status_code == 401


@pytest.mark.slow(seconds=13)
def test_a_database_that_goes_away_and_comes_back(servers: list[RunningServer], postgres: Postgres) -> None:
    """Every request is answered by 503 meanwhile; no process of the server ends; nothing acknowledged is lost."""
    server = servers[0]
    assert server.get("/readyz").status_code == 200
    before = processes_of(server)
    load = Load(server)
    wait_until(lambda: load.changes > 10)
    postgres.stop()
    try:
        for method, path in REQUESTS:
            body = {"json": {"code": "1"}} if path == "/v1/setup" else {}
            answer = server.request(method, path, **body)
            assert (answer.status_code, answer.json()["code"]) == (503, "server"), (path, answer.text)
            assert int(answer.headers["Retry-After"]) >= 1
        readiness = server.get("/readyz")
        assert (readiness.status_code, readiness.json()["checks"]["database"]) == (503, False)
        assert (server.get("/livez").status_code, server.get("/metrics").status_code) == (200, 200)
        before[0].send_signal(signal.SIGKILL)
        time.sleep(3)  # a worker that starts meanwhile is started again until it can
        assert server.process.poll() is None
    finally:
        postgres.start()
    wait_until(lambda: _is_ready(server), seconds=60)
    begun = load.changes
    wait_until(lambda: load.changes > begun + 5)
    load.check(server)
    assert set(load.statuses) <= {200, 503}
    assert load.unhelpful == []
    left = {process.pid for process in processes_of(server)}
    assert [process.pid in left for process in before] == [False, True]


def _is_ready(server: RunningServer) -> bool:
    try:
        return server.get("/readyz").status_code == 200
    except OSError:  # the worker has not started yet
        return False
