"""The runner of jobs: progress, results, failures, cancel, and the end of the server in the middle of a job."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from visavis.errors import UsageError
from visavis.server import job_runner
from visavis.server.config import ServerConfig
from visavis.server.job_runner import ReportProgress, run_job
from visavis.server.state.database import StateDatabase
from visavis.server.state.jobs import Job, Jobs

Work = Callable[[ServerConfig, Job, ReportProgress], Mapping[str, Any]]


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    return Jobs(StateDatabase(f"sqlite:///{tmp_path / 'server.db'}"))


def run(jobs: Jobs, monkeypatch: pytest.MonkeyPatch, work: Work, *, stop: threading.Event | None = None) -> Job:
    """Run a job whose kind does ``work``; return it afterwards."""
    monkeypatch.setitem(job_runner.KINDS, "index", work)
    created = jobs.create("index", "default", {"folder": "photos"}, actor="Ann")
    job = jobs.claim()
    assert job is not None
    assert job.id == created.id
    run_job(ServerConfig(), jobs, job, stop or threading.Event())
    return jobs.read(job.id)


def test_a_job_that_ends_is_done_with_its_last_progress(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    def work(_config: ServerConfig, _job: Job, report: ReportProgress) -> Mapping[str, Any]:
        assert all(report(done, 7) for done in range(1, 8))
        return {"photos": 7}

    job = run(jobs, monkeypatch, work)
    assert (job.state, job.done, job.total, job.result, job.message) == ("done", 7, 7, {"photos": 7}, "")


def test_the_message_of_a_failure_names_no_path(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_config: ServerConfig, _job: Job, _report: ReportProgress) -> Mapping[str, Any]:
        raise OSError(28, "No space left on device", "/secret/faces.db")

    def defect(_config: ServerConfig, _job: Job, _report: ReportProgress) -> Mapping[str, Any]:
        raise KeyError("/secret/faces.db")

    def wrong(_config: ServerConfig, _job: Job, _report: ReportProgress) -> Mapping[str, Any]:
        raise UsageError("fewer than two people have photos.")

    messages = [run(jobs, monkeypatch, work).message for work in (full, defect, wrong)]
    assert [job.state for job in jobs.list()] == ["failed"] * 3
    assert not any("/secret" in message for message in messages)
    assert messages[2] == "fewer than two people have photos."


def test_a_canceled_job_stops_at_its_next_report(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_runner, "REPORT_SECONDS", 0)
    reports = []

    def work(_config: ServerConfig, job: Job, report: ReportProgress) -> Mapping[str, Any]:
        for done in range(1, 100):
            if done == 3:
                jobs.cancel(job.id, actor="Bob")
            reports.append(report(done, 100))
            if not reports[-1]:
                break
        return {}

    job = run(jobs, monkeypatch, work)
    assert (job.state, job.done) == ("canceled", 3)
    assert reports == [True, True, False]


def test_a_job_goes_on_when_the_server_ends_in_its_middle(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    stop = threading.Event()

    def work(_config: ServerConfig, _job: Job, report: ReportProgress) -> Mapping[str, Any]:
        stop.set()
        assert not report(2, 9)
        return {}

    job = run(jobs, monkeypatch, work, stop=stop)
    assert (job.state, job.done) == ("queued", 2)
    again = jobs.claim()
    assert again is not None
    assert again.id == job.id
