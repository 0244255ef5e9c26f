"""Each illness arises in a real run, is named, and stops it; a healthy run is left alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'visavis[train]'")

from visavis.train.config import Settings, parse  # noqa: E402
from visavis.train.network_run import NetworkRun, train_on_crops  # noqa: E402

from .made_up import crops  # noqa: E402


def run(folder: Path, data: dict[str, Any] | None = None, **changes: Any) -> NetworkRun:
    small = {"people": 4, "pictures": 4, "dimension": 16, "epochs": 12, "validation": {"people": 0.0}, "size": 32}
    return train_on_crops(crops(**(data or {})), folder / "run", parse({**small, **changes}, Settings()))


def test_a_healthy_run_has_none(tmp_path: Path) -> None:
    healthy = run(tmp_path, {"noise": 80}, epochs=5, optimizer={"rate": 1e-3})
    assert healthy.illness is None
    assert healthy.row is not None
    assert healthy.epochs[-1].loss < healthy.epochs[0].loss


def test_collapse(tmp_path: Path) -> None:
    """The hardest negatives among pictures that have nothing in common, at a high rate: all embeddings become one."""
    ill = run(
        tmp_path, {"noise": 400, "people": 12, "pictures": 12, "shuffle": True}, miner="batch-hard", people=12,
        optimizer={"name": "sgd", "rate": 0.5, "clip": 0.0}, augment={"flip": False}, epochs=30,
    )  # fmt: skip
    assert ill.illness is not None
    assert ill.illness.name == "collapse"
    assert "the loss stands at the margin 0.2" in ill.illness.message
    assert "semi-hard" in ill.illness.cure
    assert ill.row is None
    assert ill.epochs[-1].loss == pytest.approx(0.2, abs=0.01)


def test_no_active_triplets(tmp_path: Path) -> None:
    """Random triplets of people that are easily told apart; the network is kept."""
    ill = run(tmp_path, {"noise": 5}, miner="random", optimizer={"rate": 3e-3}, epochs=30)
    assert ill.illness is not None
    assert ill.illness.name == "no active triplets"
    assert "batch-hard" in ill.illness.cure
    assert ill.row is not None
    assert ill.epochs[-1].loss < 1e-3
    assert len(ill.epochs) < 30


@pytest.mark.parametrize("loss", ["softmax", "triplet"])
def test_not_a_number(loss: str, tmp_path: Path) -> None:
    """No triplet of embeddings that are NaN is active, so that their loss is 0."""
    ill = run(tmp_path, loss=loss, optimizer={"name": "sgd", "rate": 1e8, "clip": 0.0}, schedule={"warm_up": 0.0})
    assert ill.illness is not None
    assert ill.illness.name == "nan"
    assert "Lower the learning rate, 1e+07 instead of 1e+08" in ill.illness.cure
    assert ill.row is None


def test_a_rate_that_is_too_high(tmp_path: Path) -> None:
    ill = run(tmp_path, loss="softmax", optimizer={"name": "sgd", "rate": 8.0, "clip": 0.0}, schedule={"warm_up": 0.8})
    assert ill.illness is not None
    assert ill.illness.name == "rate too high"
    assert "0.8 instead of 8" in ill.illness.cure


def test_a_rate_that_is_too_low(tmp_path: Path) -> None:
    ill = run(tmp_path, {"noise": 80}, loss="softmax", optimizer={"rate": 1e-8}, augment={"flip": False})
    assert ill.illness is not None
    assert ill.illness.name == "rate too low"
    assert "1e-07 instead of 1e-08" in ill.illness.cure


def test_it_goes_on_if_that_is_wanted(tmp_path: Path) -> None:
    stubborn = run(tmp_path, {"noise": 5}, miner="random", optimizer={"rate": 3e-3}, epochs=15, stop={"ails": False})
    assert stubborn.illness is None
    assert len(stubborn.epochs) == 15
