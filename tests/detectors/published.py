"""Detectors whose networks are published files: in the cache, in ``VISAVIS_WEIGHTS`` or beside the photographs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from conftest import DATA
from visavis.detectors import DETECTORS, Detector
from visavis.errors import WeightsError
from visavis.weights import store
from visavis.weights.spec import WeightSpec

WEIGHTS = os.environ.get("VISAVIS_WEIGHTS") or str(DATA.parent / "weights")


@contextmanager
def weights() -> Iterator[pytest.MonkeyPatch]:
    """Where the files are; what is absent is not fetched, but skips the test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VISAVIS_WEIGHTS", os.pathsep.join([WEIGHTS, str(store.weights_dir())]))
        patch.setenv("VISAVIS_OFFLINE", "1")
        try:
            yield patch
        except WeightsError as error:
            pytest.skip(str(error))


def load(name: str, cache: Path, **options: object) -> Detector:
    """The detector; its license is accepted in that cache, not in the user's."""
    with weights() as patch:
        patch.setenv("VISAVIS_CACHE", str(cache))
        patch.setenv("VISAVIS_ACCEPT_LICENSE", "1")
        return DETECTORS.create(name, **options)


def find(row: WeightSpec) -> Path:
    """The file itself, checked."""
    with weights():
        path = store.locate(row)
        if path is None:
            raise WeightsError(f"{row.file} is neither in the cache nor in {WEIGHTS}.")
        store.check(path, row)
        return path
