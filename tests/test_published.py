"""Published weight files under any name, in the layouts of their authors; full size, the figures all zero."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from embedders.published import GOLDEN, frozen_graph, keras_facenet, torch_file
from golden import networks
from visavis import embedders
from visavis.errors import UnknownNameError, UsageError, WeightsError
from visavis.published import Published, recognize_file
from visavis.weights import spec, store
from visavis.weights.catalog import classic, modern
from visavis.weights.row import WeightSpec
from weights import files
from weights.hdf5 import write_keras


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    """A name that says nothing, and is gone after the test: the files are large."""
    path = tmp_path / "download (3)"
    yield path
    path.unlink(missing_ok=True)


def keras(path: Path, layers: networks.Shapes) -> Path:
    return write_keras(
        path,
        {
            layer: [(name, np.zeros(shape, np.float32)) for name, shape in weights.items()]
            for layer, weights in layers.items()
        },
    )


def torch(path: Path, shapes: dict[str, tuple[int, ...]]) -> Path:
    """A state dict whose tensors are all one storage's beginning."""
    most = max(int(np.prod(shape)) for shape in shapes.values())
    stored = files.storage("0", most)
    tensors = {}
    for name, shape in shapes.items():
        strides = [int(np.prod(shape[n + 1 :])) for n in range(len(shape))]
        tensors[name] = files.rebuilt(stored, shape, strides)
    path.write_bytes(files.torch_zip(files.state_dict(**tensors), {"0": bytes(4 * most)}))
    return path


def outline(
    path: Path, *, size: int = 112, outputs: tuple[int, ...] = (512,), constants: int = 0, inputs: int = 1
) -> Path:
    """An ONNX file of one constant of that many bytes."""

    def value(name: str, *sides: int | str) -> bytes:
        shape = b"".join(files.field(1, files.field(2 if isinstance(one, str) else 1, one)) for one in sides)
        return files.field(1, name) + files.field(2, files.field(1, files.field(1, 1) + files.field(2, shape)))

    weight = files.field(1, constants // 4) + files.field(2, 1) + files.field(8, "w") + files.field(9, bytes(constants))
    pictures = [files.field(11, value(f"x{n}", "batch", 3, size, size)) for n in range(inputs)]
    named = [files.field(12, value(f"y{n}", "batch", last)) for n, last in enumerate(outputs)]
    graph = b"".join([files.field(5, weight), *pictures, files.field(11, value("w", constants // 4)), *named])
    path.write_bytes(files.field(1, 8) + files.field(7, graph))
    return path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


# By the hash


@pytest.mark.parametrize("row", [spec.PNET, spec.ONET, spec.DLIB_RESNET, spec.DLIB_5_POINTS], ids=lambda row: row.name)
def test_a_renamed_file_is_known_by_its_hash(file: Path, row: WeightSpec) -> None:
    where = store.locate(row)
    assert where is not None
    file.symlink_to(where)
    assert recognize_file(file) == Published(row, row.sha256, "hash")
    assert recognize_file(file, called=row.name).row == row
    with pytest.raises(UsageError, match=f"is the published {row.name}, not yunet"):
        recognize_file(file, called="yunet")


@pytest.mark.parametrize(
    "row", [spec.YUNET_FLOAT, spec.SCRFD_500M, spec.SCRFD_2500M, classic.VGGFACE2_LABELS], ids=lambda row: row.name
)
def test_a_published_file_that_was_changed_is_not_it(file: Path, row: WeightSpec) -> None:
    """It has the arrays still: a name is another, and behind an ONNX file's end stands a field that nobody knows."""
    where = store.locate(row)
    if where is None:
        pytest.skip(f"there is no {row.file}")
    data = where.read_bytes()
    file.write_bytes(data)
    assert recognize_file(file).by == "hash"
    file.write_bytes(data[:128] + b"Z" + data[129:] if row.task == "classify" else data + b"\x78\1")
    with pytest.raises(WeightsError) as caught:
        recognize_file(file)
    assert str(caught.value) == (
        f"{file} is not the published {row.name}: its SHA-256 is {sha256(file)}, not {row.sha256}."
    )


# By the arrays


@pytest.mark.parametrize(
    ("layers", "row"),
    [
        (networks.resnet50, classic.RESNET50),
        (lambda: networks.resnet50(top=False), classic.RESNET50_NOTOP),
        (lambda: networks.resnet50(squeeze=True), classic.SENET50),
        (lambda: networks.resnet50(squeeze=True, top=False), classic.SENET50_NOTOP),
        (lambda: networks.vgg16(top=False), classic.VGG16_NOTOP),
        pytest.param(networks.vgg16, classic.VGG16, marks=pytest.mark.slow),
    ],
    ids=lambda one: getattr(one, "name", ""),
)
def test_keras_vggfaces_files(file: Path, layers: Callable[[], networks.Shapes], row: WeightSpec) -> None:
    keras(file, layers())
    assert recognize_file(file) == Published(row, sha256(file), "structure")
    other = classic.SENET50 if row != classic.SENET50 else classic.RESNET50
    with pytest.raises(UsageError, match=f"is not a file of {other.name}: its arrays are those of {row.name}"):
        recognize_file(file, called=other.name)


@pytest.mark.parametrize(
    "changed",
    [
        {"classes": 8630},
        {"squeeze": True, "classes": 2},
    ],
)
def test_networks_of_other_classes_are_none_of_them(file: Path, changed: dict[str, int]) -> None:
    keras(file, networks.resnet50(**changed))
    with pytest.raises(WeightsError, match="is no published weight file that visavis knows"):
        recognize_file(file)


def test_a_layer_too_many_and_a_layer_too_few(file: Path) -> None:
    layers = networks.vgg16(top=False)
    keras(file, {**layers, "mine": {"mine/kernel:0": (2, 2)}})
    with pytest.raises(WeightsError, match="is no published weight file"):
        recognize_file(file)
    keras(file, {name: weights for name, weights in layers.items() if name != "conv3_2"})
    with pytest.raises(WeightsError, match="is no published weight file"):
        recognize_file(file)


def state_dict(classes: int | None) -> dict[str, tuple[int, ...]]:
    return networks.inception_resnet_v1(classes=classes)[""]


@pytest.mark.parametrize(("classes", "row"), [(8631, classic.FACENET_VGGFACE2), (10575, classic.FACENET_CASIA)])
def test_facenet_pytorchs_files_by_their_people(file: Path, classes: int, row: WeightSpec) -> None:
    torch(file, state_dict(classes))
    assert recognize_file(file) == Published(row, sha256(file), "structure")


def test_a_renamed_file_is_put_in_place_and_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a download of any name to the embeddings that facenet-pytorch's own network makes."""
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("VISAVIS_OFFLINE", "1")
    monkeypatch.delenv("VISAVIS_WEIGHTS", raising=False)
    file = torch_file(tmp_path / "weights (2).bin", networks.inception_resnet_v1())
    found = recognize_file(file)
    store.put(found.row, file, sha256=found.sha256)
    file.unlink()
    golden = np.load(GOLDEN / "facenet_pytorch.npz")["features"]
    embeddings = embedders.create("facenet-vggface2", threads=1).embed(networks.pictures(160))
    np.testing.assert_allclose(embeddings, golden, atol=1e-6)


def test_a_file_that_may_be_two_is_told_apart_by_name_or_word(file: Path) -> None:
    torch(file, state_dict(None))
    with pytest.raises(UsageError) as caught:
        recognize_file(file)
    assert str(caught.value) == (
        f"{file} may be facenet-vggface2 or facenet-casia, whose files hold the same arrays: say which, as in "
        "--as facenet-vggface2."
    )
    assert recognize_file(file, called="facenet-casia").row == classic.FACENET_CASIA
    file = file.rename(file.with_name("20180408-102900-casia-webface (1).pt"))
    assert recognize_file(file).row == classic.FACENET_CASIA
    assert recognize_file(file, called="facenet-vggface2").row == classic.FACENET_VGGFACE2
    with pytest.raises(UnknownNameError, match="facenet-casia"):
        recognize_file(file, called="facenet-casio")


@pytest.mark.parametrize(
    ("write", "named"),
    [
        (frozen_graph, (classic.FACENET_VGGFACE2_GRAPH, classic.FACENET_CASIA_GRAPH)),
        (
            lambda path: write_keras(path, keras_facenet()),
            (classic.FACENET_VGGFACE2_KERAS, classic.FACENET_CASIA_KERAS),
        ),
    ],
    ids=["graph", "keras"],
)
def test_facenets_other_files_are_known_by_their_hashes_alone(
    file: Path, write: Callable[[Path], Path], named: tuple[WeightSpec, WeightSpec]
) -> None:
    write(file)
    one, other = named
    with pytest.raises(WeightsError) as caught:
        recognize_file(file)
    assert str(caught.value) == (
        f"{file} is not the published {one.name} or {other.name}: its SHA-256 is {sha256(file)}, "
        f"not {one.sha256} or {other.sha256}."
    )
    with pytest.raises(WeightsError, match=rf"is not the published {other.name}: .*not {other.sha256}\.$"):
        recognize_file(file, called=other.name)


def test_labels(file: Path) -> None:
    np.save(file.with_suffix(".npy"), np.array([f"name {n}" for n in range(2622)]))
    file.with_suffix(".npy").rename(file)
    assert recognize_file(file).row == classic.VGGFACE_LABELS
    np.save(file.with_suffix(".npy"), np.zeros(2622))
    with pytest.raises(WeightsError, match="is no published weight file"):
        recognize_file(file.with_suffix(".npy"))


@pytest.mark.parametrize("row", [modern.ARCFACE_MOBILEFACE, modern.ARCFACE_R50], ids=lambda row: row.name)
def test_networks_of_insightface_are_known_by_their_hashes_alone(file: Path, row: WeightSpec) -> None:
    outline(file, constants=row.size - 1000)
    with pytest.raises(WeightsError, match=f"is not the published {row.name}: .*{sha256(file)}, not {row.sha256}"):
        recognize_file(file)


@pytest.mark.parametrize(
    "changed", [{"size": 160}, {"outputs": (128,)}, {"outputs": (512, 512)}, {"inputs": 2}, {"constants": 4_000_000}]
)
def test_other_networks_in_onnx_are_none_of_them(file: Path, changed: dict[str, int]) -> None:
    outline(file, **{"constants": modern.ARCFACE_MOBILEFACE.size, **changed})
    with pytest.raises(WeightsError, match="is no published weight file"):
        recognize_file(file)


# Files of no use, and hostile ones


def hostile() -> dict[str, bytes]:
    system = b"\x80\x02cposix\nsystem\n(X\x09\x00\x00\x00touch ranR."
    return {
        "empty": b"",
        "text": b"<html>not found</html>",
        "line": b"\n\n\n",
        "pickle": system,
        "archive": files.torch_zip(system, {}),
        "hdf5": b"\x89HDF\r\n\x1a\n" + bytes(100),
        "numbers": b"\x08\xff" * 100,
        "header": b"\x93NUMPY\1\0\xff\xff{",
        "lz4": b'\x04"M\x18' + bytes(100),
    }


@pytest.mark.parametrize("name", hostile())
def test_files_that_are_none_are_told_in_a_sentence(
    file: Path, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file.write_bytes(hostile()[name])
    with pytest.raises(WeightsError) as caught:
        recognize_file(file)
    said = str(caught.value)
    assert (said.count("\n"), said[-1]) == (0, ".")
    assert file.name in said
    assert [*tmp_path.iterdir()] == [file]


def test_files_that_end_early(file: Path) -> None:
    outline(file, constants=modern.ARCFACE_MOBILEFACE.size)
    whole = [file.read_bytes(), torch(file, state_dict(8631)).read_bytes()]
    whole.append(keras(file, networks.vgg16(top=False)).read_bytes())
    for data in whole:
        for cut in (7, 100, len(data) // 2, len(data) - 1):
            file.write_bytes(data[:cut])
            with pytest.raises(WeightsError):
                recognize_file(file)


def test_a_damaged_file_under_its_published_name_is_told_by_that(tmp_path: Path) -> None:
    path = tmp_path / spec.DLIB_RESNET.file
    path.write_bytes(b"\1\1\1")
    with pytest.raises(WeightsError, match=f"is not the published dlib-resnet: .*not {spec.DLIB_RESNET.sha256}"):
        recognize_file(path)


def test_arrays_of_whole_numbers_are_no_weights(file: Path) -> None:
    shapes = networks.inception_resnet_v1()[""]
    most = max(int(np.prod(shape)) for shape in shapes.values())
    stored = files.storage("0", most, kind="IntStorage")
    tensors = {
        name: files.rebuilt(stored, shape, [int(np.prod(shape[n + 1 :])) for n in range(len(shape))])
        for name, shape in shapes.items()
    }
    file.write_bytes(files.torch_zip(files.state_dict(**tensors), {"0": bytes(4 * most)}))
    with pytest.raises(WeightsError, match="is no published weight file"):
        recognize_file(file)


def test_the_rows_that_are_known_by_structure_are_all_that_have_no_hash() -> None:
    """Whoever adds a row without a hash has to say how its file is known."""
    from visavis import published

    layouts = [one for readers in published.LAYOUTS.values() for _, some in readers for one in some]
    known = {row.name for one in layouts for row in one.rows}
    known |= {row.name for row in (*published.ONNX, *published.LABELS.values())}
    assert {row.name for row in spec.all_specs() if not row.pinned} <= known
    assert json.dumps(sorted(known - {row.name for row in spec.all_specs()})) == "[]"
