"""The rate of each gallery: how often a search may name a stranger, where a request names no rate of its own."""

from __future__ import annotations

from sqlalchemy import delete, insert, select

from visavis import compare, defaults
from visavis.server.state import tables
from visavis.server.state.database import StateDatabase
from visavis.server.types import GalleryRate
from visavis.sql_database import now

RATES = tables.SEARCH_RATES


class SearchRates:
    """The rates of a server's galleries, by their names on it. A gallery without a stored rate has the default one."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def read(self, gallery: str) -> GalleryRate:
        """Return the rate of a gallery, and who set it when."""
        with self._database.read() as conn:
            row = conn.execute(select(RATES).where(RATES.c.gallery == gallery)).one_or_none()
        return GalleryRate(defaults.FPIR) if row is None else GalleryRate(row.fpir, row.set_at, row.set_by)

    def set(self, gallery: str, fpir: float, *, actor: str) -> None:
        """Use a rate from now on; UsageError where it is no number between 0 and 1."""
        compare.check_fpir(fpir)
        with self._database.write() as conn:
            conn.execute(delete(RATES).where(RATES.c.gallery == gallery))
            conn.execute(insert(RATES).values(gallery=gallery, fpir=fpir, set_at=now(), set_by=actor))
            self._database.log(conn, actor, "set rate", f"{gallery}: {fpir:g}")

    def reset(self, gallery: str, *, actor: str) -> None:
        """Return to the default rate."""
        with self._database.write() as conn:
            if conn.execute(delete(RATES).where(RATES.c.gallery == gallery)).rowcount:
                self._database.log(conn, actor, "reset rate", gallery)
