"""Shares of a threshold by embeddings and qualities: worked out by hand, and used by all that decides."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faultless import FAULTLESS
from visavis import compare, poor_photos
from visavis.clustering import cluster_faces
from visavis.clustering.types import Faces
from visavis.errors import UsageError
from visavis.poor_photos import PoorPhotos
from visavis.types import Face, Floats, Photo, PhotoFaces, Quality, Verification
from visavis.verification import VerificationRule, compare_faces

ODDS_OF_1_AND_4 = (0.5, 0.8)
"""Log odds of 0 and log 4: at a value of 2 / 3, whose odds are 2, a share is in the middle."""
POOR = PoorPhotos(
    (0, 0, 2),
    ((0.2, 1.0), (0.6, 0.6), (1.0, 0.36)),
    (("sharpness", tuple(zip(ODDS_OF_1_AND_4, (0.6, 1.0), strict=True))), ("clarity", ((0.2, 0.36), (0.9, 1.0)))),
    useless=0.4,
)
TABLE = compare.Calibration("m", (1e-1, 1e-3, 1e-5), (0.3, 0.2, 0.1), slope=-50.0, intercept=10.0, poor=POOR)


def blurred(sharpness: float) -> Quality:
    return replace(FAULTLESS, sharpness=sharpness, score=sharpness)


def along(third: float) -> Floats:
    """Return a unit vector ``(3,)`` whose likeness to poor photos is twice ``third``."""
    return np.array([math.sqrt(1 - third**2), 0, third], np.float32)


@pytest.mark.parametrize(
    ("quality", "share"),
    [
        (FAULTLESS, 1.0),
        (None, 1.0),
        (blurred(0.8), 1.0),
        (blurred(2 / 3), 0.8),
        (blurred(0.5), 0.6),
        (blurred(0.4999), None),
        (replace(blurred(2 / 3), clarity=0.2), 0.36),
        (replace(blurred(0.4), clarity=0.5), None),
        (replace(FAULTLESS, pose=0.1, score=0.1), 1.0),
    ],
)
def test_share_of_a_quality_by_hand(quality: Quality | None, share: float | None) -> None:
    expected = None if share is None else pytest.approx(share)
    assert POOR.share_of_quality(quality) == expected
    assert TABLE.threshold_share(along(0), quality) == expected


@pytest.mark.parametrize(
    ("third", "quality", "share"),
    [
        (-1, None, 1.0),
        (0.1, None, 1.0),
        (0.2, None, 0.8),
        (0.3, None, 0.6),
        (0.4, None, 0.48),
        (0.5001, None, None),
        (0.2, FAULTLESS, 0.8),
        (0.2, blurred(2 / 3), 0.8 * 0.8),
        (0.2, blurred(0.4), None),
        (0.6, FAULTLESS, None),
    ],
)
def test_share_of_an_embedding_by_hand(third: float, quality: Quality | None, share: float | None) -> None:
    assert TABLE.threshold_share(along(third), quality) == (None if share is None else pytest.approx(share, abs=1e-6))


@pytest.mark.parametrize(
    ("first", "second", "share"),
    [
        (1.0, 0.6, 1.0),
        (0.6, 0.6, 0.6),
        (0.8, 0.6, 1 - math.sqrt(0.2 * 0.4)),
        (1.0, None, None),
        (0.36, 0.36, None),  # is useless
        (0.36, 0.6, 1 - math.sqrt(0.64 * 0.4)),
    ],
)
def test_share_of_a_pair_by_hand(first: float | None, second: float | None, share: float | None) -> None:
    for one, other in ((first, second), (second, first)):
        assert TABLE.threshold_share_of_pair(one, other) == (None if share is None else pytest.approx(share))


@given(st.floats(0, 1), st.floats(0, 1), st.floats(-1, 1))
def test_a_better_photo_is_never_held_to_more(first: float, second: float, third: float) -> None:
    worse, better = sorted([first, second])
    shares = [TABLE.threshold_share(along(third), blurred(sharpness)) or 0.0 for sharpness in (worse, better)]
    assert shares[0] <= shares[1]


@given(st.floats(-1, 1), st.floats(-1, 1))
def test_an_embedding_less_like_those_of_poor_photos_is_never_held_to_more(first: float, second: float) -> None:
    better, worse = sorted([first, second])
    assert (TABLE.threshold_share(along(worse)) or 0.0) <= (TABLE.threshold_share(along(better)) or 0.0)


def test_without_measurement_nothing_changes() -> None:
    bare = replace(TABLE, poor=None)
    assert bare.threshold_share(along(1), blurred(0.01)) == 1.0
    assert bare.threshold_share_of_pair(0.1, 0.1) == 1.0


def test_shares_of_many() -> None:
    rows = np.stack([along(third) for third in (0.6, 0.3, 0.0, 0.0)])
    assert POOR.shares(rows).tolist() == pytest.approx([math.nan, 0.6, 1.0, 1.0], nan_ok=True)
    judged = POOR.shares(rows, [FAULTLESS, blurred(0.5), None, blurred(0.1)])
    assert judged.tolist() == pytest.approx([math.nan, 0.36, 1.0, math.nan], nan_ok=True)
    assert POOR.shares(np.empty((0, 3), np.float32)).shape == (0,)


def test_shares_of_many_scores_are_those_of_each() -> None:
    scored = replace(POOR, parts=(*POOR.parts, ("score", ((0.5, 0.8), (0.9, 1.0)))))
    table = replace(TABLE, poor=scored)
    scores = [None, 0.7, 0.9, 0.5, 0.4999, *np.random.default_rng(1).random(200).tolist()]
    rows = np.tile(along(0.2), (len(scores), 1))
    single = [table.threshold_share(along(0.2), score) for score in scores]
    assert scored.shares(rows, scores).tolist() == pytest.approx([one or math.nan for one in single], nan_ok=True)
    assert table.usable(rows, scores).tolist() == [one is not None for one in single]
    assert single[3] == pytest.approx(0.8 * 0.8)


def test_a_likeness_is_linear_in_the_direction_and_square_along_the_axes() -> None:
    bent = replace(POOR, axes=((0.5, (1.0, 0.0, 0.0)), (-2.0, (0.0, 0.6, 0.8))))
    embeddings = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, 0, -1], [0.6, 0.8, 0]], np.float32)
    by_hand = [0.5, 0.5, -2 * 0.36, -2 - 2 * 0.64, 0.5 * 0.36 - 2 * 0.48**2]
    assert bent.likenesses(embeddings).tolist() == pytest.approx(by_hand)
    assert bent.likenesses(embeddings[:0]).shape == (0,)
    assert compare.parse_calibration(replace(TABLE, poor=bent).table()).poor == bent


def test_embeddings_of_another_length_are_refused() -> None:
    with pytest.raises(UsageError, match="of 3 values, and these have 4: they are of another model"):
        POOR.shares(np.ones((1, 4), np.float32))


def test_a_table_is_read_as_it_was_written() -> None:
    assert compare.parse_calibration(TABLE.table()) == TABLE
    assert "poor_photos" not in replace(TABLE, poor=None).table()


WHOLE = POOR.table()


@pytest.mark.parametrize(
    "wrong",
    [
        *({key: value for key, value in WHOLE.items() if key != missing} for missing in WHOLE),
        {**WHOLE, "useless": 1.0},
        {**WHOLE, "direction": []},
        {**WHOLE, "direction": [0, math.inf, 0]},
        {**WHOLE, "direction": [10**400, 0, 0]},
        {**WHOLE, "direction": [1.7e308] * 3},
        {**WHOLE, "axes": [[0.5, [1, 0]]]},
        {**WHOLE, "axes": [[math.nan, [1, 0, 0]]]},
        {**WHOLE, "axes": [[-1e308, [1, 0, 0]]]},
        {**WHOLE, "axes": [[0.5, [1e300, 0, 0]]]},
        {**WHOLE, "axes": [[0.5, [0, 0, 0]]]},
        {**WHOLE, "axes": "abc"},
        {**WHOLE, "axes": [[0.5, [1, math.inf, 0]]]},
        {**WHOLE, "axes": [[1, 0, 0]]},
        {**WHOLE, "likeness": []},
        {**WHOLE, "likeness": [[0.1, 0.9], [0.2, 1.0]]},
        {**WHOLE, "likeness": [[0.2, 1.0], [0.1, 0.9]]},
        {**WHOLE, "likeness": [[0.1, 1.0], [math.nan, 0.9]]},
        {**WHOLE, "parts": {"sharpness": []}},
        {**WHOLE, "parts": {"sharpness": [[0.5, 0.9], [0.4, 1.0]]}},
        {**WHOLE, "parts": {"sharpness": [[0.5, 0.9], [0.6, 0.8]]}},
        {**WHOLE, "parts": {"sharpness": [[0.5, 0.0], [0.6, 0.8]]}},
        {**WHOLE, "parts": {"sharpness": [[0.5, 0.9], [0.6, 1.1]]}},
        {**WHOLE, "parts": {"sharpness": [[-0.5, 0.9], [0.6, 1.0]]}},
        {**WHOLE, "parts": {"charm": [[0.5, 0.9], [0.6, 1.0]]}},
        {**WHOLE, "parts": {"sharpness": [[0.5, math.nan], [0.6, 1.0]]}},
        [1, 2],
    ],
)
def test_a_wrong_table_is_refused(wrong: object) -> None:
    with pytest.raises(UsageError, match="not a calibration table"):
        compare.parse_calibration({**TABLE.table(), "poor_photos": wrong})


def test_curves_are_of_parts_that_there_are() -> None:
    assert poor_photos.parse(POOR.table()) == POOR


# ------------------------------------------------------------------------------------------- verification


def shown(name: str, distance: float, quality: Quality, *more: tuple[float, Quality]) -> PhotoFaces:
    """A photo of a face at each cosine distance from (1, 0, 0), the largest first."""
    every = ((distance, quality), *more)
    angles = [math.acos(1 - apart) for apart, _ in every]
    faces = tuple(
        Face(np.array([0, 0, 90 - n, 90 - n], np.float32), 0.99, np.zeros((5, 2), np.float32))
        for n in range(len(every))
    )
    embeddings = np.array([(math.cos(angle), math.sin(angle), 0) for angle in angles], np.float32)
    photo = Photo(np.full((120, 120, 3), 90, np.uint8), name, "0" * 64)
    return PhotoFaces(name, "ok", photo, faces, tuple(one for _, one in every), embeddings)


def verified(
    first: PhotoFaces, second: PhotoFaces, *, threshold: float | None = None, any_face: bool = False
) -> Verification:
    rule = VerificationRule("m", "d", 1e-3, threshold, "cosine", TABLE, any_face)
    return compare_faces(rule, first, second)[0]


def test_two_poor_photos_are_held_to_a_stricter_threshold() -> None:
    answer = verified(shown("a", 0, blurred(0.5)), shown("b", 0.15, blurred(0.5)))
    assert (answer.same, answer.threshold, answer.far) == (False, pytest.approx(0.12), 1e-3)
    assert answer.probability == pytest.approx(1 / (1 + math.exp(50 * 0.15 / 0.6 - 10)), rel=1e-5)
    assert answer.notes[0] == (
        "the threshold is 0.1200 instead of 0.2000: to the network these faces look like poor ones."
    )
    assert "b: poor quality 0.50 (blurred): the same person is missed more often." in answer.notes
    assert answer.reason == ""


def test_a_poor_photo_and_a_good_one_are_not() -> None:
    answer = verified(shown("a", 0, FAULTLESS), shown("b", 0.15, blurred(0.5)))
    assert (answer.same, answer.threshold) == (True, pytest.approx(0.2))
    assert not any("instead of" in note for note in answer.notes)


def test_photos_too_poor_have_no_answer() -> None:
    answer = verified(shown("a", 0, FAULTLESS), shown("b", 0, blurred(0.4)))
    assert (answer.same, answer.threshold, answer.probability) == (False, 0, None)
    assert answer.reason == "b is too poor to say: blurred (quality 0.40)."
    assert not answer


def test_photos_that_are_together_too_poor_are_both_named() -> None:
    grainy = replace(FAULTLESS, clarity=0.2, score=0.2)
    answer = verified(shown("a", 0, grainy), shown("b", 0, grainy))
    assert not answer.same
    assert answer.reason == "a and b are together too poor to say."


def test_a_face_that_only_its_embedding_tells_to_be_poor() -> None:
    """What hides from the quality: two photos of quality 1 whose embeddings are like those of poor photos."""

    def hidden(name: str, third: float) -> PhotoFaces:
        return replace(shown(name, 0, FAULTLESS), embeddings=along(third)[None])

    answer = verified(hidden("a", 0.3), hidden("b", 0.3))
    assert (answer.same, answer.threshold) == (True, pytest.approx(0.12))
    answer = verified(hidden("a", 0.6), hidden("b", 0.6))
    assert not answer.same
    assert answer.reason == (
        "a is too poor to say: the face looks like those of many people on poor photos. "
        "b is too poor to say: the face looks like those of many people on poor photos."
    )


def test_a_threshold_of_the_callers_own_is_kept() -> None:
    answer = verified(shown("a", 0, blurred(0.1)), shown("b", 0.15, blurred(0.1)), threshold=0.16)
    assert (answer.same, answer.threshold, answer.reason) == (True, 0.16, "")
    assert "strangers pass more often" in " ".join(answer.notes)


def test_of_several_faces_one_that_is_too_poor_is_passed_over() -> None:
    photo = shown("b", 0.01, blurred(0.1), (0.05, FAULTLESS), (0.04, blurred(0.5)))
    answer = verified(shown("a", 0, blurred(0.5)), photo, any_face=True)
    assert answer.same
    assert answer.distance == pytest.approx(0.05, abs=1e-6)  # .04 is .067 on photos so poor


# --------------------------------------------------------------------------------------------- clustering


def test_faces_too_poor_stay_alone() -> None:
    table = replace(TABLE, model="dlib-resnet")
    n = 6
    embeddings: Floats = np.stack([along(0.45), along(0.45), along(0.45), along(0.51), along(0.51), along(0.45)])
    quality = np.full(n, 0.9, np.float32)
    none = np.full(n, -1, np.int64)
    faces = Faces(
        tuple(f"{row}.jpg" for row in range(n)),
        np.ones(n, np.int64),
        np.zeros((n, 4), np.float32),
        embeddings,
        quality,
        none,
    )
    found = cluster_faces(faces, calibration=table, model=table.model)
    assert sorted(len(cluster) for cluster in found.clusters) == [1, 1, 4]
    given_threshold = cluster_faces(faces, calibration=table, model=table.model, threshold=0.2)
    assert [len(cluster) for cluster in given_threshold.clusters] == [6]


def test_shipped_tables_can_be_read() -> None:
    for path in (Path(compare.__file__).parent / "calibration").glob("*.json"):
        table = compare.read_calibration(path)
        for name, curve in table.poor.parts if table.poor else ():
            assert curve[-1][1] == 1.0, name  # good photos are held to the table's thresholds
        if table.poor:
            assert table.poor.likeness[0][1] == 1.0
