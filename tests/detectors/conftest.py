from __future__ import annotations

from collections.abc import Iterator

import pytest

from visavis.detectors import DETECTORS, Detector


@pytest.fixture(scope="session")
def mtcnn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Detector]:
    """The detector, its networks converted now: what an earlier version left in the cache proves nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VISAVIS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield DETECTORS.create("mtcnn")
