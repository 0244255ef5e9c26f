"""Similarities of other servers, made of cosine distances: their clients compare them with fixed numbers.

A client decides by a number of its own, such as .5, that knows nothing of the model. The map therefore puts the
threshold of the wanted error rate at that number, whatever the model and the size of the gallery.
"""

from __future__ import annotations

from collections.abc import Sequence

from visavis.compare import Calibration, cosine_distances, uncalibrated
from visavis.gallery.types import Template

STEEPNESS = 3
"""Exponent of the map below the threshold: at half of the threshold the similarity is 15/16 where it divides at .5."""
FARTHEST = 2.0
"""The greatest cosine distance."""
DIGITS = 5
"""Digits of a similarity in an answer."""


def similarity_of(distance: float, threshold: float, *, divide: float = 0.5) -> float:
    """Return the similarity in 0..1 of a cosine distance: 1 at 0, ``divide`` at the threshold, 0 at 2.

    It falls strictly, and smoothly at the threshold: ``1 - (1 - divide) (distance / threshold) ** 3`` up to it, and
    ``divide ((2 - distance) / (2 - threshold)) ** q`` beyond, with the ``q`` for which both slopes are equal there.
    ``threshold`` is in 0..2, and both are excluded; ``divide`` is in 0..1, and both are excluded.
    """
    distance = min(max(distance, 0.0), FARTHEST)
    if distance <= threshold:
        return 1 - (1 - divide) * (distance / threshold) ** STEEPNESS
    exponent = STEEPNESS * (1 - divide) * (FARTHEST - threshold) / (divide * threshold)
    return float(divide * ((FARTHEST - distance) / (FARTHEST - threshold)) ** exponent)


def scale(distance: float, threshold: float, *, is_match: bool, divide: float = 0.5) -> float:
    """Return the similarity of an answer, rounded: ``divide`` or more for a match, else less than that.

    A threshold of 0 is that of faces that are too poor for an answer: their similarities are below ``divide``.
    """
    if threshold > 0:
        similarity = round(similarity_of(distance, threshold, divide=divide), DIGITS)
    else:
        similarity = round(divide * similarity_of(distance, 1.0), DIGITS)
    return similarity if is_match else min(similarity, round(divide - 10**-DIGITS, DIGITS))


def compare_faces(
    model: str,
    table: Calibration | None,
    reference: Template,
    faces: Sequence[Template],
    *,
    far: float,
    divide: float = 0.5,
) -> list[float]:
    """Return the similarity of each face with a reference: strangers reach ``divide`` at the rate ``far``.

    The threshold is stricter where both photos are poor. Raises UsageError for a ``model`` that is not calibrated.
    """
    if table is None:
        raise uncalibrated(model, "so no threshold stands for a FAR")
    share = table.threshold_share(reference.embedding, reference.quality)
    similarities = []
    for face in faces:
        of_pair = table.threshold_share_of_pair(share, table.threshold_share(face.embedding, face.quality))
        threshold = table.threshold(far) * (of_pair or 0.0)
        distance = float(cosine_distances(reference.embedding[None], face.embedding[None])[0, 0])
        is_match = of_pair is not None and distance <= threshold
        similarities.append(scale(distance, threshold, is_match=is_match, divide=divide))
    return similarities
