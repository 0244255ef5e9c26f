from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .engines import Places

if TYPE_CHECKING:
    from servers import Postgres


@pytest.fixture(scope="session")
def vectors(postgres: Postgres) -> str:
    """URL of a database for tables of vectors."""
    return postgres.new()


@pytest.fixture
def places(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Places]:
    made = Places(tmp_path, request)
    yield made
    made.close()
