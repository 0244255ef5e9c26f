"""Galleries with people and unassigned faces."""

from __future__ import annotations

import numpy as np
import pytest

from cli.conftest import Photos, Run
from visavis.gallery import Gallery, IndexedPhoto, Template


@pytest.fixture
def enrolled(know: Run, photos: Photos) -> None:
    know("enroll", "Ann", photos.red, photos.dark_red, "--consent", "signed 2026-01-02", "--note", "staff")
    know("enroll", "Bea", photos.blue)


@pytest.fixture
def album(know: Run, photos: Photos) -> None:
    """Ann (templates 1 and 2), Bea (3), and two unassigned faces of a photo (4 and 5)."""
    know("enroll", "Ann", photos.red, photos.dark_red)
    know("enroll", "Bea", photos.blue)
    embeddings = np.eye(3, dtype=np.float32)[:2]
    faces = tuple(Template(one, box=np.array([9 * n, 0, 9 * n + 8, 8], np.float32)) for n, one in enumerate(embeddings))
    with Gallery("faces.db") as gallery:
        gallery.add_photos([IndexedPhoto("party.jpg", "5" * 64, "ok", faces)])
