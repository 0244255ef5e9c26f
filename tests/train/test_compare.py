"""Architectures side by side, on made-up data that is learned in seconds."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'visavis[train]'")

from visavis.errors import UnknownNameError, UsageError  # noqa: E402
from visavis.evaluate.stats.intervals import wilson  # noqa: E402
from visavis.train import compare as comparing  # noqa: E402
from visavis.train.compare import compare_networks  # noqa: E402
from visavis.train.compare_page import page  # noqa: E402
from visavis.train.compare_report import ComparedClassifier, NetworkComparison  # noqa: E402
from visavis.train.config import Settings, parse  # noqa: E402

from .made_up import crops  # noqa: E402

SMALL = {
    "size": 32, "dimension": 16, "people": 5, "pictures": 4, "epochs": 2, "optimizer": {"rate": 3e-3},
    "stop": {"ails": False},
}  # fmt: skip


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five people with 12 pictures each: the 1st and 11th of each are held out, 10 of 60."""
    folder = tmp_path_factory.mktemp("people")
    data = crops(people=5, pictures=12)
    for row, (label, pixels) in enumerate(zip(data.labels, data.pixels, strict=True)):
        (folder / data.people[label]).mkdir(exist_ok=True)
        Image.fromarray(np.asarray(pixels)).save(folder / data.people[label] / f"{row}.png")
    return folder


@pytest.fixture(autouse=True)
def no_classifier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_classifier(monkeypatch, tmp_path)


def replace_classifier(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Leave out the classifier, which would look for faces in patterns; and write crops to a cache of this test's."""
    patch.setenv("VISAVIS_CACHE", str(folder / "cache"))
    beside = ComparedClassifier(report=None, seconds=0.0, reason="no face")
    patch.setattr(comparing, "_train_classifier", lambda *arguments: beside)


def settings(**changes: Any) -> Settings:
    return parse({**SMALL, **changes}, Settings())


def compared(people: Path, out: Path, names: Sequence[str], how: Settings, **options: Any) -> NetworkComparison:
    return compare_networks(people, out, names, how, aligned=True, **options)


@pytest.fixture(scope="module")
def both(people: Path, tmp_path_factory: pytest.TempPathFactory) -> NetworkComparison:
    """Two architectures, trained with triplets, without a classifier."""
    folder = tmp_path_factory.mktemp("both")
    with pytest.MonkeyPatch.context() as patch:
        replace_classifier(patch, folder)
        return compared(people, folder / "out", ["small_cnn", "resnet18"], settings())


def test_each_architecture_is_judged_by_the_same_photos(both: NetworkComparison) -> None:
    assert [network.architecture for network in both.networks] == ["small_cnn", "resnet18"]
    assert (both.people, both.train_photos, both.test_photos) == (5, 50, 10)
    small, large = both.networks
    assert small.tested == large.tested == 10
    assert small.right == 10
    assert small.accuracy_interval == wilson(10, 10)
    assert small.accuracy == small.epochs[-1].accuracy  # the ONNX file names as the network in training did
    assert large.accuracy == large.epochs[-1].accuracy
    assert small.parameters < large.parameters
    for network in both.networks:
        assert network.file_bytes == (both.folder / network.architecture / "model.onnx").stat().st_size
        assert network.seconds == sum(epoch.seconds for epoch in network.epochs)
        assert all(epoch.seconds > 50 / epoch.pictures_a_second for epoch in network.epochs)


def test_wrong_photos_are_listed_and_shown(people: Path, tmp_path: Path) -> None:
    """Names were drawn for the pictures, so no network can know them."""
    drawn = tmp_path / "drawn"
    rng = np.random.default_rng(0)
    for number, photo in enumerate(sorted(people.rglob("*.png"))):
        person = drawn / f"person {rng.integers(3)}"
        person.mkdir(parents=True, exist_ok=True)
        (person / f"{number}.png").symlink_to(photo)
    one = compared(drawn, tmp_path / "out", ["small_cnn"], settings(epochs=1))
    (network,) = one.networks
    assert network.right is not None
    assert len(network.wrong) == network.tested - network.right > 0
    for answer in network.wrong:
        assert answer.named != answer.person == Path(answer.photo).parent.name
    text = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert text.count("data:image/jpeg;base64,") == len(network.wrong)
    assert text.count(", taken for ") == len(network.wrong)


def test_an_ill_run_is_a_row_and_not_the_end(people: Path, tmp_path: Path) -> None:
    how = settings(loss="softmax", optimizer={"name": "sgd", "rate": 1e6, "clip": 0.0}, stop={"ails": True})
    both = compared(people, tmp_path / "out", ["small_cnn", "resnet18"], how)
    assert [network.illness.partition(".")[0] for network in both.networks] == ["The loss is no number any more"] * 2
    assert [network.accuracy for network in both.networks] == [None, None]
    assert not (tmp_path / "out" / "small_cnn" / "model.onnx").exists()
    line = json.loads(json.dumps(both.line(), allow_nan=False))
    assert line["networks"][0]["accuracy"] is None
    assert "Lower the learning rate" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


@pytest.mark.slow(seconds=8)
def test_finished_runs_are_not_trained_again(people: Path, tmp_path: Path) -> None:
    first = compared(people, tmp_path / "out", ["small_cnn"], settings())
    trained: list[str] = []
    both = compared(
        people, tmp_path / "out", ["small_cnn", "resnet18"], settings(), planned=lambda name, plan: trained.append(name)
    )
    assert trained == ["resnet18"]
    assert both.networks[0] == first.networks[0]
    result = tmp_path / "out" / "small_cnn" / "result.json"
    result.write_text(result.read_text(encoding="utf-8")[:300], encoding="utf-8")
    again = compared(people, tmp_path / "out", ["small_cnn"], settings())
    assert again.networks[0] == first.networks[0]
    with pytest.raises(UsageError, match=r"small_cnn holds a run with other settings: name another folder by --out\."):
        compared(people, tmp_path / "out", ["small_cnn"], settings(seed=1))


def test_after_softmax_too_the_nearest_mean_is_the_judge(people: Path, tmp_path: Path) -> None:
    (network,) = compared(people, tmp_path / "out", ["small_cnn"], settings(loss="softmax")).networks
    assert (network.right, network.tested, network.accuracy) == (10, 10, network.epochs[-1].accuracy)


@pytest.mark.slow(seconds=12)
def test_an_interrupted_comparison_goes_on_to_the_same_result(
    both: NetworkComparison, people: Path, tmp_path: Path
) -> None:
    stopped = compared(people, tmp_path / "out", ["small_cnn", "resnet18"], settings(), interrupted=stops_after(8))
    assert stopped.interrupted
    assert [network.architecture for network in stopped.networks] == ["small_cnn"]
    resumed = compared(people, tmp_path / "out", ["small_cnn", "resnet18"], settings())
    assert not resumed.interrupted
    for one, other in zip(both.networks, resumed.networks, strict=True):
        assert [epoch.loss for epoch in one.epochs] == [epoch.loss for epoch in other.epochs]
        assert (one.right, one.wrong) == (other.right, other.wrong)


def stops_after(asked: int) -> Callable[[], bool]:
    """A question that is answered with yes from the ``asked``-th time on."""
    count = iter(range(10**9))
    return lambda: next(count) >= asked


def test_mistakes_are_found_before_the_first_run(people: Path, tmp_path: Path) -> None:
    for names, kind, message in [
        (["small_cnn", "alexnet"], UnknownNameError, "no architecture 'alexnet'"),
        (["small_cnn", "mobilefacenet"], UsageError, "takes crops of 112 pixels"),
        ([], UsageError, "needs an architecture or more"),
    ]:
        with pytest.raises(kind, match=message):
            compared(people, tmp_path / "out", names, settings())
    assert not (tmp_path / "out").exists()


def test_held_out_photos_are_those_of_the_settings_where_they_say_so(people: Path, tmp_path: Path) -> None:
    how = settings(epochs=1, validation={"every": 4})
    assert compared(people, tmp_path / "out", ["small_cnn"], how).test_photos == 15


def test_curves_of_all_are_in_one_figure(both: NetworkComparison) -> None:
    text = (both.folder / "report.html").read_text(encoding="utf-8")
    assert text.count("<polyline") == 2 * 2  # accuracy and loss
    for network in both.networks:
        assert text.count(f"<title>{network.architecture}, ") == 2 * 2
    pictures = {answer.photo: np.zeros((8, 8, 3), np.uint8) for network in both.networks for answer in network.wrong}
    without = replace(both, networks=tuple(replace(network, epochs=()) for network in both.networks))
    assert "<polyline" not in page(without, crops=pictures).text()


@pytest.mark.slow(seconds=11)
def test_the_command(people: Path, tmp_path: Path) -> None:
    config = tmp_path / "settings.toml"
    config.write_text("dimension = 16\npeople = 5\n[optimizer]\nrate = 0.003\n[stop]\nails = false\n", encoding="utf-8")
    done = subprocess.run(
        [
            sys.executable, "-m", "visavis", "train", "compare", str(people), "--arch", "small_cnn, small_cnn",
            "--out", str(tmp_path / "out"), "--config", str(config), "--size", "32", "--epochs", "2", "--aligned",
            "--json",
        ],
        env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (line,) = map(json.loads, done.stdout.splitlines())
    (network,) = line["networks"]
    assert (network["architecture"], len(network["curve"])) == ("small_cnn", 2)
    assert (line["train_photos"], line["test_photos"], line["seed"]) == (50, 10, 0)
    assert line["classifier"]["accuracy"] is None  # there is no face in these patterns
    assert line["classifier"]["reason"]
    assert "small_cnn: 50 photos of 5 people to learn from, 10 held out" in done.stderr
    assert math.isclose(network["accuracy"], network["right"] / 10)
    assert (tmp_path / "out" / "report.html").stat().st_size > 3000
