"""Calls by which users find out why an answer was wrong, and correct it."""

from __future__ import annotations

from visavis import defaults
from visavis.client._photos import read_upload
from visavis.client._requests import GalleryRequests, Who
from visavis.client.parse import parse
from visavis.client.people_calls import PeopleCalls
from visavis.gallery.coach_types import CoachReport
from visavis.gallery.feedback_types import Explanation, Rejection, RejectionEffect
from visavis.gallery.types import Person
from visavis.images import Source


class FeedbackCalls(PeopleCalls, GalleryRequests):
    """Methods of :class:`visavis.Client` that explain and correct answers."""

    def why(
        self,
        photo: Source,
        person: Who,
        *,
        fpir: float = defaults.FPIR,
        threshold: float | None = None,
        min_face: float = defaults.MIN_FACE,
    ) -> Explanation:
        """Explain why a person was, or was not, recognized in a photo: see :meth:`visavis.Gallery.why`."""
        reference = str(person.id if isinstance(person, Person) else person)
        options = {"person": reference, "fpir": fpir, "threshold": threshold, "min_face": min_face}
        upload = read_upload(photo)
        return parse(Explanation, self._ask_gallery("POST", "/why", files=[upload.part("photo")], params=options))

    def rejection_effect(self, photo: Source, person: Who, *, min_face: float = defaults.MIN_FACE) -> RejectionEffect:
        """Return what :meth:`reject` would change: see :meth:`visavis.Gallery.rejection_effect`."""
        path = f"/people/{self.find(person).id}/rejections/effect"
        files = [read_upload(photo).part("photo")]
        return parse(RejectionEffect, self._ask_gallery("POST", path, files=files, params={"min_face": min_face}))

    def reject(
        self,
        photo: Source,
        person: Who,
        *,
        days: int = defaults.REJECTION_DAYS,
        min_face: float = defaults.MIN_FACE,
    ) -> Rejection:
        """Store that the nearest face of a photo is not a person: see :meth:`visavis.Gallery.reject`."""
        path = f"/people/{self.find(person).id}/rejections"
        options = {"days": days, "min_face": min_face}
        files = [read_upload(photo).part("photo")]
        return parse(Rejection, self._ask_gallery("POST", path, files=files, params=options))

    def rejections(self, person: Who | None = None) -> list[Rejection]:
        """Return the rejections of a person, or all, by id, without expired ones."""
        path = "/rejections" if person is None else f"/people/{self.find(person).id}/rejections"
        return [parse(Rejection, line) for line in self._ask_gallery("GET", path)["rejections"]]

    def undo_rejection(self, rejection_id: int) -> Rejection:
        """Remove a rejection, and return it; UnknownNameError if there is no such id."""
        return parse(Rejection, self._ask_gallery("DELETE", f"/rejections/{int(rejection_id)}"))

    def coach(self, *, fpir: float = defaults.FPIR) -> CoachReport:
        """Find what will cause wrong answers: see :meth:`visavis.Gallery.coach`."""
        return parse(CoachReport, self._connection.send("GET", f"{self._gallery_path}/coach", params={"fpir": fpir}))
