"""Made-up templates: person ``i`` has the same three in every process."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from visavis.gallery import Template
from visavis.types import Floats

MODEL = "test-model"
DIMENSION = 16

in_a_file = pytest.mark.parametrize("store", ["sqlite"], indirect=True)


def embedding(seed: int, *, dimension: int = DIMENSION) -> Floats:
    row = np.random.default_rng(seed).normal(size=dimension)
    return (row / np.linalg.norm(row)).astype(np.float32)


def digest(seed: int) -> str:
    return hashlib.sha256(str(seed).encode()).hexdigest()


def template(seed: int) -> Template:
    box = np.array([1, 2, 31, 42], np.float32)
    return Template(embedding(seed), photo_sha256=digest(seed), photo=f"{seed}.jpg", box=box, quality=0.5)


def person(i: int) -> tuple[str, list[Template]]:
    return f"person {i}", [template(1000 * i + k) for k in range(3)]


def environment() -> dict[str, str]:
    """Return this process's environment, with the tests to be imported from."""
    paths = [str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in paths if path)}


def child(module: str, *arguments: object) -> subprocess.Popen[str]:
    """Start ``python -m gallery.<module>`` with pipes to its input and output."""
    return subprocess.Popen(
        [sys.executable, "-m", f"gallery.{module}", *map(str, arguments)],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def say(what: object) -> None:
    """Tell the parent process, at once."""
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()
