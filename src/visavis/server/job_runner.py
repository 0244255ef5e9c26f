"""The runner of jobs: one process that takes a job after the other, reports progress, and stops when it is asked to.

A job that is interrupted, by a cancel or by the end of the server, keeps what it has stored and goes on from there:
indexing skips photos that are in the gallery, training takes embeddings from the cache, and a change of model skips the
faces that have an embedding of it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

from visavis.defaults import MIN_FACE
from visavis.errors import MissingExtraError, ServerError, UsageError, VisavisError
from visavis.gallery.acting import acting_as
from visavis.server.child import begin_child
from visavis.server.config import ServerConfig
from visavis.server.evaluate_job import run_evaluation
from visavis.server.index_folders import refuse_links_out, resolve_folder
from visavis.server.job_run import JobRun, StoppedError
from visavis.server.migration import run_migration
from visavis.server.model_jobs import run_fetch, run_measurement
from visavis.server.push_job import PUSH, run_push
from visavis.server.retention import tidy_events
from visavis.server.state.database import StateDatabase
from visavis.server.state.jobs import Jobs
from visavis.server.train_job import run_training

LOOK_SECONDS = 0.5
"""Time between looks for a new job."""
AWAY_SECONDS = 5.0
"""Time until the next try where the database cannot be used."""
SEE_LOG = "it could not be done; the server's log says why."
SHORTENED = 100
"""Characters that at least remain of a long path that a message shortens."""

log = logging.getLogger("visavis.server")


def run_jobs(config: ServerConfig, life: int, owner: str) -> int:
    """Run jobs until SIGTERM, or until the supervisor is gone; return the exit code.

    ``life`` is as in :func:`begin_child`; ``owner`` is the supervisor's id, by which a runner that is started again
    takes up the job of the one that died.
    """
    stopping = begin_child(life)
    threading.Thread(target=tidy_events, args=(config, stopping), name="retention", daemon=True).start()
    while not stopping.is_set():
        try:
            with closing(StateDatabase(config.state_url)) as database:
                _run_each(config, Jobs(database), owner, stopping)
        except ServerError as error:  # the database is away: its jobs wait, or are claimed again
            log.warning("jobs wait: %s", error)
            stopping.wait(AWAY_SECONDS)
    return 0


def _run_each(config: ServerConfig, jobs: Jobs, owner: str, stopping: threading.Event) -> None:
    jobs.abandon(owner)
    while not stopping.is_set():
        lease = jobs.claim(owner) if jobs.any_waiting() else None
        if lease is None:
            stopping.wait(LOOK_SECONDS)
        else:
            with JobRun(jobs, lease, stopping) as run:
                run_job(config, run)


def run_job(config: ServerConfig, run: JobRun) -> None:
    """Run one job to its end; where the server stops, leave it queued for the next runner."""
    job = run.job
    try:
        with acting_as(job.created_by):
            result = KINDS[job.kind](config, run)
    except StoppedError as stopped:
        run.stop(stopped.result)
    except (VisavisError, OSError) as error:
        log.warning("job %s failed: %s", job.id, error)
        run.fail(_describe(config, error))
    except Exception:  # a defect must not end the runner
        log.exception("job %s failed", job.id)
        run.fail("the server made a mistake; its log has the details.")
    else:
        run.finish(result)


def _index(config: ServerConfig, run: JobRun) -> Mapping[str, Any]:
    """Index a folder into the gallery; the result counts photos by status."""
    from visavis import bulk
    from visavis.gallery.gallery import Gallery
    from visavis.images.photo_files import photos_in

    job = run.job
    folder = resolve_folder(config, job.order["folder"])
    exclude = job.order.get("exclude", [])
    options = {"detector": config.detector, "min_face": job.order.get("min_face", MIN_FACE), "exclude": exclude}
    photos = photos_in(folder, exclude=exclude)
    refuse_links_out(config, job.order["folder"], photos)
    total = len(photos)
    counts: dict[str, int] = {}
    engine = bulk.LocalEngine(workers=1, threads=1)
    with (
        Gallery(config.galleries[job.gallery]) as gallery,
        closing(bulk.index(gallery, folder, engine=engine, **options)) as outcomes,
    ):
        for done, outcome in enumerate(outcomes, 1):
            counts[outcome.status] = counts.get(outcome.status, 0) + 1
            if not run.report(done, total) and done < total:
                raise StoppedError(_count(counts))
    return _count(counts)


def _count(statuses: Mapping[str, int]) -> Mapping[str, Any]:
    return {"photos": sum(statuses.values()), "statuses": dict(statuses)}


KINDS: Mapping[str, Callable[[ServerConfig, JobRun], Mapping[str, Any]]] = {
    "index": _index,
    "train": run_training,
    "evaluate": run_evaluation,
    "fetch": run_fetch,
    "measure": run_measurement,
    "migrate": run_migration,
    PUSH: run_push,
}
"""What each kind of job does."""


def _describe(config: ServerConfig, error: Exception) -> str:
    """Return the sentence of an error, with names in place of paths of the server: roots, classifiers, the site."""
    text = str(error) if isinstance(error, UsageError | MissingExtraError) else SEE_LOG
    site = {} if config.attendance_site is None else {"site": config.attendance_site}
    places = {**config.index_roots, **config.classifiers, **site}
    for name, path in sorted(places.items(), key=lambda item: -len(str(item[1]))):
        for place in (path.resolve(), path):
            text = text.replace(str(place), name)
    is_hidden = not any(str(path.resolve())[:SHORTENED] in text for path in places.values())
    return text if is_hidden else SEE_LOG
