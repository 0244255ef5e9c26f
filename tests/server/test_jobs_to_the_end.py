"""Jobs by REST to their end: indexing and training, canceled and resumed, with a runner that is killed on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cli.fakes import MODEL, photo
from train.colors import PEOPLE, write_people
from visavis import Gallery
from visavis.server.state.database import StateDatabase
from visavis.server.state.jobs import Jobs
from visavis.train.classifier_file import FILE

from .gated import DETECTOR, FOLDER, WAITS, install
from .running_server import RunningServer, photos

TESTS = Path(__file__).resolve().parents[1]
SECONDS = 60.0
GALLERIES = ("default", "canceled", "killed")
CONFIG = f"""
[server]
detector = "{DETECTOR}"
[index_roots]
photos = "photos"
[classifiers]
{"".join(f"{name} = 'runs/{name}'" + chr(10) for name in ("whole", "canceled", "killed"))}
[galleries]
{"".join(f"{name} = '{name}.db'" + chr(10) for name in GALLERIES)}
"""


@pytest.fixture(scope="module")
def gated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server whose networks are the fakes, with an empty cache of its own."""
    folder = tmp_path_factory.mktemp("gated")
    running = RunningServer("--config", "server.toml", folder=folder, environment=make_environment(folder))
    running.set_up()
    yield running
    running.stop()
    assert "Traceback" not in running.text


def make_environment(folder: Path) -> dict[str, str]:
    """Write the configuration, the galleries and the fakes into a folder; return the variables of a process."""
    install(folder / "site")
    (folder / "gate").mkdir()
    (folder / "server.toml").write_text(CONFIG)
    for name in GALLERIES:
        with Gallery(folder / f"{name}.db", model=MODEL):
            pass
    paths = [str(folder / "site"), str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])]
    cache = str(folder / "cache")
    return {"PYTHONPATH": os.pathsep.join(paths), FOLDER: str(folder / "gate"), "VISAVIS_CACHE": cache}


@pytest.fixture
def gate(gated: RunningServer) -> Iterator[Path]:
    """The folder of the gate, which is closed."""
    folder = gated.folder / "gate"
    for name in ("open", "log"):
        (folder / name).unlink(missing_ok=True)
    yield folder
    (folder / "open").touch()


def read_log(gate: Path) -> list[str]:
    """What was looked at, a word for each photo."""
    log = gate / "log"
    return log.read_text().split() if log.exists() else []


def wait_until(is_true: Callable[[], bool], *, seconds: float = SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def wait_at(gate: Path) -> None:
    """Wait until a job stands at the gate."""
    wait_until(lambda: "waits" in read_log(gate))


def wait_for(server: RunningServer, job: dict[str, Any], *states: str) -> dict[str, Any]:
    """Wait until a job has one of these states; return it."""
    deadline = time.monotonic() + SECONDS
    while True:
        current: dict[str, Any] = server.get(f"/v1/jobs/{job['id']}").json()
        if current["state"] in states:
            return current
        assert current["state"] not in {"done", "failed", "canceled"}, current
        assert time.monotonic() < deadline, current
        time.sleep(0.05)


def start(server: RunningServer, kind: str, **order: str) -> dict[str, Any]:
    """Queue a job; of indexing, on the gallery of the name of the folder."""
    gallery = order["folder"].partition("/")[2] if kind == "index" else "default"
    answer = server.post(f"/v1/jobs/{kind}", params={"gallery": gallery}, json=order)
    assert answer.status_code == 202, answer.text
    job: dict[str, Any] = answer.json()
    return job


def count_faces(server: RunningServer, gallery: str) -> int:
    return len(server.get("/v1/faces", params={"gallery": gallery, "limit": 1000}).json()["faces"])


def kill_runner(server: RunningServer) -> None:
    """Kill the runner of jobs, which the server starts after its workers."""
    process = server.process.pid
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    assert len(children) == 2
    os.kill(int(children[1]), signal.SIGKILL)


def write_album(folder: Path, *, waits_at: int | None = None) -> None:
    """Write 24 photos of a face each; at ``waits_at``, in the order of the names, a job waits at the gate."""
    for number in range(24):
        color = WAITS if number == waits_at else (255, 5 * number, 0)
        photo(folder / f"{number:02}.png", (color, 40, 30, 60))


def test_a_folder_is_indexed_to_the_end(gated: RunningServer, gate: Path) -> None:
    write_album(gated.folder / "photos" / "default")
    photo(gated.folder / "photos" / "default" / "gray.png")
    job = wait_for(gated, start(gated, "index", folder="photos/default"), "done")
    assert (job["done"], job["total"], job["message"]) == (25, 25, "")
    assert job["result"] == {"photos": 25, "statuses": {"ok": 24, "no_face": 1}}
    assert count_faces(gated, "default") == 24
    again = wait_for(gated, start(gated, "index", folder="photos/default"), "done")
    assert again["result"]["statuses"] == {"known": 25}
    assert read_log(gate) == ["looks"] * 25


@pytest.mark.slow(seconds=6)
def test_indexing_is_canceled_and_resumed(gated: RunningServer, gate: Path) -> None:
    write_album(gated.folder / "photos" / "canceled", waits_at=20)
    job = start(gated, "index", folder="photos/canceled")
    wait_at(gate)
    assert gated.post(f"/v1/jobs/{job['id']}/cancel").json()["state"] == "canceling"
    (gate / "open").touch()
    canceled = wait_for(gated, job, "canceled")
    assert canceled["done"] == canceled["result"]["photos"] < 24
    assert gated.post(f"/v1/jobs/{job['id']}/resume").json()["state"] == "queued"
    done = wait_for(gated, job, "done")
    assert (done["done"], sum(done["result"]["statuses"].values())) == (24, 24)
    assert done["result"]["statuses"]["known"] >= canceled["done"]
    assert count_faces(gated, "canceled") == 24
    assert len(read_log(gate)) == 24  # no photo was looked at twice


@pytest.mark.slow(seconds=6)
def test_indexing_goes_on_after_its_runner_was_killed(gated: RunningServer, gate: Path) -> None:
    write_album(gated.folder / "photos" / "killed", waits_at=20)
    job = start(gated, "index", folder="photos/killed")
    wait_at(gate)
    kill_runner(gated)
    (gate / "open").touch()
    done = wait_for(gated, job, "done")
    assert sum(done["result"]["statuses"].values()) == 24
    assert count_faces(gated, "killed") == 24


def write_persons(folder: Path, *, waits_at: int = 0) -> None:
    """Write photos of three people, or of four, at whose last photo the job waits: of a square at ``waits_at``."""
    write_people(folder, 4, people=3)
    if waits_at:
        photo(folder / "Yellow" / "1.png", ((230, 230, 0), waits_at, 30, 60))
        photo(folder / "Yellow" / "2.png", (WAITS, waits_at, 30, 60))


def classify(server: RunningServer, classifier: str, picture: Path) -> str | None:
    """Return the name that a classifier gives the one face of a photo."""
    answer = server.post(f"/v1/classify?model={classifier}&top=3", files=photos("photo", picture))
    assert answer.status_code == 200, answer.text
    (line,) = answer.json()["photos"]
    (face,) = line["faces"]
    assert (line["status"], len(face["names"])) == ("ok", 3)
    assert sum(probability for _, probability in face["names"]) == pytest.approx(1, abs=1e-3)
    return face["names"][0][0] if face["known"] else None


def test_a_classifier_is_trained_to_the_end_and_classifies(gated: RunningServer, gate: Path, tmp_path: Path) -> None:
    write_persons(gated.folder / "photos" / "people")
    job = wait_for(gated, start(gated, "train", classifier="whole", folder="photos/people", model=MODEL), "done")
    assert (job["done"], job["total"], job["result"]["people"]) == (12, 12, 3)
    assert job["result"]["accuracy"] == 1
    for name in [*PEOPLE][:3]:
        assert classify(gated, "whole", photo(tmp_path / f"{name}.png", (PEOPLE[name], 100, 80, 70))) == name


def test_training_is_canceled_and_resumed(gated: RunningServer, gate: Path) -> None:
    write_persons(gated.folder / "photos" / "canceled people", waits_at=40)
    order = {"classifier": "canceled", "folder": "photos/canceled people", "model": MODEL}
    job = start(gated, "train", **order)
    wait_at(gate)
    gated.post(f"/v1/jobs/{job['id']}/cancel")
    (gate / "open").touch()
    assert wait_for(gated, job, "canceled")["result"] is None
    assert not (gated.folder / "runs" / "canceled").exists()
    gated.post(f"/v1/jobs/{job['id']}/resume")
    assert wait_for(gated, job, "done")["result"]["people"] == 4
    assert (gated.folder / "runs" / "canceled" / "classifier.safetensors").exists()


@pytest.mark.slow(seconds=8)
def test_training_goes_on_after_its_runner_was_killed(gated: RunningServer, gate: Path) -> None:
    write_persons(gated.folder / "photos" / "killed people", waits_at=50)
    job = start(gated, "train", classifier="killed", folder="photos/killed people", model=MODEL)
    wait_at(gate)
    kill_runner(gated)
    (gate / "open").touch()
    assert wait_for(gated, job, "done")["result"]["people"] == 4


def test_a_model_of_a_training_is_a_name_and_no_folder(gated: RunningServer) -> None:
    write_persons(gated.folder / "photos" / "people")
    for model in (str(gated.folder), "../runs", "nothing"):
        order = {"classifier": "whole", "folder": "photos/people", "model": model}
        answer = gated.post("/v1/jobs/train", json=order)
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_name")


@pytest.mark.slow
def test_a_runner_that_stood_still_writes_nothing_over_the_one_that_took_its_job(tmp_path: Path) -> None:
    """Two servers on one database, with leases of two seconds: the first stands still, the second does its job."""
    environment = {**os.environ, **make_environment(tmp_path)}
    write_persons(tmp_path / "photos" / "people", waits_at=60)
    write_album(tmp_path / "photos" / "default")

    def run(owner: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "server.job_process", "server.toml", owner]
        return subprocess.Popen(command, cwd=tmp_path, env=environment)

    with closing(StateDatabase(f"sqlite:///{tmp_path / 'default.server.db'}")) as database:
        jobs = Jobs(database)
        order = {"classifier": "killed", "folder": "photos/people", "model": MODEL}
        job = jobs.create("train", "default", order, actor="Ann")
        first = run("first")
        try:
            wait_at(tmp_path / "gate")
            first.send_signal(signal.SIGSTOP)
            second = run("second")
            try:
                wait_until(lambda: read_log(tmp_path / "gate").count("waits") == 2)
                (tmp_path / "gate" / "open").touch()
                wait_until(lambda: jobs.read(job.id).state == "done")
            finally:
                second.terminate()
                second.wait(SECONDS)
            saved = (tmp_path / "runs" / "killed" / FILE).stat()
            expected = jobs.read(job.id)
            other = jobs.create("index", "default", {"folder": "photos/default"}, actor="Ann")
            first.send_signal(signal.SIGCONT)
            wait_until(lambda: jobs.read(other.id).state == "done")
        finally:
            first.kill()
            first.wait(SECONDS)
        assert jobs.read(job.id) == expected
        after = (tmp_path / "runs" / "killed" / FILE).stat()
        assert (after.st_mtime_ns, after.st_ino) == (saved.st_mtime_ns, saved.st_ino)
