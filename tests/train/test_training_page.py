"""The network half of docs/training.md: each of its commands runs, on made-up data and with short settings."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from architecture.documents import blocks
from visavis.train.config import Settings, parse

from .made_up import crops

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "training.md"
MODELS = r"--init (sface|dlib-resnet)\b"
SHORT = [
    (r"--minutes \d+ ", ""),
    (MODELS, r"--init \1 --aligned"),
    (r"--arch \S+", "--arch small_cnn"),
    ("celebrities", "celebrities --aligned"),
]
"""What the test changes in the commands."""


def commands() -> list[str]:
    text = PAGE.read_text(encoding="utf-8").partition("\n## Networks\n")[2]
    return [line for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]


def shorten(command: str) -> str:
    for pattern, short in SHORT:
        command = re.sub(pattern, short, command)
    return command


def run_python(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words], cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1", "VISAVIS_CACHE": str(folder / "cache")},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def lay_out_people(folder: Path, numbers: range) -> None:
    data = crops(people=12, pictures=8)
    for row, label in enumerate(data.labels):
        if label in numbers:
            person = folder / f"s{label}"
            person.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.asarray(data.pixels[row])).save(person / f"{row}.png")


@pytest.mark.slow(seconds=33)
def test_its_commands_run_in_order(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'visavis[train]'")
    lay_out_people(tmp_path / "orl" / "train", range(8))
    lay_out_people(tmp_path / "orl" / "test", range(8, 12))
    lay_out_people(tmp_path / "people" / "train", range(4))
    lay_out_people(tmp_path / "people" / "test", range(8, 10))
    lay_out_people(tmp_path / "celebrities", range(4))
    for settings in (ROOT / "docs" / "examples").glob("*.toml"):
        shutil.copy(settings, tmp_path)
    assert len(commands()) == 5
    for command in map(shorten, commands()):
        network = "train suspects" not in command
        size = [] if re.search(MODELS, command) else ["--size", "32"]
        words = [*shlex.split(command)[1:], *([*size, "--epochs", "1"] if network else [])]
        done = run_python("-m", "visavis", *words, folder=tmp_path)
        assert done.returncode == 0 or (not network and done.returncode == 1), done.stdout + done.stderr
    (block,) = [block for block in blocks(PAGE, "python") if "train_network" in block.text]
    done = run_python("-c", block.text.replace("size=48, epochs=20", "size=32, epochs=1"), folder=tmp_path)
    assert done.returncode == 0, done.stderr
    pictures, name = done.stdout.splitlines()
    assert (pictures.split()[0], name[:7]) == ("48", "net-20-")
    for name in ("warm/model.onnx", "net/report.html", "compared/report.html"):
        assert (tmp_path / name).exists(), name


def test_its_settings_are_files_beside_it() -> None:
    named = set(re.findall(r"\((examples/\w+\.toml)\)", PAGE.read_text(encoding="utf-8")))
    assert named == {f"examples/{path.name}" for path in (ROOT / "docs" / "examples").glob("*.toml")}
    for command in commands():
        for config in re.findall(r"--config (\S+)", command):
            assert f"examples/{config}" in named


def test_all_settings_are_listed_with_their_defaults() -> None:
    (block,) = blocks(PAGE, "toml")
    table = tomllib.loads(block.text)
    assert parse(table, Settings()) == Settings()
    assert table.keys() | {"margin"} == Settings().table().keys()
    for name in ("optimizer", "schedule", "augment", "validation", "stop"):
        assert table[name].keys() == Settings().table()[name].keys()
    assert "# margin = 0.2" in block.text


def test_the_picture_is_what_its_script_draws() -> None:
    script = ROOT / "docs" / "images" / "training_pictures.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert "](images/training-miners.svg)" in PAGE.read_text(encoding="utf-8")
