from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from visavis.gallery import Gallery

from .faces import MODEL


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "faces.db"


@pytest.fixture
def gallery(path: Path) -> Iterator[Gallery]:
    with Gallery(path, model=MODEL) as opened:
        yield opened
