"""visavis train classifier, and --classifier of identify and classify."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install 'visavis[classify]'")

from train.colors import PEOPLE, write_people, write_photo
from visavis.train.classifier_file import FILE

from .conftest import Done, Run
from .fakes import DETECTOR, MODEL, photo

HEADS = ("--head", "nearest-mean", "--head", "naive-bayes")
NETWORKS = ("--detector", DETECTOR, "--model", MODEL)


@pytest.fixture
def train(run: Run) -> Run:
    """Run the command with the networks of colors and two quick heads."""
    return lambda *arguments: run("train", "classifier", *arguments, *NETWORKS, *HEADS)


@pytest.fixture
def people(tmp_path: Path) -> Path:
    return write_people(tmp_path / "people", 11)


def identify(run: Run, *arguments: object) -> Done:
    return run("identify", *arguments, "--classifier", "run", "--detector", DETECTOR)


def test_the_last_line_has_the_keys_of_the_contract(train: Run, people: Path) -> None:
    done = train(people, "--out", "run", "--json")
    assert done.code == 0
    line = done.line
    assert list(line)[:6] == ["chosen", "accuracy", "top5", "people", "train_photos", "test_photos"]
    assert (line["accuracy"], line["top5"], line["people"]) == (1.0, 1.0, 6)
    assert (line["train_photos"], line["test_photos"], line["run"]) == (54, 12, "run")
    assert line["chosen"] in {"nearest-mean", "naive-bayes"}
    assert [head["name"] for head in line["heads"]] == ["nearest-mean", "naive-bayes"]
    assert [sum(row) for row in line["confusion"]] == [2] * 6
    assert line["unknown"]["measured"]["people"] == 6
    saved = json.loads(Path("run/report.json").read_text(encoding="utf-8"))
    assert saved == {key: value for key, value in line.items() if key != "run"}
    assert sorted(path.name for path in Path("run").iterdir()) == [FILE, "report.html", "report.json"]


def test_the_tables_fit_into_80_columns(train: Run, people: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = train(people, "--out", "run", "--split", "k-fold", "--folds", 3, "--balance")
    assert done.code == 0
    for text in (
        "accuracy",
        "100.00 %",
        "3-fold",
        "strangers named",
        "own photos named",
        "balanced",
        "Orange",
        "chosen",
    ):
        assert text in done.out
    assert done.out.index("accuracy") < done.out.index("nearest-mean") < done.out.index("Orange")


def test_identify_names_people_and_leaves_others_unknown(train: Run, run: Run, people: Path, tmp_path: Path) -> None:
    train(people, "--out", "run")
    both = photo(tmp_path / "both.png", (PEOPLE["Red"], 20, 20, 110), ((120, 255, 20), 180, 100, 90))
    done = identify(run, both, "--json", "--top", 2)
    assert (done.code, done.err) == (0, "")
    red, stranger = done.line["faces"]
    assert list(red) == ["box", "name", "probability", "distance", "rule", "threshold", "candidates"]
    assert (red["name"], stranger["name"]) == ("Red", None)
    assert red["candidates"][0]["name"] == "Red"
    assert len(red["candidates"]) == 2
    assert identify(run, photo(tmp_path / "stranger.png", ((120, 255, 20), 20, 20, 90))).code == 1


def test_identify_prints_tables_csv_and_pictures(train: Run, run: Run, people: Path, tmp_path: Path) -> None:
    train(people, "--out", "run")
    write_photo(tmp_path / "x.png", "Blue", 3)
    done = identify(run, "x.png", "--out", "named")
    assert done.code == 0
    assert done.out.splitlines()[-1].split()[:2] == ["x.png", "1"]
    assert "Blue" in done.out
    assert [path.name for path in Path("named").iterdir()] == ["x-named.jpg"]
    header, row = identify(run, "x.png", "--csv").out.splitlines()
    cells = dict(zip(header.split(","), row.split(","), strict=False))
    assert (cells["name"], cells["status"], cells["rule"]) == ("Blue", "ok", cells["rule"])


def test_classify_uses_the_classifier(train: Run, run: Run, people: Path, tmp_path: Path) -> None:
    train(people, "--out", "run")
    write_photo(tmp_path / "x.png", "Blue", 3)
    done = run("classify", "x.png", "--classifier", "run", "--detector", DETECTOR, "--json")
    assert done.code == 0
    (face,) = done.line["faces"]
    assert (face["known"], face["names"][0][0], len(face["names"])) == (True, "Blue", 5)
    done = run("classify", "x.png", "--classifier", "run", "--detector", DETECTOR, "--min-probability", 1)
    assert done.code == 1


def test_people_are_added(train: Run, run: Run, tmp_path: Path) -> None:
    train(write_people(tmp_path / "people", 8, people=5), "--out", "run")
    for number in range(1, 5):
        write_photo(tmp_path / "Pink" / f"{number}.png", "Pink", number)
    done = run("train", "classifier", "--add", "Pink", "--out", "run", "--detector", DETECTOR, "--json")
    assert done.code == 0
    assert (done.line["people"], done.line["test_photos"]) == (6, 39)
    write_photo(tmp_path / "x.png", "Pink", 9)
    assert identify(run, "x.png", "--json").line["faces"][0]["candidates"][0]["name"] == "Pink"


def test_a_test_folder_takes_the_place_of_the_split(train: Run, people: Path, tmp_path: Path) -> None:
    for person in PEOPLE:
        write_photo(tmp_path / "test" / person / "1.png", person, 901)
    done = train(people, "--test", "test", "--json")
    assert (done.line["train_photos"], done.line["test_photos"], done.line["split"]) == (66, 6, "test photos of test")
    assert "nothing will be saved: --out RUN writes the classifier" in done.err


def test_wrong_use_is_one_sentence(train: Run, run: Run, people: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").touch()
    for arguments, message in (
        ((people, "--out", "other"), "other holds other files"),
        ((), "the photos are those of DIR, or with --add"),
        ((people, "--add", people, "--out", "run"), "the photos are those of DIR, or with --add"),
        (("--add", people), "--add needs the classifier to extend"),
        (("--add", people, "--out", "new"), "the classifier to extend has its own: leave out --head."),
        ((people, "--test", people, "--split", "k-fold"), "--test takes the place of a split: leave out --split."),
        ((people, "--folds", 5), "--folds belongs to --split k-fold."),
        ((people, "--seed", 2**32), "a seed is a whole number from 0 to 4294967295"),
        ((people, "--head", "tree"), "no head of a classifier is called 'tree'"),
        ((people, "--fpir", "2"), "fpir is a rate from 1e-06 to 0.5"),
    ):
        done = train(*arguments)
        assert done.code == 2, arguments
        assert message in done.err
        assert "Traceback" not in done.err
    done = run("train", "classifier", "--add", people, "--out", "new")
    assert (done.code, "'new' holds no classifier" in done.err) == (2, True)
    train(people, "--out", "run")
    done = run("train", "classifier", "--add", people, "--out", "run", "--model", "sface-float")
    assert (done.code, "is of embeddings of test-colors, not of sface-float" in done.err) == (2, True)
    for options, message in (
        (("--threshold", 0.3), "a classifier has a rule of its own"),
        (("--gallery", "faces.db"), "leave out --gallery and --index"),
        (("--index", "exact"), "leave out --gallery and --index"),
        (("--model", "sface"), "is of embeddings of test-colors, not of sface"),
    ):
        done = identify(run, people, *options)
        assert (done.code, message in done.err) == (2, True), options
    done = run("classify", people, "--classifier", "run", "--model", "vggface2-senet50")
    assert (done.code, "exclude each other" in done.err) == (2, True)
    Path("run", FILE).write_bytes(b"x" * 100)
    assert "is damaged or no classifier" in identify(run, people).err
