"""Detectors whose networks are published files: in the cache, in ``VISAVIS_WEIGHTS`` or beside the photographs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from conftest import DATA
from visavis.detectors import DETECTORS, Detector
from visavis.errors import WeightsError
from visavis.weights import store

WEIGHTS = os.environ.get("VISAVIS_WEIGHTS") or str(DATA.parent / "weights")


def load(name: str, cache: Path, **options: object) -> Detector:
    """The detector, with the licence accepted for these tests only; skips where a file is absent."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VISAVIS_WEIGHTS", os.pathsep.join([WEIGHTS, str(store.weights_dir())]))
        patch.setenv("VISAVIS_CACHE", str(cache))
        patch.setenv("VISAVIS_OFFLINE", "1")
        patch.setenv("VISAVIS_ACCEPT_LICENCE", "1")
        try:
            return DETECTORS.create(name, **options)
        except WeightsError as error:
            pytest.skip(str(error))
