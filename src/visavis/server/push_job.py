"""The job that sends punches to a target of the site: the same as ``visavis attendance push``."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from visavis.errors import UsageError
from visavis.server.config import ServerConfig
from visavis.server.job_run import JobRun
from visavis.server.roles import ATTENDANCE

PUSH = "push"
"""The kind of the job."""


def list_hidden(rights: Collection[str]) -> tuple[str, ...]:
    """Return the kinds of jobs that are not shown to a key with these rights: those about attendance."""
    return () if ATTENDANCE in rights else (PUSH,)


def run_push(config: ServerConfig, run: JobRun) -> Mapping[str, Any]:
    """Send what a target does not have yet; the result has numbers alone: the site itself has who was refused."""
    from visavis.attendance.integrations.push import push
    from visavis.attendance.site import Site

    if config.attendance_site is None:
        raise UsageError("this server has no site of attendance any more.")
    with Site(config.attendance_site) as site:
        report = push(site, run.job.order["target"], retry=run.job.order["retry"])
    if report.stopped:
        raise UsageError(report.stopped)
    numbers = {name: getattr(report, name) for name in ("created", "updated", "deleted", "waiting")}
    return {**numbers, "refused": len(report.refused)}
