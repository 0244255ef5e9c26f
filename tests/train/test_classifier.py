"""Training of a classifier on photos: splits, bad data, people added later, and the answers for other photos."""

from __future__ import annotations

import json
import random
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install 'visavis[classify]'")

from cli.fakes import photo
from visavis.classify import classify
from visavis.errors import MissingExtraError, UnknownNameError, UsageError
from visavis.pipeline import Recognizer
from visavis.train.classifier import (
    ClassifierOptions,
    ClassifierRun,
    FeatureKind,
    PhotoSplit,
    Trainer,
    add_people,
    load_classifier,
    train_classifier,
)
from visavis.train.classifier_file import FILE

from .colors import PEOPLE, made_up_faces, recognizer, write_people, write_photo

FAST = ("nearest-mean", "nearest-neighbors", "naive-bayes")
OPTIONS = ClassifierOptions(heads=FAST)


def train(source: Path, **options: object) -> ClassifierRun:
    test = options.pop("test", None)
    return train_classifier(
        source,
        test=test,
        options=replace(OPTIONS, **options),
        recognizer=recognizer(),  # type: ignore[arg-type]
    )


def test_every_tenth_photo_is_for_testing(tmp_path: Path) -> None:
    run = train(write_people(tmp_path / "people", 12))
    report = run.report
    assert (report.people, report.train_photos, report.test_photos) == (6, 60, 12)
    assert (report.accuracy, report.split, report.features, report.model) == (
        1.0,
        "every-10th",
        "embeddings",
        "test-colors",
    )
    assert report.measures is not None
    assert [(person.name, person.train, person.test) for person in report.measures.people] == [
        (name, 10, 2) for name in sorted(PEOPLE)
    ]
    assert len(run.classifier.training) == 60
    assert report.notes == ()


def test_in_folds_each_photo_is_tested_once_and_all_are_fitted(tmp_path: Path) -> None:
    report = train(write_people(tmp_path / "people", 5), split=PhotoSplit.k_fold, folds=5).report
    assert (report.train_photos, report.test_photos, report.split) == (30, 30, "5-fold")
    assert report.measures is not None
    assert {person.test for person in report.measures.people} == {5}


def test_test_photos_of_other_people_are_strangers(tmp_path: Path) -> None:
    folder, tests = write_people(tmp_path / "people", 6, people=5), tmp_path / "test"
    for number in range(3):
        write_photo(tests / "Pink" / f"{number}.png", "Pink", 700 + number)
        write_photo(tests / "Red" / f"{number}.png", "Red", 800 + number)
    report = train(folder, test=tests).report
    assert (report.people, report.test_photos, report.strangers) == (5, 3, 3)
    assert (report.accuracy, report.split) == (1.0, "test photos of test")
    assert "3 test photos are of people who were not trained: strangers." in report.notes
    unknown = report.line()["unknown"]
    assert isinstance(unknown, dict)
    assert (unknown["test_strangers"], unknown["test_strangers_named"]) == (3, report.strangers_named)


def test_photos_that_are_given_for_testing_need_not_be_held_out(tmp_path: Path) -> None:
    people = write_people(tmp_path / "people", 4, people=5)
    for person in ("Red", "Pink"):
        write_photo(tmp_path / "test" / person / "1.png", person, 50)
    report = train(people, test=tmp_path / "test").report
    assert (report.test_photos, report.strangers) == (1, 1)
    assert report.notes == ("1 test photos are of people who were not trained: strangers.",)


def test_the_answers_for_photos(tmp_path: Path) -> None:
    run = train(write_people(tmp_path / "people", 8))
    both = photo(tmp_path / "both.png", (PEOPLE["Red"], 20, 20, 110), (PEOPLE["Blue"], 180, 100, 90))
    none = photo(tmp_path / "none.png")
    answers = list(run.classifier.identify([both, none, tmp_path / "missing.png"]))
    assert [[face.name for face in faces] for _, faces in answers] == [["Red", "Blue"], [], []]
    assert [answer.status for answer, _ in answers] == ["ok", "no_face", "missing"]
    red = answers[0][1][0]
    assert red.known
    assert red.probability > 0.75
    assert red.distance < 0.05
    assert red.candidates[0][0] == "Red"
    assert sum(probability for _, probability in red.candidates) == pytest.approx(1, abs=0.01)


def test_the_classifier_is_a_model_of_classify(tmp_path: Path) -> None:
    run = train(write_people(tmp_path / "people", 8))
    both = photo(tmp_path / "both.png", (PEOPLE["Red"], 20, 20, 110), (PEOPLE["Blue"], 180, 100, 90))
    ((_, faces),) = classify([both], model=run.classifier, top=2, recognizer=recognizer())
    assert [(face.name, face.known, len(face.names)) for face in faces] == [("Red", True, 2), ("Blue", True, 2)]
    ((_, faces),) = classify([both], model=run.classifier, min_probability=1.0, recognizer=recognizer())
    assert [face.name for face in faces] == [None, None]


def test_a_saved_run_is_a_folder_that_answers_alike(tmp_path: Path) -> None:
    run = train(write_people(tmp_path / "people", 8))
    folder = run.save(tmp_path / "run")
    assert sorted(path.name for path in folder.iterdir()) == [FILE, "report.html", "report.json"]
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert report == json.loads(json.dumps(run.report.line()))
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "Classifier of 6 people" in page
    assert "http-equiv" in page
    assert page.count("<script") == 0
    ((_, first),) = run.classifier.identify(write_photo(tmp_path / "x.png", "Cyan", 3))
    ((_, second),) = load_classifier(folder).identify(tmp_path / "x.png")
    assert first[0].name == second[0].name == "Cyan"
    assert first[0].probability == pytest.approx(second[0].probability, abs=1e-9)


def test_the_order_of_a_table_changes_nothing(tmp_path: Path) -> None:
    folder = write_people(tmp_path / "people", 11)
    rows = [f"{path.parent.name},{path}" for path in folder.rglob("*.png")]
    lines = []
    for seed in range(2):
        random.Random(seed).shuffle(rows)
        (tmp_path / "table.csv").write_text("\n".join(["name,photo", *rows]), encoding="utf-8")
        line = train(tmp_path / "table.csv").report.line()
        for head in line["heads"]:  # type: ignore[attr-defined]
            del head["seconds"]
        lines.append(line)
    assert lines[0] == lines[1]
    assert lines[0]["test_photos"] == 12


# -------------------------------------------------------------------------------------------------- bad data


def test_bad_photos_are_left_out_with_a_count_each(tmp_path: Path) -> None:
    folder = write_people(tmp_path / "people", 6)
    photo(folder / "Red" / "7.png")
    (folder / "Red" / "8.png").write_bytes(b"no picture")
    photo(folder / "Blue" / "7.png", (PEOPLE["Blue"], 20, 20, 110), (PEOPLE["Red"], 180, 100, 90))
    (folder / "Green" / "7.png").write_bytes((folder / "Green" / "2.png").read_bytes())
    (folder / "Cyan" / "7.png").write_bytes((folder / "Pink" / "3.png").read_bytes())
    (folder / "Empty").mkdir()
    write_photo(folder / "Orange Two" / "1.png", "Orange", 77)
    report = train(folder).report
    assert report.people == 7
    assert report.train_photos + report.test_photos == 36 + 1 + 1 - 1
    expected = [
        "Empty holds no photo",
        "1 person has one photo only, which cannot be held out for a test: Orange Two.",
        "1 of 42 photos show no face, and are left out: 7.png.",
        "1 of 42 photos cannot be read, and are left out: 8.png.",
        "1 photos show several faces, of which the largest is used: 7.png.",
        "1 picture is in the folders of several people, and left out: Cyan/7.png = Pink/3.png.",
        "1 photo is a copy of another photo of the same person, and left out.",
    ]
    for text in expected:
        assert any(text in one for one in report.notes), (text, report.notes)


def test_the_largest_of_several_faces_is_used(tmp_path: Path) -> None:
    folder = write_people(tmp_path / "people", 4, people=2)
    photo(folder / "Red" / "5.png", (PEOPLE["Blue"], 20, 20, 60), (PEOPLE["Red"], 120, 50, 110))
    report = train(folder, split=PhotoSplit.k_fold, folds=2).report
    assert report.accuracy == 1.0


def test_copies_of_training_photos_do_not_count_as_test(tmp_path: Path) -> None:
    folder = write_people(tmp_path / "people", 6)
    tests = tmp_path / "test"
    for person in PEOPLE:
        (tests / person).mkdir(parents=True)
        (tests / person / "copy.png").write_bytes((folder / person / "2.png").read_bytes())
        write_photo(tests / person / "new.png", person, 900 + len(person))
    report = train(folder, test=tests).report
    assert (report.train_photos, report.test_photos) == (36, 6)
    assert any(
        "6 test photos are training photos too (a leak), and left out: copy.png" in text for text in report.notes
    )


def test_one_person_is_an_error_that_says_what_was_left_out(tmp_path: Path) -> None:
    folder = write_people(tmp_path / "people", 4, people=1)
    photo(folder / "Blue" / "1.png")
    with pytest.raises(UsageError, match=r"two people or more, and .* has 1 \(Red\)\. .*1 of 5 photos show no face"):
        train(folder)


def test_people_of_one_photo_train_a_classifier_that_is_not_measured(tmp_path: Path) -> None:
    run = train(write_people(tmp_path / "people", 1))
    report = run.report
    assert (report.chosen, report.accuracy, report.test_photos, report.train_photos) == ("nearest-mean", None, 0, 6)
    assert report.rule.measured is None
    assert report.line()["top5"] is None
    assert report.notes[-1].startswith("no person has two photos to train on")
    run.save(tmp_path / "run")
    ((_, faces),) = load_classifier(tmp_path / "run").identify(write_photo(tmp_path / "x.png", "Green", 5))
    assert faces[0].candidates[0][0] == "Green"


def test_ten_thousand_people_with_two_photos_take_bounded_time_and_memory() -> None:
    faces = made_up_faces(10_000, 2, dimension=32, spread=0.05)
    held = np.arange(len(faces)) % 2 == 0
    trainer = Trainer(recognizer(), ClassifierOptions(heads=("nearest-mean", "mlp")), "made up", "every-2nd", [])
    report = trainer.run(faces.select(~held), faces.select(held)).report
    assert (report.people, report.test_photos, report.chosen) == (10_000, 10_000, "nearest-mean")
    assert report.accuracy is not None
    assert report.accuracy > 0.9
    assert report.line()["confusion"] is None
    assert report.scores[1].reason.startswith("multilayer perceptron is not fitted to 10,000 people")


def test_without_scikit_learn_two_heads_remain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a trained classifier of any head answers as before."""
    folder = write_people(tmp_path / "people", 6)
    train(folder, heads=("random-forest",)).save(tmp_path / "run")
    for name in [name for name in sys.modules if name.partition(".")[0] == "sklearn"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(MissingExtraError, match=r"needs scikit-learn: pip install 'visavis\[classify\]'"):
        train(tmp_path / "none", heads=("nearest-mean", "linear-svm"))
    assert train(folder, heads=("nearest-mean", "nearest-neighbors")).report.people == 6
    ((_, (face,)),) = load_classifier(tmp_path / "run").identify(write_photo(tmp_path / "x.png", "Green", 5))
    assert face.candidates[0][0] == "Green"


# ------------------------------------------------------------------------------------------------ adding people


def test_a_person_is_added_to_a_saved_classifier(tmp_path: Path) -> None:
    folder = train(write_people(tmp_path / "people", 8, people=5)).save(tmp_path / "run")
    new = tmp_path / "Pink"
    for number in range(1, 6):
        write_photo(new / f"{number}.png", "Pink", number)
    before = load_classifier(folder).with_recognizer(recognizer())
    run = add_people(before, new)
    assert run.classifier.people == ("Blue", "Cyan", "Green", "Orange", "Pink", "Red")
    assert len(run.classifier.training) == len(before.training) + 5
    assert run.report.chosen == before.name
    assert run.report.test_photos == len(run.classifier.training)
    assert run.classifier.options.heads == FAST
    run.save(folder)
    after = load_classifier(folder)
    names = {}
    for person in PEOPLE:
        ((_, faces),) = after.identify(write_photo(tmp_path / "x" / f"{person}.png", person, 55))
        names[person] = faces[0].candidates[0][0]
    assert names == {person: person for person in PEOPLE}
    with pytest.raises(UsageError, match="nothing was added: the classifier holds these photos already"):
        add_people(after, new)


def test_a_stored_photo_under_another_name_is_refused(tmp_path: Path) -> None:
    people = write_people(tmp_path / "people", 6)
    run = train(people)
    new = tmp_path / "Rosa"
    new.mkdir()
    (new / "a.png").write_bytes((people / "Red" / "3.png").read_bytes())
    with pytest.raises(UsageError, match=r"holds photos of these under another name: a\.png"):
        add_people(run.classifier, new)


def test_people_to_add_without_a_face_are_one_sentence(tmp_path: Path) -> None:
    run = train(write_people(tmp_path / "people", 6))
    photo(tmp_path / "Nobody" / "1.png")
    with pytest.raises(UsageError, match=r"nothing was added: .* 1 of 1 photos show no face"):
        add_people(run.classifier, tmp_path / "Nobody")


# ----------------------------------------------------------------------------------------------------- options


def test_another_model_does_not_fit(tmp_path: Path) -> None:
    run = train(write_people(tmp_path / "people", 6))
    with pytest.raises(UsageError, match="is of embeddings of test-colors, not of sface"):
        run.classifier.with_recognizer(Recognizer())
    with pytest.raises(UsageError, match=r"features must be \(n, 3\), got \(1, 4\)"):
        run.classifier.identify_features(np.zeros((1, 4), np.float32))
    with pytest.raises(UsageError, match="finite"):
        run.classifier.identify_features(np.full((1, 3), np.nan, np.float32))


def test_invalid_options_are_one_sentence() -> None:
    for options, message in (
        ({"folds": 1}, "folds is a whole number of 2 or more"),
        ({"fpir": 0}, "fpir is a rate from 1e-06 to 0.5"),
        ({"min_face": 0}, "min_face is a side in pixels"),
        ({"seed": -1}, "a seed is a whole number"),
        ({"split": "half"}, "no PhotoSplit is called 'half'; there are: every-10th, k-fold"),
        ({"features": "iris"}, "no FeatureKind is called 'iris'"),
    ):
        with pytest.raises(UsageError, match=message):
            ClassifierOptions(**options)  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError):
        ClassifierOptions(heads=("tree",))
    assert ClassifierOptions(features=FeatureKind.landmarks).fit().angular is False


def test_results_show_themselves_in_a_line(tmp_path: Path) -> None:
    run = train(write_people(tmp_path / "people", 6))
    assert repr(run.classifier) == "EmbeddingClassifier(6 people, nearest-mean on embeddings of test-colors)"
    assert len(repr(run.report)) < 1000
    assert len(repr(run)) < 1200


def test_balance_is_stated(tmp_path: Path) -> None:
    report = train(write_people(tmp_path / "people", 6), balance=True).report
    assert report.balancing
    assert report.line()["balance"] is True
    assert train(write_people(tmp_path / "people2", 6)).report.balancing == ""
