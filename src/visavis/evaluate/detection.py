"""Error rates of face detection: average precision, and the rates at the detector's own threshold.

Matching follows WIDER FACE's evaluation. In each photo an answer belongs to the annotated face that it overlaps most,
if by ``iou`` (intersection over union) or more. The answer with the best score is right and further answers to that
face are wrong; answers to an ignored face are not counted; all others are wrong.

Average precision is the area under the envelope of the curve of precision over recall (at each recall the best
precision of this or any greater one), as in VOC since 2010 and in WIDER FACE. Differences from the evaluation of WIDER
FACE: the curve has a point for every score that occurs, not for a thousand steps of scores stretched to 0..1; edges are
continuous, not rows of pixels (1 is not added to widths); wrong answers count in photos without faces too, which WIDER
FACE skips. Its sets easy, medium and hard are lists of faces apart from the annotation file; the nearest to them is
``min_height`` of :func:`visavis.evaluate.data.annotations.read_annotations`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visavis import defaults
from visavis.boxes import overlaps
from visavis.errors import UsageError
from visavis.evaluate.data.annotations import Annotated
from visavis.evaluate.results import Interval
from visavis.evaluate.stats.intervals import wilson
from visavis.types import Doubles, Face, Floats

HEIGHTS = (0.0, 20.0, 50.0, 100.0)
"""Lower ends of the bands of heights, in pixels; the last band has no upper end."""


@dataclass(frozen=True, slots=True)
class Share:
    """``part`` of ``whole``, counted. The interval treats faces as independent, although those of one photo are not."""

    part: int
    whole: int

    @property
    def rate(self) -> float | None:
        """Part / whole; None where ``whole`` is 0."""
        return self.part / self.whole if self.whole else None

    @property
    def interval(self) -> Interval | None:
        """Wilson's 95 % interval; None where ``whole`` is 0."""
        return wilson(self.part, self.whole) if self.whole else None


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Precision and recall ``(k,)`` of the answers with scores of at least ``scores (k,)``, which decrease."""

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
    """Error rates of a detector.

    ``average_precision`` and ``curve`` are over all scores; the other values are at the detector's own threshold.
    ``precision`` is the share of right answers among those that count, ``recall`` the share of ``faces`` that were
    detected, ``wrong`` the number of false faces. ``mean_overlap`` is the mean IoU of the right answers (None: there
    are none). ``ignored`` faces affect no figure.
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
class _JudgedAnswers:
    """Counted answers of a photo: ``scores``, ``right`` and ``overlap (n,)``; ``reached (m,)`` marks detected faces."""

    scores: Doubles
    right: NDArray[np.bool_]
    overlap: Floats
    reached: NDArray[np.bool_]


def measure_detection(
    detected: Sequence[Sequence[Face]],
    annotated: Sequence[Annotated],
    *,
    iou: float = defaults.IOU,
    sensitive: Sequence[Sequence[Face]] | None = None,
) -> DetectionResult:
    """Compare the faces ``detected`` in each photo with those ``annotated``.

    ``sensitive`` are the answers of the same detector with low scores too, for the curve; without them the curve ends
    at the detector's own threshold. Raises UsageError where no annotated face counts.
    """
    if not 0 < iou <= 1:
        raise UsageError(f"iou is an overlap above 0 and up to 1, got {iou:g}.")
    faces = sum(int((~truth.ignored).sum()) for truth in annotated)
    if not faces:
        raise UsageError("detection is measured on annotated faces, and there are none that count.")
    judged = list(_judge_all(detected, annotated, iou))
    curve = _make_curve(judged if sensitive is None else list(_judge_all(sensitive, annotated, iou)), faces)
    right = np.concatenate([answers.right for answers in judged])
    overlap = np.concatenate([answers.overlap for answers in judged])[right]
    hits = int(right.sum())
    return DetectionResult(
        iou=iou,
        photos=len(annotated),
        faces=faces,
        ignored=sum(int(truth.ignored.sum()) for truth in annotated),
        average_precision=curve.average_precision,
        curve=curve,
        precision=Share(hits, len(right)),
        recall=Share(hits, faces),
        wrong=len(right) - hits,
        mean_overlap=float(overlap.mean(dtype=np.float64)) if hits else None,
        bands=tuple(_measure_bands(judged, annotated)),
    )


@dataclass(frozen=True, slots=True)
class PhotoMistakes:
    """Numbers of missed and false faces in one photo with ``faces`` annotated faces that count."""

    photo: str
    faces: int
    missed: int
    false: int


def mistakes(
    detected: Sequence[Sequence[Face]], annotated: Sequence[Annotated], *, iou: float = defaults.IOU
) -> Iterator[PhotoMistakes]:
    """Count the mistakes of each photo; their sums are those of :func:`measure_detection`."""
    for answers, truth in zip(_judge_all(detected, annotated, iou), annotated, strict=True):
        counted = ~truth.ignored
        missed = int((counted & ~answers.reached).sum())
        yield PhotoMistakes(truth.photo, int(counted.sum()), missed, int((~answers.right).sum()))


def _judge_all(
    detected: Sequence[Sequence[Face]], annotated: Sequence[Annotated], iou: float
) -> Iterator[_JudgedAnswers]:
    for faces, truth in zip(detected, annotated, strict=True):
        boxes = np.array([face.box for face in faces], np.float32).reshape(-1, 4)
        yield _judge(boxes, np.array([face.score for face in faces], np.float64), truth, iou)


def _judge(boxes: Floats, scores: Doubles, truth: Annotated, iou: float) -> _JudgedAnswers:
    """Match the answers of one photo, in order of decreasing score; equal scores by decreasing overlap."""
    reached = np.zeros(len(truth.boxes), np.bool_)
    if not len(truth.boxes):
        return _JudgedAnswers(scores, np.zeros(len(boxes), np.bool_), np.zeros(len(boxes), np.float32), reached)
    all_overlaps = overlaps(boxes, truth.boxes)
    nearest, overlap = all_overlaps.argmax(axis=1), all_overlaps.max(axis=1)
    order = np.lexsort((-overlap, -scores))
    right = np.zeros(len(boxes), np.bool_)
    for answer in order[overlap[order] >= iou]:
        right[answer] = not reached[nearest[answer]]
        reached[nearest[answer]] = True
    counts = order[(overlap[order] < iou) | ~truth.ignored[nearest[order]]]
    return _JudgedAnswers(scores[counts], right[counts], overlap[counts], reached)


def _make_curve(judged: Sequence[_JudgedAnswers], faces: int) -> Curve:
    """Make a point for each score: answers of equal score are counted together, over all photos."""
    scores = np.concatenate([answers.scores for answers in judged])
    right = np.concatenate([answers.right for answers in judged])
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(right[order])
    last = np.flatnonzero(np.diff(scores[order], append=-np.inf))
    return Curve(scores[order][last], hits[last] / (last + 1), hits[last] / faces)


def _measure_bands(judged: Sequence[_JudgedAnswers], annotated: Sequence[Annotated]) -> Iterator[Band]:
    counted = [~truth.ignored for truth in annotated]
    heights = np.concatenate([truth.heights[mask] for truth, mask in zip(annotated, counted, strict=True)])
    reached = np.concatenate([answers.reached[mask] for answers, mask in zip(judged, counted, strict=True)])
    for low, high in zip(HEIGHTS, [*HEIGHTS[1:], None], strict=True):
        inside = (heights >= low) & (heights < (np.inf if high is None else high))
        yield Band(low, high, Share(int(reached[inside].sum()), int(inside.sum())))
