"""models remove."""

from pathlib import Path

import pytest

from cli.conftest import Photos, Run
from cli.fakes import DETECTOR


def test_an_own_model_is_removed_with_what_is_remembered_of_it(run: Run, own_model: Path, tmp_path: Path) -> None:
    folder = Path(run("models", "import", own_model, "--json").line["path"]).parents[1]
    remembered = tmp_path / "cache" / "embeddings"
    remembered.mkdir()
    key = "0123456789abcdef"
    gone = [f"own-{key}.db", f"own@4-{key}.db", f"own-{key}.db-wal"]
    stay = [f"own-int8-{key}.db", f"my-own-{key}.db", "notes.txt"]
    for name in (*gone, *stay):
        (remembered / name).write_bytes(b"")
    done = run("models", "remove", "own", "--json")
    assert (done.code, done.line, done.err) == (0, {"removed": "own", "path": str(folder)}, "")
    assert (folder.exists(), [*folder.parent.iterdir()]) == (False, [])
    assert sorted(path.name for path in remembered.iterdir()) == sorted(stay)
    assert run("models", "show", "own").code == 2
    assert run("models", "import", own_model).code == 0  # and may come again


def test_a_damaged_model_can_be_removed(run: Run, own_model: Path) -> None:
    path = Path(run("models", "import", own_model, "--json").line["path"])
    (path.parents[1] / "model.toml").write_text("damaged")
    assert run("models", "remove", "own").code == 0
    assert not path.parents[1].exists()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mtcnn-pnet", "mtcnn-pnet is a model of visavis, not one of your own, and cannot be removed; its file is "),
        ("facenet-casia", "facenet-casia is a model of visavis, not one of your own, and cannot be removed."),
        ("owm", "no model of your own is called 'owm'; there are: own."),
    ],
)
def test_other_models_are_not_removed(run: Run, own_model: Path, name: str, said: str) -> None:
    run("models", "import", own_model)
    done = run("models", "remove", "own", name) if name == "mtcnn-pnet" else run("models", "remove", name)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert done.err.startswith(f"visavis: {said}")
    assert run("models", "show", "own").code == 0  # nothing is removed where one name is refused


def test_a_gallery_of_a_removed_model_is_warned_of(run: Run, own_model: Path, photos: Photos) -> None:
    run("models", "import", own_model)
    run("enroll", "Ann", photos.red, "--model", "own@4", "--detector", DETECTOR, "--gallery", "own.db")
    assert "holds embeddings of own: until" in run("models", "remove", "own", "--gallery", "own.db").err
    run("models", "import", own_model)
    assert run("models", "remove", "own").err == ""  # there is no faces.db, and none is made
    assert not Path("faces.db").exists()
