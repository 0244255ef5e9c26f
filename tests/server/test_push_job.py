"""The job that sends punches to a target of the site."""

from __future__ import annotations

import base64
import threading
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from attendance.peers.webhook import Webhook
from visavis.attendance.settings import SiteSettings
from visavis.attendance.site import Site
from visavis.attendance.types import Employee
from visavis.server.config import ServerConfig
from visavis.server.job_run import JobRun
from visavis.server.job_runner import run_job
from visavis.server.push_job import PUSH, list_hidden
from visavis.server.roles import ROLES
from visavis.server.state.database import StateDatabase
from visavis.server.state.jobs import Job, Jobs

pytestmark = pytest.mark.enable_socket
SECRET = b"0123456789abcdef0123456789abcdef"


def run_push_of(folder: Path) -> Job:
    """Run a job that sends to the target ``books``; return it afterwards."""
    config = ServerConfig(attendance_site=folder / "site")
    with closing(StateDatabase(f"sqlite:///{folder / 'server.db'}")) as database:
        jobs = Jobs(database)
        created = jobs.create(PUSH, "", {"target": "books", "retry": True}, actor="Ann")
        lease = jobs.claim("server")
        assert lease is not None
        with JobRun(jobs, lease, threading.Event()) as current:
            run_job(config, current)
        return jobs.read(created.id)


def test_a_job_sends_what_the_target_lacks_or_says_why_not(tmp_path: Path) -> None:
    with Webhook(SECRET) as peer, Site.create(tmp_path / "site", SiteSettings("Plant", "UTC")) as site:
        target = f'[targets.books]\nkind = "webhook"\nurl = "{peer.url}"\nkey_file = "books.key"\n'
        with (tmp_path / "site" / "site.toml").open("a") as settings:
            settings.write(f"\n{target}")
        site.put_employees([Employee("1", "Ann")], actor="test")
        for hour in (8, 16):
            site.punch("1", actor="test", at=datetime(2024, 3, 4, hour, tzinfo=UTC))
        failed = run_push_of(tmp_path)
        assert (failed.state, str(tmp_path) in failed.message) == ("failed", False)
        assert "books.key" in failed.message
        key = tmp_path / "site" / "books.key"
        key.write_text("whsec_" + base64.b64encode(SECRET).decode())
        key.chmod(0o600)
        done = run_push_of(tmp_path)
        assert (done.state, done.result) == (
            "done", {"created": 2, "updated": 0, "deleted": 0, "waiting": 0, "refused": 0}
        )  # fmt: skip
        assert len(peer.events) == 2
        again = run_push_of(tmp_path)
        assert again.result is not None
        assert (again.result["created"], len(peer.events), peer.repeated) == (0, 2, [])


def test_keys_without_a_right_to_see_attendance_see_no_such_job() -> None:
    assert {role: list_hidden(rights) for role, rights in ROLES.items()} == {
        "read": (PUSH,), "enroll": (PUSH,), "admin": (), "employee": (PUSH,), "manager": (PUSH,), "payroll": (),
        "kiosk": (PUSH,),
    }  # fmt: skip
