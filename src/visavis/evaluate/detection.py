"""How well faces are found: average precision, and what the detector's own threshold stands for.

Matching is that of WIDER FACE's evaluation. In each photo every answer belongs to the annotated face that it overlaps
most, if by ``iou`` (intersection over union) or more. The answer of best score is right and any further one of that
face wrong; answers to an ignored face count as neither; all else is wrong.

Average precision is the area under the envelope of the curve of precision over recall (at each recall the best
precision of this or any greater one), as in VOC since 2010 and in WIDER FACE. What differs from the evaluation of WIDER
FACE: the curve has a point for every score that occurs, not for a thousand steps of scores stretched to 0..1; edges
are continuous, not rows of pixels (no one is added to widths); wrong answers count in photos without faces too, which
WIDER FACE passes over. Its sets easy, medium and hard are lists of faces apart from the annotation file; ``min_height``
of :func:`visavis.evaluate.data.annotations.read_annotations` is the nearest to them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visavis.boxes import overlaps
from visavis.errors import UsageError
from visavis.evaluate.data.annotations import Annotated
from visavis.evaluate.results import Interval
from visavis.evaluate.stats.intervals import wilson
from visavis.evaluate.stats.metrics import Doubles
from visavis.types import Face, Floats

HEIGHTS = (0.0, 20.0, 50.0, 100.0)
"""Where the bands of heights begin, in pixels; the last one has no end."""


@dataclass(frozen=True, slots=True)
class Share:
    """``part`` of ``whole``, counted. The interval takes faces for independent, which those of one photo are not."""

    part: int
    whole: int

    @property
    def rate(self) -> float | None:
        """Part / whole; None of nothing."""
        return self.part / self.whole if self.whole else None

    @property
    def interval(self) -> Interval | None:
        """Wilson's 95 % interval; None of nothing."""
        return wilson(self.part, self.whole) if self.whole else None


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Precision and recall ``(k,)`` of the answers with at least each of ``scores (k,)``, falling."""

    scores: Doubles
    precision: Doubles
    recall: Doubles

    @property
    def average_precision(self) -> float:
        """Area under the envelope, 0..1."""
        envelope = np.maximum.accumulate(self.precision[::-1])[::-1]
        return float(np.sum(np.diff(self.recall, prepend=0.0) * envelope))


@dataclass(frozen=True, slots=True)
class Band:
    """Recall of the faces from ``low`` up to but not including ``high`` pixels of height (None: no end)."""

    low: float
    high: float | None
    recall: Share


@dataclass(frozen=True, slots=True, eq=False)
class DetectionResult:
    """How well faces are found.

    ``average_precision`` and ``curve`` are over all scores; the rest is at the detector's own threshold.
    ``precision`` is the share of right answers among those that count, ``recall`` the share of ``faces`` that were
    found, ``wrong`` the number of false faces. ``mean_overlap`` is the mean IoU of the right answers (None: there are
    none). ``ignored`` faces are no part of any figure.
    """

    iou: float
    photos: int
    faces: int
    ignored: int
    average_precision: float
    curve: Curve
    precision: Share
    recall: Share
    wrong: int
    mean_overlap: float | None
    bands: tuple[Band, ...]

    @property
    def wrong_per_photo(self) -> float:
        """False faces a photo."""
        return self.wrong / self.photos


@dataclass(frozen=True, slots=True, eq=False)
class _Judged:
    """Answers that count, of one photo: ``scores``, ``right`` and ``overlap (n,)``; ``reached (m,)`` of its faces."""

    scores: Doubles
    right: NDArray[np.bool_]
    overlap: Floats
    reached: NDArray[np.bool_]


def detection_result(
    found: Sequence[Sequence[Face]],
    annotated: Sequence[Annotated],
    *,
    iou: float = 0.5,
    sensitive: Sequence[Sequence[Face]] | None = None,
) -> DetectionResult:
    """Compare the faces ``found`` in each photo with those ``annotated``.

    ``sensitive`` are the answers of the same detector with low scores too, for the curve; by default those found, and
    the curve ends at the detector's own threshold. Raises UsageError where there is nothing to find.
    """
    if not 0 < iou <= 1:
        raise UsageError(f"iou is an overlap above 0 and up to 1, got {iou:g}.")
    faces = sum(int((~one.ignored).sum()) for one in annotated)
    if not faces:
        raise UsageError("detection is measured on annotated faces, and there are none that count.")
    judged = list(_judge_all(found, annotated, iou))
    curve = _curve(judged if sensitive is None else list(_judge_all(sensitive, annotated, iou)), faces)
    right = np.concatenate([one.right for one in judged])
    overlap = np.concatenate([one.overlap for one in judged])[right]
    hits = int(right.sum())
    return DetectionResult(
        iou=iou,
        photos=len(annotated),
        faces=faces,
        ignored=sum(int(one.ignored.sum()) for one in annotated),
        average_precision=curve.average_precision,
        curve=curve,
        precision=Share(hits, len(right)),
        recall=Share(hits, faces),
        wrong=len(right) - hits,
        mean_overlap=float(overlap.mean(dtype=np.float64)) if hits else None,
        bands=tuple(_bands(judged, annotated)),
    )


@dataclass(frozen=True, slots=True)
class PhotoMistakes:
    """What was missed and falsely found on one photo, of so many annotated faces that count."""

    photo: str
    faces: int
    missed: int
    false: int


def mistakes(
    found: Sequence[Sequence[Face]], annotated: Sequence[Annotated], *, iou: float = 0.5
) -> Iterator[PhotoMistakes]:
    """Count the mistakes of each photo; summed up they are those of :func:`detection_result`."""
    for judged, truth in zip(_judge_all(found, annotated, iou), annotated, strict=True):
        counted = ~truth.ignored
        missed = int((counted & ~judged.reached).sum())
        yield PhotoMistakes(truth.photo, int(counted.sum()), missed, int((~judged.right).sum()))


def _judge_all(found: Sequence[Sequence[Face]], annotated: Sequence[Annotated], iou: float) -> Iterator[_Judged]:
    for faces, truth in zip(found, annotated, strict=True):
        boxes = np.array([face.box for face in faces], np.float32).reshape(-1, 4)
        yield _judge(boxes, np.array([face.score for face in faces], np.float64), truth, iou)


def _judge(boxes: Floats, scores: Doubles, truth: Annotated, iou: float) -> _Judged:
    """Match the answers of one photo, the best score first; of equal ones the greater overlap."""
    reached = np.zeros(len(truth.boxes), np.bool_)
    if not len(truth.boxes):
        return _Judged(scores, np.zeros(len(boxes), np.bool_), np.zeros(len(boxes), np.float32), reached)
    shared = overlaps(boxes, truth.boxes)
    nearest, overlap = shared.argmax(axis=1), shared.max(axis=1)
    order = np.lexsort((-overlap, -scores))
    right = np.zeros(len(boxes), np.bool_)
    for one in order[overlap[order] >= iou]:
        right[one] = not reached[nearest[one]]
        reached[nearest[one]] = True
    counts = order[(overlap[order] < iou) | ~truth.ignored[nearest[order]]]
    return _Judged(scores[counts], right[counts], overlap[counts], reached)


def _curve(judged: Sequence[_Judged], faces: int) -> Curve:
    """One point a score: answers of equal score come together, in whatever photos they are."""
    scores = np.concatenate([one.scores for one in judged])
    right = np.concatenate([one.right for one in judged])
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(right[order])
    last = np.flatnonzero(np.diff(scores[order], append=-np.inf))
    return Curve(scores[order][last], hits[last] / (last + 1), hits[last] / faces)


def _bands(judged: Sequence[_Judged], annotated: Sequence[Annotated]) -> Iterator[Band]:
    counted = [~one.ignored for one in annotated]
    heights = np.concatenate([one.heights[some] for one, some in zip(annotated, counted, strict=True)])
    reached = np.concatenate([one.reached[some] for one, some in zip(judged, counted, strict=True)])
    for low, high in zip(HEIGHTS, [*HEIGHTS[1:], None], strict=True):
        inside = (heights >= low) & (heights < (np.inf if high is None else high))
        yield Band(low, high, Share(int(reached[inside].sum()), int(inside.sum())))
