"""Jobs in the server's database: each is claimed once, can be canceled, fails, is resumed, and survives its runner."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from servers import Postgres
from visavis.errors import UnknownNameError, UsageError
from visavis.server.config import ServerConfig
from visavis.server.index_folders import resolve_folder
from visavis.server.state import jobs as state_jobs
from visavis.server.state import tables
from visavis.server.state.database import StateDatabase
from visavis.server.state.events import EventFilter, Events
from visavis.server.state.jobs import Jobs
from visavis.sql_database import write_time

from .machine_clock import set_clock


@pytest.fixture
def database(tmp_path: Path) -> Iterator[StateDatabase]:
    opened = StateDatabase(f"sqlite:///{tmp_path / 'server.db'}")
    yield opened
    opened.close()


def test_a_job_goes_from_queued_to_done(database: StateDatabase) -> None:
    jobs = Jobs(database)
    job = jobs.create("index", "default", {"folder": "photos"}, actor="Ann")
    assert (job.state, job.done, job.total, job.created_by) == ("queued", 0, None, "Ann")
    claimed = jobs.claim("server")
    assert claimed is not None
    assert (claimed.job.id, claimed.job.state, claimed.job.order) == (job.id, "running", {"folder": "photos"})
    assert jobs.claim("server") is None
    assert jobs.progress(claimed, 3, 10) is True
    assert (jobs.read(job.id).done, jobs.read(job.id).total) == (3, 10)
    assert jobs.finish(claimed, result={"faces": 4}) is True
    done = jobs.read(job.id)
    assert (done.state, done.result) == ("done", {"faces": 4})
    assert jobs.cancel(job.id, actor="Ann").state == "done"
    with pytest.raises(UsageError, match="is done"):
        jobs.resume(job.id, actor="Ann")


def test_a_canceled_job_stops_at_its_next_report_and_can_be_resumed(database: StateDatabase) -> None:
    jobs = Jobs(database)
    job = jobs.create("index", "default", {}, actor="Ann")
    lease = jobs.claim("server")
    assert lease is not None
    assert jobs.cancel(job.id, actor="Ann").state == "canceling"
    assert jobs.progress(lease, 5, 10) is False
    assert jobs.stop(lease, result={"faces": 2}) is True
    assert (jobs.read(job.id).state, jobs.read(job.id).result) == ("canceled", {"faces": 2})
    resumed = jobs.resume(job.id, actor="Ann")
    assert (resumed.state, resumed.done) == ("queued", 5)
    claimed = jobs.claim("server")
    assert claimed is not None
    assert jobs.fail(claimed, "the disk is full.") is True
    assert (jobs.read(job.id).state, jobs.read(job.id).message) == ("failed", "the disk is full.")


def test_a_cancel_while_the_result_is_saved_changes_nothing(database: StateDatabase) -> None:
    jobs = Jobs(database)
    job = jobs.create("train", "default", {}, actor="Ann")
    lease = jobs.claim("server")
    assert lease is not None
    assert jobs.begin_saving(lease) is True
    assert jobs.cancel(job.id, actor="Ann").state == "saving"
    jobs.finish(lease, result={})
    assert jobs.read(job.id).state == "done"
    assert [entry.action for entry in database.read_log()] == ["create job"]


def test_nothing_is_saved_after_a_cancel(database: StateDatabase) -> None:
    jobs = Jobs(database)
    job = jobs.create("train", "default", {}, actor="Ann")
    lease = jobs.claim("server")
    assert lease is not None
    jobs.cancel(job.id, actor="Ann")
    assert jobs.begin_saving(lease) is False
    jobs.stop(lease)
    assert jobs.read(job.id).state == "canceled"


def test_a_runner_whose_lease_is_lost_changes_nothing(database: StateDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = Jobs(database)
    job = jobs.create("train", "default", {}, actor="Ann")
    old = jobs.claim("first")
    assert old is not None
    assert jobs.renew(old) is True
    monkeypatch.setattr(state_jobs, "STALE_SECONDS", -1)
    new = jobs.claim("second")
    assert new is not None
    assert new.job.id == old.job.id == job.id
    jobs.progress(new, 3, 9)
    expected = jobs.read(job.id)
    assert not any(
        [
            jobs.renew(old), jobs.progress(old, 1, 9), jobs.begin_saving(old), jobs.finish(old, result={"old": 1}),
            jobs.fail(old, "old"), jobs.stop(old),
        ]
    )  # fmt: skip
    assert jobs.read(job.id) == expected
    assert jobs.begin_saving(new) is True
    assert jobs.finish(new, result={"new": 1}) is True
    assert jobs.renew(new) is False


def test_a_server_takes_up_its_own_jobs_after_its_runner_died(database: StateDatabase) -> None:
    jobs = Jobs(database)
    ids = [jobs.create("index", "default", {}, actor="Ann").id for _ in range(3)]
    for owner in ("own", "own", "own2"):
        jobs.claim(owner)
    jobs.cancel(ids[1], actor="Ann")
    jobs.abandon("own")
    assert [jobs.read(job).state for job in ids] == ["queued", "canceled", "running"]


def test_a_queued_job_is_canceled_at_once_and_never_claimed(database: StateDatabase) -> None:
    jobs = Jobs(database)
    job = jobs.create("index", "default", {}, actor="Ann")
    assert jobs.cancel(job.id, actor="Ann").state == "canceled"
    assert jobs.claim("server") is None


def test_a_job_whose_runner_died_is_claimed_again(database: StateDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = Jobs(database)
    first = jobs.create("index", "default", {}, actor="Ann")
    second = jobs.create("index", "default", {}, actor="Ann")
    for _ in range(2):
        jobs.claim("server")
    jobs.cancel(second.id, actor="Ann")
    assert jobs.claim("server") is None
    monkeypatch.setattr(state_jobs, "STALE_SECONDS", -1)
    claimed = jobs.claim("server")
    assert claimed is not None
    assert claimed.job.id == first.id
    assert jobs.read(second.id).state == "canceled"


@pytest.mark.parametrize("hours", [-2, 2])
def test_a_lease_is_judged_by_the_clock_of_the_database(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    """Whichever of two machines has the wrong clock: the one that renews it, or the one that would claim it."""
    with closing(StateDatabase(postgres.new())) as database:
        jobs = Jobs(database)
        job = jobs.create("index", "default", {}, actor="Ann")
        lease = jobs.claim("first")
        assert lease is not None
        set_clock(monkeypatch, hours)
        assert jobs.claim("second") is None
        assert jobs.renew(lease)
        set_clock(monkeypatch, 0)
        assert jobs.claim("second") is None
        set_clock(monkeypatch, hours)
        assert jobs.progress(lease, 1, 2)
        set_clock(monkeypatch, 0)
        assert jobs.claim("second") is None
        with database.write() as conn:
            long_ago = database.read_clock(conn) - timedelta(seconds=state_jobs.STALE_SECONDS + 5)
            conn.execute(update(state_jobs.JOBS).values(renewed=write_time(long_ago)))
        set_clock(monkeypatch, hours)
        claimed = jobs.claim("second")
        assert claimed is not None
        assert claimed.job.id == job.id
        assert claimed.job.created < claimed.job.updated


@pytest.mark.parametrize("way", ["the runner alone", "the whole server"])
def test_a_job_that_ends_its_process_three_times_without_progress_has_failed(
    database: StateDatabase, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """The next job is then taken; photos that a later start only repeats are no progress."""
    monkeypatch.setattr(state_jobs, "STALE_SECONDS", -1 if way == "the whole server" else 60)
    jobs = Jobs(database)
    deadly = jobs.create("index", "default", {}, actor="Ann")
    following = jobs.create("index", "default", {}, actor="Ann")
    claims = []
    for done in (5, 8, 2, 8):  # the second start gets farthest
        lease = jobs.claim("own")
        assert lease is not None
        claims.append(lease.job.id)
        jobs.progress(lease, done, 9)
        if way == "the runner alone":
            jobs.abandon("own")
    last = jobs.claim("own")
    assert (claims, last and last.job.id) == ([deadly.id] * 4, following.id)
    failed = jobs.read(deadly.id)
    assert (failed.state, failed.done) == ("failed", 8)
    assert failed.message.startswith("its process ended 3 times: ")
    jobs.resume(deadly.id, actor="Ann")
    monkeypatch.setattr(state_jobs, "STALE_SECONDS", 60)
    again = jobs.claim("own")
    assert again is not None
    assert again.job.id == deadly.id
    jobs.abandon("own")
    assert jobs.read(deadly.id).state == "queued"


def test_a_job_that_stops_with_its_server_is_started_any_number_of_times(database: StateDatabase) -> None:
    jobs = Jobs(database)
    job = jobs.create("train", "default", {}, actor="Ann")
    for _ in range(5):
        lease = jobs.claim("own")
        assert lease is not None
        jobs.stop(lease)
    jobs.claim("own")
    jobs.abandon("own")
    assert jobs.read(job.id).state == "queued"


def test_a_canceled_job_that_ends_its_process_is_canceled(database: StateDatabase) -> None:
    jobs = Jobs(database)
    job = jobs.create("train", "default", {}, actor="Ann")
    for _ in range(3):
        jobs.abandon("own")
        jobs.claim("own")
    jobs.cancel(job.id, actor="Ann")
    jobs.abandon("own")
    assert jobs.read(job.id).state == "canceled"


def test_two_runners_never_claim_one_job(database: StateDatabase) -> None:
    jobs = Jobs(database)
    ids = {jobs.create("index", "default", {}, actor="Ann").id for _ in range(12)}
    with ThreadPoolExecutor(4) as pool:
        claimed = [lease.job.id for lease in pool.map(lambda _: jobs.claim("server"), range(16)) if lease is not None]
    assert (len(claimed), set(claimed)) == (12, ids)


def test_jobs_are_listed_newest_first_and_by_gallery(database: StateDatabase) -> None:
    jobs = Jobs(database)
    first = jobs.create("index", "a", {}, actor="Ann")
    second = jobs.create("index", "b", {}, actor="Ann")
    assert [job.id for job in jobs.list()] == [second.id, first.id]
    assert [job.id for job in jobs.list(galleries=["a"])] == [first.id]
    with pytest.raises(UnknownNameError):
        jobs.read("none")


def test_numbers_of_removed_events_are_not_given_again(database: StateDatabase) -> None:
    events = Events(database)
    events.add("default", {"id": "e0", "event": "known", "camera": "door"})
    (first,) = events.read(EventFilter())
    with database.write() as conn:
        conn.execute(delete(tables.EVENTS))
    events.add("default", {"id": "e1", "event": "known", "camera": "door"})
    assert [item.content["id"] for item in events.read(EventFilter(), after=first.number)] == ["e1"]


def test_an_event_is_stored_once_and_read_in_order(database: StateDatabase) -> None:
    events = Events(database)
    for number, camera in enumerate(("door", "yard", "door")):
        assert events.add("default", {"id": f"e{number}", "event": "known", "camera": camera, "person_id": number})
    assert not events.add("default", {"id": "e0", "event": "known", "camera": "door"})
    events.add("other", {"id": "e3", "event": "left", "camera": "door"})
    assert [item.content["id"] for item in events.read(EventFilter())] == ["e0", "e1", "e2", "e3"]
    first = events.read(EventFilter())[0]
    assert [item.content["id"] for item in events.read(EventFilter(), after=first.number, limit=2)] == ["e1", "e2"]
    assert [item.content["id"] for item in events.read(EventFilter(camera="door", galleries=["default"]))] == [
        "e0",
        "e2",
    ]
    assert [item.content["id"] for item in events.read(EventFilter(person_id=1))] == ["e1"]
    assert [item.content["id"] for item in events.latest(EventFilter(event="known"))] == ["e2"]
    assert events.read(EventFilter(since=first.at, until=first.at)) == []
    assert events.last_number() == 4


def test_a_folder_is_below_its_root_even_through_links(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / "2024").mkdir(parents=True)
    outside.mkdir()
    (root / "link").symlink_to(outside)
    (root / "file.jpg").write_bytes(b"")
    config = ServerConfig(index_roots={"photos": root})
    assert resolve_folder(config, "photos") == root.resolve()
    assert resolve_folder(config, "photos/2024") == (root / "2024").resolve()
    for folder in ("photos/none", "photos/link", "photos/file.jpg", "other", "", "/photos", "photos/a\0b"):
        with pytest.raises(UnknownNameError):
            resolve_folder(config, folder)
    for folder in ("photos/../outside", "photos/2024/..", "photos//etc"):
        with pytest.raises(UsageError):
            resolve_folder(config, folder)
