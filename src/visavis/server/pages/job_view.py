"""What pages show of the jobs of some kinds: those that go on, and those that have failed since one was done."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from visavis.server.pages.visitor import Visitor
from visavis.server.roles import MANAGE
from visavis.server.services import Services
from visavis.server.state.jobs import CANCELED, DONE, FAILED, QUEUED, RUNNING
from visavis.server.types import Job

ENDED = (DONE, FAILED, CANCELED)
LOOKED_AT = 20
"""Newest jobs of the kinds among which a page looks for those to show."""


def share_jobs(jobs: Sequence[Job], visitor: Visitor) -> dict[str, Any]:
    """Return the values that the cards of jobs take."""
    return {
        "jobs": [(job, datetime.fromisoformat(job.created)) for job in jobs],
        "may_manage": visitor.may(MANAGE),
        "cancelable": (QUEUED, RUNNING),
        "resumable": (CANCELED, FAILED),
    }


def share_open_jobs(services: Services, visitor: Visitor, kinds: Sequence[str]) -> dict[str, Any]:
    """Return what the cards of jobs take, for those of these kinds that matter now: the newest first."""
    newest = services.jobs.list(galleries=visitor.galleries, kinds=kinds, limit=LOOKED_AT)
    done = next((place for place, job in enumerate(newest) if job.state == DONE), len(newest))
    return share_jobs(
        [job for place, job in enumerate(newest) if job.state not in ENDED or place < min(done, 1)], visitor
    )
