"""Very small photos, models that count what they are shown, and processes that take templates of them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from cli.fakes import Colors, Squares
from visavis.detectors import DETECTORS
from visavis.embedders import EMBEDDERS
from visavis.evaluate.data.templates import Templates
from visavis.pipeline import Recognizer
from visavis.types import RGB, Face, Floats

DETECTOR, MODEL = "test-counting-squares", "test-counting-colors"
MIN_FACE = 8
seen: list[str] = []
"""Names of the stages, one entry a picture or a face."""


class CountingSquares(Squares):
    """Frames a square with a quarter of its side around it: a flat picture would be of no quality."""

    name = DETECTOR

    def detect(self, pictures: Sequence[RGB], *, min_face: float = 20) -> list[list[Face]]:
        seen.extend(["detect"] * len(pictures))
        return [[_framed(face) for face in faces] for faces in super().detect(pictures, min_face=min_face)]


def _framed(face: Face) -> Face:
    margin = face.width / 4
    return replace(face, box=face.box + np.array([-margin, -margin, margin, margin], np.float32))


class CountingColors(Colors):
    name = MODEL

    def embed(self, crops: RGB) -> Floats:
        seen.extend(["embed"] * len(crops))
        return super().embed(crops)


@DETECTORS.register(DETECTOR)
def squares(*, threads: int | None = None) -> CountingSquares:
    return CountingSquares()


@EMBEDDERS.register(MODEL)
def colors(*, threads: int | None = None) -> CountingColors:
    return CountingColors()


def recognizer(*, threads: int | None = None) -> Recognizer:
    """Make one that has not loaded anything yet."""
    return Recognizer(detector=DETECTOR, embedder=MODEL, threads=threads)


def loaded(one: Recognizer) -> set[str]:
    """Which of its two models a recognizer has loaded."""
    return {"detector", "embedder"} & vars(one).keys()


def draw(path: Path, seed: int) -> str:
    """Write a PNG of 32 x 24 with a face of a color that follows from ``seed``; every seventh is without one."""
    image = Image.new("RGB", (32, 24), (128, 128, seed % 100 + 100))
    if seed % 7 != 3:
        side = 10 + seed % 5
        image.paste((255, seed % 128, seed // 128), (3 + seed % 11, 5, 3 + seed % 11 + side, 5 + side))
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, "PNG")
    return str(path)


def album(folder: Path, count: int) -> list[str]:
    return [draw(folder / f"{n:04}.png", n) for n in range(count)]


def assert_same(one: Templates, other: Templates) -> None:
    """To the last bit."""
    assert (one.model, one.detector, one.photos, one.status) == (
        other.model,
        other.detector,
        other.photos,
        other.status,
    )
    for name in ("embeddings", "boxes", "quality", "faces"):
        a, b = getattr(one, name), getattr(other, name)
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        assert a.tobytes() == b.tobytes(), name
    assert np.isfinite(one.embeddings).all()


def child(module: str, *arguments: object) -> subprocess.Popen[str]:
    """Start ``python -m evaluate.<module>``."""
    tests = str(Path(__file__).parent.parent)
    paths = os.pathsep.join(path for path in (tests, os.environ.get("PYTHONPATH", "")) if path)
    return subprocess.Popen(
        [sys.executable, "-m", f"evaluate.{module}", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        text=True,
    )
