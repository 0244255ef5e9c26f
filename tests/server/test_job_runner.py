"""The runner of jobs: progress, results, failures, cancel, leases, and the end of the server in the middle of a job."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from visavis.errors import ServerError, UsageError
from visavis.images import shown
from visavis.server import child, job_run, job_runner
from visavis.server.config import ServerConfig
from visavis.server.job_run import JobRun, StoppedError
from visavis.server.job_runner import run_job
from visavis.server.state import jobs as state_jobs
from visavis.server.state.database import StateDatabase
from visavis.server.state.jobs import Job, Jobs, Lease

Work = Callable[[ServerConfig, JobRun], Mapping[str, Any]]


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    database = StateDatabase(f"sqlite:///{tmp_path / 'server.db'}")
    yield Jobs(database)
    database.close()


def run(jobs: Jobs, monkeypatch: pytest.MonkeyPatch, work: Work, *, stopping: threading.Event | None = None) -> Job:
    """Run a job whose kind does ``work``; return it afterwards. What ``work`` asserts holds."""
    faults = []

    def do(config: ServerConfig, current: JobRun) -> Mapping[str, Any]:
        try:
            return work(config, current)
        except AssertionError as error:  # the runner takes it for a defect of the job
            faults.append(error)
            raise

    monkeypatch.setitem(job_runner.KINDS, "index", do)
    created = jobs.create("index", "default", {"folder": "photos"}, actor="Ann")
    lease = jobs.claim("server")
    assert lease is not None
    assert lease.job.id == created.id
    with JobRun(jobs, lease, stopping or threading.Event()) as current:
        run_job(ServerConfig(), current)
    if faults:
        raise faults[0]
    return jobs.read(created.id)


def test_a_job_that_ends_is_done_with_its_last_progress(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    def work(_config: ServerConfig, run: JobRun) -> Mapping[str, Any]:
        assert all(run.report(done, 7) for done in range(1, 8))
        return {"photos": 7}

    job = run(jobs, monkeypatch, work)
    assert (job.state, job.done, job.total, job.result, job.message) == ("done", 7, 7, {"photos": 7}, "")


def test_the_message_of_a_failure_names_no_path(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_config: ServerConfig, _run: JobRun) -> Mapping[str, Any]:
        raise OSError(28, "No space left on device", "/secret/faces.db")

    def defect(_config: ServerConfig, _run: JobRun) -> Mapping[str, Any]:
        raise KeyError("/secret/faces.db")

    def wrong(_config: ServerConfig, _run: JobRun) -> Mapping[str, Any]:
        raise UsageError("fewer than two people have photos.")

    messages = [run(jobs, monkeypatch, work).message for work in (full, defect, wrong)]
    assert [job.state for job in jobs.list()] == ["failed"] * 3
    assert not any("/secret" in message for message in messages)
    assert messages[2] == "fewer than two people have photos."


def test_paths_of_a_message_become_the_names_of_the_configuration(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 130)
    config = ServerConfig(index_roots={"photos": tmp_path / "in"}, classifiers={"staff": tmp_path / "run", "far": long})
    messages = [
        UsageError(f"two people are needed, and '{tmp_path}/in/2024' has 1."),
        UsageError(f"'{tmp_path}/run/report.json' cannot be written: no space."),
        UsageError(f"{shown(str(long / ('y' * 130)))} is damaged."),
    ]
    assert [job_runner._describe(config, message) for message in messages] == [
        "two people are needed, and 'photos/2024' has 1.",
        "'staff/report.json' cannot be written: no space.",
        job_runner.SEE_LOG,
    ]


def test_a_canceled_job_stops_at_its_next_report(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_run, "REPORT_SECONDS", 0)
    reports = []

    def work(_config: ServerConfig, run: JobRun) -> Mapping[str, Any]:
        for done in range(1, 100):
            if done == 3:
                jobs.cancel(run.job.id, actor="Bob")
            reports.append(run.report(done, 100))
            if not reports[-1]:
                raise StoppedError({"photos": done})
        return {}

    job = run(jobs, monkeypatch, work)
    assert (job.state, job.done, job.result) == ("canceled", 3, {"photos": 3})
    assert reports == [True, True, False]


def test_a_job_goes_on_when_the_server_ends_in_its_middle(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    stopping = threading.Event()

    def work(_config: ServerConfig, run: JobRun) -> Mapping[str, Any]:
        stopping.set()
        assert not run.report(2, 9)
        raise StoppedError

    job = run(jobs, monkeypatch, work, stopping=stopping)
    assert (job.state, job.done) == ("queued", 2)
    again = jobs.claim("server")
    assert again is not None
    assert again.job.id == job.id


def test_a_silent_job_keeps_its_lease(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four times as long as a lease lasts, another server finds nothing to claim.

    A machine that stands still for half a second does lose the lease: the best of several tries counts.
    """
    monkeypatch.setattr(state_jobs, "STALE_SECONDS", 0.5)
    monkeypatch.setattr(job_run, "BEAT_SECONDS", 0.05)
    outcomes = []
    while KEPT not in outcomes and len(outcomes) < 6:
        with closing(StateDatabase(f"sqlite:///{tmp_path / f'{len(outcomes)}.db'}")) as database:
            outcomes.append(_claim_while_silent(Jobs(database), monkeypatch))
    assert outcomes[-1] == KEPT


KEPT = ("done", [None] * 20)


def _claim_while_silent(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> tuple[str, list[Lease | None]]:
    """Run a job that reports nothing for two seconds; return its state, and what another server could claim."""
    claims = []

    def work(_config: ServerConfig, run: JobRun) -> Mapping[str, Any]:
        for _ in range(20):
            time.sleep(0.1)
            claims.append(jobs.claim("another server"))
        run.begin_saving()
        return {"photos": 1}

    return run(jobs, monkeypatch, work).state, claims


def test_a_runner_that_lost_its_lease_stops_before_it_saves(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_run, "BEAT_SECONDS", 0.05)
    saved = []

    def work(_config: ServerConfig, run: JobRun) -> Mapping[str, Any]:
        with monkeypatch.context() as changed:
            changed.setattr(state_jobs, "STALE_SECONDS", -1)
            assert jobs.claim("another server") is not None
        deadline = time.monotonic() + 60
        while not run.is_lost and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not run.report(5, 9)
        run.begin_saving()
        saved.append(run)
        return {}

    job = run(jobs, monkeypatch, work)
    assert (job.state, job.done, job.result, saved) == ("running", 0, None, [])


def test_a_process_that_stood_still_knows_that_its_lease_lapsed(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """No heartbeat could be sent, as where a machine sleeps: the first report after it stops the work."""
    asleep = 0.0
    monkeypatch.setattr(job_run, "monotonic", lambda: time.monotonic() + asleep)

    def work(_config: ServerConfig, run: JobRun) -> Mapping[str, Any]:
        nonlocal asleep
        assert run.report(1, 9)
        asleep = state_jobs.STALE_SECONDS - job_run.BEAT_SECONDS
        assert not run.report(2, 9)
        run.begin_saving()
        return {"saved": True}

    job = run(jobs, monkeypatch, work)
    assert (job.state, job.result) == ("queued", None)


def test_a_cancel_in_the_last_stage_is_the_truth_or_has_no_effect(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    saved: list[str] = []

    def before(_config: ServerConfig, run: JobRun) -> Mapping[str, Any]:
        jobs.cancel(run.job.id, actor="Bob")
        run.begin_saving()
        saved.append("before")
        return {}

    def after(_config: ServerConfig, run: JobRun) -> Mapping[str, Any]:
        run.begin_saving()
        assert jobs.cancel(run.job.id, actor="Bob").state == "saving"
        saved.append("after")
        return {}

    states = [run(jobs, monkeypatch, work).state for work in (before, after)]
    assert (states, saved) == (["canceled", "done"], ["after"])


def test_work_goes_on_while_the_database_is_away(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_run, "REPORT_SECONDS", 0)

    def away(*_: object) -> bool:
        raise ServerError("the database is away.")

    def work(_config: ServerConfig, run: JobRun) -> Mapping[str, Any]:
        with monkeypatch.context() as changed:
            changed.setattr(jobs, "progress", away)
            assert run.report(1, 2)
        return {"photos": 2}

    assert run(jobs, monkeypatch, work).state == "done"


def test_a_runner_waits_for_a_database_that_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not end: a server whose processes end soon after their start would give up."""
    monkeypatch.setattr(job_runner, "AWAY_SECONDS", 0.01)
    calls: list[str] = []

    def fail(config: ServerConfig, _jobs: Jobs, owner: str, stopping: threading.Event) -> None:
        calls.append(owner)
        if len(calls) == 3:
            stopping.set()
        raise ServerError("the database is away.")

    monkeypatch.setattr(job_runner, "_run_each", fail)
    monkeypatch.setattr(child, "end_with_supervisor", lambda *_: None)
    monkeypatch.setattr(child.signal, "signal", lambda *_: None)
    assert job_runner.run_jobs(ServerConfig(state=f"sqlite:///{tmp_path / 'state.db'}"), -1, "own") == 0
    assert calls == ["own"] * 3
