"""Decisions on faces that were embedded before: thresholds, notes, and which face of several is compared."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from visavis import compare
from visavis.errors import MissingImageError, NoFaceError, UsageError
from visavis.poor_photos import PoorPhotos
from visavis.types import Face, Photo, PhotoFaces, Quality
from visavis.verification import VerificationRule, compare_faces, judge

TABLE = compare.Calibration("m", far=(1e-1, 1e-3, 1e-5), thresholds=(0.3, 0.2, 0.1), slope=-50.0, intercept=10.0)
"""In it a threshold of .2 - .1 / 2 * x stands for a FAR of 1e-3 / 10 ** x."""


def shown(name: str, *distances: float, sides: tuple[float, ...] = ()) -> PhotoFaces:
    """A photo of a face at each cosine distance from (1, 0), of these sides (default: ever smaller ones)."""
    sides = sides or tuple(100.0 - n for n in range(len(distances)))
    faces = tuple(Face(np.array([0, 0, side, side], np.float32), 0.99, np.zeros((5, 2), np.float32)) for side in sides)
    angles = [math.acos(1 - distance) for distance in distances]
    embeddings = np.array([(math.cos(angle), math.sin(angle)) for angle in angles], np.float32).reshape(-1, 2)
    photo = Photo(np.zeros((120, 120, 3), np.uint8), name, "0" * 64)
    return PhotoFaces(
        name, "ok" if faces else "no_face", photo, faces, embeddings=embeddings, message="no face was found."
    )


KNOWN = shown("known.jpg", 0.0)


def rule(
    *, threshold: float | None = None, any_face: bool = False, far: float = 1e-3, metric: str = "cosine"
) -> VerificationRule:
    return VerificationRule("m", "d", far, threshold, metric, TABLE, any_face)


def test_the_largest_face_is_compared() -> None:
    photo = shown("group.jpg", 0.05, 0.6, sides=(40, 80))
    verification, face = compare_faces(rule(), KNOWN, photo)
    assert (face, verification.same) == (1, False)
    assert verification.distance == pytest.approx(0.6, abs=1e-6)
    assert verification.notes == ("group.jpg shows 2 faces: the largest was used.",)


def test_with_any_face_the_nearest_is_compared() -> None:
    photo = shown("group.jpg", 0.6, 0.05, 0.9, sides=(80, 40, 60))
    verification, face = compare_faces(rule(any_face=True), KNOWN, photo)
    assert (face, verification.same) == (1, True)
    assert verification.distance == pytest.approx(0.05, abs=1e-6)
    assert verification.notes == ("group.jpg shows 3 faces: face 2 is the nearest.",)


def test_with_any_face_the_rate_is_that_of_a_photo() -> None:
    # a face of three may pass at the FAR 1 - .999 ** (1 / 3) = 3.33445e-4: log10(1e-3 / 3.33445e-4) = .476976
    verification, _ = compare_faces(rule(any_face=True), KNOWN, shown("group.jpg", 0.6, 0.18, 0.9))
    assert verification.threshold == pytest.approx(0.2 - 0.05 * 0.476976, abs=1e-6)
    assert verification.far == 1e-3
    assert not verification.same  # .18 would pass the threshold of one face


@pytest.mark.parametrize("any_face", [False, True])
def test_of_a_single_face_both_ways_are_the_same(any_face: bool) -> None:
    verification, _ = compare_faces(rule(any_face=any_face), KNOWN, shown("single.jpg", 0.18))
    assert (verification.same, verification.far, verification.notes) == (True, 1e-3, ())
    assert verification.threshold == pytest.approx(0.2)
    assert verification.probability == pytest.approx(1 / (1 + math.exp(50 * 0.18 - 10)), rel=1e-5)


def test_a_rate_lower_than_was_measured_is_said() -> None:
    verification, _ = compare_faces(rule(any_face=True, far=1e-5), KNOWN, shown("group.jpg", 0.6, 0.09))
    assert verification.threshold == pytest.approx(0.1)  # the strictest there is
    assert verification.far == pytest.approx(2e-5, rel=1e-4)
    assert verification.notes[-1] == (
        "group.jpg shows 2 faces: the strictest measured threshold is used, at which strangers pass at a rate of "
        "2e-05 a photo."
    )


def test_a_given_threshold_stands_and_its_rate_grows_with_the_faces() -> None:
    photo = shown("group.jpg", 0.6, 0.15, 0.9)
    single, _ = compare_faces(rule(threshold=0.2), KNOWN, photo)
    every, _ = compare_faces(rule(threshold=0.2, any_face=True), KNOWN, photo)
    assert (single.threshold, every.threshold) == (0.2, 0.2)
    assert single.far == pytest.approx(1e-3, rel=1e-6)
    assert every.far == pytest.approx(1 - 0.999**3, rel=1e-6)


def test_the_probability_of_a_group_counts_every_face() -> None:
    # odds of each face at even odds of the pair: e^(10 - 50 d); beforehand each of the two is the person with 1 / 4
    verification, _ = compare_faces(rule(any_face=True), KNOWN, shown("group.jpg", 0.5, 0.16))
    mean = (math.exp(10 - 50 * 0.5) + math.exp(10 - 50 * 0.16)) / 2
    assert verification.probability == pytest.approx(mean / (1 + mean), rel=1e-4)


def test_strangers_pass_a_photo_at_the_promised_rate() -> None:
    # draw distances whose false accepts follow the table, in groups of five; 400,000 photos at a rate of 1e-2
    rng = np.random.default_rng(1)
    rates = rng.random((400_000, 5))
    limit, far, measured = rule(any_face=True, far=1e-2).limit(5)
    single = TABLE.far_at(limit)
    assert (far, measured) == (1e-2, True)
    assert single is not None
    assert (rates.min(axis=1) <= single).mean() == pytest.approx(1e-2, abs=6e-4)  # four standard errors


@pytest.mark.parametrize("any_face", [False, True])
def test_threshold_and_distance_are_in_the_metric(any_face: bool) -> None:
    verification, _ = compare_faces(rule(any_face=any_face, metric="l2"), KNOWN, shown("single.jpg", 0.08))
    assert verification.distance == pytest.approx(0.4, abs=1e-6)
    assert verification.threshold == pytest.approx(math.sqrt(0.4), abs=1e-6)


def test_a_photo_without_an_answer_keeps_its_status() -> None:
    missing = PhotoFaces("gone.jpg", "missing", message="'gone.jpg' does not exist.")
    answer = judge(rule(), KNOWN, missing)
    assert (answer.photo, answer.status, answer.message) == ("gone.jpg", "missing", "'gone.jpg' does not exist.")
    assert answer.verification is answer.face is answer.same is answer.distance is None
    assert not answer
    answer = judge(rule(), KNOWN, shown("wall.jpg"))
    assert (answer.status, answer.same, bool(answer)) == ("no_face", False, False)


@pytest.mark.parametrize(("distance", "same"), [(0.1, True), (0.3, False)])
def test_the_truth_of_an_answer_is_whether_it_is_the_person(distance: float, same: bool) -> None:
    answer = judge(rule(), KNOWN, shown("single.jpg", distance))
    assert (answer.same, bool(answer)) == (same, same)
    assert answer.distance == pytest.approx(distance, abs=1e-6)
    assert answer.face is not None
    assert answer.face.width == 100


def test_a_known_photo_that_cannot_be_used_raises() -> None:
    with pytest.raises(NoFaceError, match=r"no face was found in wall\.jpg"):
        judge(rule(), shown("wall.jpg"), KNOWN)
    with pytest.raises(MissingImageError, match="gone"):
        judge(rule(), PhotoFaces("gone.jpg", "missing", message="gone.jpg is gone."), KNOWN)


def test_a_rule_without_a_threshold_is_refused_at_once() -> None:
    with pytest.raises(UsageError, match="m is uncalibrated"):
        VerificationRule("m", "d", 1e-3, None, "cosine", None)
    with pytest.raises(UsageError, match="was not measured for m"):
        rule(far=1e-9)


# ---------------------------------------------------------- a threshold of the caller's own on poor photos

POOR = replace(TABLE, poor=PoorPhotos((0.0, 0.0), ((0.0, 1.0),), (("sharpness", ((0.4, 0.8), (0.9, 1.0))),)))
"""Faces of a sharpness of .4 keep .8 of a threshold; below that nothing was measured."""
OWN = VerificationRule("m", "d", 1e-3, 0.16, "cosine", POOR)


def sharp(photo: PhotoFaces, *values: float) -> PhotoFaces:
    """The photo with faces of these qualities."""
    parts = dict.fromkeys(("size", "clarity", "pose", "exposure", "detection", "visible", "compression"), 1.0)
    made = (Quality(value, sharpness=value, proportions=1.0, brightness=0.5, **parts) for value in values)
    return replace(photo, quality=tuple(made))


def test_a_given_threshold_stands_on_photos_too_poor_and_has_no_rate() -> None:
    known, photo = sharp(KNOWN, 0.9), sharp(shown("blurred.jpg", 0.15), 0.3)
    verification, _ = compare_faces(OWN, known, photo)
    assert (verification.same, verification.threshold, verification.reason) == (True, 0.16, "")
    assert verification.far is verification.probability is None
    assert verification.notes[0] == (
        "blurred.jpg is too poor to say: blurred (quality 0.30). The threshold decides; its error rate there was not "
        "measured."
    )
    verification, _ = compare_faces(OWN, sharp(KNOWN, 0.3), sharp(shown("good.jpg", 0.17), 0.9))
    assert (verification.same, verification.far, verification.probability) == (False, None, None)
    assert verification.notes[0].startswith("known.jpg is too poor to say: blurred (quality 0.30).")


def test_the_rate_of_a_given_threshold_follows_the_quality() -> None:
    """Equally poor faces that keep .8 are as near at .16 as good ones at .2, where strangers pass at 1e-3."""
    good, _ = compare_faces(OWN, sharp(KNOWN, 0.95), sharp(shown("good.jpg", 0.12), 0.95))
    poor, _ = compare_faces(OWN, sharp(KNOWN, 0.4), sharp(shown("poor.jpg", 0.12), 0.4))
    assert good.far == pytest.approx(10**-3.8, rel=1e-6)
    assert poor.far == pytest.approx(1e-3, rel=1e-6)
    assert (good.threshold, poor.threshold, good.same, poor.same) == (0.16, 0.16, True, True)
    assert good.probability == pytest.approx(TABLE.probability(0.12), rel=1e-5)
    assert poor.probability == pytest.approx(TABLE.probability(0.15), rel=1e-5)


def test_the_rate_of_a_group_counts_each_face_by_its_quality() -> None:
    rule = replace(OWN, any_face=True)
    photo = sharp(shown("group.jpg", 0.12, 0.5), 0.4, 0.95)
    verification, face = compare_faces(rule, sharp(KNOWN, 0.4), photo)
    assert face == 0
    assert verification.far == pytest.approx(1 - (1 - 1e-3) * (1 - 10**-3.8), rel=1e-5)
    verification, _ = compare_faces(rule, sharp(KNOWN, 0.4), sharp(photo, 0.4, 0.3))
    assert (verification.same, verification.far) == (True, None)
    assert verification.probability is not None
