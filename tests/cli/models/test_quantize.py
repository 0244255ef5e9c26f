"""models quantize, and 8-bit models in other commands."""

from itertools import permutations
from pathlib import Path

import pytest

from cli.conftest import Photos, Run
from cli.fakes import BLUE, DETECTOR, RED, photo


def test_a_model_is_quantized_measured_and_taken_elsewhere(
    run: Run, own_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("models", "import", own_model)
    for n in range(9):
        photo(tmp_path / "faces" / "deep" / f"{n}.png", ((RED, BLUE)[n % 2], 20, 30, 60 + n))
    (tmp_path / "out").mkdir()
    words = ("--calibrate", "faces", "--out", "out", "--detector", DETECTOR, "--json")
    made = run("models", "quantize", "own", *words).line
    assert (made["name"], made["precision"], made["quantized_from"]) == ("own-int8", "int8", "own")
    lines = run("models", "bench", "own", "own-int8@4", "--threads", 1, "--json").lines
    assert [(line["model"], line["precision"]) for line in lines] == [("own", "float32"), ("own-int8@4", "int8")]
    for line in lines:
        one, many = (line["ms_embed"][batch] for batch in ("1", "32"))
        assert 0 < many["best"] <= many["median"]
        assert line["faces_per_second"] == pytest.approx(1000 / min(one["median"], many["median"]), rel=0.01)
        assert line["accuracy"] is None
    assert lines[1]["bytes"] == made["bytes"]
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path / "elsewhere"))
    again = run("models", "import", "out/own-int8.toml", "--json").line
    assert {key: value for key, value in again.items() if key in made and key != "path"} == {
        key: value for key, value in made.items() if key != "path"
    }


def test_a_precision_is_asked_for_by_every_command_that_takes_a_model(
    run: Run, own_model: Path, photos: Photos
) -> None:
    text = own_model.read_text(encoding="utf-8")
    run("models", "import", own_model)
    asked = ("--model", "own", "--precision", "int8")
    look = (photos.red, photos.dark_red, "--detector", DETECTOR, "--threshold", "0.01", "--json")
    for words in (asked, ("--model", "own@4", "--precision", "int8")):
        done = run("verify", *look, *words)
        assert (done.code, done.out, done.err.count("\n")) == (3, "", 1)
        assert "visavis models quantize own --calibrate DIR" in done.err
    more = 'name = "own-int8"\nprecision = "int8"\nquantized_from = "own"'
    own_model.write_text(text.replace('name = "own"', more, 1), encoding="utf-8")
    assert run("models", "import", own_model).code == 0
    assert run("verify", *look, *asked).line["model"] == "own-int8"
    assert run("verify", *look, *asked, "--views", 4).line["model"] == "own-int8@4"
    assert run("verify", *look, "--model", "own-int8", "--precision", "float32").code == 2
    assert run("verify", *look, "--model", "own", "--precision", "int4").code == 2
    take = ("--detector", DETECTOR, *asked)
    assert run("enroll", "Red", photos.red, *take).code == 0
    assert run("gallery", "stats", "--json").line["model"] == "own-int8"
    assert run("identify", photos.dark_red, *take, "--threshold", 0.1, "--json").line["faces"][0]["name"] == "Red"
    assert run("embed", photos.red, *take, "--out", "red.npz").code == 0
    three = (photos.red, photos.dark_red, photos.blue)
    pairs = [f"{a},{b},{int(photos.blue not in (a, b))}" for a, b in permutations(three, 2)]
    Path("pairs.csv").write_text("\n".join([*pairs, *pairs]), encoding="utf-8")
    assert run("evaluate", "pairs", "pairs.csv", *take, "--json").line["model"] == "own-int8"
    for command in ("calibrate", "evaluate identification", "evaluate groups", "evaluate lfw"):
        assert "--precision" in run(*command.split(), "--help").out
