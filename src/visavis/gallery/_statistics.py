"""Read the statistics and the audit log of a gallery."""

from __future__ import annotations

from visavis.gallery._open_gallery import OpenGallery
from visavis.gallery.sql import audit, records
from visavis.gallery.types import AuditEntry, Stats


def read_stats(opened: OpenGallery) -> Stats:
    """Return statistics of the gallery."""
    with opened.database.read() as conn:
        meta, counts = records.read_meta(conn), records.count_records(conn)
        own = records.read_calibration(conn) is not None
    table = opened.calibration
    return Stats(
        url=opened.database.url,
        model=meta.model,
        dimension=meta.dimension,
        people=counts.people,
        templates=counts.templates,
        unassigned=counts.unassigned,
        photos=counts.photos,
        change=meta.change,
        bytes=opened.database.count_bytes(),
        thresholds="own" if own else "uncalibrated" if table is None else "shipped",
        measured_on=None if table is None else str(table.provenance.get("data", "unknown data")),
    )


def read_audit_log(opened: OpenGallery) -> list[AuditEntry]:
    """Return the entries of the audit log, in order."""
    with opened.database.read() as conn:
        return audit.read_entries(conn)
