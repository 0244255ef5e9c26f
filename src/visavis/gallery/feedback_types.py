"""Results of looking at a gallery's answers again: why a face was not recognized, and faces that are not a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from visavis.plain import Plain


@dataclass(frozen=True, slots=True)
class Fault(Plain):
    """A fault of a face's picture.

    ``kind`` is "small", "blurred", "grainy", "turned", "dark", "bright", "flat" (without contrast), "cut", "covered",
    "compressed", "squeezed" or "uncertain" (hardly a face); ``message`` says it in words. ``share`` is the share of a
    threshold that remains with this fault, as calibrated: 1 where it does not count, None for worse than was measured.
    """

    kind: str
    message: str
    share: float | None


@dataclass(frozen=True, slots=True)
class NearTemplate(Plain):
    """The template of a person that is nearest to a face, with its cosine ``distance``."""

    template_id: int
    photo: str
    person_id: int
    name: str
    distance: float


@dataclass(frozen=True, slots=True)
class FaceExplanation(Plain):
    """Why a face was, or was not, recognized as the expected person.

    ``reason`` is "recognized", "too_far" (beyond the threshold), "poor_photo" (beyond the stricter threshold of poor
    photos), "too_poor" (this photo, or the enrolled ones, are poorer than was measured), "other_person" (another person
    is nearer), "named_already" (another face of the photo is nearer to the person) or "rejected" (a face that was
    rejected as this person is nearer than the person). ``person_id`` and ``name`` are
    the answer of the search, None for unknown. ``distance`` is the cosine distance to the expected person,
    ``threshold`` the greatest that is recognized now, ``fpir`` the lowest rate at which this face would be recognized;
    None: at no measured rate. ``nearest`` is the nearest template of the expected person, ``nearest_other`` that of the
    nearest other person.
    """

    recognized: bool
    reason: str
    message: str
    advice: str
    box: tuple[float, float, float, float]
    quality: float | None
    person_id: int | None
    name: str | None
    distance: float
    threshold: float
    fpir: float | None
    faults: tuple[Fault, ...]
    nearest: NearTemplate
    nearest_other: NearTemplate | None


@dataclass(frozen=True, slots=True)
class Explanation(Plain):
    """Why a person was, or was not, recognized in a photo; its truth value is ``recognized``.

    ``person_id`` and ``name`` are of the expected person. ``reason``, ``message`` and ``advice`` are those of the face
    that is nearest to the person; without a face the reason is "no_face", or "too_small" if there are only faces
    smaller than the smallest that was looked for. ``advice`` says what would help; empty for a recognized person.
    """

    photo: str
    recognized: bool
    person_id: int
    name: str
    reason: str
    message: str
    advice: str
    faces: tuple[FaceExplanation, ...]

    def __bool__(self) -> bool:
        return self.recognized


@dataclass(frozen=True, slots=True)
class Rejection(Plain):
    """A face that is not the person ``person_id``, although it looks like that person.

    Until ``expires``, a face that is nearer to it than to the person is unknown. ``photo`` is the path that was given,
    ``photo_sha256`` the hash of its bytes, ``box`` the place of the face: x1, y1, x2, y2 in pixels.
    """

    id: int
    person_id: int
    name: str
    photo: str
    photo_sha256: str | None
    box: tuple[float, float, float, float] | None
    created: datetime
    expires: datetime


@dataclass(frozen=True, slots=True)
class RejectionEffect(Plain):
    """What a rejection would change, before it is stored.

    ``photo``, ``box`` and cosine ``distance`` are of the face that would be rejected. The effect is measured on the
    person's own templates, each as a probe of a search in which it is left out: of ``compared`` templates (0 for a
    person with one template), ``lost`` (template ids) are recognized now, and would be unknown.
    """

    person_id: int
    name: str
    photo: str
    box: tuple[float, float, float, float]
    distance: float
    compared: int
    lost: tuple[int, ...]
