from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .server import Shelf, serving


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and an environment that says nothing else about weights."""
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("VISAVIS_WEIGHTS", raising=False)
    monkeypatch.delenv("VISAVIS_OFFLINE", raising=False)
    monkeypatch.setenv("VISAVIS_ACCEPT_LICENSE", "1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return tmp_path / "cache"


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    with serving() as one:
        yield one
