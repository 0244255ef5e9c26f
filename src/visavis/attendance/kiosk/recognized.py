"""Punch who was recognized, at a kiosk or before a camera: the one decision who of the gallery may punch."""

from __future__ import annotations

from visavis.attendance.kiosk.punches import KioskOrder, KioskPunch, PersonState, find_recognized, record_punch
from visavis.attendance.kiosk.refusals import record_refusal
from visavis.attendance.site import Site
from visavis.attendance.types import Employee


def punch_recognized(
    site: Site, person_id: int, order: KioskOrder, *, attempt: str, device: str
) -> KioskPunch | PersonState:
    """Record the punch of a person of the gallery, or why that person may not punch, which is counted.

    An ``attempt`` is counted once. Raises as :func:`visavis.attendance.kiosk.punches.record_punch`.
    """
    with site.database.read() as conn:
        recognized = find_recognized(conn, person_id, order.at, site.zone)
    if isinstance(recognized, Employee):
        return record_punch(site, recognized.number, order, kiosk=device)
    record_refusal(site, attempt, recognized, kiosk=device, at=order.at)
    return recognized
