"""Average precision and the figures at one threshold: by hand, by relations, and against slower definitions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from example_counts import examples
from visavis.errors import UsageError
from visavis.evaluate.data.annotations import Annotated
from visavis.evaluate.detection import DetectionResult, Share, measure_detection
from visavis.evaluate.stats.intervals import wilson
from visavis.types import Face

Box = tuple[float, float, float, float]
Answer = tuple[Box, float]

A, B, C = (0.0, 0.0, 10.0, 10.0), (20.0, 0.0, 30.0, 10.0), (40.0, 0.0, 50.0, 10.0)
HALF_A = (0.0, 0.0, 10.0, 5.0)
"""Overlaps A by exactly one half."""
FAR = (100.0, 100.0, 110.0, 110.0)


def face(box: Box, score: float) -> Face:
    return Face(np.array(box, np.float32), score, np.zeros((5, 2), np.float32))


def truth(*boxes: Box, ignored: Sequence[int] = ()) -> Annotated:
    marks = np.array([n in ignored for n in range(len(boxes))], np.bool_)
    return Annotated("photo", np.array(boxes, np.float32).reshape(-1, 4), marks)


def measured(*photos: tuple[Annotated, list[Answer]], iou: float = 0.5) -> DetectionResult:
    annotated = [one for one, _ in photos]
    return measure_detection([[face(*one) for one in some] for _, some in photos], annotated, iou=iou)


def test_perfect_is_one() -> None:
    result = measured((truth(A, B), [(A, 0.9), (B, 0.8)]), (truth(C), [(C, 0.7)]))
    assert result.average_precision == 1
    assert (result.precision, result.recall, result.wrong) == (Share(3, 3), Share(3, 3), 0)
    assert (result.photos, result.faces, result.ignored) == (2, 3, 0)
    assert result.mean_overlap == 1


def test_a_curve_by_hand() -> None:
    """Right, wrong, right, wrong, wrong of 3 faces: precision 1, 1/2, 2/3, 2/4, 2/5 at recall 1/3, 1/3, 2/3, ..."""
    result = measured(
        (truth(A, B), [(A, 0.9), (FAR, 0.8), (B, 0.7)]),
        (truth(C), [(FAR, 0.6), (A, 0.5)]),
    )
    assert result.curve.scores.tolist() == [0.9, 0.8, 0.7, 0.6, 0.5]
    assert result.curve.precision == pytest.approx([1, 1 / 2, 2 / 3, 2 / 4, 2 / 5])
    assert result.curve.recall == pytest.approx([1 / 3, 1 / 3, 2 / 3, 2 / 3, 2 / 3])
    assert result.average_precision == pytest.approx(1 / 3 * 1 + 1 / 3 * 2 / 3)
    assert (result.precision, result.recall) == (Share(2, 5), Share(2, 3))
    assert (result.wrong, result.wrong_per_photo) == (3, 1.5)


def test_the_envelope_takes_the_best_precision_of_any_greater_recall() -> None:
    """Wrong, right, right: precision 0, 1/2, 2/3; the first half of recall counts at 2/3 as well."""
    result = measured((truth(A, B), [(FAR, 0.9), (A, 0.8), (B, 0.7)]))
    assert result.average_precision == pytest.approx(2 / 3)


def test_a_face_found_twice_is_right_once() -> None:
    result = measured((truth(A), [(A, 0.9), (A, 0.8)]))
    assert (result.precision, result.recall) == (Share(1, 2), Share(1, 1))
    assert result.average_precision == 1  # the second comes after all is found


def test_the_better_score_is_the_right_one_even_where_it_overlaps_less() -> None:
    result = measured((truth(A), [(A, 0.8), (HALF_A, 0.9)]))
    assert result.precision == Share(1, 2)
    assert result.mean_overlap == 0.5


def test_of_equal_scores_the_better_overlap_is_right_in_whatever_order() -> None:
    for answers in ([(A, 0.9), (HALF_A, 0.9)], [(HALF_A, 0.9), (A, 0.9)]):
        result = measured((truth(A), answers))
        assert result.mean_overlap == 1
        assert result.curve.precision.tolist() == [0.5]  # one score, one point


def test_an_answer_belongs_to_the_face_it_overlaps_most_although_that_is_taken() -> None:
    """As WIDER FACE has it: the second answer is nearest to the first face, and not handed on to the other."""
    near_a, other = (1.0, 0.0, 11.0, 10.0), (3.5, 0.0, 13.5, 10.0)
    result = measured((truth(A, other), [(A, 0.9), (near_a, 0.8)]))
    assert (result.precision, result.recall) == (Share(1, 2), Share(1, 2))


@pytest.mark.parametrize(("iou", "right"), [(0.5, 1), (0.51, 0)])
def test_the_overlap_asked_for_is_enough(iou: float, right: int) -> None:
    result = measured((truth(A), [(HALF_A, 0.9)]), iou=iou)
    assert result.recall == Share(right, 1)
    assert result.mean_overlap == (0.5 if right else None)


def test_an_ignored_face_is_neither_right_nor_wrong_nor_missed() -> None:
    plain = measured((truth(A), [(A, 0.9), (FAR, 0.3)]))
    for answers in ([], [(B, 0.95)], [(B, 0.95), (B, 0.2)]):
        result = measured((truth(A, B, ignored=[1]), [(A, 0.9), *answers, (FAR, 0.3)]))
        assert (result.faces, result.ignored) == (1, 1)
        assert (result.precision, result.recall) == (plain.precision, plain.recall) == (Share(1, 2), Share(1, 1))
        assert result.curve.scores.tolist() == plain.curve.scores.tolist()
        assert result.average_precision == plain.average_precision


def test_ties_across_photos_are_one_point_in_any_order() -> None:
    photos = [(truth(A), [(A, 0.5)]), (truth(B), [(FAR, 0.5)]), (truth(C), [(C, 0.5)])]
    for order in ([0, 1, 2], [1, 0, 2], [2, 0, 1], [1, 2, 0]):
        result = measured(*(photos[n] for n in order))
        assert (result.curve.precision.tolist(), result.curve.recall.tolist()) == ([2 / 3], [2 / 3])
        assert result.average_precision == pytest.approx(4 / 9)


def test_photos_without_faces_and_without_answers() -> None:
    result = measured((truth(A), [(A, 0.9)]), (truth(), []), (truth(B), []), (truth(), [(FAR, 0.95)]))
    assert (result.precision, result.recall, result.wrong_per_photo) == (Share(1, 2), Share(1, 2), 0.25)
    assert result.average_precision == pytest.approx(1 / 2 * 1 / 2)  # the wrong one has the best score


def test_nothing_found_is_zero_and_its_precision_unknown() -> None:
    result = measured((truth(A), []))
    assert result.average_precision == 0
    assert (result.precision.rate, result.precision.interval, result.mean_overlap) == (None, None, None)
    assert (result.recall.rate, result.recall.interval) == (0, wilson(0, 1))


def test_nothing_to_find_is_an_error() -> None:
    for photo in (truth(), truth(A, ignored=[0])):
        with pytest.raises(UsageError, match="there are none that count"):
            measured((photo, [(A, 0.9)]))


@pytest.mark.parametrize("iou", [0, -1, 1.1, float("nan")])
def test_an_overlap_that_cannot_be(iou: float) -> None:
    with pytest.raises(UsageError, match="iou is an overlap"):
        measured((truth(A), []), iou=iou)


def test_intervals_are_wilsons() -> None:
    assert Share(8, 10).interval == wilson(8, 10)
    assert Share(8, 10).rate == 0.8


def test_recall_by_height() -> None:
    boxes = [(0.0, 100.0 * n, 60.0, 100.0 * n + height) for n, height in enumerate([19, 20, 49.5, 50, 99])]
    tall = (200.0, 0.0, 300.0, 100.0)
    ignored = (400.0, 0.0, 410.0, 10.0)
    answers = [(boxes[1], 0.9), (boxes[3], 0.9), (boxes[4], 0.9), (tall, 0.9), (ignored, 0.9)]
    result = measured((truth(*boxes, tall, ignored, ignored=[6]), answers))
    assert [(band.low, band.high, band.recall) for band in result.bands] == [
        (0, 20, Share(0, 1)),
        (20, 50, Share(1, 2)),
        (50, 100, Share(2, 2)),
        (100, None, Share(1, 1)),
    ]


def test_low_scores_make_the_curve_and_nothing_else() -> None:
    strict = [[face(A, 0.9)]]
    low = [[face(A, 0.9), face(B, 0.4), face(FAR, 0.3)]]
    result = measure_detection(strict, [truth(A, B)], sensitive=low)
    assert (result.precision, result.recall) == (Share(1, 1), Share(1, 2))
    assert result.curve.scores.tolist() == [0.9, 0.4, 0.3]
    assert result.average_precision == 1
    assert measure_detection(strict, [truth(A, B)]).average_precision == 0.5


def test_answers_of_another_number_of_photos_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        measure_detection([[]], [truth(A), truth(B)])


# ------------------------------------------------------------------------------------- relations and other ways

EDGE = st.integers(0, 4).map(lambda n: n * 6.0)
BOX = st.tuples(EDGE, EDGE).map(lambda at: (at[0], at[1], at[0] + 10, at[1] + 10))
ANSWERS = st.lists(st.tuples(BOX, st.sampled_from([0.2, 0.4, 0.6, 0.8])), max_size=5)
PHOTO = st.tuples(st.lists(BOX, max_size=4, unique=True), st.sets(st.integers(0, 3)), ANSWERS)
PHOTOS = st.lists(PHOTO, min_size=1, max_size=4).filter(
    lambda photos: any(n not in ignored for boxes, ignored, _ in photos for n in range(len(boxes)))
)
Photos = list[tuple[list[Box], set[int], list[Answer]]]


def of(photos: Photos) -> DetectionResult:
    return measured(*((truth(*boxes, ignored=sorted(ignored)), answers) for boxes, ignored, answers in photos))


def overlap(a: Box, b: Box) -> float:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0) * max(height, 0)
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def slow_counts(photos: Photos, least: float) -> tuple[int, int]:
    """Right ones and all that count with a score of ``least``: each photo judged anew at each score."""
    right = counted = 0
    for boxes, ignored, answers in photos:
        taken: set[int] = set()
        for box, score in answers:
            nearest = max(range(len(boxes)), key=lambda n: overlap(box, boxes[n]), default=None)
            if score < least:
                continue
            if nearest is None or overlap(box, boxes[nearest]) < 0.5:
                counted += 1
            elif nearest not in ignored:
                counted += 1
                right += nearest not in taken
                taken.add(nearest)
    return right, counted


def slow_average_precision(photos: Photos) -> float:
    faces = sum(n not in ignored for boxes, ignored, _ in photos for n in range(len(boxes)))
    points = [slow_counts(photos, least) for least in (0.8, 0.6, 0.4, 0.2)]
    known = [(right / faces, right / counted) for right, counted in points if counted]
    recalls = sorted({recall for recall, _ in known if recall})
    starts = [0.0, *recalls]
    return sum(
        (end - start) * max(precision for recall, precision in known if recall >= end)
        for start, end in zip(starts, recalls, strict=False)
    )


@settings(max_examples=examples(200), deadline=None)
@given(PHOTOS)
def test_a_slower_way_gives_the_same(photos: Photos) -> None:
    result = of(photos)
    assert result.average_precision == pytest.approx(slow_average_precision(photos))
    assert (result.precision.part, result.precision.whole) == slow_counts(photos, 0)


@settings(max_examples=examples(60), deadline=None)
@given(PHOTOS, st.randoms())
def test_the_order_of_photos_and_answers_changes_nothing(photos: Photos, random: np.random.RandomState) -> None:
    shuffled = [(boxes, ignored, list(answers)) for boxes, ignored, answers in photos]
    random.shuffle(shuffled)
    for _, _, answers in shuffled:
        random.shuffle(answers)
    one, other = of(photos), of(shuffled)
    assert one.average_precision == pytest.approx(other.average_precision)
    assert (one.precision, one.recall) == (other.precision, other.recall)
    assert one.bands == other.bands


@settings(max_examples=examples(60), deadline=None)
@given(PHOTOS, st.floats(0.01, 0.99))
def test_a_wrong_answer_never_raises_it_and_the_worst_score_leaves_it(photos: Photos, score: float) -> None:
    before = of(photos)
    boxes, ignored, answers = photos[0]
    added = [(boxes, ignored, [*answers, (FAR, score)]), *photos[1:]]
    assert of(added).average_precision <= before.average_precision + 1e-12
    last = [(boxes, ignored, [*answers, (FAR, 0.001)]), *photos[1:]]
    assert of(last).average_precision == pytest.approx(before.average_precision)
    assert of(last).wrong == before.wrong + 1


def wider_average_precision(photos: Photos, steps: int = 1000) -> float:
    """As the evaluation of WIDER FACE goes about it: a thousand steps of the scores, counted photo by photo."""
    hits, proposals = np.zeros(steps), np.zeros(steps)
    faces = 0
    for boxes, ignored, answers in photos:
        faces += len(boxes) - len(ignored)
        taken: set[int] = set()
        seen: list[tuple[float, int, int]] = []  # score, is a proposal, faces found up to here
        for box, score in sorted(answers, key=lambda one: -one[1]):
            shared = [overlap(box, other) for other in boxes]
            best = int(np.argmax(shared))
            near = shared[best] >= 0.5
            if near and best not in ignored:
                taken.add(best)
            seen.append((score, 0 if near and best in ignored else 1, len(taken)))
        for step in range(steps):
            above = [one for one in seen if one[0] >= 1 - (step + 1) / steps]
            proposals[step] += sum(one[1] for one in above)
            hits[step] += above[-1][2] if above else 0
    precision, recall = hits / np.maximum(proposals, 1), hits / faces
    ends = np.concatenate([[0.0], recall, [1.0]])
    envelope = np.maximum.accumulate(np.concatenate([[0.0], precision, [0.0]])[::-1])[::-1]
    rises = np.flatnonzero(np.diff(ends))
    return float(np.sum((ends[rises + 1] - ends[rises]) * envelope[rises + 1]))


@pytest.mark.parametrize("seed", range(5))
def test_wider_faces_way_where_the_definitions_coincide(seed: int) -> None:
    """Photos with faces, no two scores within one step, from 0 to 1; boxes that no pixel more would match."""
    rng = np.random.default_rng(seed)
    scores = iter(rng.permutation(np.concatenate([[0, 1], rng.permutation(np.arange(2, 998))[:118] / 1000 + 5e-4])))
    photos: Photos = []
    for _ in range(20):
        boxes = [(100.0 * n, 0.0, 100.0 * n + 50, 50.0) for n in range(4)]
        ignored = set(np.flatnonzero(rng.random(4) < 0.2).tolist())
        answers: list[Answer] = []
        for _ in range(6):
            n, off = int(rng.integers(0, 5)), float(rng.choice([0, 8, 30]))
            answers.append(((100.0 * n + off, 0.0, 100.0 * n + off + 50, 50.0), float(next(scores))))
        photos.append((boxes, ignored, answers))
    result = of(photos)
    assert 0.1 < result.average_precision < 0.6
    assert result.average_precision == pytest.approx(wider_average_precision(photos), abs=1e-12)


def test_scikit_learn_where_the_definitions_coincide() -> None:
    """Every face is found and precision falls from each hit to the next: then the envelope changes nothing."""
    right = [True, True, True, False, True, False, True, False, False, True]
    scores = np.linspace(0.95, 0.05, len(right)).tolist()
    where = [(60.0 * n, 0.0, 60.0 * n + 10, 10.0) for n in range(len(right))]
    boxes = [box for box, one in zip(where, right, strict=True) if one]
    result = measured((truth(*boxes), list(zip(where, scores, strict=True))))
    hits = result.curve.precision[right]
    assert (np.diff(hits) <= 0).all()
    assert result.average_precision == pytest.approx(average_precision_score(right, scores), abs=1e-12)
