"""The model of a gallery is changed by REST: a job, its state, and requests that notice the switch."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from gallery import models  # noqa: F401 - registers test-colors and test-tints
from visavis.client import Client
from visavis.defaults import EMBEDDER
from visavis.errors import ServerError, UnknownNameError, UsageError
from visavis.gallery import Gallery, LostFaces, Template
from visavis.gallery._second_embeddings import NO_PHOTO
from visavis.server.config import ServerConfig
from visavis.server.job_run import JobRun, StoppedError
from visavis.server.job_runner import run_job
from visavis.server.migration import run_migration
from visavis.server.state.database import StateDatabase
from visavis.server.state.jobs import Jobs
from visavis.server.types import Job

from .running_server import RunningServer
from .test_keys import make_key

NEW = "dlib-resnet"


@pytest.fixture
def client(server: RunningServer, spare_gallery: str) -> Iterator[Client]:
    with Client(server.url, server.key, spare_gallery) as opened:
        yield opened


def test_a_gallery_is_changed_and_gone_back_while_the_server_answers(
    server: RunningServer, client: Client, small_photos: Path
) -> None:
    with Gallery(server.folder / f"{client.gallery}.db") as gallery:
        gallery.keep_crops(True)
        old = gallery.model
    client.enroll("Barack", [small_photos / "obama.jpg", small_photos / "obama2.jpg"])
    client.enroll("Joe", [small_photos / "biden.jpg"])
    assert client.migration().state == "none"
    steps: list[tuple[int, int]] = []
    outcome = client.migrate(NEW, progress=lambda done, total: not steps.append((done, total)))
    assert (outcome.switched, outcome.refused, outcome.lost) == (True, "", ())
    assert (outcome.state.model, outcome.state.second, outcome.state.filled) == (NEW, old, 3)
    assert outcome.new is not None
    assert (outcome.new.model, outcome.new.same_pairs, outcome.new.stranger_pairs, outcome.new.missed) == (NEW, 1, 2, 0)
    (answer,) = client.identify(small_photos / "obama3.jpg")
    assert (answer.name, client.stats().model, client.stats().dimension) == ("Barack", NEW, 128)
    client.enroll("Joe", [small_photos / "obama3.jpg"])  # wrong, but of the new model
    assert client.migrate_back().switched
    assert server.get("/v1/jobs").json()["jobs"][0]["order"]["second"] == old
    assert (client.stats().model, client.migration().filled) == (old, 4)
    assert client.finish_migration().state == "none"
    with pytest.raises(ServerError, match="there is no second set of embeddings"):
        client.finish_migration()
    assert [line.actor for line in client.audit() if line.action == "migrate"] == ["first admin"]


def test_uploaded_photos_without_crops_are_lost_and_nothing_is_switched(
    server: RunningServer, client: Client, small_photos: Path
) -> None:
    client.enroll("Barack", [small_photos / "obama.jpg"])
    outcome = client.migrate(NEW)
    assert (outcome.switched, outcome.refused) == (False, "lost")
    assert outcome.lost == (LostFaces(1, "", (1,), (), True, (NO_PHOTO,)),)
    assert "Barack" not in server.get("/v1/jobs").text  # results stay in the server's database
    assert client.stats().model != NEW


def test_only_administrators_of_the_gallery_change_its_model(server: RunningServer, spare_gallery: str) -> None:
    path = f"/v1/galleries/{spare_gallery}/migrate"
    enroll, other = (make_key(server, f"{spare_gallery} {role}", role, names) for role, names in (
        ("enroll", [spare_gallery]), ("admin", ["spare1" if spare_gallery != "spare1" else "spare2"]),
    ))  # fmt: skip
    assert server.post(path, json={"model": NEW}, key=enroll).status_code == 403
    assert server.get(path, key=enroll).json()["state"] == "none"
    assert server.post(path, json={"model": NEW}, key=other).status_code == 404
    assert server.get(path, key=other).status_code == 404
    assert server.post("/v1/galleries/nowhere/migrate", json={"model": NEW}).status_code == 404


@pytest.mark.parametrize(
    ("order", "status"),
    [
        ({}, 422),
        ({"model": NEW, "back": True}, 422),
        ({"back": True, "finish": True}, 422),
        ({"model": "nothing"}, 404),
        ({"model": "photos"}, 404),
        ({"model": "/etc"}, 404),
        ({"model": f"{NEW}@x"}, 400),
        ({"model": EMBEDDER}, 400),
    ],
)
def test_wrong_orders_make_no_job(server: RunningServer, order: dict[str, object], status: int) -> None:
    before = len(server.get("/v1/jobs").json()["jobs"])
    answer = server.post("/v1/galleries/default/migrate", json=order)
    assert answer.status_code == status, answer.text
    assert str(server.folder) not in answer.text
    assert len(server.get("/v1/jobs").json()["jobs"]) == before


def test_the_client_raises_the_error_of_an_unknown_model(client: Client) -> None:
    with pytest.raises(UnknownNameError, match="nothing"):
        client.migrate("nothing")


def test_a_job_whose_runner_was_killed_after_the_switch_is_done(tmp_path: Path) -> None:
    path = tmp_path / "faces.db"
    with Gallery(path, model="test-colors") as gallery:
        gallery.add("Ann", [Template(np.array([1, 0, 0], np.float32))])
        gallery.remove("Ann")
        assert gallery.migrate("test-tints").switched
    config = ServerConfig(galleries={"default": str(path)})
    order = {
        "model": "test-tints", "back": False, "finish": False, "accept_loss": False, "accept_errors": False,
        "second": None,
    }  # fmt: skip
    job = Job(
        id="1", kind="migrate", gallery="default", order=order, state="running", done=0, total=None, message="",
        result=None, created="", created_by="Ann", updated="",
    )  # fmt: skip

    def run(job: Job, *, report: bool = True) -> Mapping[str, Any]:
        reported = SimpleNamespace(job=job, report=lambda done, total: report, begin_saving=lambda: None)
        return run_migration(config, cast(JobRun, reported))

    result = run(job)
    assert (result["switched"], result["state"]["model"]) == (True, "test-tints")
    back = replace(job, order={**order, "model": None, "back": True, "second": "test-colors"})
    with pytest.raises(StoppedError):
        run(back, report=False)
    for _ in range(2):
        result = run(back)
        assert (result["switched"], result["refused"], result["state"]["model"]) == (True, "", "test-colors")
    finish = replace(job, order={**order, "model": None, "finish": True, "second": "test-tints"})
    for _ in range(2):
        assert run(finish)["state"] == {
            "model": "test-colors", "second": None, "state": "none", "faces": 0, "filled": 0,
        }  # fmt: skip
    for former in (back, finish):
        with pytest.raises(UsageError):
            run(replace(former, order={**former.order, "second": None}))  # nothing was to be done when it was requested


def test_a_job_that_was_canceled_or_lost_its_lease_before_the_switch_does_not_switch(tmp_path: Path) -> None:
    path = tmp_path / "faces.db"
    with Gallery(path, model="test-colors") as gallery:
        gallery.add("Ann", [Template(np.array([1, 0, 0], np.float32))])
        gallery.remove("Ann")
    database = StateDatabase(f"sqlite:///{tmp_path / 'state.db'}")
    jobs = Jobs(database)
    config = ServerConfig(galleries={"default": str(path)})
    order = {
        "model": "test-tints", "back": False, "finish": False, "accept_loss": False, "accept_errors": False,
        "second": None,
    }  # fmt: skip
    for end in ("cancel", "abandon", ""):
        job = jobs.create("migrate", "default", order, actor="Ann")
        lease = jobs.claim("server")
        assert lease is not None
        with JobRun(jobs, lease, threading.Event()) as run:
            assert run.report(0, 0)  # progress is written once a second: the next reports do not look
            if end == "cancel":
                jobs.cancel(job.id, actor="Ann")
            elif end == "abandon":
                jobs.abandon("server")
            run_job(config, run)
        with Gallery(path) as gallery:
            assert gallery.model == ("test-colors" if end else "test-tints")
        state = jobs.read(job.id).state
        assert state == {"cancel": "canceled", "abandon": "queued", "": "done"}[end]
        if end == "abandon":
            jobs.cancel(job.id, actor="Ann")
    database.close()
