"""The stand-in for keras_vggface: on generated weights, against what the package's own networks make of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from visavis import compat
from visavis.compat.keras_vggface import VGGFace
from visavis.compat.keras_vggface.utils import decode_predictions, preprocess_input
from visavis.errors import UsageError, WeightsError
from visavis.weights import spec, store
from visavis.weights.readers import npy

from .generated import keras_file, networks

GOLDEN = np.load(Path(__file__).parents[1] / "golden" / "keras_vggface.npz")
Make = Callable[..., VGGFace]

# Preprocessing


def test_preprocessing_is_bgr_less_the_mean() -> None:
    pixel = np.array([[[[10.0, 20.0, 30.0]]]])
    assert preprocess_input(pixel)[0, 0, 0].tolist() == pytest.approx([30 - 93.5940, 20 - 104.7624, 10 - 129.1863])
    second = preprocess_input(pixel, version=2)[0, 0, 0]
    assert second.tolist() == pytest.approx([30 - 91.4953, 20 - 103.8827, 10 - 131.0912])
    assert pixel.tolist() == [[[[10, 20, 30]]]]


def test_preprocessing_of_channels_first_is_the_same() -> None:
    pictures = np.random.default_rng(0).uniform(0, 255, (2, 5, 4, 3))
    for version in (1, 2):
        last = preprocess_input(pictures, version=version)
        first = preprocess_input(pictures.transpose(0, 3, 1, 2), data_format="channels_first", version=version)
        assert np.array_equal(first.transpose(0, 2, 3, 1), last)


def test_preprocessing_keeps_floats_and_makes_floats_of_whole_numbers() -> None:
    assert preprocess_input(np.zeros((1, 2, 2, 3), np.float64)).dtype == np.float64
    assert preprocess_input(np.zeros((1, 2, 2, 3), np.float32)).dtype == np.float32
    whole = preprocess_input(np.zeros((1, 2, 2, 3), np.uint8))
    assert whole.dtype == np.float32
    assert whole.min() == pytest.approx(-129.1863)


@pytest.mark.parametrize("version", [1, 2])
def test_preprocessing_of_the_golden_pictures(version: int) -> None:
    prepared = preprocess_input(networks.pictures(224).astype(np.float32), version=version)
    found = networks.summary(f"preprocess_v{version}", prepared.transpose(0, 3, 1, 2))
    assert np.abs(found - GOLDEN[f"preprocess_v{version}"]).max() <= 1e-4


def test_what_preprocessing_refuses() -> None:
    with pytest.raises(NotImplementedError):
        preprocess_input(np.zeros((1, 2, 2, 3)), version=3)
    with pytest.raises(ValueError, match="data_format"):
        preprocess_input(np.zeros((1, 2, 2, 3)), data_format="last")


# Names


@pytest.fixture
def labels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names as the published lists have them: a blank in front, some quoted, some bytes."""
    written = np.array([f" Person_{i}" for i in range(8631)])
    monkeypatch.setattr(store, "find", lambda row: Path(row.name))
    lists = {"vggface2-labels": written, "vggface-labels": np.array(["'Ann'", ' "Ben"', *"c" * 2620])}
    monkeypatch.setattr(npy, "read", lambda path: lists[str(path)])


@pytest.mark.usefixtures("labels")
def test_names_come_clean_and_in_order() -> None:
    rows = np.zeros((2, 8631), np.float32)
    rows[0, [5, 77, 8000]] = 0.2, 0.7, 0.1
    rows[1, [3, 0]] = 0.9, 0.1
    one, other = decode_predictions(rows, top=3)
    assert [name for name, _ in one] == ["Person_77", "Person_5", "Person_8000"]
    assert [float(p) for _, p in one] == pytest.approx([0.7, 0.2, 0.1])
    assert [name for name, _ in other][:2] == ["Person_3", "Person_0"]
    assert isinstance(one[0], list)
    assert len(decode_predictions(rows)[0]) == 5


@pytest.mark.usefixtures("labels")
def test_names_of_the_first_list() -> None:
    row = np.linspace(1, 0, 2622)[None]
    assert [name for name, _ in decode_predictions(row, top=2)[0]] == ["Ann", "Ben"]


@pytest.mark.parametrize("shape", [(8631,), (1, 8630), (1, 1, 2622)])
def test_no_names_for_other_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"2D array .* Found array with shape"):
        decode_predictions(np.zeros(shape))


def test_the_published_names(monkeypatch: pytest.MonkeyPatch, data: Path) -> None:
    monkeypatch.setenv("VISAVIS_WEIGHTS", str(data.parent / "weights"))
    monkeypatch.setenv("VISAVIS_OFFLINE", "1")
    if store.locate(spec.spec("vggface2-labels")) is None:
        pytest.skip("the list of VGGFace2's names is not on this machine")
    row = np.zeros((1, 8631))
    row[0, 0] = 1
    (names,) = decode_predictions(row, top=8631)
    assert names[0][0] == "A_Fine_Frenzy"
    assert [name for name, _ in names if name != name.strip(" '\"") or not name] == []


# Networks


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Generated weights in the layout of the published files, by their names."""
    folder = tmp_path_factory.mktemp("weights")
    return lambda name: keras_file(folder, name)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache for converted networks that is not the user's: each is converted once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def make(kept: Path, files: Callable[[str], Path]) -> Make:
    """Open a network, once for the same options."""

    @cache
    def build(model: str, **options: object) -> VGGFace:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("VISAVIS_CACHE", str(kept))
            return VGGFace(False, model, files(f"notop_{model}"), **options)

    return build


def prepared(version: int) -> np.ndarray:
    return preprocess_input(networks.pictures(224).astype(np.float32), version=version)


@pytest.mark.parametrize("model", ["resnet50", "senet50"])
def test_features_are_those_of_the_package(make: Make, model: str) -> None:
    network = make(model, input_shape=(224, 224, 3), pooling="avg")
    assert network.output_shape == (None, 2048)
    assert np.abs(network.predict(prepared(2)) - GOLDEN[f"{model}.features"]).max() <= 1e-4


def test_the_last_map_of_vgg16_is_the_packages(make: Make) -> None:
    network = make("vgg16")
    maps = network.predict(prepared(1))
    assert network.output_shape == (None, *maps.shape[1:]) == (None, 7, 7, 512)
    found = networks.summary("vgg16.pool5", maps.transpose(0, 3, 1, 2))
    assert np.abs(found - GOLDEN["vgg16.pool5"]).max() <= 1e-4


@pytest.mark.slow(seconds=7)
def test_pooling_is_of_the_last_map(make: Make) -> None:
    pictures = prepared(1)
    maps = make("vgg16").predict(pictures)
    assert np.array_equal(make("vgg16", pooling="max").predict(pictures), maps.max(axis=(1, 2)))
    assert np.allclose(make("vgg16", pooling="avg").predict(pictures), maps.mean(axis=(1, 2)), atol=1e-6)


def test_residual_networks_end_in_means_of_seven_by_seven(make: Make) -> None:
    """Also without the top and without pooling: keras-vggface has ``avg_pool`` before both."""
    pictures = prepared(2)
    maps, features = make("resnet50").predict(pictures), make("resnet50", pooling="avg").predict(pictures)
    assert maps.shape == (2, 1, 1, 2048)
    assert np.array_equal(maps[:, 0, 0], features)


def test_what_a_script_does_to_the_pictures_counts(make: Make) -> None:
    """The means are the script's: other ones give another answer, and floats are not rounded to pixels."""
    network, pictures = make("resnet50", pooling="avg"), prepared(2)
    right, wrong = network.predict(pictures), network.predict(prepared(1))
    assert np.abs(right - wrong).max() > 1e-2
    assert 0 < np.abs(right - network.predict(pictures + 0.3)).max() < np.abs(right - wrong).max()


def test_a_batch_is_its_pictures(make: Make) -> None:
    network, pictures = make("resnet50", pooling="avg"), prepared(2)
    both = network.predict(pictures, batch_size=1, verbose=0)
    assert np.abs(both - network.predict_on_batch(pictures)).max() <= 1e-4
    assert np.abs(network(pictures[1:]) - both[1:]).max() <= 1e-4
    assert network.predict(pictures[:0]).shape == (0, 2048)


@pytest.mark.parametrize(("side", "out"), [(197, 1), (448, 2)])
def test_larger_pictures(make: Make, side: int, out: int) -> None:
    network = make("resnet50", input_shape=(side, side, 3))
    found = network.predict(np.zeros((1, side, side, 3)))
    assert network.output_shape == (None, *found.shape[1:]) == (None, out, out, 2048)


def test_a_network_tells_of_itself(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    network = make("resnet50", pooling="avg")
    network.summary()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Model: 'vggface_resnet50'"
    assert lines[-1] == "Total params: 23,561,152"
    told: list[str] = []
    network.summary(print_fn=told.append)
    assert told == lines
    assert network.input_shape == (None, 224, 224, 3)
    assert str(network.inputs) == "[Tensor(name='input_1', shape=(None, 224, 224, 3), dtype='float32')]"
    assert network.outputs[0].shape == (None, 2048)


@pytest.mark.slow(seconds=8)
def test_the_top_gives_probabilities_in_the_order_of_the_file(
    monkeypatch: pytest.MonkeyPatch, kept: Path, files: Callable[[str], Path]
) -> None:
    """As ``weights="vggface"`` too, of a file found by its name; the dense layer is recomputed by hand."""
    file = files("resnet50")
    monkeypatch.setenv("VISAVIS_CACHE", str(kept))
    monkeypatch.setenv("VISAVIS_WEIGHTS", str(file.parent))
    monkeypatch.setenv("VISAVIS_OFFLINE", "1")
    network = VGGFace(model="resnet50")
    assert network.output_shape == (None, 8631)
    found = network.predict(prepared(2))
    kernel, bias = (
        networks.values(f"classifier/{part}:0", shape) for part, shape in (("kernel", (2048, 8631)), ("bias", (8631,)))
    )
    logits = GOLDEN["resnet50.features"].astype(np.float64) @ kernel + bias
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    assert np.abs(found - powers / powers.sum(axis=1, keepdims=True)).max() <= 1e-5
    assert found.sum(axis=1) == pytest.approx([1, 1], abs=1e-5)
    without = VGGFace(model="resnet50", include_top=False, pooling="avg")
    assert np.abs(without.predict(prepared(2)) - GOLDEN["resnet50.features"]).max() <= 1e-4


def test_random_weights_are_the_same_each_time(recwarn: pytest.WarningsRecorder) -> None:
    compat.note.cache_clear()
    with pytest.warns(compat.CompatWarning, match="cannot be trained"):
        network = VGGFace(model="resnet50", weights=None, classes=7)
    found = network.predict(prepared(2))
    assert found.shape == (2, 7)
    assert np.isfinite(found).all()
    assert network.count_params() == 23_561_152 + 2048 * 7 + 7
    assert np.array_equal(VGGFace(model="resnet50", weights=None, classes=7).predict(prepared(2)), found)
    assert not recwarn.list


# Refusals


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"model": "resnet152"}, "model is one of vgg16, resnet50, senet50"),
        ({"pooling": "mean"}, "pooling is None, 'avg' or 'max'"),
        ({"classes": 10}, "`classes` should be 2622"),
        ({"weights": "imagenet"}, "weights is 'vggface', None or the path of a file, got 'imagenet'"),
        ({"input_shape": (200, 200, 3)}, "where include_top is true"),
        ({"input_shape": (200, 300, 3), "include_top": False}, "square"),
        ({"input_shape": (3, 224, 224), "include_top": False}, "square"),
        ({"input_shape": (40, 40, 3), "include_top": False}, "at least 48 pixels"),
        ({"input_shape": (196, 196, 3), "include_top": False, "model": "senet50"}, "at least 197 pixels"),
    ],
)
def test_what_means_nothing_is_refused(options: dict[str, object], why: str) -> None:
    with pytest.raises(ValueError, match=why.replace("(", r"\(")):
        VGGFace(**options)  # type: ignore[arg-type]


def test_weights_that_are_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path))
    monkeypatch.setenv("VISAVIS_WEIGHTS", "")
    monkeypatch.setenv("VISAVIS_OFFLINE", "1")
    with pytest.raises(WeightsError, match=r"^rcmalli_vggface_tf_notop_senet50\.h5 is missing [^\n]*$"):
        VGGFace(model="senet50", include_top=False)


def test_a_file_of_another_network(
    make: Make, kept: Path, files: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    make("resnet50")
    monkeypatch.setenv("VISAVIS_CACHE", str(kept))
    with pytest.raises(WeightsError, match=r"is no file of vgg16 without its top: conv1_1\.kernel is not there"):
        VGGFace(False, "vgg16", files("notop_resnet50"))


def test_pictures_of_another_size(make: Make) -> None:
    with pytest.raises(UsageError, match=r"expects pictures of shape \(None, 224, 224, 3\), got \(224, 224, 3\)"):
        make("resnet50").predict(np.zeros((224, 224, 3)))
