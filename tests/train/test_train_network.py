"""The command: killed, interrupted, asked for nonsense; its model is used by other commands."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from PIL import Image
from typer.testing import CliRunner

from visavis.cli import command_line

from .made_up import crops
from .test_recordio import insightface

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'visavis[train]'")

SMALL = """
dimension = 16
people = 4
pictures = 4
size = 32
[validation]
people = 0.34
[stop]
ails = false
"""


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("people")
    data = crops(people=9, pictures=6)
    for row, (label, pixels) in enumerate(zip(data.labels, data.pixels, strict=True)):
        (folder / data.people[label]).mkdir(exist_ok=True)
        Image.fromarray(np.asarray(pixels)).save(folder / data.people[label] / f"{row}.png")
    (folder / "settings.toml").write_text(SMALL, encoding="utf-8")
    return folder


def command(people: Path, run: Path, *options: str) -> list[str]:
    settings = ["--config", str(people / "settings.toml")] if "--resume" not in options else []
    return [
        sys.executable, "-m", "visavis", "train", "network", str(people), "--aligned", "--out", str(run), *settings,
        *options,
    ]  # fmt: skip


def environment(cache: Path) -> dict[str, str]:
    return {**os.environ, "VISAVIS_CACHE": str(cache), "OMP_NUM_THREADS": "1"}


def finish(people: Path, run: Path, *options: str, code: int = 0) -> Result:
    """Run the command in this process, which has imported PyTorch already."""
    words = command(people, run, *options)[3:]
    done = CliRunner().invoke(command_line(words), words, env=environment(run.parent / "cache"))
    assert done.exit_code == code, done.stdout + done.stderr
    return done


@pytest.mark.slow
def test_a_run_killed_at_any_moment_goes_on_to_the_bit(people: Path, tmp_path: Path) -> None:
    whole = command(people, tmp_path / "whole", "--epochs", "12")
    subprocess.run(whole, env=environment(tmp_path / "cache"), capture_output=True, timeout=120, check=True)
    rng = np.random.default_rng()
    kills = 0
    for number in range(12):
        options = ["--resume"] if (tmp_path / "run" / "settings.json").exists() else ["--epochs", "12"]
        process = subprocess.Popen(
            command(people, tmp_path / "run", *options), env=environment(tmp_path / "cache"),
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert process.stdout is not None
        if number < 3:
            process.stdout.readline()
            time.sleep(rng.uniform(0, 0.2))
            process.kill()
            kills += 1
        process.communicate()
        if process.returncode == 0:
            break
    assert kills == 3
    assert (tmp_path / "run" / "model.onnx").read_bytes() == (tmp_path / "whole" / "model.onnx").read_bytes()


@pytest.mark.slow(seconds=5)
def test_an_interrupt_finishes_the_step_and_says_how_to_go_on(people: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        command(people, tmp_path / "run", "--epochs", "500"), env=environment(tmp_path / "cache"),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "finishing this step" in errors
    assert "go on with --resume" in errors
    assert (tmp_path / "run" / "checkpoint.pt").exists()


def test_json(people: Path, tmp_path: Path) -> None:
    done = finish(people, tmp_path / "run", "--epochs", "2", "--json")
    *epochs, last = map(json.loads, done.stdout.splitlines())
    assert [line["epoch"] for line in epochs] == [1, 2]
    assert {"loss", "active", "positive", "negative", "norm", "spread", "pictures_a_second", "tar"} <= epochs[0].keys()
    assert last["epochs"] == 2
    assert last["model"].startswith("run-")
    for name in ("log.csv", "report.html", "model.toml", "model.onnx", "settings.json"):
        assert (tmp_path / "run" / name).stat().st_size > 100


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--resume"], "holds no run to go on with"),
        (["--resume", "--epochs", "9"], "leave out all others"),
        (["--arch", "mobilefacenet", "--size", "64"], "takes crops of 112 pixels"),
        (["--init", "nowhere"], "is neither the folder of a run nor a model"),
    ],
    ids=str,
)
def test_mistakes_are_one_sentence(people: Path, tmp_path: Path, options: list[str], message: str) -> None:
    done = finish(people, tmp_path / "run", *options, code=2)
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.slow(seconds=5)
def test_one_person_is_too_few(people: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "Ann").symlink_to(people / "person 1", target_is_directory=True)
    (alone / "settings.toml").write_text(SMALL, encoding="utf-8")
    done = finish(alone, tmp_path / "run", code=2)
    assert "training needs pictures of at least two people; there is 1" in done.stderr


@pytest.mark.slow
def test_a_person_in_both_parts_of_a_split_stops_the_run(people: Path, tmp_path: Path) -> None:
    """Unless the settings say otherwise: then the person's photos are learned from no more."""
    test = tmp_path / "test"
    for number, name in enumerate(("person 7", "person 8", "Eve")):
        (test / name).mkdir(parents=True)
        for row in range(2):
            pixels = np.random.default_rng([number, row]).integers(0, 256, (32, 32, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(test / name / f"{row}.png")
    strict = tmp_path / "strict.toml"
    strict.write_text(SMALL.replace("ails = false", "ails = true"), encoding="utf-8")
    done = finish(people, tmp_path / "run", "--config", str(strict), "--test", str(test), "--epochs", "1", code=2)
    assert "2 people are in both parts of the split" in done.stderr
    assert "person 7, person 8. Move them to one part" in done.stderr
    assert not (tmp_path / "run").exists()
    done = finish(people, tmp_path / "run", "--test", str(test), "--epochs", "1")
    assert "person 7, person 8. Their training photos are left out." in done.stderr
    assert "42 photos of 7 people to learn from, 6 held out" in done.stderr


@pytest.mark.slow(seconds=8)
def test_bad_photos_are_counted_and_not_fatal(people: Path, tmp_path: Path) -> None:
    folder = tmp_path / "people"
    for name in (f"person {n}" for n in range(6)):
        (folder / name).mkdir(parents=True)
        for photo in (people / name).iterdir():
            (folder / name / photo.name).write_bytes(photo.read_bytes())
    (folder / "Empty").mkdir()
    (folder / "Broken").mkdir()
    (folder / "Broken" / "1.png").write_bytes(b"no picture")
    (folder / "Single").mkdir()
    Image.fromarray(np.random.default_rng(9).integers(0, 256, (32, 32, 3)).astype(np.uint8)).save(
        folder / "Single" / "1.png"
    )
    (folder / "person 1" / "copy.png").write_bytes(next((folder / "person 0").iterdir()).read_bytes())
    (folder / "settings.toml").write_text(SMALL, encoding="utf-8")
    done = finish(folder, tmp_path / "run", "--epochs", "1")
    for sentence in (
        "Empty holds no photo",
        "1 of 39 photos is not used; the first: ",
        "1 person has no usable photo and cannot take part: Broken.",
        "1 picture is in the folders of several people, and left out: person 0/",
        "have one photo only, which cannot be held out for a test: Broken, Single.",
    ):
        assert sentence in done.stderr
    assert (tmp_path / "run" / "model.onnx").exists()


@pytest.mark.slow(seconds=4)
def test_a_recordio_file_is_trained_on(people: Path, tmp_path: Path) -> None:
    data = crops(people=9, pictures=6)
    insightface(tmp_path / "train.rec", data.pixels, data.labels.tolist())
    (tmp_path / "settings.toml").write_text(SMALL, encoding="utf-8")
    done = finish(tmp_path, tmp_path / "run", "--epochs", "1")
    assert "36 photos of 6 people to learn from, 18 held out" in done.stderr
    assert (tmp_path / "run" / "model.onnx").exists()
