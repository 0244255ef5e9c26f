"""Calls about a gallery as a whole: statistics, thresholds, audit log, backup."""

from __future__ import annotations

from pathlib import Path

from visavis import atomic, defaults
from visavis.client._requests import GalleryRequests
from visavis.client.parse import parse
from visavis.compare import Calibration, parse_calibration
from visavis.gallery.rate_effect import RateEffect
from visavis.gallery.types import AuditEntry, SearchThreshold, Stats
from visavis.server.types import GalleryRate


class GalleryCalls(GalleryRequests):
    """Methods of :class:`visavis.Client` about the gallery."""

    def __len__(self) -> int:
        """Return the number of people."""
        return self.stats().people

    def stats(self) -> Stats:
        """Return statistics of the gallery; its ``url`` is its name on the server."""
        return parse(Stats, self._connection.send("GET", self._gallery_path))

    def threshold(self, *, fpir: float = defaults.FPIR) -> SearchThreshold:
        """Return the distance up to which a search names a person: see :meth:`visavis.Gallery.threshold`."""
        answer = self._connection.send("GET", f"{self._gallery_path}/threshold", params={"fpir": fpir})
        return parse(SearchThreshold, answer)

    def calibration(self) -> Calibration:
        """Return the table of thresholds in use: the gallery's own, else that shipped for its model.

        Raises UsageError where there is none.
        """
        return parse_calibration(self._connection.send("GET", f"{self._gallery_path}/calibration"))

    def calibrate(self, table: Calibration | None) -> None:
        """Use the thresholds of ``table`` from now on; None: those shipped for the model."""
        path = f"{self._gallery_path}/calibration"
        if table is None:
            self._connection.send("DELETE", path)
        else:
            self._connection.send("PUT", path, json=table.table())

    def rate(self) -> GalleryRate:
        """Return the rate of requests that name none, those of the pages and of other programs."""
        return parse(GalleryRate, self._connection.send("GET", f"{self._gallery_path}/rate"))

    def set_rate(self, fpir: float | None) -> None:
        """Use a rate from now on where a request names none; None: the default. Needs the key of an administrator.

        The methods of this client name one in each request: ``fpir``.
        """
        path = f"{self._gallery_path}/rate"
        if fpir is None:
            self._connection.send("DELETE", path)
        else:
            self._connection.send("PUT", path, json={"fpir": fpir})

    def rate_effect(self, fpir: float) -> RateEffect:
        """Return what a rate would change for the people of the gallery, whose templates are searched for at both."""
        answer = self._connection.send("GET", f"{self._gallery_path}/rate/effect", params={"fpir": fpir})
        return parse(RateEffect, answer)

    def audit(self) -> list[AuditEntry]:
        """Return the entries of the audit log, in order; needs the key of an administrator."""
        return [parse(AuditEntry, line) for line in self._ask_pages(f"{self._gallery_path}/audit", "entries")]

    def back_up(self, path: Path | str) -> None:
        """Write a ZIP file with all people, faces and photos; ``visavis gallery import`` takes what it unpacks to.

        Needs the key of an administrator.
        """
        answer = self._connection.fetch("GET", f"{self._gallery_path}/backup")
        atomic.write_bytes(Path(path), answer.content)
