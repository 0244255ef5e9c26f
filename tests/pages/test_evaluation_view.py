"""What stands for an evaluation in the list, and which of two is better."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest

from visavis.server.pages.content_policy import make_report_headers
from visavis.server.pages.evaluation_view import MeasuredShare, compare, decide, find_headline
from visavis.server.pages.training_view import CONFUSIONS, share_confusions
from visavis.server.types import Evaluation


def make_rate(far: float, tar: float, interval: list[float] | None) -> dict[str, Any]:
    return {"far": far, "tar": tar, "tar_interval": interval, "threshold": far, "threshold_interval": None}


def make_evaluation(*rates: dict[str, Any], folder: str = "photos/a", photos: int = 7) -> Evaluation:
    counts = dict.fromkeys(("photos", "people", "failures", "genuine", "impostors"), 7)
    result = {**counts, "photos": photos, "eer": 0.02, "rates": rates, "promises": []}
    return Evaluation("1", "verification", None, folder, "sface", result, None, "2026-01-01T00:00:00+00:00", "Ann")


def test_the_headline_is_the_rate_nearest_to_one_in_a_thousand() -> None:
    evaluation = make_evaluation(
        make_rate(1e-2, 0.99, [0.98, 1]), make_rate(1e-3, 0.9, None), make_rate(1e-4, 0.8, None)
    )
    assert find_headline(evaluation) == ("evaluate.headline_tar", MeasuredShare(0.9), 1000)
    assert find_headline(make_evaluation(make_rate(0.1, 0.99, [0.98, 1]))) == (
        "evaluate.headline_tar", MeasuredShare(0.99, [0.98, 1]), 10
    )  # fmt: skip
    assert find_headline(make_evaluation()) == ("evaluate.headline_none", MeasuredShare(None), None)


@pytest.mark.parametrize(
    ("first", "second", "sentence"),
    [
        ([0.95, 0.99], [0.90, 0.94], "first_better"),
        ([0.90, 0.94], [0.95, 0.99], "second_better"),
        ([0.90, 0.96], [0.95, 0.99], "undecided"),
        (None, [0.95, 0.99], "undecided"),
    ],
)
def test_one_is_better_where_the_intervals_do_not_overlap(
    first: list[float] | None, second: list[float], sentence: str
) -> None:
    evaluations = [make_evaluation(make_rate(1e-3, 0.9, ends)) for ends in (first, second)]
    assert decide(*evaluations) == f"evaluate.{sentence}"


def test_other_photos_and_other_rates_are_not_compared() -> None:
    better, worse = make_rate(1e-3, 0.97, [0.95, 0.99]), make_rate(1e-2, 0.9, [0.8, 0.91])
    assert decide(make_evaluation(better), make_evaluation(worse, folder="photos/b")) == "evaluate.other_photos"
    assert decide(make_evaluation(better), make_evaluation(worse)) == "evaluate.undecided"


def test_a_folder_that_has_other_photos_by_now_is_not_compared() -> None:
    better, worse = make_rate(1e-3, 0.97, [0.95, 0.99]), make_rate(1e-3, 0.9, [0.8, 0.91])
    assert decide(make_evaluation(better), make_evaluation(worse)) == "evaluate.first_better"
    assert decide(make_evaluation(better), make_evaluation(worse, photos=8)) == "evaluate.other_photos"


def test_all_people_who_were_taken_for_others_are_counted() -> None:
    people = [
        {"name": f"{number:03d}", "test": 4, "right": 3 - number // 50, "mistaken_for": [["Ann", 1]]}
        for number in range(60)
    ]
    certain = {"name": "certain", "test": 4, "right": 4, "mistaken_for": []}
    shown = share_confusions({"per_person": [certain, *people]})
    assert shown["confused"] == 60
    assert [person["name"] for person in shown["confusions"][:11]] == [*(f"{n:03d}" for n in range(50, 60)), "000"]
    assert len(shown["confusions"]) == CONFUSIONS == 50
    assert share_confusions(None) == {"confused": 0, "confusions": []}


def test_a_rate_that_one_lacks_is_an_empty_cell() -> None:
    rows = compare([make_evaluation(make_rate(1e-2, 0.9, [0.8, 0.95])), make_evaluation()])
    (tar,) = [row for row in rows if row.key == "evaluate.tar"]
    assert (tar.one_in, tar.cells) == (100, (MeasuredShare(0.9, [0.8, 0.95]), MeasuredShare(None)))
    assert [row.cells[0].value for row in rows if row.form == "count"] == [7] * 5


def test_a_damaged_report_has_headers_too() -> None:
    """A file that was cut off, or put together of two, is shown without what it lacks."""
    none = make_report_headers("<html><style>p {")["Content-Security-Policy"]
    assert "style-src 'none'; img-src data:" in none
    digests = [f"'sha256-{base64.b64encode(hashlib.sha256(text).digest()).decode()}'" for text in (b"p {}", b"b {}")]
    two = make_report_headers("<style>p {}</style><style>b {}</style>")["Content-Security-Policy"]
    assert f"style-src {' '.join(digests)}; img-src data:" in two


def test_a_report_may_use_its_own_style_alone() -> None:
    policy = make_report_headers("<style>p {}</style>")["Content-Security-Policy"]
    digest = "SNJDlN1Iy2mnt7DOjQIyDb2LQE6O5PQiSZomcdzawQ4="  # openssl dgst -sha256 -binary | base64
    assert policy == (
        f"sandbox; default-src 'none'; style-src 'sha256-{digest}'; img-src data:; form-action 'none'; "
        "frame-ancestors 'none'; base-uri 'none'"
    )
