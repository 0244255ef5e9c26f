"""An empty cache, and a model of the user's own."""

from pathlib import Path

import numpy as np
import pytest

from cli.conftest import Run
from embedders import tiny_models as own


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, no folder of weights, and no license that was accepted."""
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("VISAVIS_OFFLINE", "1")
    for name in ("VISAVIS_WEIGHTS", "VISAVIS_ACCEPT_LICENSE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "cache" / "weights"


@pytest.fixture
def own_model(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Path of the row of a tiny network, nothing imported yet."""
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path / "cache"))
    nodes = (
        ("Conv", ["x", "k"], "c"),
        ("Relu", ["c"], "r"),
        ("GlobalAveragePool", ["r"], "p"),
        ("Flatten", ["p"], "y"),
    )
    kernel = np.random.default_rng(0).normal(0, 0.3, (6, 3, 3, 3)).astype(np.float32)
    return own.write(tmp_path / "own", own.network(nodes, constants={"k": kernel}), output_dimension=6)
