"""The network half of docs/training.md: each of its commands runs, on made-up data and with short settings."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from .made_up import crops

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "training.md"
SHORT = [
    (r"--minutes \d+ ", ""),
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


def lay_out_people(folder: Path, numbers: range) -> None:
    data = crops(people=12, pictures=8)
    for row, label in enumerate(data.labels):
        if label in numbers:
            person = folder / f"s{label}"
            person.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.asarray(data.pixels[row])).save(person / f"{row}.png")


def test_its_commands_run_in_order(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'visavis[train]'")
    lay_out_people(tmp_path / "orl" / "train", range(8))
    lay_out_people(tmp_path / "orl" / "test", range(8, 12))
    lay_out_people(tmp_path / "celebrities", range(4))
    for settings in (ROOT / "docs" / "examples").glob("*.toml"):
        shutil.copy(settings, tmp_path)
    assert len(commands()) == 4
    for command in map(shorten, commands()):
        network = "train suspects" not in command
        words = [*shlex.split(command)[1:], *(["--size", "32", "--epochs", "1"] if network else [])]
        done = subprocess.run(
            [sys.executable, "-m", "visavis", *words], cwd=tmp_path,
            env={**os.environ, "OMP_NUM_THREADS": "1", "VISAVIS_CACHE": str(tmp_path / "cache")},
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0 or (not network and done.returncode == 1), done.stdout + done.stderr
    for name in ("warm/model.onnx", "net/report.html", "compared/report.html"):
        assert (tmp_path / name).exists(), name


def test_its_settings_are_files_beside_it() -> None:
    named = set(re.findall(r"\((examples/\w+\.toml)\)", PAGE.read_text(encoding="utf-8")))
    assert named == {f"examples/{path.name}" for path in (ROOT / "docs" / "examples").glob("*.toml")}
    for command in commands():
        for config in re.findall(r"--config (\S+)", command):
            assert f"examples/{config}" in named


def test_the_picture_is_what_its_script_draws() -> None:
    script = ROOT / "docs" / "images" / "training_pictures.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert "](images/training-miners.svg)" in PAGE.read_text(encoding="utf-8")
