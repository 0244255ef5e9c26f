"""Metrics, calibration tables and what they answer, recomputed by hand or by numpy."""

from __future__ import annotations

import json
import math
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from visavis import compare, embedders
from visavis.compare import METRICS, Calibration
from visavis.errors import UsageError, WeightsError

TABLE = Calibration(model="made up", far=(1e-1, 1e-2, 1e-4), thresholds=(0.5, 0.4, 0.1), slope=-20.0, intercept=6.0)
NATURAL = {"model": "m", "far_threshold": [[0.1, 0.5], [0.01, 0.4]], "logistic": [-2, 1]}

ANGLES = st.floats(0, math.pi)


def pair(angle: float, *, dimension: int = 8, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two unit vectors at that angle, in a random plane."""
    basis, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(dimension, 2)))
    a = basis[:, 0]
    return a.astype(np.float32), (math.cos(angle) * a + math.sin(angle) * basis[:, 1]).astype(np.float32)


# --- metrics


@given(ANGLES)
def test_each_metric_is_what_numpy_says_of_the_embeddings(angle: float) -> None:
    a, b = (each.astype(np.float64) for each in pair(angle))
    cosine = 1 - a @ b / np.linalg.norm(a) / np.linalg.norm(b)
    assert compare.from_cosine(cosine, "cosine") == cosine
    assert compare.from_cosine(cosine, "l2") == pytest.approx(np.linalg.norm(a - b), abs=1e-3)
    assert compare.from_cosine(cosine, "squared_l2") == pytest.approx(((a - b) ** 2).sum(), abs=1e-5)
    assert compare.from_cosine(cosine, "angle") == pytest.approx(angle, abs=1e-3)


@pytest.mark.parametrize("metric", METRICS)
@given(cosine=st.floats(0, 2))
def test_there_and_back(metric: str, cosine: float) -> None:
    assert compare.to_cosine(compare.from_cosine(cosine, metric), metric) == pytest.approx(cosine, abs=1e-9)


@pytest.mark.parametrize("metric", METRICS)
@given(a=st.floats(0, 2), b=st.floats(0, 2))
def test_metrics_keep_the_order(metric: str, a: float, b: float) -> None:
    low, high = sorted((a, b))
    assert compare.from_cosine(low, metric) <= compare.from_cosine(high, metric)


@pytest.mark.parametrize(
    ("metric", "values"),
    [("l2", (0, math.sqrt(2), 2)), ("squared_l2", (0, 2, 4)), ("angle", (0, math.pi / 2, math.pi))],
)
def test_same_right_angle_and_opposite(metric: str, values: tuple[float, ...]) -> None:
    assert [compare.from_cosine(c, metric) for c in (0, 1, 2)] == pytest.approx(values)


def test_rounding_beyond_the_ends_is_no_error() -> None:
    assert compare.from_cosine(-1e-7, "l2") == 0
    assert compare.from_cosine(-1e-7, "angle") == 0
    assert compare.from_cosine(2 + 1e-7, "angle") == math.pi


@pytest.mark.parametrize("convert", [compare.from_cosine, compare.to_cosine])
def test_an_unknown_metric_lists_those_there_are(convert: object) -> None:
    with pytest.raises(UsageError, match=r"'euclid'; there are: cosine, l2, squared_l2, angle\."):
        convert(0.5, "euclid")  # type: ignore[operator]


# --- embeddings


def test_unit_rows_keep_their_direction_and_zeros_stay() -> None:
    rows = np.array([[3, 4], [0, 0], [-0.5, 0], [1e-10, 0]], np.float32)
    np.testing.assert_allclose(compare.unit(rows), [[0.6, 0.8], [0, 0], [-1, 0], [1, 0]], atol=1e-6)
    assert compare.unit(rows).dtype == np.float32
    assert compare.unit(np.empty((0, 5), np.float32)).shape == (0, 5)
    np.testing.assert_allclose(compare.unit(rows[0]), [0.6, 0.8])


def test_distances_are_one_minus_cosine_of_every_pair() -> None:
    rng = np.random.default_rng(3)
    a, b = compare.unit(rng.normal(size=(5, 9))), compare.unit(rng.normal(size=(4, 9)))
    found = compare.cosine_distances(a, b)
    expected = [[1 - sum(x * y for x, y in zip(one, other, strict=True)) for other in b] for one in a]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_allclose(found, compare.cosine_distances(b, a).T, atol=1e-6)


FAULTY = {
    "zero": [0, 0, 0], "nan": [0.6, np.nan, 0.8], "infinite": [np.inf, 0, 0], "opposite": [np.inf, -np.inf, 0],
    "too long": [1e30, 1e30, 0], "too short": [1e-30, 0, 0],
}  # fmt: skip


@pytest.mark.parametrize("case", FAULTY)
def test_an_embedding_of_no_face_has_no_distance(case: str) -> None:
    """Never a distance of 1, "another person"."""
    good = np.array([[0.6, 0, 0.8]], np.float32)
    rows = np.array([[1, 0, 0], FAULTY[case]], np.float32)
    for first, second in ((good, rows), (rows, good), (rows, rows)):
        with pytest.raises(UsageError, match=r"^embedding 1 is zero or not finite: it stands for no face\.$"):
            compare.cosine_distances(first, second)
    with pytest.raises(
        WeightsError, match=r"^net@2 computes an embedding that is zero or not finite: its network is damaged"
    ):
        compare.check_computed(rows, "net@2")
    assert compare.check_computed(rows[:1], "net@2") is not None
    assert compare.check_computed(rows[:0], "net@2").shape == (0, 3)
    assert compare.cosine_distances(good, rows[:0]).shape == (1, 0)


def test_distances_never_leave_their_range() -> None:
    rows = compare.unit(np.random.default_rng(1).normal(size=(200, 128)).astype(np.float32))
    same, opposite = compare.cosine_distances(rows, rows), compare.cosine_distances(rows, -rows)
    assert same.min() >= 0
    assert opposite.max() <= 2
    np.testing.assert_allclose(np.diag(same), 0, atol=1e-6)
    np.testing.assert_allclose(np.diag(opposite), 2, atol=1e-6)


# --- calibration


@pytest.mark.parametrize(
    ("far", "threshold"),
    [
        (1e-1, 0.5),
        (1e-2, 0.4),
        (1e-4, 0.1),
        (10**-1.5, 0.45),  # half way between rows in log FAR
        (1e-3, 0.25),
        (10**-2.5, 0.325),
    ],
)
def test_thresholds_are_interpolated_in_log_far(far: float, threshold: float) -> None:
    assert TABLE.threshold(far) == pytest.approx(threshold, abs=1e-9)
    assert TABLE.far_at(threshold) == pytest.approx(far, rel=1e-9)


@given(st.floats(1e-4, 1e-1))
def test_far_at_is_the_inverse(far: float) -> None:
    assert TABLE.far_at(TABLE.threshold(far)) == pytest.approx(far, rel=1e-6)


@given(st.floats(1e-4, 1e-1), st.floats(1e-4, 1e-1))
def test_a_lower_far_never_means_a_looser_threshold(a: float, b: float) -> None:
    low, high = sorted((a, b))
    assert TABLE.threshold(low) <= TABLE.threshold(high)


@pytest.mark.parametrize("far", [0.0, -1.0, 9e-5, 0.11, 1.0, math.nan, math.inf])
def test_a_far_that_was_not_measured_is_refused_with_the_range(far: float) -> None:
    with pytest.raises(UsageError, match=r"not measured for made up: choose from 0\.0001 to 0\.1\."):
        TABLE.threshold(far)


@pytest.mark.parametrize("threshold", [0.09, 0.51, -1.0, 2.0])
def test_a_threshold_outside_the_table_stands_for_no_known_far(threshold: float) -> None:
    assert TABLE.far_at(threshold) is None


def test_lowest_far() -> None:
    assert TABLE.lowest_far == 1e-4


@pytest.mark.parametrize("fpir", [1e-3, 0.01, 0.05])
def test_a_search_among_one_is_one_comparison(fpir: float) -> None:
    assert TABLE.search_threshold(fpir, 1) == pytest.approx(TABLE.threshold(fpir))
    assert TABLE.search_threshold(fpir, 0) == pytest.approx(TABLE.threshold(fpir))


def test_a_search_among_many_takes_the_far_that_gives_the_wanted_fpir() -> None:
    threshold = TABLE.search_threshold(0.05, 20)
    far = TABLE.far_at(threshold)
    assert far is not None
    assert 1 - (1 - far) ** 20 == pytest.approx(0.05, rel=1e-6)


@given(st.floats(1e-6, 0.999), st.integers(0, 10**7), st.integers(0, 10**7))
def test_more_people_never_loosen_a_search(fpir: float, a: int, b: int) -> None:
    few, many = sorted((a, b))
    assert TABLE.search_threshold(fpir, many) <= TABLE.search_threshold(fpir, few)
    assert 0.1 <= TABLE.search_threshold(fpir, many) <= 0.5


def test_a_search_beyond_the_table_takes_its_strictest_and_loosest_row() -> None:
    assert TABLE.search_threshold(0.01, 10**6) == pytest.approx(0.1)
    assert TABLE.search_threshold(0.99, 1) == pytest.approx(0.5)


@pytest.mark.parametrize("fpir", [0.0, 1.0, -0.1, 2.0, math.nan])
def test_a_rate_that_is_none_is_refused(fpir: float) -> None:
    with pytest.raises(UsageError, match="fpir must be between 0 and 1"):
        TABLE.search_threshold(fpir, 10)


def test_probability_is_the_logistic_map() -> None:
    assert TABLE.probability(0.3) == pytest.approx(0.5)  # at -intercept / slope
    assert TABLE.probability(0.0) == pytest.approx(1 / (1 + math.exp(-6)))
    assert TABLE.probability(0.6) == pytest.approx(1 / (1 + math.exp(6)))


def test_probability_of_a_steep_map_does_not_overflow() -> None:
    steep = Calibration("m", (0.1, 0.01), (0.2, 0.1), slope=-1e6, intercept=0.0)
    assert steep.probability(2.0) == pytest.approx(0, abs=1e-300)
    assert steep.probability(0.0) == 0.5


# --- reading tables


def test_rows_are_sorted_as_they_are_read() -> None:
    shuffled = {**NATURAL, "far_threshold": [[1e-3, 0.2], [0.1, 0.5], [0.01, 0.4]], "provenance": {"n": 3}}
    table = compare.parse_calibration(shuffled)
    assert table.far == (0.1, 0.01, 1e-3)
    assert table.thresholds == (0.5, 0.4, 0.2)
    assert (table.model, table.slope, table.intercept, table.provenance) == ("m", -2.0, 1.0, {"n": 3})


@pytest.mark.parametrize("missing", NATURAL)
def test_a_table_without_one_of_its_parts_is_refused(missing: str) -> None:
    with pytest.raises(UsageError, match=f"^this is not a calibration table: it has no '{missing}'\\.$"):
        compare.parse_calibration({key: value for key, value in NATURAL.items() if key != missing})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("far_threshold", 7),
        ("far_threshold", [[0.1, 0.5, 3], [0.01, 0.4, 3]]),
        ("far_threshold", [["a", 0.5], ["b", 0.4]]),
        ("logistic", [1]),
        ("logistic", None),
        ("logistic", ["x", "y"]),
    ],
)
def test_a_table_of_other_things_is_refused(key: str, value: object) -> None:
    with pytest.raises(UsageError, match="not a calibration table"):
        compare.parse_calibration({**NATURAL, key: value})


@pytest.mark.parametrize(
    ("rows", "needs"),
    [
        ([[0.1, 0.5]], "two rows"),
        ([], "two rows"),
        ([[0.1, 0.5], [0.1, 0.4]], "each of another FAR"),
        ([[0.1, 0.4], [0.01, 0.5]], "fall with the FAR"),  # stricter rate, looser threshold
        ([[0.1, 0.5], [0.01, 0.2], [0.001, 0.3]], "fall with the FAR"),
        ([[0.1, 0.5], [0.01, -0.1]], "from 0 to 2"),
        ([[0.1, 2.5], [0.01, 0.1]], "from 0 to 2"),
        ([[0.1, math.nan], [0.01, 0.1]], "from 0 to 2"),
        ([[0.1, 0.5], [0.0, 0.4]], "FARs above 0"),
        ([[0.1, 0.5], [-0.1, 0.4]], "FARs above 0"),
        ([[1.5, 0.5], [0.1, 0.4]], "up to 1"),
        ([[0.1, 0.5], [math.nan, 0.4]], "FARs above 0"),
    ],
)
def test_a_table_that_means_nothing_is_refused(rows: list[list[float]], needs: str) -> None:
    with pytest.raises(UsageError, match=f"a calibration table needs .*{needs}.*\\.$"):
        compare.parse_calibration({**NATURAL, "far_threshold": rows})


@pytest.mark.parametrize("fit", [[2, 1], [0, 1], [math.nan, 1], [-math.inf, 1], [-2, math.nan], [-2, math.inf]])
def test_a_probability_must_fall_with_the_distance(fit: list[float]) -> None:
    with pytest.raises(UsageError, match=r"a probability that falls with the distance"):
        compare.parse_calibration({**NATURAL, "logistic": fit})


@pytest.mark.parametrize("table", [[], None, 3, "text", [["far_threshold", 1]]])
def test_json_of_another_kind_is_no_table(table: object) -> None:
    with pytest.raises(UsageError, match="not a calibration table"):
        compare.parse_calibration(table)


def test_a_table_goes_through_a_file_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    path.write_text(json.dumps(TABLE.table()), encoding="utf-8")
    assert compare.read_calibration(path) == TABLE


def test_a_file_that_holds_no_table_says_so(tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    with pytest.raises(UsageError, match=r"there is no calibration table .*table\.json\.$"):
        compare.read_calibration(path)
    for content in (b"", b"{", b"\xff\xd8\xff", b"[" * 100_000):
        path.write_bytes(content)
        with pytest.raises(UsageError, match=r"table\.json holds no calibration table: it is not JSON\.$"):
            compare.read_calibration(path)
    with pytest.raises(UsageError, match=r"cannot be read"):
        compare.read_calibration(tmp_path)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ({**TABLE.table(), "logistic": 3}, "a part of it has another form"),
        ({"model": "m"}, "it has no 'far_threshold'"),
        ({**TABLE.table(), "poor_photos": {"curves": {}}}, "it has no 'useless'"),
        ([], "a part of it has another form"),
    ],
)
def test_a_file_of_something_else_says_what_it_lacks_and_what_writes_one(
    tmp_path: Path, content: object, fault: str
) -> None:
    path = tmp_path / "table.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        compare.read_calibration(path)
    assert str(caught.value) == (
        f"{path}: this is not a calibration table: {fault}. One is written by visavis calibrate DIR --out FILE."
    )


def test_ones_own_table_goes_before_the_shipped_one() -> None:
    assert compare.own_or_shipped(TABLE, "made up") is TABLE
    assert compare.own_or_shipped(None, "dlib-resnet") is compare.calibration("dlib-resnet")
    assert compare.own_or_shipped(None, "no-such-model") is None
    with pytest.raises(UsageError, match=r"is of made up, and dlib-resnet is in use\.$"):
        compare.own_or_shipped(TABLE, "dlib-resnet")


@pytest.mark.parametrize(
    ("model", "published"),
    [
        ("vggface-vgg16", ": --threshold 0.68 is that of deepface 0.0.103, config/threshold.py, VGG-Face"),
        ("facenet-vggface2@2", ": --threshold 0.3 is that of deepface 0.0.103, config/threshold.py, Facenet512"),
        ("vggface2-senet50", ": --threshold 0.5 is that of the well-known Keras VGGFace2 tutorial "
         "(machinelearningmastery.com, 2019)"),
        ("facenet-casia", ""),
        ("own", ""),
    ],
)  # fmt: skip
def test_an_uncalibrated_model_names_its_published_threshold(model: str, published: str) -> None:
    assert str(compare.uncalibrated(model, "so no threshold stands for a FAR")) == (
        f"{model} is uncalibrated, so no threshold stands for a FAR: give a threshold{published}; "
        f"or measure one by visavis calibrate DIR --model {model} --out FILE."
    )


def test_a_model_without_a_table_is_uncalibrated() -> None:
    assert compare.calibration("no-such-model") is None


SHIPPED = sorted(
    entry.name.removesuffix(".json")
    for folder in [files("visavis") / "calibration"]
    if folder.is_dir()
    for entry in folder.iterdir()
    if entry.name.endswith(".json")
)


def test_the_default_model_is_calibrated() -> None:
    assert "dlib-resnet" in SHIPPED


@pytest.mark.parametrize("model", SHIPPED)
def test_shipped_tables_are_of_registered_models_and_make_sense(model: str) -> None:
    table = compare.calibration(model)
    assert table is not None
    assert table.model == model
    assert embedders.model_id(model) == model
    assert list(table.far) == sorted(set(table.far), reverse=True)
    assert list(table.thresholds) == sorted(table.thresholds, reverse=True)
    assert all(0 < threshold < 2 for threshold in table.thresholds)
    assert table.lowest_far <= 1e-3  # the rate that verify asks for by default
    assert table.slope < 0
    # A pair at the threshold of one false accept in ten is likelier two persons than one at the strictest.
    assert table.probability(table.thresholds[-1]) > table.probability(table.thresholds[0])
    assert table.probability(0.0) > 0.9
    assert table.probability(1.0) < 0.01


@pytest.mark.parametrize("model", SHIPPED)
def test_shipped_tables_say_where_they_come_from(model: str) -> None:
    raw = json.loads((files("visavis") / "calibration" / f"{model}.json").read_text(encoding="utf-8"))
    said = raw["provenance"]
    assert said.keys() >= {
        "data",
        "people",
        "genuine_pairs",
        "impostor_pairs",
        "detector",
        "crop",
        "libraries",
        "precision",
        "version",
        "date",
    }
    assert said["detector"] == "mtcnn"
    rows = raw["intervals"]
    assert [one["far"] for one in rows] == [far for far, _ in raw["far_threshold"]]
    for one, (far, threshold) in zip(rows, raw["far_threshold"], strict=True):
        assert one["threshold"][0] <= threshold <= one["threshold"][1]
        assert one["far_at_threshold"][0] <= far <= one["far_at_threshold"][1]
        assert one["false_accepts"] >= 30
        assert one["false_accepts"] == pytest.approx(far * said["impostor_pairs"], rel=0.05)
    assert [one["far"] for one in raw["held_out"]] == [1e-2, 1e-3, 1e-4]
    assert all(one["interval"][0] <= one["far"] <= one["interval"][1] for one in raw["held_out"])


@pytest.mark.parametrize("value", [math.nan, math.inf, -0.1])
def test_what_is_no_distance_is_refused(value: float) -> None:
    with pytest.raises(UsageError, match="a distance in cosine is from 0 to 2, got"):
        compare.to_cosine(value, "cosine")


@pytest.mark.parametrize(("metric", "largest"), [("cosine", 2), ("l2", 2), ("squared_l2", 4), ("angle", math.pi)])
def test_a_distance_beyond_that_of_opposite_embeddings_is_refused(metric: str, largest: float) -> None:
    assert compare.to_cosine(largest, metric) == pytest.approx(2, abs=1e-6)
    with pytest.raises(UsageError, match=f"a distance in {metric} is from 0 to"):
        compare.to_cosine(largest + 0.01, metric)


# The probability of a search


@pytest.mark.parametrize("people", [1, 2, 10, 1000, 10**6])
def test_in_a_search_of_one_candidate_the_odds_are_those_of_the_pair_divided_by_the_people(people: int) -> None:
    pair = TABLE.probability(0.1)
    (chance,) = TABLE.search_probabilities([0.1], people)
    assert chance / (1 - chance) == pytest.approx(pair / (1 - pair) / people, rel=1e-6)


def test_a_probe_is_one_person_at_most() -> None:
    """By hand: likelihood ratios e^(6 - 20 d) of 1, e and e^2 among 3 people, beside a stranger's weight of 3."""
    chances = TABLE.search_probabilities([0.2, 0.25, 0.3], 3)
    weights = [math.e**2, math.e, 1]
    assert chances == pytest.approx([weight / (3 + sum(weights)) for weight in weights], abs=1e-6)
    assert TABLE.search_probabilities([], 3) == []


def test_the_probability_of_a_search_does_not_overflow() -> None:
    steep = Calibration("steep", (1e-1, 1e-2), (0.5, 0.4), slope=-1e6, intercept=1e5)
    assert steep.search_probabilities([0.0, 2.0], 5) == pytest.approx([1, 0], abs=1e-6)
    assert steep.search_probabilities([2.0], 5) == pytest.approx([0], abs=1e-6)


def test_the_distance_to_a_person_is_that_of_mean_and_templates_together() -> None:
    rng = np.random.default_rng(3)
    templates, probe = compare.unit(rng.normal(size=(4, 9)) + 2), compare.unit(rng.normal(size=9) + 2)
    mean = templates.mean(axis=0)
    by_hand = 0.4 * (1 - probe @ mean / np.linalg.norm(mean)) + 0.6 * np.mean([1 - probe @ one for one in templates])
    assert 1 - probe @ compare.person_embedding(templates) == pytest.approx(by_hand, abs=1e-12)


def test_one_template_is_a_person_and_so_are_copies_of_it() -> None:
    one = compare.unit(np.random.default_rng(4).normal(size=(1, 9)))
    np.testing.assert_allclose(compare.person_embedding(one), one[0], atol=1e-12)
    np.testing.assert_allclose(compare.person_embedding(np.repeat(one, 5, axis=0)), one[0], atol=1e-12)
    np.testing.assert_allclose(compare.person_embedding(np.array([[1.0, 0], [-1, 0]])), 0)  # a mean that points nowhere


def test_the_far_of_a_search_is_shared_by_its_comparisons() -> None:
    assert compare.search_far(0.01, 1) == pytest.approx(0.01)
    assert 1 - (1 - compare.search_far(0.2, 50)) ** 50 == pytest.approx(0.2)
