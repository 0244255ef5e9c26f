"""models list."""

from pathlib import Path

from cli.conftest import Run
from visavis.weights.spec import all_specs


def test_list_has_a_line_a_file(run: Run) -> None:
    lines = run("models", "list", "--json").lines
    assert [line["name"] for line in lines] == [spec.name for spec in all_specs()]
    dlib = next(line for line in lines if line["name"] == "dlib-resnet")
    assert dlib["license"] == "CC0 1.0 (public domain)"
    assert dlib["bytes"] == 22_466_066
    assert len(dlib["sha256"]) == 64


def test_a_damaged_model_is_told_of_and_the_others_are_listed(run: Run, own_model: Path) -> None:
    path = Path(run("models", "import", own_model, "--json").line["path"])
    path.write_bytes(b"changed")
    done = run("models", "list", "--json")
    assert (done.code, len(done.lines)) == (0, len(all_specs()))
    assert "is not the file that was imported" in done.err
    assert run("models", "show", "own").code == 3
