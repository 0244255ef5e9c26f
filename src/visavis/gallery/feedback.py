"""Methods of a gallery by which users find out why an answer was wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from visavis import defaults
from visavis.gallery import why
from visavis.gallery._identify import IdentifyOptions
from visavis.gallery._open_gallery import OpenGallery
from visavis.gallery._resolve_person import Who
from visavis.gallery.feedback_types import Explanation

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
