"""A disk that is full in the middle of a run: one sentence, the last good checkpoint, and --resume."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from .made_up import crops

pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'visavis[train]'")
pytest.importorskip("resource", reason="Windows has no limit for the size of files")

SETTINGS = """
dimension = 16
people = 4
pictures = 4
size = 32
epochs = 4
[validation]
people = 0.34
[stop]
ails = false
"""
LIMITED = """
import resource, runpy, sys
limit = int(sys.argv.pop(1))
from visavis.train import checkpoints
save = checkpoints.save
def full(run, state):  # as if the disk were full from the third epoch on
    if state["epoch"] >= 3:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    save(run, state)
checkpoints.save = full
sys.argv[0] = "visavis"
runpy.run_module("visavis", run_name="__main__")
"""


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("people")
    data = crops(people=9, pictures=6)
    for row, (label, pixels) in enumerate(zip(data.labels, data.pixels, strict=True)):
        (folder / data.people[label]).mkdir(exist_ok=True)
        Image.fromarray(pixels).save(folder / data.people[label] / f"{row}.png")
    (folder / "settings.toml").write_text(SETTINGS, encoding="utf-8")
    return folder


def without_coverage() -> dict[str, str]:
    """Return the environment in which a child does not write the coverage of its code, which needs room too."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COV")}


def train(people: Path, run: Path, *options: str, limit: int | None = None) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-m", "visavis"] if limit is None else [sys.executable, "-c", LIMITED, str(limit)]
    return subprocess.run(
        [*program, "train", "network", str(people), "--aligned", "--out", str(run), *options],
        env={**without_coverage(), "VISAVIS_CACHE": str(run.parent / "cache"), "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def whole(people: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The model of an unbroken run."""
    run = tmp_path_factory.mktemp("whole") / "run"
    done = train(people, run, "--config", str(people / "settings.toml"))
    assert done.returncode == 0, done.stderr
    return (run / "model.onnx").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("limit", [5_000, 100_000])
def test_a_full_disk_costs_an_epoch_and_not_the_run(people: Path, tmp_path: Path, whole: bytes, limit: int) -> None:
    run = tmp_path / "run"
    done = train(people, run, "--config", str(people / "settings.toml"), limit=limit)
    assert done.returncode == 2
    (last,) = done.stderr.splitlines()[-1:]
    assert "cannot be written to: File too large. The run is kept up to the checkpoint before" in last
    assert "Traceback" not in done.stderr
    again = train(people, run, "--resume", limit=limit)  # still full
    assert again.returncode == 2
    assert "--resume" in again.stderr.splitlines()[-1]
    assert not [path for path in run.iterdir() if path.name.startswith(".")]
    done = train(people, run, "--resume")
    assert done.returncode == 0, done.stderr
    assert (run / "model.onnx").read_bytes() == whole


def test_a_disk_that_is_full_for_crops(people: Path, tmp_path: Path) -> None:
    limited = LIMITED.replace(
        "from visavis.train import checkpoints",
        "resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))\nfrom visavis.train import checkpoints",
    )
    done = subprocess.run(
        [sys.executable, "-c", limited, "20000", "train", "network", str(people), "--aligned", "--out",
         str(tmp_path / "run"), "--config", str(people / "settings.toml")],
        env={**without_coverage(), "VISAVIS_CACHE": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "crops cannot be written to: File too large" in done.stderr.splitlines()[-1]
    assert not list((tmp_path / "cache" / "crops").iterdir())
