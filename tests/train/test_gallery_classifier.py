"""Classifiers that are trained on the people of a gallery."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cli.fakes import MODEL
from visavis.compare import unit
from visavis.errors import UnknownNameError, UsageError
from visavis.gallery import Gallery, Template
from visavis.train.classifier import ClassifierOptions
from visavis.train.gallery_classifier import check_people, require_heads, train_on_people
from visavis.types import Floats

AXES = np.eye(3, dtype=np.float32)


def near(axis: int, count: int, seed: int = 0) -> Floats:
    """Embeddings near an axis."""
    rng = np.random.default_rng([axis, seed])
    return unit((AXES[axis] + 0.02 * rng.normal(size=(count, 3))).astype(np.float32))


def add(gallery: Gallery, name: str, embeddings: Floats) -> int:
    return gallery.add(name, [Template(row) for row in embeddings], new=True).person_id


def test_people_with_enough_templates_are_trained_on_the_others_left_out(tmp_path: Path) -> None:
    with Gallery(tmp_path / "faces.db", model=MODEL) as gallery:
        add(gallery, "Zoe", near(0, 6))
        add(gallery, "Ann", near(1, 5))
        add(gallery, "Few", near(2, 3))
        run = train_on_people(gallery, options=ClassifierOptions(heads=("nearest-mean",)), source="gallery x")
    assert run.classifier.people == ("Ann", "Zoe")
    assert np.bincount(run.classifier.training.labels).tolist() == [5, 6]
    assert (run.report.source, run.report.split, run.report.accuracy) == ("gallery x", "10-fold", 1.0)
    assert run.report.notes[0] == "1 person has fewer than 4 photos, and is not trained on: Few."
    first = run.classifier.classify(near(0, 1, seed=9))[0]
    assert first.names[0][0] == "Zoe"


def test_two_people_of_one_name_differ_by_their_numbers(tmp_path: Path) -> None:
    with Gallery(tmp_path / "faces.db", model=MODEL) as gallery:
        numbers = [add(gallery, "Ann", near(axis, 4)) for axis in (0, 1)]
        run = train_on_people(gallery, options=ClassifierOptions(heads=("nearest-mean",)), source="gallery x")
    assert run.classifier.people == tuple(f"Ann (#{number})" for number in numbers)


def test_a_single_person_with_enough_photos_is_too_few(tmp_path: Path) -> None:
    with Gallery(tmp_path / "faces.db", model=MODEL) as gallery:
        add(gallery, "Ann", near(0, 9))
        add(gallery, "Ben", near(1, 3))
        with pytest.raises(UsageError, match="4 photos each, and 1 of the 2 people of the gallery have as many"):
            check_people(gallery)


def test_another_head_is_refused() -> None:
    require_heads("nearest-mean")
    with pytest.raises(UnknownNameError, match="no head of a classifier is called 'oracle'"):
        require_heads("oracle")
