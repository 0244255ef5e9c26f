"""What employees may ask for: withdrawal of consent, all that is stored about them, erasure; and retention in days."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete

from visavis.attendance import tables
from visavis.attendance.absences import read_leaves
from visavis.attendance.accesses import read_accesses, remove_accesses
from visavis.attendance.consents import link_person, read_consents, withdraw_consents
from visavis.attendance.employees import find_employee, read_employees
from visavis.attendance.integrations.about_employee import delete_held_lines, read_deliveries, read_held_lines
from visavis.attendance.integrations.types import EmployeeDeliveries
from visavis.attendance.kiosk.credentials import list_credentials
from visavis.attendance.kiosk.refused_days import remove_refusals
from visavis.attendance.ledger.erase import MOST_RECORDS, erase_employee
from visavis.attendance.linked_people import describe_left_people, list_linked, remove_merged_templates
from visavis.attendance.requests import read_requests
from visavis.attendance.retention import erase_punches
from visavis.attendance.settings import locate_url
from visavis.attendance.site import Site
from visavis.attendance.types import Access, Consent, Employee, Leave, LedgerRecord, StaffRequest
from visavis.errors import UnknownNameError, UsageError, VisavisWarning
from visavis.images import shown
from visavis.plain import Plain
from visavis.sql_database import write_time

if TYPE_CHECKING:
    from visavis.gallery import Gallery

ABOUT_EMPLOYEES = (
    tables.LEAVES, tables.REQUESTS, tables.FIGURES, tables.CONSENTS, tables.ACCESSES, tables.SENT, tables.REFUSED,
    tables.CREDENTIALS, tables.EXCUSES,
)  # fmt: skip
"""Tables with a column ``employee``, from which an erasure removes rows."""


@dataclass(frozen=True, slots=True)
class EmployeeExport(Plain):
    """All that a site stores about an employee; ``gallery`` is what its gallery stores, with the pictures of faces.

    ``accesses`` has who looked at it, ``deliveries`` what was sent to other systems, ``held_lines`` what terminals sent
    of which no punch was made, ``credentials`` whether there is a PIN and a badge.
    """

    employee: Employee
    consents: tuple[Consent, ...]
    records: tuple[LedgerRecord, ...]
    leaves: tuple[Leave, ...]
    requests: tuple[StaffRequest, ...]
    accesses: tuple[Access, ...]
    gallery: dict[str, Any] | None
    deliveries: tuple[EmployeeDeliveries, ...] = ()
    held_lines: tuple[str, ...] = ()
    credentials: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Removed(Plain):
    """What a removal took away: records of the ledger, entries of the log of accesses, people of the gallery.

    ``pictures`` are crops of faces and ``strangers`` those without a name, in the gallery of the site; None: nothing of
    the kind was looked for, since the site has no gallery, or keeps them without a limit.
    """

    records: int = 0
    accesses: int = 0
    people: int = 0
    pictures: int | None = None
    strangers: int | None = None


def withdraw_consent(site: Site, employee: str, *, actor: str) -> Removed:
    """Withdraw the consent of an employee: the templates are removed from the gallery at once.

    The consent is withdrawn first, so that no punch by the face is taken any more, also where the gallery cannot be
    opened: GalleryError then, and the same call removes the templates later. Other employees who are linked to the same
    person are linked to none then. Where the person was merged into another one, the templates of then are removed from
    that. Warns of all these, and of people who the employee was linked to before. Raises UnknownNameError.
    """
    with site.ledger.write(actor=actor) as writer:
        withdraw_consents(writer, employee)
        person_id = find_employee(writer.conn, employee).person_id
    removed = remove_person(site, person_id)
    left, merged = _clear_left(site, employee, person_id, actor=actor)
    if person_id is not None:
        with site.ledger.write(actor=actor) as writer:
            for each in read_employees(writer.conn):
                if each.person_id == person_id:
                    link_person(writer, each.number, None)
                    if each.number != employee:
                        left.append(f"employee {shown(each.number)} was the same person, who is removed: enroll anew.")
        if not removed and not merged and not left:
            left.append(f"person {person_id}, who is employee {shown(employee)}, is not in the gallery of the site.")
    for sentence in left:
        warnings.warn(sentence, VisavisWarning, stacklevel=2)
    return Removed(people=removed)


def _clear_left(site: Site, employee: str, person_id: int | None, *, actor: str) -> tuple[list[str], int]:
    """Remove the templates of a person who was merged; return sentences about what is left, and how many they were."""
    if not site.settings.gallery or (person_id is None and not list_linked(site, employee)):
        return [], 0
    with _open_gallery(site, actor=actor) as gallery:
        removed = remove_merged_templates(gallery, person_id)
        return [*describe_left_people(site, gallery, employee, person_id, removed=removed)], removed


def remove_person(site: Site, person_id: int | None) -> int:
    """Remove a person from the gallery of a site; return how many were there: 0 or 1."""
    if person_id is None or not site.settings.gallery:
        return 0
    with _open_gallery(site) as gallery:
        try:
            gallery.remove(person_id)
        except UnknownNameError:  # removed already
            return 0
    return 1


def export_employee(site: Site, number: str) -> EmployeeExport:
    """Return all that is stored about an employee; raises UnknownNameError, GalleryError."""
    with site.database.read() as conn:
        employee = find_employee(conn, number)
        consents, leaves = read_consents(conn, number), read_leaves(conn, None, None, [number])
        requests = read_requests(conn, employee=number)
        accesses = read_accesses(conn, employee=number, limit=None)
        deliveries, held = read_deliveries(conn, number), read_held_lines(conn, number)
        credentials = list_credentials(conn, number)
    records = site.ledger.history(employee=number)
    kept = _export_person(site, employee.person_id)
    return EmployeeExport(
        employee,
        tuple(consents),
        tuple(records),
        tuple(leaves),
        tuple(requests),
        tuple(accesses),
        kept,
        tuple(deliveries),
        tuple(held),
        credentials,
    )


def erase(site: Site, number: str, *, actor: str, reason: str) -> Removed:
    """Erase an employee: templates, records, leave, requests, figures and consents. The ledger stays whole.

    Raises UnknownNameError, GalleryError; UsageError for no reason.
    """
    if not reason.strip():
        raise UsageError("an erasure needs a reason.")
    removed = withdraw_consent(site, number, actor=actor)
    with site.ledger.write(actor=actor) as writer:
        records = erase_employee(writer, number, reason=reason)
        for table in ABOUT_EMPLOYEES:
            writer.conn.execute(delete(table).where(table.c.employee == number))
        delete_held_lines(writer.conn, number)
        writer.conn.execute(delete(tables.EMPLOYEES).where(tables.EMPLOYEES.c.number == number))
    site.database.erase_traces()
    return Removed(records=records, people=removed.people)


def apply_retention(site: Site, *, actor: str) -> Removed:
    """Remove what is older than the settings of the site allow; return what was removed.

    Punches of a month that is not closed are removed too: choose more days than a month takes to be closed. Raises
    GalleryError, when all but pictures and strangers is removed.
    """
    kept, now = site.settings.retention, datetime.now(UTC)
    records = accesses = 0
    if kept.punches_days:
        before = now - timedelta(days=kept.punches_days)
        erased = MOST_RECORDS
        while erased == MOST_RECORDS:  # others can write between the parts
            with site.ledger.write(actor=actor) as writer:
                erased = erase_punches(writer, before, reason=f"older than {kept.punches_days} days")
            records += erased
        _remove_deliveries(site, before)
    if kept.accesses_days:
        with site.database.write() as conn:
            before = now - timedelta(days=kept.accesses_days)
            accesses = remove_accesses(conn, before=before)
            remove_refusals(conn, before)
    if records or accesses:
        site.database.erase_traces()
    pictures, strangers = _tidy_gallery(site, actor=actor)
    return Removed(records=records, accesses=accesses, pictures=pictures, strangers=strangers)


def _tidy_gallery(site: Site, *, actor: str) -> tuple[int | None, int | None]:
    """Remove old crops and strangers from the gallery of the site; return how many, None for what is not limited."""
    kept = site.settings.retention
    if not site.settings.gallery or not (kept.pictures_days or kept.strangers_days):
        return None, None
    from visavis.gallery.old_crops import remove_old_crops
    from visavis.videos.strangers import forget_old_strangers

    pictures = strangers = None
    with _open_gallery(site, actor=actor) as gallery:
        if kept.strangers_days:
            strangers = len(forget_old_strangers(gallery, days=kept.strangers_days))
        if kept.pictures_days:
            pictures = remove_old_crops(gallery.opened, datetime.now(UTC) - timedelta(days=kept.pictures_days))
    return pictures, strangers


def _remove_deliveries(site: Site, before: datetime) -> None:
    """Remove what was delivered of punches before a time: else they would be taken for void, and deleted there."""
    limit = write_time(before)
    with site.database.write() as conn:
        for table in (tables.SENT, tables.REFUSED):
            conn.execute(delete(table).where(table.c.at < limit))
        conn.execute(delete(tables.HELD).where(tables.HELD.c.received < limit))


def _export_person(site: Site, person_id: int | None) -> dict[str, Any] | None:
    if person_id is None or not site.settings.gallery:
        return None
    from visavis.gallery.person_records import export_person

    with _open_gallery(site) as gallery:
        try:
            return export_person(gallery.opened, person_id).to_dict()
        except UnknownNameError:
            return None


def _open_gallery(site: Site, *, actor: str | None = None) -> Gallery:
    from visavis.gallery import Gallery

    return Gallery(locate_url(site.settings.gallery, site.folder), create=False, actor=actor)
