from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from visavis.gallery import Gallery

from .faces import MODEL, child

STORES = ("sqlite", "postgresql")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Of a gallery in a file."""
    return tmp_path / "faces.db"


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> str:
    """What keeps the records of ``place``; tests of files only say so by ``in_a_file``."""
    return str(request.param)


@pytest.fixture
def place(store: str, path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """Where there is no gallery yet: on each store in turn."""
    if store == "sqlite":
        yield str(path)
        return
    server = request.getfixturevalue("postgres")
    url = server.new()
    yield url
    server.drop(url)


@pytest.fixture
def gallery(place: str) -> Iterator[Gallery]:
    with Gallery(place, model=MODEL) as opened:
        yield opened


@pytest.fixture
def other(place: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that changes the same gallery, a line of standard input a change."""
    with child("gallery_process", place) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
        process.communicate()
