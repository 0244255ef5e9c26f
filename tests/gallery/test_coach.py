"""What the coach finds: cases computed by hand in a few directions, brute force over random galleries, the time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest
from PIL import Image

from visavis import compare
from visavis.errors import UsageError
from visavis.gallery import Gallery, Template
from visavis.gallery import coach as coaching
from visavis.gallery.coach import compute_spread, find_nearest_others
from visavis.types import Floats

from .faces import MODEL

TABLE = {"model": MODEL, "far_threshold": [[0.1, 0.5], [0.001, 0.3]], "logistic": [-20, 8]}
DIMENSION = 8
LIMIT = 0.3 + 0.2 * np.log(0.03 / 0.001) / np.log(0.1 / 0.001)
"""Threshold of a FAR of .03, interpolated in its logarithm: .4477."""


def turned(degrees: float, axis: int = 0) -> Floats:
    """Return a direction between two axes."""
    row = np.zeros(DIMENSION, np.float32)
    row[axis], row[axis + 1] = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return row


def add(gallery: Gallery, name: str, *degrees: float, axis: int = 0) -> tuple[int, ...]:
    templates = [Template(turned(angle, axis), photo=f"{name}{number}.jpg") for number, angle in enumerate(degrees)]
    return gallery.add(name, templates).added


@pytest.fixture
def own(path: Path) -> Gallery:
    gallery = Gallery(path, model=MODEL)
    gallery.calibrate(compare.parse_calibration(TABLE))
    return gallery


def test_a_sound_gallery_has_nothing_to_advise(own: Gallery) -> None:
    """Photos 25 degrees apart are at a distance of 1 - cos 25 = .0937, more than 1/20: see TABLE."""
    add(own, "Ann", 0, 25, 50)
    add(own, "Ben", 0, 25, 50, axis=4)
    report = own.coach()
    assert (report.people, report.templates, report.fpir) == (2, 6, 0.01)
    assert report.threshold == pytest.approx(own.threshold(fpir=0.01).distance)
    assert (report.harmful, report.confused, report.thin, report.same) == ((), (), (), ())


def test_a_photo_of_another_person_is_mislabeled(own: Gallery) -> None:
    add(own, "Ann", 0, 25, 50)
    ids = add(own, "Ben", 0, 25, 50, axis=4)
    wrong = own.add("Ann", [Template(turned(20, 4), photo="wrong.jpg")]).added
    (photo,) = own.coach().harmful
    assert (photo.kind, photo.template_id, photo.name, photo.other_name) == ("mislabeled", wrong[0], "Ann", "Ben")
    assert (photo.photo, photo.distance) == ("wrong.jpg", pytest.approx(1.0))
    center = compare.person_embedding(np.stack([turned(angle, 4) for angle in (0, 25, 50)]))
    assert photo.other_distance == pytest.approx(1 - float(center @ turned(20, 4)), abs=1e-6)
    (pair,) = own.coach().confused
    assert (pair.name, pair.other_name, pair.errors, pair.templates) == ("Ann", "Ben", 1, 7)
    assert pair.rate == pytest.approx(1 / 7)
    own.move(wrong, "Ben")
    assert (own.coach().harmful, own.coach().confused, ids) == ((), (), ids)


def test_a_photo_of_nobody_in_the_gallery_is_an_outlier(own: Gallery) -> None:
    add(own, "Ann", 0, 25, 50)
    far = own.add("Ann", [Template(turned(90, 2), photo="far.jpg")]).added
    (photo,) = own.coach().harmful
    assert (photo.kind, photo.template_id, photo.other_id) == ("outlier", far[0], None)
    assert f"usual is up to {LIMIT:.4f}" in photo.message


def test_two_people_between_whom_photos_lie_are_confused(own: Gallery) -> None:
    """Ann at 0, 30 and 60 degrees, Ben at 80, 110 and 140; the distances are computed here by leaving each out."""
    angles = {"Ann": (0, 30, 60), "Ben": (80, 110, 140)}
    for name, degrees in angles.items():
        add(own, name, *degrees)
    errors = near = 0
    for name, degrees in angles.items():
        other = compare.person_embedding(np.stack([turned(a) for a in angles["Ben" if name == "Ann" else "Ann"]]))
        for angle in degrees:
            mine = compare.person_embedding(np.stack([turned(a) for a in degrees if a != angle]))
            to_other, to_mine = 1 - float(other @ turned(angle)), 1 - float(mine @ turned(angle))
            near += to_other <= 0.5
            errors += to_other <= 0.5 and to_other < to_mine
    report = own.coach(fpir=0.19)  # among two people a FAR of .1: a threshold of .5
    assert report.threshold == pytest.approx(0.5, abs=1e-3)
    (pair,) = report.confused
    assert (pair.errors, pair.near, pair.templates) == (errors, near, 6)
    assert errors < near
    assert near > 0


def test_one_person_under_two_names(own: Gallery) -> None:
    add(own, "Ann", 0, 25, 50)
    add(own, "Anne", 10, 20, 40)
    add(own, "Ben", 0, 25, 50, axis=4)
    report = own.coach()
    (same,) = report.same
    assert {same.name, same.other_name} == {"Ann", "Anne"}
    assert (report.harmful, report.confused) == ((), ())  # not also as errors of each other


def test_too_few_and_too_similar_photos(own: Gallery) -> None:
    add(own, "Ann", 0)
    add(own, "Ben", 0, 25, axis=2)
    add(own, "Cyd", 0, 1, 2, axis=5)
    thin = own.coach().thin
    assert [(person.name, person.kind, person.templates) for person in thin] == [
        ("Ann", "few", 1),
        ("Ben", "few", 2),
        ("Cyd", "similar", 3),
    ]
    assert thin[0].spread is None
    assert thin[1].spread == pytest.approx(1 - np.cos(np.radians(25)), abs=1e-6)
    distances = [1 - np.cos(np.radians(angle)) for angle in (1, 1, 2)]
    assert thin[2].spread == pytest.approx(np.mean(distances), abs=1e-6)
    assert compute_spread(np.stack([turned(0), turned(90)])) == pytest.approx(1)


@pytest.mark.parametrize("slope", [-20, -5, -200])
def test_photos_are_similar_within_what_the_calibrated_model_resolves(own: Gallery, slope: float) -> None:
    """A model of another slope has another limit, at which two photos change the odds of one person by the factor e."""
    table = compare.parse_calibration({**TABLE, "logistic": [slope, 8]})
    odds = [table.probability(distance) / (1 - table.probability(distance)) for distance in (0, table.resolution)]
    assert odds[0] / odds[1] == pytest.approx(np.e)
    own.calibrate(table)
    limit = np.degrees(np.arccos(1 - table.resolution))
    for number, (name, share) in enumerate((("Ann", 0.99), ("Ben", 1.01))):
        add(own, name, 0, limit * share, axis=4 * number)
    assert [(person.name, person.kind) for person in own.coach().thin] == [("Ann", "similar"), ("Ben", "few")]


@pytest.mark.parametrize("model", ["sface", "dlib-resnet"])
def test_copies_of_a_photo_are_similar_and_three_photos_of_a_person_are_not(
    sample_photos: Path, tmp_path: Path, model: str
) -> None:
    with Gallery(tmp_path / "faces.db", model=model) as gallery:
        gallery.enroll("Joe", [*write_copies(sample_photos / "biden.jpg", tmp_path)])
        gallery.enroll("Barack", [sample_photos / name for name in ("obama.jpg", "obama2.jpg", "obama3.jpg")])
        assert [(person.name, person.kind) for person in gallery.coach().thin] == [("Joe", "similar")]


def write_copies(path: Path, folder: Path) -> Iterator[Path]:
    """Write a photo in three sizes."""
    with Image.open(path) as photo:
        for percent in (100, 75, 50):
            copy = folder / f"{percent}.jpg"
            photo.resize((photo.width * percent // 100, photo.height * percent // 100)).save(copy, quality=90)
            yield copy


def test_the_nearest_other_person_is_that_of_brute_force(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over tiles of 7 templates and 5 people, which divide nothing evenly."""
    monkeypatch.setattr(coaching, "ROWS", 7)
    monkeypatch.setattr(coaching, "COLUMNS", 5)
    rng = np.random.default_rng(3)
    templates, centers = (rng.normal(size=(n, DIMENSION)).astype(np.float32) / 3 for n in (40, 13))
    owners = rng.integers(0, 13, 40)
    nearest, distances = find_nearest_others(templates, owners, centers)
    for row in range(40):
        apart = 1 - centers @ templates[row]
        apart[owners[row]] = np.inf
        assert nearest[row] == apart.argmin()
        assert distances[row] == pytest.approx(max(apart.min(), 0), abs=1e-5)
    assert np.isinf(find_nearest_others(templates[:3], np.zeros(3, np.int64), centers[:1])[1]).all()


def test_an_empty_gallery_and_one_without_thresholds(own: Gallery) -> None:
    report = own.coach()
    assert (report.people, report.templates, report.harmful) == (0, 0, ())
    add(own, "Ann", 0)
    assert own.coach().people == 1
    own.calibrate(None)
    with pytest.raises(UsageError, match="test-model is uncalibrated, so its distances cannot be judged"):
        own.coach()
    with pytest.raises(UsageError, match="fpir"):
        own.coach(fpir=2)


def test_ten_thousand_templates_are_compared_in_seconds(own: Gallery) -> None:
    """10 s is the bar on a quiet machine; it takes about 2."""
    rng = np.random.default_rng(1)
    centers = rng.normal(size=(2500, 128))
    rows = np.repeat(centers, 4, axis=0) + rng.normal(size=(10_000, 128)) * 0.5
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    own.add_many((f"p{i}", [Template(row) for row in rows[4 * i : 4 * i + 4]]) for i in range(2500))
    start = perf_counter()
    report = own.coach()
    assert (report.people, report.templates, report.same, report.confused) == (2500, 10_000, (), ())
    assert perf_counter() - start < 30
