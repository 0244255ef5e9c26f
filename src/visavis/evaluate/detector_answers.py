"""Run a detector on annotated photos, at its own threshold and with low scores too.

A curve of precision over recall needs answers below the detector's threshold. A detector returns them by its option
``min_score``, the least score of an answer; a detector that declares no such option is used as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from visavis import defaults
from visavis.defaults import DETECTOR
from visavis.detectors import DETECTORS
from visavis.errors import UsageError
from visavis.evaluate.data.annotations import Annotated
from visavis.evaluate.data.templates import ShowProgress
from visavis.images.photo_files import one_by_one
from visavis.pipeline import Recognizer
from visavis.types import Face, Photo, PhotoFaces

LOWEST = 0.01
"""Least score of the answers in the curve: practically all that the earlier networks of a detector let pass."""


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Faces ``detected`` in each of the ``annotated`` photos that could be read; ``sensitive``: with low scores too.

    ``sensitive`` is None if the detector has no option for it. ``unread`` holds a message for each other photo, by
    path.
    """

    annotated: tuple[Annotated, ...]
    detected: tuple[tuple[Face, ...], ...]
    sensitive: tuple[tuple[Face, ...], ...] | None
    unread: dict[str, str]


def collect_answers(
    annotated: Sequence[Annotated],
    *,
    detector: str = DETECTOR,
    min_face: float = defaults.MIN_FACE,
    threads: int | None = None,
    progress: ShowProgress | None = None,
) -> Answers:
    """Detect the faces of each photo, twice if the detector has ``min_score``: low scores may also move other boxes.

    Raises UsageError if no photo can be read.
    """
    strict = Recognizer(detector=detector, threads=threads)
    low = _make_sensitive(detector, threads)
    results = strict.detect(one_by_one(truth.photo for truth in annotated), min_face=min_face)
    read, detected, sensitive = [], [], []
    unread: dict[str, str] = {}
    for truth, answer in zip(annotated, _show_progress(results, len(annotated), progress), strict=True):
        if answer.photo is None:
            unread[truth.photo] = answer.message
            continue
        read.append(truth)
        detected.append(answer.faces)
        if low is not None:
            sensitive.append(_detect(low, answer.photo, min_face))
    if not read:
        raise UsageError(f"not one of the {len(annotated)} annotated photos can be read: {next(iter(unread.values()))}")
    return Answers(tuple(read), tuple(detected), None if low is None else tuple(sensitive), unread)


def _make_sensitive(detector: str, threads: int | None) -> Recognizer | None:
    if "min_score" not in DETECTORS.options(detector):
        return None
    return Recognizer(detector=DETECTORS.create(detector, threads=threads, min_score=LOWEST))


def _show_progress(results: Iterator[PhotoFaces], total: int, progress: ShowProgress | None) -> Iterable[PhotoFaces]:
    return results if progress is None else progress(results, total)


def _detect(low: Recognizer, photo: Photo, min_face: float) -> tuple[Face, ...]:
    return tuple(low.detector.detect([photo.pixels], min_face=min_face)[0])
