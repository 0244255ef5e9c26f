"""Liveness of the faces in photos: detect, then judge."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

from visavis import defaults
from visavis.images import Source, not_a_folder
from visavis.liveness import Liveness, LivenessCheck
from visavis.pipeline import Recognizer, shared_recognizer
from visavis.types import PhotoFaces
from visavis.verification import require_photo


def judge_photos(
    sources: Source | Iterable[Source],
    check: LivenessCheck,
    *,
    recognizer: Recognizer,
    min_face: float = defaults.MIN_FACE,
) -> Iterator[tuple[PhotoFaces, tuple[Liveness, ...]]]:
    """Yield the faces of each photo and whether each is real, in order; none for a photo that cannot be read."""
    for photo in recognizer.detect(sources, min_face=min_face):
        yield photo, () if photo.photo is None else check.judge(photo.photo.pixels, photo.faces, photo.quality)


def check_liveness(
    source: Source,
    *,
    threshold: float = defaults.REAL_FROM,
    min_face: float = defaults.MIN_FACE,
    detector: str = defaults.DETECTOR,
) -> list[Liveness]:
    """Judge whether each face of one photo is real, best detection score first; an empty list where there is no face.

    A face is real from the score ``threshold``, in 0..1. Raises ImageError for a photo that cannot be read, and
    WeightsError where the networks are missing.
    """
    check = _load(threshold)
    recognizer = shared_recognizer(detector=detector)
    ((photo, answers),) = judge_photos([not_a_folder(source)], check, recognizer=recognizer, min_face=min_face)
    require_photo(photo)
    return list(answers)


@cache
def _load(threshold: float) -> LivenessCheck:
    return LivenessCheck(threshold=threshold)
