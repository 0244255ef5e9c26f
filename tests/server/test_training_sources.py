"""Whose people a classifier names while it is trained again: keys of other galleries never ask about them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from visavis.errors import UsageError
from visavis.server import train_job
from visavis.server.config import ServerConfig
from visavis.server.state.classifiers import ClassifierSources
from visavis.server.state.database import StateDatabase


@pytest.fixture
def config(tmp_path: Path) -> ServerConfig:
    return ServerConfig(
        state=f"sqlite:///{tmp_path / 'server.db'}",
        galleries={name: f"sqlite:///{tmp_path / name}.db" for name in ("staff", "guests")},
        classifiers={"door": tmp_path / "door"},
    )


@pytest.fixture
def sources(config: ServerConfig) -> Iterator[ClassifierSources]:
    with closing(StateDatabase(config.state)) as database:
        yield ClassifierSources(database)


def train(config: ServerConfig, monkeypatch: pytest.MonkeyPatch, save: Callable[[Path], None], **order: str) -> None:
    """Run a training whose result is saved by ``save``."""
    report = SimpleNamespace(accuracy=1.0, accuracy_interval=(0.9, 1.0))
    trained = SimpleNamespace(save=save, report=report, classifier=SimpleNamespace(people=("Ann",), training=()))
    for name in ("_train_on_gallery", "_train_on_folder"):
        monkeypatch.setattr(train_job, name, lambda *_: trained)
    job = SimpleNamespace(order={"classifier": "door", **order}, gallery="guests")
    train_job.run_training(config, cast(Any, SimpleNamespace(job=job, begin_saving=lambda: None)))


@pytest.mark.parametrize("order", [{"folder": "photos/people"}, {}])
def test_a_training_that_is_not_saved_opens_the_former_people_to_no_other_key(
    config: ServerConfig, sources: ClassifierSources, monkeypatch: pytest.MonkeyPatch, order: dict[str, str]
) -> None:
    sources.set("door", "staff")

    def fail(_: Path) -> None:
        assert not sources.may_ask("door", ["guests"])
        assert not sources.may_ask("door", ["staff"])  # nor, once the new files are there, about the new people
        raise UsageError("there is no space left.")

    with pytest.raises(UsageError, match="no space"):
        train(config, monkeypatch, fail, **order)
    assert not sources.may_ask("door", ["guests"])
    assert sources.may_ask("door", None)
    train(config, monkeypatch, lambda _: None, **order)
    assert sources.may_ask("door", ["guests"])
    assert sources.may_ask("door", ["staff"]) == bool(order)
    assert sources.read() == ({} if order else {"door": "guests"})


def test_a_training_on_the_same_people_leaves_their_keys_the_classifier(
    config: ServerConfig, sources: ClassifierSources, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources.set("door", "guests")
    train(config, monkeypatch, lambda _: None if sources.may_ask("door", ["guests"]) else pytest.fail("closed"))
    assert sources.read() == {"door": "guests"}
