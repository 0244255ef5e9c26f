"""Methods of a gallery by which users find out why an answer was wrong, and correct it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from visavis import defaults
from visavis.gallery import _rejections, coach, why
from visavis.gallery._identify import IdentifyOptions
from visavis.gallery._open_gallery import OpenGallery
from visavis.gallery._resolve_person import Who
from visavis.gallery.coach_types import CoachReport
from visavis.gallery.feedback_types import Explanation, Rejection, RejectionEffect

if TYPE_CHECKING:
    from visavis.images import Source


class Feedback:
    """Methods of :class:`visavis.gallery.Gallery`.

    ``opened`` is what they work on: the database, the index and their lock. It may change.
    """

    opened: OpenGallery

    def why(
        self,
        photo: Source,
        person: Who,
        *,
        fpir: float = defaults.FPIR,
        threshold: float | None = None,
        min_face: float = defaults.MIN_FACE,
    ) -> Explanation:
        """Explain why a person was, or was not, recognized in a photo: what stopped each face, and what would help.

        The decisions are those of :meth:`identify` with the same options. Raises ImageError, UnknownNameError if
        there is no such person, UsageError without a threshold if the model is not calibrated.
        """
        options = IdentifyOptions(fpir, threshold, 0.0, defaults.TOP_NAMES)
        return why.explain_photo(self.opened, photo, person, options, min_face=min_face)

    def rejection_effect(self, photo: Source, person: Who, *, min_face: float = defaults.MIN_FACE) -> RejectionEffect:
        """Return what :meth:`reject` would change: which of the person's own templates would become unknown."""
        return _rejections.measure_effect(self.opened, photo, person, min_face=min_face)

    def reject(
        self,
        photo: Source,
        person: Who,
        *,
        days: int = defaults.REJECTION_DAYS,
        min_face: float = defaults.MIN_FACE,
    ) -> Rejection:
        """Store that the face of a photo that is nearest to a person is not that person, for a number of days.

        From then on a face that is nearer to it than to the person is unknown. Rejections only take names away, so
        strangers are named at the stated rates or less. Raises NoFaceError without a face, UsageError if the face is
        a template of the person.
        """
        return _rejections.reject_face(self.opened, photo, person, days=days, min_face=min_face)

    def rejections(self, person: Who | None = None) -> list[Rejection]:
        """Return the rejections of a person, or all, by id, without expired ones."""
        return _rejections.list_rejections(self.opened, person)

    def undo_rejection(self, rejection_id: int) -> Rejection:
        """Remove a rejection without a trace in the file, and return it; UnknownNameError if there is no such id."""
        return _rejections.undo_rejection(self.opened, rejection_id)

    def coach(self, *, fpir: float = defaults.FPIR) -> CoachReport:
        """Find what will cause wrong answers: photos that harm, people who are confused, few or similar photos.

        Each template is a probe of a search at the rate ``fpir`` in which it is left out. Templates too poor for any
        answer are skipped. Takes as much memory as an exact search. Raises UsageError if the model is not calibrated.
        """
        return coach.coach_gallery(self.opened, fpir=fpir)
