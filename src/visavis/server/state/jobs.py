"""Long work: jobs are created by requests, claimed by a runner in a process of its own, and canceled between.

A runner holds a lease of its job, and renews it all the time. The lease of a runner that was killed, or cannot reach
the database, lapses after ``STALE_SECONDS``; any server of the database then claims the job, and the former runner can
change nothing of it any more. All times are of the database's clock: those of machines are never compared. A job whose
process ends ``MOST_STARTS`` times without progress has failed: the job may be what ends the process, such as by taking
all memory.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, case, insert, or_, select, update

from visavis.errors import UnknownNameError, UsageError
from visavis.server.state import tables
from visavis.server.state.database import StateDatabase
from visavis.server.types import Job
from visavis.sql_database import write_time

JOBS = tables.JOBS
QUEUED, RUNNING, SAVING, CANCELING, CANCELED = "queued", "running", "saving", "canceling", "canceled"
DONE, FAILED = "done", "failed"
STATES = (QUEUED, RUNNING, SAVING, CANCELING, CANCELED, DONE, FAILED)
"""A job is queued, then running, then done, failed or canceled. "canceling" is a running job that is to stop;
"saving" is one that writes its result, and can be canceled no more."""
LEASED = (RUNNING, SAVING, CANCELING)
STALE_SECONDS = 60.0
"""Time after which the lease of a job that was not renewed lapses."""
MOST_STARTS = 3
"""Number of starts of a job, since it last got farther than ever, after which it is not started again."""
ENDED = f"its process ended {MOST_STARTS} times: the server's log may say why. Resume the job when that is mended."


@dataclass(frozen=True, slots=True)
class Lease:
    """The right of a runner to change a job, until another runner claims it: each claim has another ``token``."""

    job: Job
    token: str


class Jobs:
    """The jobs of a server's database."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def create(self, kind: str, gallery: str, order: Mapping[str, Any], *, actor: str) -> Job:
        """Queue a job."""
        job_id = secrets.token_hex(8)
        values = {
            "id": job_id, "kind": kind, "gallery": gallery, "order": json.dumps(order), "state": QUEUED,
            "done": 0, "total": None, "message": "", "result": None, "created_by": actor,
            "lease": None, "starts": 0, "farthest": 0,
        }  # fmt: skip
        with self._database.write() as conn:
            at = self._read_clock(conn)
            conn.execute(insert(JOBS).values({**values, "created": at, "updated": at, "renewed": at}))
            self._database.log(conn, actor, "create job", f"{job_id} ({kind}, {gallery})")
            return _read(conn, job_id)

    def list(
        self,
        *,
        galleries: Sequence[str] | None = None,
        kinds: Sequence[str] | None = None,
        without: Sequence[str] = (),
        limit: int = 100,
    ) -> list[Job]:
        """Return the newest jobs first, those of ``galleries`` and ``kinds`` alone if given, ``without`` some kinds."""
        query = select(JOBS).order_by(JOBS.c.created.desc(), JOBS.c.id).limit(limit)
        if galleries is not None:
            query = query.where(JOBS.c.gallery.in_(galleries))
        if kinds is not None:
            query = query.where(JOBS.c.kind.in_(kinds))
        if without:
            query = query.where(JOBS.c.kind.not_in(without))
        with self._database.read() as conn:
            return [_make_job(row) for row in conn.execute(query)]

    def read(self, job_id: str) -> Job:
        """Return a job; raises UnknownNameError."""
        with self._database.read() as conn:
            return _read(conn, job_id)

    def any_waiting(self) -> bool:
        """Return whether :meth:`claim` may have something to take: a job that waits or, perhaps, whose runner died."""
        query = select(JOBS.c.id).where(JOBS.c.state.in_([QUEUED, *LEASED])).limit(1)
        with self._database.read() as conn:
            return conn.execute(query).first() is not None

    def claim(self, owner: str) -> Lease | None:
        """Take the oldest job that waits, or whose lease has lapsed; None: there is none. Each job is taken once.

        ``owner`` is the id of the server, of which one runner at a time is alive.
        """
        with self._database.write() as conn:
            oldest = self._read_clock(conn, before=STALE_SECONDS)
            is_abandoned = and_(JOBS.c.state == CANCELING, JOBS.c.renewed < oldest)
            self._change(conn, is_abandoned, state=CANCELED, lease=None)
            is_lapsed = and_(JOBS.c.state.in_([RUNNING, SAVING]), JOBS.c.renewed < oldest)
            self._change(conn, and_(is_lapsed, JOBS.c.starts >= MOST_STARTS), state=FAILED, message=ENDED, lease=None)
            waiting = select(JOBS.c.id).where(or_(JOBS.c.state == QUEUED, is_lapsed))
            job_id = conn.execute(waiting.order_by(JOBS.c.created, JOBS.c.id).limit(1)).scalar()
            if job_id is None:
                return None
            token = f"{owner}.{secrets.token_hex(8)}"
            values = {"lease": token, "renewed": self._read_clock(conn), "starts": JOBS.c.starts + 1}
            self._change(conn, JOBS.c.id == job_id, state=RUNNING, message="", **values)
            return Lease(_read(conn, job_id), token)

    def abandon(self, owner: str) -> None:
        """End the leases of a server whose runner has died: its jobs wait again, or are canceled if they are to be.

        A job that was started ``MOST_STARTS`` times without progress has failed.
        """
        of_owner = and_(JOBS.c.lease.startswith(f"{owner}.", autoescape=True), JOBS.c.state.in_(LEASED))
        is_spent = and_(of_owner, JOBS.c.state != CANCELING, JOBS.c.starts >= MOST_STARTS)
        state = case((JOBS.c.state == CANCELING, CANCELED), else_=QUEUED)
        with self._database.write() as conn:
            self._change(conn, is_spent, state=FAILED, message=ENDED, lease=None)
            self._change(conn, of_owner, state=state, lease=None)

    def renew(self, lease: Lease) -> bool:
        """Renew a lease; return False where it is lost: another runner has the job, or the job has ended."""
        with self._database.write() as conn:
            renewed = self._read_clock(conn)
            return conn.execute(update(JOBS).where(_is_held(lease)).values(renewed=renewed)).rowcount > 0

    def progress(self, lease: Lease, done: int, total: int | None) -> bool:
        """Report how far a job is; return whether to go on: False, it was canceled, or the lease is lost."""
        with self._database.write() as conn:
            is_farther = and_(_is_held(lease), JOBS.c.farthest < done)
            self._change(conn, is_farther, farthest=done, starts=1)
            is_held = self._change(conn, _is_held(lease), done=done, total=total, renewed=self._read_clock(conn))
            return is_held and _read(conn, lease.job.id).state == RUNNING

    def begin_saving(self, lease: Lease) -> bool:
        """Let a job write its result, so that it can be canceled no more; False: it was, or the lease is lost."""
        with self._database.write() as conn:
            renewed = self._read_clock(conn)
            return self._change(conn, and_(_is_held(lease), JOBS.c.state == RUNNING), state=SAVING, renewed=renewed)

    def finish(self, lease: Lease, *, result: Mapping[str, Any] | None = None) -> bool:
        """End a job whose work is complete, also where a cancel came too late; False: the lease is lost."""
        return self._end(lease, DONE, result=None if result is None else json.dumps(result))

    def fail(self, lease: Lease, message: str) -> bool:
        """End a job that could not be done; False: the lease is lost."""
        return self._end(lease, FAILED, message=message)

    def stop(self, lease: Lease, *, result: Mapping[str, Any] | None = None) -> bool:
        """End a job before its work is complete: canceled if it is to be, else queued for the next runner.

        Returns False where the lease is lost.
        """
        with self._database.write() as conn:
            state = _read(conn, lease.job.id).state
            values = {"result": json.dumps(result), "state": CANCELED} if state == CANCELING else {"state": QUEUED}
            return self._change(conn, _is_held(lease), **values, lease=None, starts=JOBS.c.starts - 1)

    def _read_clock(self, conn: Connection, *, before: float = 0.0) -> str:
        """Return the time some seconds ``before`` now, by the clock of the database."""
        return write_time(self._database.read_clock(conn) - timedelta(seconds=before))

    def _change(self, conn: Connection, condition: ColumnElement[bool], **values: object) -> bool:
        """Change the job of a condition; return whether there is one."""
        values["updated"] = self._read_clock(conn)
        return conn.execute(update(JOBS).where(condition).values(values)).rowcount > 0

    def _end(self, lease: Lease, state: str, **values: object) -> bool:
        with self._database.write() as conn:
            return self._change(conn, _is_held(lease), state=state, lease=None, **values)

    def cancel(self, job_id: str, *, actor: str) -> Job:
        """Stop a job that waits or runs; one that saves its result or has ended stays as it is.

        Raises UnknownNameError.
        """
        with self._database.write() as conn:
            job = _read(conn, job_id)
            if job.state in {QUEUED, RUNNING}:
                self._change(conn, JOBS.c.id == job_id, state=CANCELED if job.state == QUEUED else CANCELING)
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
            self._change(conn, JOBS.c.id == job_id, state=QUEUED, message="", result=None, starts=0)
            self._database.log(conn, actor, "resume job", job_id)
            return _read(conn, job_id)


def _read(conn: Connection, job_id: str) -> Job:
    row = conn.execute(select(JOBS).where(JOBS.c.id == job_id)).one_or_none()
    if row is None:
        raise unknown_job(job_id)
    return _make_job(row)


def unknown_job(job_id: str) -> UnknownNameError:
    """Return the error of a job that does not exist, or is on a gallery that the key may not use."""
    return UnknownNameError(f"there is no job {job_id!r} on this server.")


def _is_held(lease: Lease) -> ColumnElement[bool]:
    return and_(JOBS.c.id == lease.job.id, JOBS.c.lease == lease.token, JOBS.c.state.in_(LEASED))


def _make_job(row: Row[Any]) -> Job:
    values = dict(row._mapping)
    for column in ("lease", "renewed", "starts", "farthest"):
        del values[column]
    result = values.pop("result")
    order = json.loads(values.pop("order"))
    return Job(**values, order=order, result=None if result is None else json.loads(result))
