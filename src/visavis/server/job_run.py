"""The run of a job: what its work reports, and a heartbeat that keeps its lease while the work is silent."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator, Mapping
from time import monotonic
from typing import Any, TypeVar

from visavis._closing import Closing
from visavis.errors import ServerError
from visavis.server.state import jobs as state_jobs
from visavis.server.state.jobs import Jobs, Lease

REPORT_SECONDS = 1.0
"""Time between reports of progress that are written."""
BEAT_SECONDS = 10.0
"""Time between renewals of the lease."""

T = TypeVar("T")
log = logging.getLogger("visavis.server")


class StoppedError(Exception):
    """Ends the work of a job that is to stop; ``result`` is what was done until then."""

    def __init__(self, result: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self.result = result


class JobRun(Closing):
    """A job that this process runs, with a thread that renews the lease on its own connection.

    ``stopping`` is set where the server ends.
    """

    def __init__(self, jobs: Jobs, lease: Lease, stopping: threading.Event) -> None:
        self.job = lease.job
        self._jobs, self._lease, self._stopping = jobs, lease, stopping
        self._renewed = monotonic()
        self._reported = 0.0
        self._latest: tuple[int, int | None] | None = None
        self._is_lost = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the heartbeat; the lease lapses unless the job has ended."""
        self._ended.set()
        self._thread.join()

    @property
    def is_lost(self) -> bool:
        """Whether another runner may have the job: this one has to stop, and writes nothing more.

        A process that stood still for longer than a lease lasts, or cannot reach the database, finds so by its clock.
        """
        return self._is_lost or monotonic() - self._renewed > state_jobs.STALE_SECONDS - BEAT_SECONDS

    def report(self, done: int, total: int | None) -> bool:
        """Report how far the work is; return whether to go on. Call it before each step that stores something."""
        self._latest = (done, total)
        if self.is_lost or self._stopping.is_set():
            return False
        if monotonic() - self._reported < REPORT_SECONDS:
            return True
        self._reported = monotonic()
        try:
            return self._jobs.progress(self._lease, done, total)
        except ServerError as error:  # the database may come back before the lease lapses
            log.warning("the progress of job %s is not stored: %s", self.job.id, error)
            return True

    def follow(self, items: Iterable[T], total: int) -> Iterator[T]:
        """Yield items, of which there are ``total``, and report each; raises StoppedError where the job is to stop."""
        for done, item in enumerate(items):
            if not self.report(done, total):
                raise StoppedError
            yield item
        self.report(total, total)

    def begin_saving(self) -> None:
        """Begin to write the result: from now on the job cannot be canceled. Raises StoppedError where it was.

        Raises it too where another runner has the job.
        """
        if self.is_lost or not self._jobs.begin_saving(self._lease):
            raise StoppedError

    def finish(self, result: Mapping[str, Any]) -> None:
        """End a job whose work is complete."""
        self._report_latest()
        self._jobs.finish(self._lease, result=result)

    def fail(self, message: str) -> None:
        """End a job that could not be done."""
        self._report_latest()
        self._jobs.fail(self._lease, message)

    def stop(self, result: Mapping[str, Any] | None) -> None:
        """End a job that stopped early: canceled, or queued for the next runner."""
        self._report_latest()
        self._jobs.stop(self._lease, result=result)

    def _report_latest(self) -> None:
        if self._latest is not None:
            self._jobs.progress(self._lease, *self._latest)

    def _beat(self) -> None:
        while not self._ended.wait(BEAT_SECONDS):
            before = monotonic()
            try:
                is_held = self._jobs.renew(self._lease)
            except ServerError as error:  # tried again until the lease lapses
                log.warning("the lease of job %s is not renewed: %s", self.job.id, error)
                continue
            if not is_held:
                self._is_lost = True
                return
            self._renewed = before
