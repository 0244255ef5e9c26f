"""What the server's database keeps for some days, and who may remove what is due."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from visavis.server.config import read_config
from visavis.server.state import tables
from visavis.server.state.database import StateDatabase
from visavis.server.state.events import EventFilter, Events
from visavis.server.state.expiry import Expiry
from visavis.server.state.jobs import Jobs
from visavis.sql_database import write_time

from .running_server import RunningServer
from .test_keys import make_key

NOW = datetime.now(UTC)
DAYS = {"events": 30, "jobs": 7, "log": 0}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[StateDatabase]:
    """A database with an event, an ended and a queued job, and an entry of the log for 1, 8 and 31 days each."""
    with closing(StateDatabase(f"sqlite:///{tmp_path / 'server.db'}")) as opened:
        events, jobs = Events(opened), Jobs(opened)
        for days in (1, 8, 31):
            at = write_time(NOW - timedelta(days=days))
            events.add("default", {"id": f"event {days}", "event": "ended", "camera": "door"})
            ended, queued = (jobs.create("index", f"{days}", {}, actor="Ann") for _ in range(2))
            jobs.cancel(ended.id, actor="Ann")
            with opened.write() as conn:
                of_event = tables.EVENTS.c.id == f"event {days}"
                conn.execute(update(tables.EVENTS).where(of_event).values(at=at))
                conn.execute(update(tables.JOBS).where(tables.JOBS.c.id.in_([ended.id, queued.id])).values(updated=at))
        with opened.write() as conn:
            conn.execute(update(tables.LOG).where(tables.LOG.c.number == 1).values(at=write_time(NOW - timedelta(9))))
        yield opened


def test_what_is_due_is_counted_and_removed(database: StateDatabase) -> None:
    """The log is kept for ever, and jobs that have not ended stay."""
    expiry = Expiry(database, DAYS)
    kinds = {kind.name: kind for kind in expiry.describe()}
    assert [(kind.days, kind.stored, kind.due) for kind in kinds.values()] == [(30, 3, 1), (7, 3, 2), (0, 9, 0)]
    assert kinds["events"].oldest == write_time(NOW - timedelta(days=31))
    assert expiry.remove() == {"events": 1, "jobs": 2, "log": 0}
    assert [event.content["id"] for event in Events(database).read(EventFilter())] == ["event 1", "event 8"]
    assert sorted((job.gallery, job.state) for job in Jobs(database).list()) == [
        ("1", "canceled"), ("1", "queued"), ("31", "queued"), ("8", "queued"),
    ]  # fmt: skip
    assert [(kind.stored, kind.due) for kind in expiry.describe()] == [(2, 0), (1, 0), (9, 0)]
    assert expiry.remove() == {"events": 0, "jobs": 0, "log": 0}


def test_who_asked_for_the_removal_stands_in_the_log(database: StateDatabase) -> None:
    assert Expiry(database, {**DAYS, "log": 8}).remove(actor="Ann")["log"] == 1
    entry = database.read_latest_log(limit=1)[0]
    assert (entry.actor, entry.action, entry.detail) == ("Ann", "remove old", "1 events, 2 jobs, 1 log")
    assert [kind.oldest for kind in Expiry(database, {"events": 1, "jobs": 1, "log": 1}).describe()][2] > write_time(
        NOW
    )


def test_days_are_those_of_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "server.toml").write_text("[retention]\njob_days = 9\nlog_days = 400\n[video]\nevent_days = 3\n")
    assert read_config(tmp_path / "server.toml").kept_days == {"events": 3, "jobs": 9, "log": 400}
    (tmp_path / "server.toml").write_text("[galleries]\ndefault = 'faces.db'\n")
    assert read_config(tmp_path / "server.toml").kept_days == {"events": 30, "jobs": 0, "log": 0}


@pytest.mark.enable_socket
def test_only_an_administrator_of_the_server_removes_what_is_due(server: RunningServer) -> None:
    kinds = server.get("/v1/retention").json()["kinds"]
    assert [(kind["name"], kind["days"], kind["due"]) for kind in kinds] == [
        ("events", 30, 0), ("jobs", 0, 0), ("log", 0, 0),
    ]  # fmt: skip
    assert server.post("/v1/retention/run").json() == {"removed": {"events": 0, "jobs": 0, "log": 0}}
    for name, role, galleries in (("tidy reader", "enroll", None), ("tidy admin of one", "admin", ["default"])):
        key = make_key(server, name, role, **({"galleries": galleries} if galleries else {}))
        assert server.get("/v1/retention", key=key).status_code == 403
        assert server.post("/v1/retention/run", key=key).status_code == 403
