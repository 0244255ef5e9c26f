"""Remove the crops that a gallery has kept for long enough; the embeddings of their faces stay."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import delete, func, select

from visavis.gallery._open_gallery import OpenGallery
from visavis.gallery.sql.crops import KINDS


def remove_old_crops(opened: OpenGallery, before: datetime) -> int:
    """Remove the crops of faces that were added before a time, without a trace; return how many."""
    limit = before.astimezone(UTC).isoformat(timespec="seconds")
    queries = [(kind, select(kind.faces.c.id).where(kind.faces.c.created < limit)) for kind in KINDS]
    with opened.database.read() as conn:
        counts = [
            conn.execute(select(func.count()).select_from(kind.crops).where(kind.crops.c.face_id.in_(old))).scalar_one()
            for kind, old in queries
        ]
    if not any(counts):
        return 0
    with opened.database.erasing() as conn:
        removed = sum(
            conn.execute(delete(kind.crops).where(kind.crops.c.face_id.in_(old))).rowcount for kind, old in queries
        )
        opened.log(conn, "keep crops", None, f"{removed} crops from before {limit[:10]} removed")
    return removed
