"""VERIFY: whether two photos show one person. Pure decisions on faces that were detected and embedded before.

The largest face of each photo is compared. With ``any_face`` every face of the second photo is, and the nearest
counts. A photo of n faces then has n chances to pass, so each face is held to the FAR ``1 - (1 - far) ** (1 / n)``:
strangers pass at the rate ``far`` a photo, however many faces it shows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from visavis import compare
from visavis.detectors import base_name
from visavis.doubts import WHY_STRICTER, doubts, why_too_poor
from visavis.errors import ImageError, NoFaceError
from visavis.types import Floats, Photo, PhotoFaces, PhotoVerification, Quality, Verification

NOTED_SHARE = 0.85
"""A note says that the threshold is stricter where less than this share is left: for 1 pair of LFW photos in 1,000."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a verification goes by: a threshold, and where it comes from.

    ``threshold`` is what the caller gave, in the unit of ``metric``; None takes the threshold of ``far`` from ``table``
    (None: uncalibrated). ``any_face`` looks at every face of the second photo instead of the largest.
    """

    model: str
    detector: str
    far: float
    threshold: float | None
    metric: str
    table: compare.Calibration | None
    any_face: bool = False

    def __post_init__(self) -> None:
        compare.from_cosine(0.0, self.metric)  # an unknown metric is refused before a photo is looked at
        self.limit(1)

    def limit(self, faces: int, shares: Sequence[float | None] = ()) -> tuple[float, float | None, bool]:
        """Return the greatest cosine distance of a match, its FAR, and whether that FAR was measured.

        The FAR is that of a whole photo in which ``faces`` are compared (None: not known). That of a threshold which
        the caller gave follows ``shares``: for each face what is left of a threshold of good photos, None where it is
        too poor to say. Raises UsageError for a rate that was not measured, and for a model without a table where no
        threshold is given.
        """
        if self.threshold is not None:
            limit = compare.to_cosine(self.threshold, self.metric)
            return limit, self._far_of_given(limit, shares), True
        if self.table is None:
            raise compare.uncalibrated(self.model, "so no threshold stands for a FAR")
        single = compare.search_far(self.far, faces) if faces > 1 else self.far
        if faces > 1 and single < self.table.lowest_far:
            lowest = self.table.lowest_far
            return self.table.threshold(lowest), _far_of_photo(lowest, faces), False
        return self.table.threshold(single), self.far, True

    def _far_of_given(self, limit: float, shares: Sequence[float | None]) -> float | None:
        """Return the rate at which one stranger or more of a photo is within a distance; None: not known."""
        missed = 1.0
        for share in shares:
            rate = self.table.far_at(limit / share) if self.table and share else None
            if rate is None:
                return None
            missed *= 1 - rate
        return 1 - missed if shares else None

    @property
    def corrects(self) -> bool:
        """Whether the threshold follows the quality of the photos: not one that the caller gave."""
        return self.threshold is None and self.table is not None and self.table.poor is not None

    def share(self, known: PhotoFaces, photo: PhotoFaces, face: int) -> float | None:
        """Return the share of a threshold between the largest face of ``known`` and a face; None: too poor to say."""
        if self.table is None:
            return 1.0
        return self.table.share_of_pair(self.share_of(known, known.largest), self.share_of(photo, face))

    def share_of(self, photo: PhotoFaces, face: int) -> float | None:
        """Return the share of the threshold between faces as poor as one; None: poorer than was measured."""
        if self.table is None:
            return 1.0
        return self.table.share(_embeddings(photo)[face], _quality(photo, face))


def judge(rule: Rule, known: PhotoFaces, photo: PhotoFaces) -> PhotoVerification:
    """Compare a photo with the largest face of ``known``; where that cannot be, answer with the photo's status.

    Raises the error of ``known``.
    """
    usable(known)
    if photo.photo is None or not photo.faces:
        return PhotoVerification(photo.name, photo.status, message=photo.message)
    verification, face = compare_faces(rule, known, photo)
    return PhotoVerification(photo.name, photo.status, verification, photo.faces[face])


def compare_faces(rule: Rule, known: PhotoFaces, photo: PhotoFaces) -> tuple[Verification, int]:
    """Compare the largest face of ``known`` with one of ``photo``, and say which of its faces that was.

    Both were embedded by the rule's model. Raises the error of a photo that cannot be used.
    """
    distances = compare.cosine_distances(largest_embedding(usable(known)), _embeddings(usable(photo)))[0]
    candidates = range(len(photo.faces)) if rule.any_face else [photo.largest]
    shares = {face: rule.share(known, photo, face) for face in candidates}
    # Distances of poor photos mean what those of good ones mean once they are divided by the share.
    comparable = {face: float(distances[face]) / share for face, share in shares.items() if share is not None}
    follows = rule.corrects and comparable
    face = min(comparable if follows else candidates, key=lambda face: (comparable if follows else distances)[face])
    limit, far, measured = rule.limit(len(candidates), [*shares.values()])
    distance, share = float(distances[face]), shares[face]
    allowed = limit * (share or 0.0) if rule.corrects else limit
    verification = Verification(
        same=distance <= allowed and not (rule.corrects and share is None),
        distance=compare.from_cosine(distance, rule.metric),
        metric=rule.metric,
        threshold=compare.from_cosine(allowed, rule.metric),
        far=far,
        probability=None if share is None else _probability(rule.table, [*comparable.values()]),
        model=rule.model,
        detector=rule.detector,
        faces_a=len(known.faces),
        faces_b=len(photo.faces),
        notes=(
            *(f"{one.name}: {note}" for one in (known, photo) for note in one.notes),
            *_several(known, photo, face, any_face=rule.any_face),
            *_strictest(photo, far, measured=measured),
            *(_stricter(rule, limit, share) if rule.corrects else _without_rates(rule, known, photo, shares)),
            *dict.fromkeys(
                doubt
                for one, row in ((known, known.largest), (photo, face))
                for doubt in doubts(one, row, corrected=rule.corrects)
            ),
            *_other_detector(rule.table, rule.detector),
        ),
        reason=_too_poor(rule, known, photo, face) if rule.corrects and share is None else "",
    )
    return verification, face


def error_of(photo: PhotoFaces) -> ImageError:
    """Return the error of a photo that could not be read."""
    return _ERRORS.get(photo.status, ImageError)(photo.message)


def readable(photo: PhotoFaces) -> Photo:
    """Return the photo of an answer; raises the error of one that could not be read."""
    if photo.photo is None:
        raise error_of(photo)
    return photo.photo


def usable(photo: PhotoFaces) -> PhotoFaces:
    """Return the answer; raises what stands in the way of using its faces."""
    readable(photo)
    if not photo.faces:
        raise NoFaceError(f"no face was found in {photo.name}.")
    return photo


def largest_embedding(photo: PhotoFaces) -> Floats:
    """Return the embedding ``(1, d)`` of the largest face."""
    row: Floats = _embeddings(photo)[photo.largest][None]
    return row


_ERRORS = {error.status: error for error in ImageError.__subclasses__()}


def _embeddings(photo: PhotoFaces) -> Floats:
    if photo.embeddings is None:
        raise ValueError("this answer carries no embeddings")
    return photo.embeddings


def _far_of_photo(far: float, faces: int) -> float:
    """Return the rate at which one of ``faces`` strangers or more passes."""
    return far if faces == 1 else -math.expm1(faces * math.log1p(-far))


def _quality(photo: PhotoFaces, face: int) -> Quality | None:
    return photo.quality[face] if photo.quality else None


def _too_poor(rule: Rule, known: PhotoFaces, photo: PhotoFaces, face: int) -> str:
    """Say which photo is poorer than was measured, and why."""
    faces = ((known, known.largest), (photo, face))
    poor = [(shown, row) for shown, row in faces if rule.share_of(shown, row) is None]
    if not poor:
        return f"{known.name} and {photo.name} are together too poor to say."
    return " ".join(f"{shown.name} is too poor to say: {why_too_poor(shown, row, rule.table)}." for shown, row in poor)


def _stricter(rule: Rule, limit: float, share: float | None) -> list[str]:
    """Say that the threshold is not that of good photos."""
    if share is None or share >= NOTED_SHARE:
        return []
    good, poor = (compare.from_cosine(value, rule.metric) for value in (limit, limit * share))
    return [f"the threshold is {poor:.4f} instead of {good:.4f}: {WHY_STRICTER}."]


def _without_rates(rule: Rule, known: PhotoFaces, photo: PhotoFaces, shares: Mapping[int, float | None]) -> list[str]:
    """Say for which photos the meaning of a threshold that the caller gave was not measured."""
    face = next((face for face, share in shares.items() if share is None), None)
    if face is None:
        return []
    return [f"{_too_poor(rule, known, photo, face)} The threshold decides; its error rate there was not measured."]


def _probability(table: compare.Calibration | None, distances: Sequence[float]) -> float | None:
    """Return the probability that the person is one of the faces, at even odds beforehand; None without a face.

    Before the distances are known, each face is the person with the same probability.
    """
    if table is None or not distances:
        return None
    if len(distances) == 1:
        return table.probability(distances[0])
    odds = [min(table.slope * distance + table.intercept, 700.0) for distance in distances]
    mean = float(np.mean(np.exp(odds)))
    return mean / (1 + mean)


def _several(known: PhotoFaces, photo: PhotoFaces, face: int, *, any_face: bool) -> list[str]:
    """Say which face was compared, of a photo that shows several."""
    notes = [_largest_used(known)] if len(known.faces) > 1 else []
    if len(photo.faces) > 1:
        nearest = f"{photo.name} shows {len(photo.faces)} faces: face {face + 1} is the nearest."
        notes.append(nearest if any_face else _largest_used(photo))
    return notes


def _largest_used(photo: PhotoFaces) -> str:
    return f"{photo.name} shows {len(photo.faces)} faces: the largest was used."


def _strictest(photo: PhotoFaces, far: float | None, *, measured: bool) -> list[str]:
    if measured:
        return []
    return [
        f"{photo.name} shows {len(photo.faces)} faces: the strictest measured threshold is used, at which "
        f"strangers pass at a rate of {far:.2g} a photo."
    ]


def _other_detector(table: compare.Calibration | None, detector: str) -> list[str]:
    """Say where the rates were measured with another detector than the one in use: faces are then cut otherwise."""
    measured = None if table is None else table.provenance.get("detector")
    if measured is None or measured == base_name(detector):
        return []
    return [f"the error rates were measured with the detector {measured}, not with {detector}: calibrate to be sure."]
