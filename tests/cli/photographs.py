"""Where the photographs for tests lie; none of them is part of the project."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_BESIDE = Path(__file__).resolve().parents[3] / "shared" / "data"
PHOTOS = Path(os.environ.get("VISAVIS_TEST_DATA", _BESIDE)) / "photos"
PRESIDENTS = PHOTOS / "presidents"

needs_photos = pytest.mark.skipif(
    not PRESIDENTS.is_dir(), reason="VISAVIS_TEST_DATA names no folder with the test photographs"
)
