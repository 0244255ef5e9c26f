"""VERIFY: whether two photos show one person. Pure decisions on faces that were detected and embedded before.

The largest face of each photo is compared. With ``any_face`` every face of the second photo is compared, and the
nearest counts. A photo of n faces then has n chances to pass, so the FAR of each face is ``1 - (1 - far) ** (1 / n)``:
strangers pass at the rate ``far`` per photo, however many faces it shows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from visavis import align, compare
from visavis.detectors import base_name
from visavis.doubts import WHY_STRICTER, doubts, why_too_poor
from visavis.errors import ImageError, NoFaceError, image_error
from visavis.types import RGB, Floats, Photo, PhotoFaces, PhotoVerification, Quality, Verification

NOTED_SHARE = 0.85
"""A note says that the threshold is stricter if its share is lower: 1 pair of LFW photos in 1,000."""


CROP_SIDE, CROP_MARGIN = 112, 0.3
"""Side in pixels of the crops of a verification, and the part of the box that they show around it."""


@dataclass(frozen=True, slots=True)
class VerificationRule:
    """The rule of a verification: a threshold, and its source.

    ``threshold`` is the caller's, in the unit of ``metric``; None takes the threshold of ``far`` from ``table`` (None:
    uncalibrated). ``any_face`` compares every face of the second photo instead of the largest.
    """

    model: str
    detector: str
    far: float
    threshold: float | None
    metric: str
    table: compare.Calibration | None
    any_face: bool = False

    def __post_init__(self) -> None:
        compare.from_cosine(0.0, self.metric)  # refuse an unknown metric before reading a photo
        self.limit(1)

    def limit(self, faces: int, shares: Sequence[float | None] = ()) -> tuple[float, float | None, bool]:
        """Return the greatest cosine distance of a match, its FAR, and whether that FAR was measured.

        The FAR is that of a whole photo in which ``faces`` are compared (None: not known). The FAR of a caller's
        threshold follows from ``shares``: for each face the remaining share of a threshold of good photos, None where
        it is too poor for an answer. Raises UsageError for a rate that was not measured, and for a model without a
        table if there is no threshold.
        """
        if self.threshold is not None:
            limit = compare.to_cosine(self.threshold, self.metric)
            return limit, self._far_of_limit(limit, shares), True
        if self.table is None:
            raise compare.uncalibrated(self.model, "so no threshold stands for a FAR")
        single = compare.search_far(self.far, faces) if faces > 1 else self.far
        if faces > 1 and single < self.table.lowest_far:
            lowest = self.table.lowest_far
            return self.table.threshold(lowest), _far_of_photo(lowest, faces), False
        return self.table.threshold(single), self.far, True

    def _far_of_limit(self, limit: float, shares: Sequence[float | None]) -> float | None:
        """Return the rate at which at least one stranger of a photo is within a distance; None: not known."""
        missed = 1.0
        for share in shares:
            rate = self.table.far_at(limit / share) if self.table and share else None
            if rate is None:
                return None
            missed *= 1 - rate
        return 1 - missed if shares else None

    @property
    def corrects(self) -> bool:
        """Whether the threshold is adapted to the quality of the photos; False for a caller's threshold."""
        return self.threshold is None and self.table is not None and self.table.poor is not None

    def threshold_share(self, reference: PhotoFaces, photo: PhotoFaces, face: int) -> float | None:
        """Return the share of the threshold for two faces, the largest of ``reference`` first; None: too poor."""
        if self.table is None:
            return 1.0
        return self.table.threshold_share_of_pair(
            self.threshold_share_of_face(reference, reference.largest), self.threshold_share_of_face(photo, face)
        )

    def threshold_share_of_face(self, photo: PhotoFaces, face: int) -> float | None:
        """Return the share of the threshold for two faces as poor as this one; None: poorer than measured."""
        if self.table is None:
            return 1.0
        return self.table.threshold_share(_embeddings(photo)[face], _quality(photo, face))


def judge(rule: VerificationRule, reference: PhotoFaces, photo: PhotoFaces) -> PhotoVerification:
    """Compare a photo with the largest face of ``reference``; if it cannot be compared, answer with the photo's status.

    Raises the error of ``reference``.
    """
    require_faces(reference)
    if photo.photo is None or not photo.faces:
        return PhotoVerification(photo.name, photo.status, message=photo.message)
    verification, face = compare_faces(rule, reference, photo)
    return PhotoVerification(photo.name, photo.status, verification, photo.faces[face])


def compare_faces(rule: VerificationRule, reference: PhotoFaces, photo: PhotoFaces) -> tuple[Verification, int]:
    """Compare the largest face of ``reference`` with one of ``photo``; return the verification and the latter's index.

    Both were embedded by the rule's model. Raises the error of a photo that cannot be used.
    """
    distances = compare.cosine_distances(
        largest_embedding(require_faces(reference)), _embeddings(require_faces(photo))
    )[0]
    candidates = range(len(photo.faces)) if rule.any_face else [photo.largest]
    shares = {face: rule.threshold_share(reference, photo, face) for face in candidates}
    # Divided by the share, distances of poor photos have the meaning of those of good photos.
    comparable = {face: float(distances[face]) / share for face, share in shares.items() if share is not None}
    adapted = rule.corrects and comparable
    face = min(comparable if adapted else candidates, key=lambda face: (comparable if adapted else distances)[face])
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
        faces_a=len(reference.faces),
        faces_b=len(photo.faces),
        notes=(
            *(f"{answer.name}: {note}" for answer in (reference, photo) for note in answer.notes),
            *_note_several(reference, photo, face, any_face=rule.any_face),
            *_note_strictest(photo, far, measured=measured),
            *(
                _note_stricter(rule, limit, share)
                if rule.corrects
                else _note_without_rates(rule, reference, photo, shares)
            ),
            *dict.fromkeys(
                doubt
                for answer, row in ((reference, reference.largest), (photo, face))
                for doubt in doubts(answer, row, corrected=rule.corrects)
            ),
            *_note_detector(rule.table, rule.detector),
        ),
        reason=_explain_poor(rule, reference, photo, face) if rule.corrects and share is None else "",
    )
    return verification, face


def compare_photos(rule: VerificationRule, reference: PhotoFaces, photo: PhotoFaces) -> Verification:
    """Compare as :func:`compare_faces` does; the verification holds crops of both faces."""
    verification, face = compare_faces(rule, reference, photo)
    faces = ((reference, reference.largest), (photo, face))
    return replace(verification, crops=tuple(_crop(item, row) for item, row in faces))


def _crop(photo: PhotoFaces, face: int) -> RGB:
    pixels = require_photo(photo).pixels
    crop: RGB = align.square_crops(pixels, [photo.faces[face]], size=CROP_SIDE, margin=CROP_MARGIN)[0]
    return crop


def error_of(photo: PhotoFaces) -> ImageError:
    """Return the error of a photo that could not be read."""
    return image_error(photo.status)(photo.message)


def require_photo(photo: PhotoFaces) -> Photo:
    """Return the photo of an answer; raise the error if it could not be read."""
    if photo.photo is None:
        raise error_of(photo)
    return photo.photo


def require_faces(photo: PhotoFaces) -> PhotoFaces:
    """Return the answer; raise the error if its photo cannot be read or shows no face."""
    require_photo(photo)
    if not photo.faces:
        raise NoFaceError(f"no face was found in {photo.name}.")
    return photo


def largest_embedding(photo: PhotoFaces) -> Floats:
    """Return the embedding ``(1, d)`` of the largest face."""
    row: Floats = _embeddings(photo)[photo.largest][None]
    return row


def _embeddings(photo: PhotoFaces) -> Floats:
    if photo.embeddings is None:
        raise ValueError("this answer carries no embeddings")
    return photo.embeddings


def _far_of_photo(far: float, faces: int) -> float:
    """Return the rate at which at least one of ``faces`` strangers passes."""
    return far if faces == 1 else -math.expm1(faces * math.log1p(-far))


def _quality(photo: PhotoFaces, face: int) -> Quality | None:
    return photo.quality[face] if photo.quality else None


def _explain_poor(rule: VerificationRule, reference: PhotoFaces, photo: PhotoFaces, face: int) -> str:
    """Say which photo is poorer than was measured, and why."""
    faces = ((reference, reference.largest), (photo, face))
    poor = [(item, row) for item, row in faces if rule.threshold_share_of_face(item, row) is None]
    if not poor:
        return f"{reference.name} and {photo.name} are together too poor to say."
    return " ".join(f"{item.name} is too poor to say: {why_too_poor(item, row, rule.table)}." for item, row in poor)


def _note_stricter(rule: VerificationRule, limit: float, share: float | None) -> list[str]:
    """Say that the threshold is stricter than that of good photos."""
    if share is None or share >= NOTED_SHARE:
        return []
    good, poor = (compare.from_cosine(value, rule.metric) for value in (limit, limit * share))
    return [f"the threshold is {poor:.4f} instead of {good:.4f}: {WHY_STRICTER}."]


def _note_without_rates(
    rule: VerificationRule, reference: PhotoFaces, photo: PhotoFaces, shares: Mapping[int, float | None]
) -> list[str]:
    """Say for which photos the error rate of the caller's threshold was not measured."""
    face = next((face for face, share in shares.items() if share is None), None)
    if face is None:
        return []
    return [
        f"{_explain_poor(rule, reference, photo, face)} The threshold decides; its error rate there was not measured."
    ]


def _probability(table: compare.Calibration | None, distances: Sequence[float]) -> float | None:
    """Return the probability that the person is one of the faces, at even prior odds; None without a face.

    Beforehand, each face is the person with the same probability.
    """
    if table is None or not distances:
        return None
    if len(distances) == 1:
        return table.probability(distances[0])
    odds = [min(table.slope * distance + table.intercept, 700.0) for distance in distances]
    mean = float(np.mean(np.exp(odds)))
    return mean / (1 + mean)


def _note_several(reference: PhotoFaces, photo: PhotoFaces, face: int, *, any_face: bool) -> list[str]:
    """Say which face was compared in a photo of several faces."""
    notes = [note_largest(reference)] if len(reference.faces) > 1 else []
    if len(photo.faces) > 1:
        nearest = f"{photo.name} shows {len(photo.faces)} faces: face {face + 1} is the nearest."
        notes.append(nearest if any_face else note_largest(photo))
    return notes


def note_largest(photo: PhotoFaces) -> str:
    """Say that of several faces the largest was used."""
    return f"{photo.name} shows {len(photo.faces)} faces: the largest was used."


def _note_strictest(photo: PhotoFaces, far: float | None, *, measured: bool) -> list[str]:
    if measured:
        return []
    return [
        f"{photo.name} shows {len(photo.faces)} faces: the strictest measured threshold is used, at which "
        f"strangers pass at a rate of {far:.2g} a photo."
    ]


def _note_detector(table: compare.Calibration | None, detector: str) -> list[str]:
    """Say so if the rates were measured with another detector than the one in use, which crops faces differently."""
    measured = None if table is None else table.provenance.get("detector")
    if measured is None or measured == base_name(detector):
        return []
    return [f"the error rates were measured with the detector {measured}, not with {detector}: calibrate to be sure."]
