"""Long work: jobs are created by requests, claimed by a runner in a process of its own, and canceled between.

A runner that is killed stops reporting; its job is claimed again after ``STALE_SECONDS``, by any server of the
database.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, insert, or_, select, update

from visavis.errors import UnknownNameError, UsageError
from visavis.plain import Plain
from visavis.server.state import tables
from visavis.server.state.database import StateDatabase, now

JOBS = tables.JOBS
QUEUED, RUNNING, CANCELING, CANCELED = "queued", "running", "canceling", "canceled"
DONE, FAILED = "done", "failed"
STATES = (QUEUED, RUNNING, CANCELING, CANCELED, DONE, FAILED)
"""A job is queued, then running, then done, failed or canceled; "canceling" is a running job that is to stop."""
STALE_SECONDS = 60
"""Time without a report after which a running job is taken for one whose runner died."""


@dataclass(frozen=True, slots=True)
class Job(Plain):
    """A job on a gallery: ``done`` of ``total`` photos (None: not yet counted), and its ``result`` at the end.

    ``order`` is what to do. ``message`` is why it failed, or empty.
    """

    id: str
    kind: str
    gallery: str
    order: Mapping[str, Any]
    state: str
    done: int
    total: int | None
    message: str
    result: Mapping[str, Any] | None
    created: str
    created_by: str
    updated: str


class Jobs:
    """The jobs of a server's database."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def create(self, kind: str, gallery: str, order: Mapping[str, Any], *, actor: str) -> Job:
        """Queue a job."""
        at = now()
        values = {
            "id": secrets.token_hex(8), "kind": kind, "gallery": gallery, "order": json.dumps(order), "state": QUEUED,
            "done": 0, "total": None, "message": "", "result": None, "created": at, "created_by": actor, "updated": at,
        }  # fmt: skip
        with self._database.write() as conn:
            conn.execute(insert(JOBS).values(values))
            self._database.log(conn, actor, "create job", f"{values['id']} ({kind}, {gallery})")
            return _read(conn, str(values["id"]))

    def list(self, *, galleries: Sequence[str] | None = None, limit: int = 100) -> list[Job]:
        """Return the newest jobs first, those of ``galleries`` alone if given."""
        query = select(JOBS).order_by(JOBS.c.created.desc(), JOBS.c.id).limit(limit)
        if galleries is not None:
            query = query.where(JOBS.c.gallery.in_(galleries))
        with self._database.read() as conn:
            return [_make_job(row) for row in conn.execute(query)]

    def read(self, job_id: str) -> Job:
        """Return a job; raises UnknownNameError."""
        with self._database.read() as conn:
            return _read(conn, job_id)

    def any_waiting(self) -> bool:
        """Return whether :meth:`claim` may have something to take: a job that waits or, perhaps, whose runner died."""
        query = select(JOBS.c.id).where(JOBS.c.state.in_([QUEUED, RUNNING, CANCELING])).limit(1)
        with self._database.read() as conn:
            return conn.execute(query).first() is not None

    def release(self, job_id: str) -> None:
        """Queue a running job again, since its runner ends; one that is to be canceled is."""
        with self._database.write() as conn:
            state = _read(conn, job_id).state
            if state in {RUNNING, CANCELING}:
                _change(conn, job_id, state=QUEUED if state == RUNNING else CANCELED)

    def claim(self) -> Job | None:
        """Take the oldest job that waits, or whose runner died; None: there is none. Each job is taken once."""
        oldest = (datetime.now(UTC) - timedelta(seconds=STALE_SECONDS)).isoformat(timespec="microseconds")
        is_stale = and_(JOBS.c.state == RUNNING, JOBS.c.updated < oldest)
        waiting = select(JOBS).where(or_(JOBS.c.state == QUEUED, is_stale)).order_by(JOBS.c.created, JOBS.c.id)
        with self._database.write() as conn:
            is_abandoned = and_(JOBS.c.state == CANCELING, JOBS.c.updated < oldest)
            conn.execute(update(JOBS).where(is_abandoned).values(state=CANCELED, updated=now()))
            row = conn.execute(waiting.limit(1)).one_or_none()
            if row is None:
                return None
            _change(conn, row.id, state=RUNNING, message="")
            return _read(conn, row.id)

    def progress(self, job_id: str, done: int, total: int | None) -> bool:
        """Report how far a job is, at least every few seconds; return whether to go on: False, it was canceled."""
        with self._database.write() as conn:
            _change(conn, job_id, done=done, total=total)
            return _read(conn, job_id).state == RUNNING

    def finish(self, job_id: str, *, result: Mapping[str, Any] | None = None, error: str = "") -> Job:
        """End a running job: failed with an ``error``, canceled where that was asked for, else done."""
        with self._database.write() as conn:
            job = _read(conn, job_id)
            state = FAILED if error else CANCELED if job.state == CANCELING else DONE
            _change(conn, job_id, state=state, message=error, result=None if result is None else json.dumps(result))
            return _read(conn, job_id)

    def cancel(self, job_id: str, *, actor: str) -> Job:
        """Stop a job that waits or runs; one that has ended stays as it is. Raises UnknownNameError."""
        with self._database.write() as conn:
            job = _read(conn, job_id)
            if job.state in {QUEUED, RUNNING}:
                _change(conn, job_id, state=CANCELED if job.state == QUEUED else CANCELING)
                self._database.log(conn, actor, "cancel job", job_id)
            return _read(conn, job_id)

    def resume(self, job_id: str, *, actor: str) -> Job:
        """Queue a job again that was canceled or failed: it goes on where it stopped. Raises UnknownNameError.

        Raises UsageError for a job that is done, or has not ended.
        """
        with self._database.write() as conn:
            job = _read(conn, job_id)
            if job.state not in {CANCELED, FAILED}:
                raise UsageError(f"job {job_id} is {job.state}: only a canceled or a failed one can be resumed.")
            _change(conn, job_id, state=QUEUED, message="", result=None)
            self._database.log(conn, actor, "resume job", job_id)
            return _read(conn, job_id)


def _read(conn: Connection, job_id: str) -> Job:
    row = conn.execute(select(JOBS).where(JOBS.c.id == job_id)).one_or_none()
    if row is None:
        raise UnknownNameError(f"there is no job {job_id!r} on this server.")
    return _make_job(row)


def _change(conn: Connection, job_id: str, **values: object) -> None:
    conn.execute(update(JOBS).where(JOBS.c.id == job_id).values(values | {"updated": now()}))


def _make_job(row: Row[Any]) -> Job:
    values = dict(row._mapping)
    result = values.pop("result")
    order = json.loads(values.pop("order"))
    return Job(**values, order=order, result=None if result is None else json.loads(result))
