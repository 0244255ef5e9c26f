"""Record a passage: the punch of an employee, or a count of who may not punch."""

from __future__ import annotations

from collections.abc import Sequence

from visavis.attendance.kiosk.punches import KioskOrder, KioskPunch
from visavis.attendance.kiosk.recognized import punch_recognized
from visavis.attendance.kiosk.refusals import record_refusal
from visavis.attendance.passages.tailgaters import PassageResult, find_tailgaters
from visavis.attendance.passages.types import Passage, PassageOutcome
from visavis.attendance.site import Site
from visavis.errors import UnknownNameError, UsageError


def record_passage(site: Site, passage: Passage) -> PassageOutcome:
    """Record a passage, which can be repeated; return what became of it. AttendanceError where the site is away.

    The punch has the id of the passage. "refused": what is known of the employee has changed meanwhile.
    """
    if passage.person_id is None:
        record_refusal(site, passage.id, "stranger", kiosk=passage.camera, at=passage.at)
        return "stranger"
    order = KioskOrder(
        passage.id, passage.at, "face", passage.direction, passage.distance, passage.probability, passage.liveness
    )
    try:
        punch = punch_recognized(site, passage.person_id, order, attempt=passage.id, device=passage.camera)
    except (UsageError, UnknownNameError):
        return "refused"
    if isinstance(punch, KioskPunch):
        return "already" if punch.is_repeat else "recorded"
    return punch


def record_tailgaters(site: Site, camera: str, passages: Sequence[PassageResult], seconds: float) -> None:
    """Count the strangers among passages of a camera who are tail-gaters as such too, once each."""
    times = {passage.id: passage.at for passage in passages}
    for passage_id in find_tailgaters(passages, seconds):
        record_refusal(site, passage_id, "tailgater", kiosk=camera, at=times[passage_id])
