"""Weights to begin with: a run begins with what a model distinguishes, and says what it comes from."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'visavis[train]'")

from visavis.compare import unit  # noqa: E402
from visavis.embedders import dlib  # noqa: E402
from visavis.embedders.recipes import RECIPES  # noqa: E402
from visavis.errors import UnknownNameError, UsageError  # noqa: E402
from visavis.nets.shapes import shapes  # noqa: E402
from visavis.nets.torch_module import Network  # noqa: E402
from visavis.train.architectures import ARCHITECTURES, architecture, first_weights  # noqa: E402
from visavis.train.config import Settings, parse  # noqa: E402
from visavis.train.initial_weights import KERNEL, InitialWeights, project, read_initial_weights  # noqa: E402
from visavis.train.network_run import NetworkRun, train_on_crops  # noqa: E402
from visavis.train.run_folder import learned_by  # noqa: E402
from visavis.types import RGB, Floats  # noqa: E402
from visavis.weights.model_row import ARCFACE  # noqa: E402

from .made_up import crops  # noqa: E402

FREE = ("sface", "dlib-resnet")
"""Models whose files the packages carry."""


def settings(**changes: Any) -> Settings:
    small = {"people": 4, "pictures": 4, "dimension": 16, "epochs": 1, "size": 32, "validation": {"people": 0.34}}
    return parse({**small, "stop": {"ails": False}, **changes}, Settings())


def faces(side: int) -> RGB:
    return np.random.default_rng(0).integers(0, 256, (3, side, side, 3), np.uint8)


def begin(initial: InitialWeights, pixels: RGB, dimension: int) -> Floats:
    """Embeddings of a network before its first step."""
    definition = architecture(initial.architecture).definition(dimension)
    first = first_weights(definition, side=pixels.shape[1], seed=0)
    network = Network(definition, initial.fit(first, seed=0)).eval()
    with torch.no_grad():
        return unit(network(torch.from_numpy(pixels))[0].numpy())


def test_each_built_in_model_belongs_to_one_architecture_that_has_its_arrays() -> None:
    owners = {model: each for each in ARCHITECTURES.values() for model in each.models}
    assert sorted(owners) == sorted(RECIPES)
    assert sum(len(each.models) for each in ARCHITECTURES.values()) == len(RECIPES)
    for name, recipe in RECIPES.items():
        wanted = shapes(owners[name].definition(8), side=owners[name].side)
        assert (wanted.pop(KERNEL), wanted.pop("embedding.bias")) == ((owners[name].features, 8), (8,))
        assert wanted.items() <= shapes(recipe.net, side=recipe.side).items(), name


@pytest.mark.parametrize("model", FREE)
def test_a_run_begins_with_the_embeddings_of_the_model(model: str) -> None:
    recipe, initial = RECIPES[model], read_initial_weights(model)
    assert initial.settings.dimension == recipe.dimension == 128
    pixels = faces(recipe.side)
    (outputs,) = recipe.session(threads=1).run(pixels)
    assert begin(initial, pixels, 128) == pytest.approx(unit(outputs), abs=2e-4)


def test_a_shorter_embedding_begins_with_a_projection_that_keeps_angles_roughly() -> None:
    recipe, initial = RECIPES["sface"], read_initial_weights("sface")
    pixels = np.concatenate([faces(112), 255 - faces(112)])
    (outputs,) = recipe.session(threads=1).run(pixels)
    short, whole = begin(initial, pixels, 64), unit(outputs)
    assert np.abs(short @ short.T - whole @ whole.T).max() < 0.35
    assert np.corrcoef((short @ short.T).ravel(), (whole @ whole.T).ravel())[0, 1] > 0.9


def test_projections_are_orthonormal_and_seeded() -> None:
    kernel = project((128, 32), 5)
    assert kernel.T @ kernel == pytest.approx(np.eye(32), abs=1e-6)
    assert np.array_equal(kernel, project((128, 32), 5))
    assert not np.array_equal(kernel, project((128, 32), 6))
    assert np.array_equal(project((3, 5), 0), np.eye(3, 5))


def test_crops_are_cut_as_the_weights_know_them() -> None:
    assert np.array(architecture("dlib_resnet").face_points(150)) == pytest.approx(dlib.TEMPLATE, abs=1e-4)
    assert architecture("sface").face_points(112) == ARCFACE
    assert architecture("small_cnn").face_points(56)[0] == (19.1473, 25.8482)


@pytest.mark.slow(seconds=10)
def test_a_run_that_begins_with_a_model_says_so(tmp_path: Path) -> None:
    data = crops(people=6, pictures=4)
    data = replace(data, pixels=np.asarray(data.pixels).repeat(4, axis=1).repeat(4, axis=2)[:, :112, :112].copy())
    initial = read_initial_weights("sface")
    how = parse({"validation": {"people": 0.0}, "epochs": 1, "stop": {"ails": False}}, initial.settings)
    run = train_on_crops(data, tmp_path / "run", how, initial=initial, license="CC0")
    assert run.row is not None
    assert run.row.dimension == 128
    assert run.row.license.startswith("CC0; begun with sface (Apache-2.0; trained on ")
    assert "24 pictures of 6 people, triplet; begun with sface" in run.row.trained_on
    again = read_initial_weights(tmp_path / "run")
    assert again.origin == f"{run.row.name} ({run.row.license})"
    assert (again.architecture, again.dimension) == ("sface", 128)


def test_a_resumed_run_keeps_its_license_and_what_it_began_with(tmp_path: Path) -> None:
    data, steps = crops(), iter(range(99))
    train_on_crops(data, tmp_path / "first", settings(validation={"people": 0.0}))
    initial = read_initial_weights(tmp_path / "first")
    how = settings(validation={"people": 0.0}, epochs=2)
    train_on_crops(data, tmp_path / "run", how, initial=initial, license="CC0", interrupted=lambda: next(steps) >= 1)
    run = train_on_crops(data, tmp_path / "run", how, resume=True)
    assert run.row is not None
    assert run.row.license == f"CC0; begun with {initial.origin}"
    assert initial.origin.endswith("(not stated)")


def test_what_was_learned_before_is_not_held_out(tmp_path: Path) -> None:
    """Its rates and thresholds would look too good, and nothing would show it. Not in the third run either."""
    data = crops(people=9, pictures=4)
    train_on_crops(data, tmp_path / "first", settings())
    initial = read_initial_weights(tmp_path / "first")
    assert len(initial.learned) == 24
    with pytest.raises(UsageError, match="photos held out were learned by the run to begin with"):
        train_on_crops(data, tmp_path / "second", settings(seed=1), initial=initial)
    assert not (tmp_path / "second").exists()
    few = np.flatnonzero(np.isin(data.labels, np.unique(data.labels)[:5]))
    part = replace(
        data, pixels=data.pixels[few], labels=data.labels[few], photos=tuple(data.photos[row] for row in few)
    )
    second = settings(validation={"people": 0.0})
    held_out = json.loads((tmp_path / "first" / "settings.json").read_text(encoding="utf-8"))["held_out"]
    assert {*held_out} & {*part.photos}
    run: NetworkRun = train_on_crops(part, tmp_path / "second", second, initial=initial)
    assert run.row is not None
    assert learned_by(tmp_path / "second") == initial.learned | {str(Path(photo).absolute()) for photo in part.photos}
    with pytest.raises(UsageError, match="photos held out were learned by the run to begin with"):
        train_on_crops(data, tmp_path / "third", settings(), initial=read_initial_weights(tmp_path / "second"))


def test_the_license_is_kept_through_a_run_without_a_model(tmp_path: Path) -> None:
    """A run that began with others' weights was interrupted: who begins with it is under their terms too."""
    data, how = crops(), settings(validation={"people": 0.0}, epochs=2)
    train_on_crops(data, tmp_path / "first", how, license="CC0")
    steps = iter(range(99))
    train_on_crops(
        data, tmp_path / "second", how,
        initial=read_initial_weights(tmp_path / "first"), interrupted=lambda: next(steps) >= 1,
    )  # fmt: skip
    assert not (tmp_path / "second" / "model.toml").exists()
    origin = read_initial_weights(tmp_path / "second").origin
    assert origin.startswith("second (not stated; begun with first-")
    assert origin.endswith("(CC0))")


def test_weights_of_which_nothing_fits_are_an_error(tmp_path: Path) -> None:
    """Else the run would begin at random, and its model would claim another origin."""
    initial = InitialWeights("sface", {"other.kernel": np.zeros(3, np.float32)}, "small_cnn", 32, 16, origin="sface")
    with pytest.raises(UsageError, match="sface holds no array of the architecture small_cnn"):
        train_on_crops(crops(), tmp_path / "run", settings(), initial=initial)
    assert not (tmp_path / "run").exists()


def test_photos_are_recognized_by_their_place_not_by_their_spelling(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = crops(people=9, pictures=4)
    monkeypatch.chdir(tmp_path)
    train_on_crops(data, tmp_path / "first", settings())
    moved = replace(data, photos=tuple(str(tmp_path / "x" / ".." / photo) for photo in data.photos))
    with pytest.raises(UsageError, match="were learned by the run to begin with"):
        train_on_crops(moved, "second", settings(seed=1), initial=read_initial_weights("first"))


def test_other_beginnings_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"nowhere is neither .* the models are: vggface-vgg16, .*, dlib-resnet"):
        read_initial_weights("nowhere")
    train_on_crops(crops(), tmp_path / "first", settings())
    initial = read_initial_weights(tmp_path / "first")
    with pytest.raises(UsageError, match="is of the architecture small_cnn, not resnet18"):
        train_on_crops(crops(), tmp_path / "run", settings(architecture="resnet18"), initial=initial)
    assert not (tmp_path / "run").exists()
