from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from visavis.errors import UsageError
from visavis.train.augment import Augmentation
from visavis.train.config import Optimizer, Settings, parse, read

TOML = """
architecture = "resnet18"
loss = "arcface"
scale = 30
frozen = ["conv1"]
[optimizer]
name = "sgd"
rate = 0.1
[augment]
flip = false
shift = 0.1
[schedule]
drops = [0.3, 0.6, 0.9]
"""


def test_a_file(tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text(TOML, encoding="utf-8")
    settings = read(tmp_path / "run.toml")
    assert settings.architecture == "resnet18"
    assert settings.scale == 30.0
    assert settings.loss_margin == 0.5
    assert settings.frozen == ("conv1",)
    assert settings.optimizer == Optimizer("sgd", 0.1)
    assert settings.augment == Augmentation(flip=False, shift=0.1)
    assert settings.schedule.drops == (0.3, 0.6, 0.9)
    assert settings.epochs == Settings().epochs


def test_settings_are_read_as_they_are_written() -> None:
    settings = replace(Settings(), margin=0.3, frozen=("a", "b"), minutes=2.5)
    assert parse(settings.table(), Settings()) == settings


def test_options_go_before_the_file() -> None:
    assert parse({"epochs": 3}, parse({"epochs": 5, "seed": 2}, Settings())) == replace(Settings(), epochs=3, seed=2)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"epoch": 3}, "epoch is no setting; there are: architecture, augment"),
        ({"epochs": 0}, "epochs must be a number from 1 on, got 0"),
        ({"dimension": 10**6}, "dimension must be a number from 2 to 8192, got 1e+06"),
        ({"epochs": 1.5}, "epochs must be a whole number, got '1.5'"),
        ({"epochs": True}, "epochs must be a whole number"),
        ({"loss": "hinge"}, "loss must be one of softmax, triplet"),
        ({"optimizer": {"rate": -1}}, "optimizer.rate must be a number from 1e-09 on"),
        ({"optimizer": {"rate": "high"}}, "optimizer.rate must be a number, got 'high'"),
        ({"optimizer": {"lr": 1}}, "optimizer.lr is no setting; there are: clip"),
        ({"optimizer": 3}, "optimizer is a table"),
        ({"frozen": "conv1"}, "frozen is a list"),
        ({"augment": {"flip": 1}}, "augment.flip must be true or false"),
        ({"margin": float("nan")}, "margin must be a number from 0 on"),
        ({"loss": "contrastive", "miner": "offline"}, "offline mining chooses triplets"),
    ],
    ids=str,
)
def test_mistakes_are_named(table: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        parse(table, Settings())


def test_a_file_that_is_no_toml(tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text("loss = ", encoding="utf-8")
    with pytest.raises(UsageError, match=r"run\.toml is not TOML"):
        read(tmp_path / "run.toml")
    with pytest.raises(UsageError, match="cannot be read"):
        read(tmp_path / "none.toml")
