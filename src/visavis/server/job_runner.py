"""The runner of jobs: one process that takes a job after the other, reports progress, and stops when it is asked to.

A job that is interrupted, by a cancel or by the end of the server, keeps what it has stored and goes on from there:
indexing skips photos that are in the gallery.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from time import monotonic
from typing import Any, TypeVar

from visavis.defaults import MIN_FACE
from visavis.errors import UsageError, VisavisError
from visavis.gallery.acting import acting_as
from visavis.server.config import ServerConfig
from visavis.server.index_folders import resolve_folder
from visavis.server.state.database import StateDatabase
from visavis.server.state.jobs import Job, Jobs

LOOK_SECONDS = 0.5
"""Time between looks for a new job."""
REPORT_SECONDS = 1.0

T = TypeVar("T")
log = logging.getLogger("visavis.server")

ReportProgress = Callable[[int, int | None], bool]
"""Report ``done`` and ``total``; False: stop."""


def run_jobs(config: ServerConfig, life: int) -> int:
    """Run jobs until SIGTERM, or until the supervisor is gone; return the exit code.

    ``life`` is the reading end of a pipe whose other end only the supervisor holds.
    """
    logging.basicConfig(format="visavis: %(message)s", level=logging.WARNING)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    threading.Thread(target=_end_with_supervisor, args=(life, stop), name="life", daemon=True).start()
    database = StateDatabase(config.state_url)
    jobs = Jobs(database)
    while not stop.is_set():
        job = jobs.claim() if jobs.any_waiting() else None
        if job is None:
            stop.wait(LOOK_SECONDS)
        else:
            run_job(config, jobs, job, stop)
    database.close()
    return 0


def run_job(config: ServerConfig, jobs: Jobs, job: Job, stop: threading.Event) -> None:
    """Run one job to its end; where ``stop`` is set, leave it queued for the next runner."""
    reported, latest = 0.0, None

    def report(done: int, total: int | None) -> bool:
        nonlocal reported, latest
        latest = (done, total)
        if stop.is_set():
            return False
        if monotonic() - reported < REPORT_SECONDS:
            return True
        reported = monotonic()
        return jobs.progress(job.id, done, total)

    result, fault = None, ""
    try:
        with acting_as(job.created_by):
            result = KINDS[job.kind](config, job, report)
    except _StoppedError:
        pass
    except (VisavisError, OSError) as error:
        log.warning("job %s failed: %s", job.id, error)
        fault = _describe(error)
    except Exception:  # a defect must not end the runner
        log.exception("job %s failed", job.id)
        fault = "the server made a mistake; its log has the details."
    if latest is not None:
        jobs.progress(job.id, *latest)
    if stop.is_set() and not fault:
        jobs.release(job.id)
    else:
        jobs.finish(job.id, result=result, error=fault)


class _StoppedError(Exception):
    """Ends work that is to stop, from within."""


def _index(config: ServerConfig, job: Job, report: ReportProgress) -> Mapping[str, Any]:
    """Index a folder into the gallery; the result counts photos by status."""
    from visavis import bulk
    from visavis.gallery.gallery import Gallery
    from visavis.images.photo_files import photos_in

    folder = resolve_folder(config, job.order["folder"])
    exclude = job.order.get("exclude", [])
    options = {"detector": config.detector, "min_face": job.order.get("min_face", MIN_FACE), "exclude": exclude}
    total = len(photos_in(folder, exclude=exclude))
    counts: dict[str, int] = {}
    engine = bulk.LocalEngine(workers=1, threads=1)
    with (
        Gallery(config.galleries[job.gallery]) as gallery,
        closing(bulk.index(gallery, folder, engine=engine, **options)) as outcomes,
    ):
        for done, outcome in enumerate(outcomes, 1):
            counts[outcome.status] = counts.get(outcome.status, 0) + 1
            if not report(done, total):
                break
    return {"photos": sum(counts.values()), "statuses": counts}


def _train(config: ServerConfig, job: Job, report: ReportProgress) -> Mapping[str, Any]:
    """Train a classifier on a folder with a folder of photos per person, into a configured place."""
    from visavis.train.classifier import train_classifier

    name = job.order["classifier"]
    place = config.classifiers.get(name)
    if place is None:
        raise UsageError(f"no classifier {name!r} is configured.")

    def progress(photos: Iterable[T], total: int) -> Iterator[T]:
        for done, photo in enumerate(photos):
            if not report(done, total):
                raise _StoppedError
            yield photo

    run = train_classifier(resolve_folder(config, job.order["folder"]), progress=progress)
    run.save(place)
    return {"accuracy": run.report.accuracy, "people": len(run.classifier.people)}


KINDS: Mapping[str, Callable[[ServerConfig, Job, ReportProgress], Mapping[str, Any]]] = {
    "index": _index,
    "train": _train,
}
"""What each kind of job does."""


def _describe(error: Exception) -> str:
    """Return the sentence of an error, without a path of the server."""
    return str(error) if isinstance(error, UsageError) else "it could not be done; the server's log says why."


def _end_with_supervisor(life: int, stop: threading.Event) -> None:
    while os.read(life, 1):
        pass
    stop.set()
