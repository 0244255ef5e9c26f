"""Whole runs, on made-up data that a network learns in seconds."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'visavis[train]'")

from visavis.errors import UsageError  # noqa: E402
from visavis.runtime import Session  # noqa: E402
from visavis.train import checkpoints  # noqa: E402
from visavis.train.config import Settings, parse  # noqa: E402
from visavis.train.initial_weights import read_initial_weights  # noqa: E402
from visavis.train.network_run import NetworkRun, train_on_crops  # noqa: E402
from visavis.train.run_folder import settings_of  # noqa: E402

from .made_up import crops  # noqa: E402


def settings(**changes: Any) -> Settings:
    small = {"people": 4, "pictures": 4, "dimension": 16, "epochs": 4, "optimizer": {"rate": 3e-3}, "size": 32}
    return parse({**small, "validation": {"people": 0.34}, "stop": {"ails": False}, **changes}, Settings())


def stops_after(steps: int) -> Callable[[], bool]:
    """A question that is answered with yes from the ``steps``-th time on."""
    asked = iter(range(10**9))
    return lambda: next(asked) >= steps


TIMES = {"pictures_a_second": 0.0, "seconds": 0.0}
"""What differs between two runs alike."""


def log_of(run: Path) -> list[dict[str, str]]:
    with (run / "log.csv").open(encoding="utf-8", newline="") as file:
        return [{name: value for name, value in row.items() if name not in TIMES} for row in csv.DictReader(file)]


@pytest.mark.slow(seconds=14)
@pytest.mark.parametrize(
    "changes",
    [
        {"loss": "triplet", "miner": "semi-hard"},
        {"loss": "triplet", "miner": "batch-hard", "distance": "l2"},
        {"loss": "triplet", "miner": "all", "distance": "chi2"},
        {"loss": "triplet", "miner": "random"},
        {"loss": "triplet", "miner": "offline", "renew": 2},
        {"loss": "contrastive", "distance": "l1"},
        {"loss": "softmax"},
        {"loss": "arcface", "scale": 16.0},
        {"loss": "cosface", "scale": 16.0},
    ],
    ids=lambda changes: "-".join(str(value) for value in changes.values()),
)
def test_people_it_has_not_seen_are_told_apart(changes: dict[str, Any], tmp_path: Path) -> None:
    run = train_on_crops(crops(people=9, pictures=6), tmp_path / "run", settings(epochs=6, **changes))
    assert run.illness is None
    assert run.epochs[-1].tar is not None
    assert run.epochs[-1].tar > 0.9
    assert run.epochs[-1].negative > 2 * run.epochs[-1].positive


def test_the_model_gives_what_the_network_gives(tmp_path: Path) -> None:
    from visavis.nets.torch_module import Network
    from visavis.train.architectures import architecture

    data = crops()
    run = train_on_crops(data, tmp_path / "run", settings(epochs=2))
    assert run.row is not None
    state = checkpoints.load(tmp_path / "run")
    assert state is not None
    arrays = {name: value.numpy() for name, value in state["network"].items()}
    network = Network(architecture("small_cnn").definition(16), arrays).eval()
    with torch.no_grad():
        expected = network(torch.from_numpy(np.ascontiguousarray(data.pixels[:5])))[0].numpy()
    (answer,) = Session(tmp_path / "run" / "model.onnx", threads=1).run(data.pixels[:5])
    assert np.abs(answer - expected).max() <= 1e-5 * np.abs(expected).max()


def test_seeds_fix_a_run(tmp_path: Path) -> None:
    runs = [train_on_crops(crops(), tmp_path / name, settings(epochs=2)) for name in ("a", "b")]
    other = train_on_crops(crops(), tmp_path / "c", settings(epochs=2, seed=1))
    assert runs[0].row is not None
    assert other.row is not None
    assert log_of(tmp_path / "a") == log_of(tmp_path / "b")
    assert (tmp_path / "a" / "model.onnx").read_bytes() == (tmp_path / "b" / "model.onnx").read_bytes()
    assert log_of(tmp_path / "a") != log_of(tmp_path / "c")


@pytest.fixture(scope="session")
def train_whole(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Settings], tuple[NetworkRun, Path]]:
    """Train a run to its end, and return it with its folder: once for the same settings."""
    runs: dict[str, tuple[NetworkRun, Path]] = {}

    def train(how: Settings) -> tuple[NetworkRun, Path]:
        if repr(how) not in runs:
            folder = tmp_path_factory.mktemp("whole")
            runs[repr(how)] = train_on_crops(crops(), folder / "run", how), folder / "run"
        return runs[repr(how)]

    return train


@pytest.mark.slow(seconds=30)
@pytest.mark.parametrize("steps", [1, 2, 4, 7])
@pytest.mark.parametrize(
    "changes", [{}, {"loss": "softmax", "optimizer": {"name": "sgd"}}, {"miner": "offline", "renew": 3}]
)
def test_an_interrupted_run_goes_on_to_the_bit(
    steps: int, changes: dict[str, Any], tmp_path: Path, train_whole: Callable[[Settings], tuple[NetworkRun, Path]]
) -> None:
    how = settings(augment={"shift": 0.1, "color": 0.2}, **changes)
    whole, whole_folder = train_whole(how)
    first = train_on_crops(crops(), tmp_path / "run", how, interrupted=stops_after(steps))
    assert first.interrupted
    assert first.row is None
    second = train_on_crops(crops(), tmp_path / "run", settings(), resume=True)
    assert not second.interrupted
    first_run, second_run = ([replace(epoch, **TIMES) for epoch in run.epochs] for run in (whole, second))
    assert first_run == second_run
    assert (tmp_path / "run" / "model.onnx").read_bytes() == (whole_folder / "model.onnx").read_bytes()


def test_a_damaged_checkpoint_falls_back_on_the_one_before(tmp_path: Path) -> None:
    how = settings()
    whole = train_on_crops(crops(), tmp_path / "whole", how)
    train_on_crops(crops(), tmp_path / "run", how, interrupted=stops_after(5))
    newest = tmp_path / "run" / checkpoints.NEWEST
    newest.write_bytes(newest.read_bytes()[:1000])
    second = train_on_crops(crops(), tmp_path / "run", how, resume=True)
    assert second.epochs[-1].loss == whole.epochs[-1].loss


def test_a_run_is_not_overwritten(tmp_path: Path) -> None:
    train_on_crops(crops(), tmp_path / "run", settings(epochs=1))
    with pytest.raises(UsageError, match="holds a run already"):
        train_on_crops(crops(), tmp_path / "run", settings(epochs=1))
    with pytest.raises(UsageError, match="holds no run"):
        train_on_crops(crops(), tmp_path / "other", settings(epochs=1), resume=True)
    with pytest.raises(UsageError, match="not those"):
        train_on_crops(crops(seed=1), tmp_path / "run", settings(epochs=1), resume=True)


def test_what_cannot_be_trained_leaves_no_folder(tmp_path: Path) -> None:
    """Else the second try, with the cure, would find a run there."""
    few = crops(people=3)
    with pytest.raises(UsageError, match=r"of 3 people none can be held out: .*\[validation\] every = 10"):
        train_on_crops(few, tmp_path / "run", settings(epochs=1))
    assert not (tmp_path / "run").exists()


def test_other_files_are_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="holds other files: name a new folder"):
        train_on_crops(crops(), tmp_path, settings(epochs=1))
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


@pytest.mark.parametrize("changed", ["network", "optimizer", "epoch", "epochs", "measured"])
def test_an_altered_checkpoint_is_one_sentence(changed: str, tmp_path: Path) -> None:
    train_on_crops(crops(), tmp_path / "run", settings(), interrupted=stops_after(5))
    for name in (checkpoints.NEWEST, checkpoints.PREVIOUS):
        path = tmp_path / "run" / name
        if path.exists():
            torch.save({**torch.load(path, weights_only=True), changed: [None, "x"]}, path)
    with pytest.raises(UsageError, match="does not fit to this run, or was altered"):
        train_on_crops(crops(), tmp_path / "run", settings(), resume=True)


def test_a_run_whose_checkpoints_are_all_damaged_does_not_begin_again(tmp_path: Path) -> None:
    """Its log and its report would be overwritten without a word."""
    run = tmp_path / "run"
    train_on_crops(crops(), run, settings(), interrupted=stops_after(9))
    log = (run / "log.csv").read_bytes()
    for name in (checkpoints.NEWEST, checkpoints.PREVIOUS):
        (run / name).write_bytes(b"PK\x03\x04")
    with pytest.raises(UsageError, match=r"no checkpoint of .* is whole"):
        train_on_crops(crops(), run, settings(), resume=True)
    assert (run / "log.csv").read_bytes() == log


def test_a_packed_checkpoint_is_not_unpacked(tmp_path: Path) -> None:
    torch.save({"network": {}}, tmp_path / "plain.pt")
    with ZipFile(tmp_path / "plain.pt") as plain, ZipFile(tmp_path / checkpoints.NEWEST, "w", ZIP_DEFLATED) as packed:
        for name in plain.namelist():
            packed.writestr(name, plain.read(name))
        packed.writestr("archive/data/0", bytes(1 << 24))
    assert checkpoints.load(tmp_path) is None
    (tmp_path / "plain.pt").rename(tmp_path / checkpoints.NEWEST)
    assert checkpoints.load(tmp_path) == {"network": {}}


@pytest.mark.skipif("VISAVIS_LONG" not in os.environ, reason="compiling takes minutes: ./check --long")
def test_a_compiled_network_learns_the_same(tmp_path: Path) -> None:
    plain, compiled = (
        train_on_crops(crops(), tmp_path / name, settings(compile=name == "compiled")) for name in ("plain", "compiled")
    )
    assert [epoch.loss for epoch in compiled.epochs] == pytest.approx([epoch.loss for epoch in plain.epochs], abs=1e-3)


def test_a_checkpoint_without_a_network_is_no_beginning(tmp_path: Path) -> None:
    train_on_crops(crops(), tmp_path / "run", settings(epochs=1))
    torch.save({"network": [1]}, tmp_path / "run" / checkpoints.NEWEST)
    with pytest.raises(UsageError, match="does not hold a network"):
        read_initial_weights(tmp_path / "run")


@pytest.mark.parametrize("table", [[], 5, "x", None, {"optimizer": 1}])
def test_altered_settings_are_one_sentence(table: object, tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text(json.dumps({"settings": table, "data": ""}), encoding="utf-8")
    with pytest.raises(UsageError):
        settings_of(tmp_path)


def test_what_is_written_beside_a_run(tmp_path: Path) -> None:
    run: NetworkRun = train_on_crops(crops(), tmp_path / "run", settings(epochs=1))
    written = json.loads((tmp_path / "run" / "settings.json").read_text(encoding="utf-8"))
    assert parse(written["settings"], Settings()) == settings(epochs=1)
    assert written["data"] == crops().digest()
    assert written["torch"] == torch.__version__
    assert len(written["photos"]) == 48
    assert len(written["held_out"]) == run.plan.held_out == 16
    assert len({photo.partition("/")[0] for photo in written["held_out"]}) == 2  # whole people
    assert run.plan.pictures + run.plan.held_out == 48
    assert run.plan.people == 4


def test_frozen_layers_keep_their_weights_and_statistics(tmp_path: Path) -> None:
    from visavis.train.architectures import architecture, first_weights

    train_on_crops(crops(), tmp_path / "run", settings(epochs=1, frozen=["conv1.", "conv2."]))
    state = checkpoints.load(tmp_path / "run")
    assert state is not None
    for name, first in first_weights(architecture("small_cnn").definition(16), side=32, seed=0).items():
        assert np.array_equal(state["network"][name].numpy(), first) == name.startswith(("conv1.", "conv2.")), name
