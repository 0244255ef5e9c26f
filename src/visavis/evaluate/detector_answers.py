"""Annotated photos -> what a detector answers, at its own threshold and with low scores too.

A curve of precision over recall needs answers that the detector itself would keep back. A detector offers them by an
option ``min_score`` of its factory, the score of the least answer; one without it is taken as it is.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from visavis.defaults import DETECTOR
from visavis.detectors import DETECTORS
from visavis.errors import UsageError
from visavis.evaluate.data.annotations import Annotated
from visavis.evaluate.data.templates import Progress
from visavis.images.photo_files import one_by_one
from visavis.pipeline import Recognizer
from visavis.types import Face, Photo, PhotoFaces

LOWEST = 0.01
"""Score from which answers make the curve: what the networks before the last one let through, practically all."""

Faces = tuple[Face, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Faces ``found`` in each of the ``annotated`` photos that could be read, and with low scores too (``sensitive``).

    ``sensitive`` is None where the detector offers none. ``unread`` photos have a message each, by path.
    """

    annotated: tuple[Annotated, ...]
    found: tuple[Faces, ...]
    sensitive: tuple[Faces, ...] | None
    unread: dict[str, str]


def answers(
    annotated: Sequence[Annotated],
    *,
    detector: str = DETECTOR,
    min_face: float = 20,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Answers:
    """Look at each photo, twice where the detector offers low scores: a low threshold may move the sure boxes too.

    Raises UsageError where not one photo could be read.
    """
    strict = Recognizer(detector=detector, threads=threads)
    low = _sensitive(detector, threads)
    looked = strict.detect(one_by_one(one.photo for one in annotated), min_face=min_face)
    read, found, sensitive = [], [], []
    unread: dict[str, str] = {}
    for truth, one in zip(annotated, _shown(looked, len(annotated), progress), strict=True):
        if one.photo is None:
            unread[truth.photo] = one.message
            continue
        read.append(truth)
        found.append(one.faces)
        if low is not None:
            sensitive.append(_faces(low, one.photo, min_face))
    if not read:
        raise UsageError(f"not one of the {len(annotated)} annotated photos can be read: {next(iter(unread.values()))}")
    return Answers(tuple(read), tuple(found), None if low is None else tuple(sensitive), unread)


def _sensitive(detector: str, threads: int | None) -> Recognizer | None:
    if "min_score" not in inspect.signature(DETECTORS.factory(detector)).parameters:
        return None
    return Recognizer(detector=DETECTORS.create(detector, threads=threads, min_score=LOWEST))


def _shown(looked: Iterator[PhotoFaces], total: int, progress: Progress | None) -> Iterable[PhotoFaces]:
    return looked if progress is None else progress(looked, total)


def _faces(low: Recognizer, photo: Photo, min_face: float) -> Faces:
    return tuple(low.detector.detect([photo.pixels], min_face=min_face)[0])
