from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from cli.fakes import BLUE, GRAY, MODEL, RED
from visavis.gallery import Gallery

from .fakes import LOG, install

TESTS = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def plugin(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fakes as an installed package, here and in every process that is started."""
    folder = install(tmp_path_factory.mktemp("site"))
    monkeypatch.syspath_prepend(str(folder))
    paths = [str(folder), str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """File that every look at a photo is written to, by the deadly detector."""
    monkeypatch.setenv(LOG, str(tmp_path / "log"))
    return tmp_path / "log"


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    with Gallery(tmp_path / "faces.db", model=MODEL) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Folder for photos."""
    made = tmp_path / "photos"
    made.mkdir()
    return made


Square = tuple[tuple[int, int, int], int, int]
"""Color, and the upper left corner."""

SIDE = 24


def small(path: Path, *squares: Square) -> Path:
    """Write a gray PNG of 128 x 64 with squares: quickly looked at."""
    image = Image.new("RGB", (128, 64), GRAY)
    for color, x, y in squares:
        image.paste(color, (x, y, x + SIDE, y + SIDE))
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, "PNG")
    return path


def album(folder: Path, count: int) -> list[Path]:
    """Photos, no two of the same bytes; every third shows two faces, every fifth none."""
    return [small(folder / f"{n:04}.png", *_of_album(n)) for n in range(count)]


def faces_of_album(count: int) -> int:
    return sum(0 if n % 5 == 0 else 2 if n % 3 == 0 else 1 for n in range(count))


def _of_album(n: int) -> list[Square]:
    x, y = n % 37, n // 37
    if n % 5 == 0:
        return [((120, 120, 120), x, y)]
    return [(RED, x, y), (BLUE, 64 + x, y)][: 2 if n % 3 == 0 else 1]
