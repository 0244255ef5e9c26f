"""The jobs about models: fetch a weight file, and measure how fast models are on this machine."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from visavis import runtime
from visavis.errors import UsageError, WeightsError
from visavis.server.config import ServerConfig
from visavis.server.job_run import JobRun, StoppedError
from visavis.server.state.database import StateDatabase
from visavis.server.state.speeds import Speeds
from visavis.server.types import ModelSpeed
from visavis.sql_database import now
from visavis.weights import download, store
from visavis.weights.row import WeightSpec
from visavis.weights.spec import spec as find_spec

BATCHES = (1, 32)
"""Numbers of faces that are embedded together."""


def run_fetch(_config: ServerConfig, run: JobRun) -> Mapping[str, Any]:
    """Download a weight file, or check the one that is there; a canceled download goes on where it stopped."""
    spec = find_spec(run.job.order["model"])
    if run.job.order["accept_license"]:
        store.accept(spec)

    def report(_row: WeightSpec, received: int, total: int | None) -> None:
        if not run.report(received, total or spec.size):
            raise StoppedError

    try:
        store.consent(spec)
        path = store.locate(spec)
        if path is None:
            with download.progress_to(report):
                path = store.fetch(spec)
    except download.NotFetchedError as error:
        raise UsageError(f"{spec.file} was not fetched: {error}.") from error
    try:
        store.check(path, spec)
    except WeightsError as error:  # names the path
        raise UsageError(f"the server has another file {spec.file} than the published one: delete it there.") from error
    return {"bytes": path.stat().st_size}


def run_measurement(config: ServerConfig, run: JobRun) -> Mapping[str, Any]:
    """Measure the milliseconds per face of models, one after another, and store them."""
    from visavis import embedders
    from visavis.embedders.speed import measure_speeds

    names = run.job.order["models"]
    threads = runtime.thread_count(run.job.order["threads"] or config.threads_per_process)
    measured = []
    for name in run.follow(names, len(names)):
        single, many = measure_speeds([embedders.create(name, threads=threads)], BATCHES)[0]
        measured.append(
            ModelSpeed(name, platform.node(), threads, round(single.median, 3), round(many.median, 3), now())
        )
    run.begin_saving()
    with closing(StateDatabase(config.state_url)) as database:
        Speeds(database).store(measured)
    return {"models": len(measured)}
