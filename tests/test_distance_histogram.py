"""Histograms of distances: counted, stored and read back."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from visavis import compare
from visavis.compare import parse_calibration
from visavis.distance_histogram import DistanceHistogram
from visavis.errors import UsageError

TABLE = {"model": "sface", "far_threshold": [[0.1, 0.8], [0.01, 0.7]], "logistic": [-30.0, 19.0]}


def test_pairs_are_counted_by_hand() -> None:
    """1.28 in 64 bins: bins of 0.02, and one more for the greatest distance, which begins it."""
    distances = np.array([0.0, 0.019, 0.02, 0.5, 1.28])
    histogram = DistanceHistogram.of(distances, [3, 1, 2, 0, 0], [0, 0, 1, 4, 5])
    assert (histogram.width, len(histogram.genuine)) == (0.02, 65)
    assert {n: count for n, count in enumerate(histogram.genuine) if count} == {0: 4, 1: 2}
    assert {n: count for n, count in enumerate(histogram.impostors) if count} == {1: 1, 25: 4, 64: 5}


def test_equal_photos_alone_have_a_histogram_too() -> None:
    assert DistanceHistogram.of(np.array([0.0]), [2], [1]).genuine == (2,)


def test_a_table_keeps_its_histogram() -> None:
    histogram = {"width": 0.5, "genuine": [3, 1, 0], "impostors": [0, 2, 5]}
    table = parse_calibration({**TABLE, "histogram": histogram})
    assert table.histogram == DistanceHistogram(0.5, (3, 1, 0), (0, 2, 5))
    assert json.loads(json.dumps(table.table()))["histogram"] == histogram
    assert parse_calibration(table.table()) == table
    assert "histogram" not in parse_calibration(TABLE).table()


@pytest.mark.parametrize(
    "changes",
    [
        {"width": 0},
        {"width": -0.1},
        {"width": math.nan},
        {"width": 3},
        {"width": None},
        {"genuine": [1, 2]},
        {"genuine": [1, 2, -1]},
        {"genuine": [0, 0, 0]},
        {"genuine": [1, 2, math.inf]},
        {"genuine": 7},
        {"genuine": [], "impostors": []},
        {"genuine": [1] * 1001, "impostors": [1] * 1001},
    ],
    ids=str,
)
def test_a_histogram_that_is_none_is_refused(changes: dict[str, object]) -> None:
    histogram = {"width": 0.5, "genuine": [3, 1, 0], "impostors": [0, 2, 5], **changes}
    with pytest.raises(UsageError, match="this is not a calibration table"):
        parse_calibration({**TABLE, "histogram": histogram})


def test_the_shipped_histogram_is_of_the_pairs_of_its_table() -> None:
    """The pairs below a threshold are as many as its rate says; one pair has a photo without a face."""
    table = compare.calibration("sface")
    assert table is not None
    assert table.histogram is not None
    counts, provenance = table.histogram, table.provenance
    assert (sum(counts.genuine), sum(counts.impostors)) == (
        provenance["genuine_pairs"] - 1,  # type: ignore[operator]
        provenance["impostor_pairs"],
    )
    accepted = np.cumsum(counts.impostors) / sum(counts.impostors)
    edges = counts.width * np.arange(1, len(accepted) + 1)
    for far, threshold in zip(table.far, table.thresholds, strict=True):
        below, above = accepted[edges <= threshold][-1], accepted[edges >= threshold][0]
        assert below <= far * 1.001
        assert far <= above * 1.001
