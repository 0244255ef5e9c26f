"""Weights as Keras lays them out in HDF5, and files that lie.

The golden files are by h5py and Keras. h5py also writes what is rarer: large groups, other numbers, other versions of
the format, packed bombs. Changed files are read by one process in turn (``h5_child.py``), the others by ``h5.read``.
"""

from __future__ import annotations

import fcntl
import io
import os
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from example_counts import examples
from golden import weight_values
from visavis.errors import WeightsError
from visavis.weights.readers import h5

from . import hostile
from .h5_child import Child

h5py = pytest.importorskip("h5py", reason="h5py is not installed")

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
MADE = {name: (GOLDEN / name).read_bytes() for name in weight_values.KERAS}
VGG, PACKED, TEXT = (MADE[f"keras_2_{name}.h5"] for name in ("vgg", "packed", "text"))
ROOM = 2**22


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "some.h5"


@cache
def child() -> Child:
    return Child()


@pytest.fixture(scope="module", autouse=True)
def _end_the_child() -> Iterator[None]:
    """End the process, which may not have had more memory than its limit (Linux)."""
    yield
    if sys.platform == "linux":
        assert child().peak() < 2**28
    child().close()
    child.cache_clear()


def survived(path: Path, data: bytes) -> dict[str, np.ndarray] | WeightsError:
    return hostile.survived(child().read, path, data, room=ROOM)


def refused(path: Path, data: bytes) -> str:
    answer = survived(path, data)
    assert isinstance(answer, WeightsError)
    return str(answer)


def same(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert list(found) == list(expected)
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)
        assert (found[name].shape, found[name].dtype) == (values.shape, values.dtype), name
        assert found[name].flags.c_contiguous, name


@pytest.mark.parametrize("name", weight_values.KERAS)
def test_what_h5py_wrote(name: str) -> None:
    same(h5.read(GOLDEN / name), weight_values.keras(name))


def test_what_keras_wrote() -> None:
    found = h5.read(GOLDEN / "keras_3_model.h5")
    norm = [f"net/bn/{name}" for name in ("gamma", "beta", "moving_mean", "moving_variance")]
    assert list(found) == ["net/conv1_1/kernel", "net/conv1_1/bias", *norm]
    assert found["net/conv1_1/kernel"].shape == (3, 3, 3, 4)
    for name, values in found.items():
        np.testing.assert_array_equal(values, weight_values.values(name, values.shape))


# --- what h5py can write besides

Weights = dict[str, dict[str, np.ndarray]]


def written(path: Path, layers: Weights, *, libver: Any = None, **packing: Any) -> Path:
    """A file of h5py; arrays below a layer become datasets just as they are."""
    with h5py.File(path, "w", libver=libver) as file:
        _listed(file, "layer_names", list(layers))
        for layer, weights in layers.items():
            group = file.create_group(layer)
            _listed(group, "weight_names", list(weights))
            for name, values in weights.items():
                group.create_dataset(name, data=values, **packing)
    return path


def _listed(group: Any, name: str, names: list[str]) -> None:
    """Cut into parts where an attribute would exceed 64 kB, as Keras does."""
    encoded = np.array([one.encode() for one in names])
    parts = np.array_split(encoded, -(-encoded.nbytes // 60_000)) if names else [encoded]
    for index, part in enumerate(parts):
        group.attrs[name if len(parts) == 1 else f"{name}{index}"] = part


def flat(layers: Weights) -> dict[str, np.ndarray]:
    return {name: values for layer in layers.values() for name, values in layer.items()}


def some(*shape: int, kind: str = "float32") -> np.ndarray:
    return weight_values.values("some", shape, kind)


def test_many_layers(path: Path) -> None:
    """So many that the root's tree has several levels, and their names fill more than one attribute."""
    layers = {f"a_layer_with_a_rather_long_name_{i}": {f"layer_{i}/kernel:0": some(2, i % 3)} for i in range(2000)}
    same(h5.read(written(path, layers)), flat(layers))


@pytest.mark.parametrize("libver", [None, ("earliest", "v108"), ("v110", "v110"), "latest"])
def test_versions_of_the_format(path: Path, libver: Any) -> None:
    layers = {"a/b": {"a/b/kernel:0": some(3, 4), "a/b/bias:0": some(4)}, "empty": {}, "c": {"c/gamma:0": some(5)}}
    same(h5.read(written(path, layers, libver=libver)), flat(layers))


@pytest.mark.parametrize(
    "packing",
    [
        {},
        {"chunks": (2, 3, 2)},
        {"chunks": (5, 7, 3), "compression": "gzip"},
        {"chunks": (2, 3, 2), "compression": "gzip", "shuffle": True, "fletcher32": True},
        {"chunks": (1, 1, 1), "shuffle": True},
        {"chunks": (2, 2, 2), "maxshape": (None, None, 9)},
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["float16", "float32", "float64", ">f4", ">f8"])
def test_layouts_and_numbers(path: Path, packing: dict[str, Any], kind: str) -> None:
    values = some(5, 7, 3).astype(kind)
    found = h5.read(written(path, {"a": {"w": values}}, **packing))["w"]
    np.testing.assert_array_equal(found, values)
    assert found.dtype == values.dtype.newbyteorder("=")


@pytest.mark.parametrize("shape", [(), (1,), (0,), (0, 3), (1, 1, 1, 1, 2)])
def test_shapes(path: Path, shape: tuple[int, ...]) -> None:
    found = h5.read(written(path, {"a": {"w": some(*shape)}}))["w"]
    assert found.shape == shape
    np.testing.assert_array_equal(found, some(*shape))


@pytest.mark.parametrize(
    ("values", "packing", "why"),
    [
        (np.arange(5), {}, "numbers that are not float16, float32 or float64"),
        (np.array([b"ab"]), {}, "numbers that are not"),
        (np.array([1 + 2j]), {}, "numbers that are not"),
        (np.zeros(3, [("a", "<f4")]), {}, "numbers that are not"),
        (np.arange(8.0), {"compression": "lzf"}, "packed with filter 32000"),
        (np.arange(8.0), {"scaleoffset": 3}, "packed with filter 6"),
    ],
    ids=["int", "text", "complex", "compound", "lzf", "scaleoffset"],
)
def test_datasets_of_other_kinds(path: Path, values: np.ndarray, packing: dict[str, Any], why: str) -> None:
    assert why in refused(path, written(path, {"a": {"w": values}}, **packing).read_bytes())


def edited(path: Path, edit: Callable[[Any], object]) -> str:
    """Why a file is refused in which h5py has changed something; ``edit`` gets the file."""
    written(path, {"a": {"w": some(8, 8)}})
    with h5py.File(path, "a") as file:
        edit(file)
    return refused(path, path.read_bytes())


def test_files_in_which_something_is_missing(path: Path) -> None:
    assert "there is no 'w'" in edited(path, lambda file: file["a"].__delitem__("w"))
    assert "there is no 'a'" in edited(path, lambda file: file.__delitem__("a"))
    assert "without layer_names" in edited(path, lambda file: file.attrs.__delitem__("layer_names"))
    assert "without weight_names" in edited(path, lambda file: file["a"].attrs.__delitem__("weight_names"))
    assert "other things than strings" in edited(path, lambda file: file.attrs.update(layer_names=[1.5]))
    assert "no layer has weights" in edited(path, lambda file: file["a"].attrs.update(weight_names=np.zeros(0)))


def test_links_that_lead_elsewhere(path: Path) -> None:
    """All but the circles could be read: the other file is there."""
    other = written(path.with_name("other.h5"), {"a": {"w": some(8, 8)}})

    def soft(file: Any) -> None:
        file["a"]["w"] = h5py.SoftLink("/a/v")

    def external(file: Any) -> None:
        file["a"]["w"] = h5py.ExternalLink(other.name, "/a/w")

    def soft_then_external(file: Any) -> None:
        file["a"]["x"] = h5py.ExternalLink(other.name, "/a")
        file["a"]["w"] = h5py.SoftLink("/a/x/w")

    def circle(file: Any) -> None:
        file["a"]["again"] = file
        file["a"].attrs["weight_names"] = [b"again/a/" * 500 + b"w"]

    def group(file: Any) -> None:
        file["a"]["again"] = file
        file["a"].attrs["weight_names"] = [b"again/a/again"]

    def outside(file: Any) -> None:
        file["a"].create_dataset("w", (8, 8), "f4", external=[(other.name, 0, 256)])

    def virtual(file: Any) -> None:
        layout = h5py.VirtualLayout((8, 8), "f4")
        layout[:] = h5py.VirtualSource(other.name, "/a/w", (8, 8))
        file["a"].create_virtual_dataset("w", layout)

    for edit, why in (
        (soft, "there is no 'w'"),
        (external, "there is no 'w'"),
        (soft_then_external, "there is no 'w'"),
        (circle, "there is no 'again/a/again"),
        (group, "an object that is no dataset"),
        (outside, "values lie in other files"),
        (virtual, "values lie in other files"),
    ):
        written(path, {"a": {"v": some(8, 8)}})
        with h5py.File(path, "a") as file:
            file["a"].attrs["weight_names"] = [b"w"]
            edit(file)
        with pytest.raises(WeightsError, match=f"some.h5 is damaged or not weights of Keras in HDF5: .*{why}"):
            h5.read(path)


def test_an_external_link_on_the_way(path: Path) -> None:
    """The group that holds the weights lies in another file, or ``model_weights`` does."""
    other = written(path.with_name("other.h5"), {"a": {"w": some(8, 8)}})
    for name in ("a", "model_weights"):
        written(path, {})
        with h5py.File(path, "a") as file:
            file.attrs["layer_names"] = [b"a"]
            file[name] = h5py.ExternalLink(other.name, "/a" if name == "a" else "/")
        with pytest.raises(WeightsError, match=f"there is no '{name}'"):
            h5.read(path)


def test_datasets_that_were_never_written(path: Path) -> None:
    def chunked(file: Any) -> None:
        file["a"].move("w", "v")
        file["a"].create_dataset("w", (10**6, 10**6), "f4", chunks=(100, 100))

    def plain(file: Any) -> None:
        file["a"].move("w", "v")
        file["a"].create_dataset("w", (10**6, 10**6), "f4")

    def partly(file: Any) -> None:
        file["a"].move("w", "v")
        file["a"].create_dataset("w", (20, 20), "f4", chunks=(10, 10))[:10] = 1

    assert "would take more than the file's" in edited(path, chunked)
    assert "never written" in edited(path, plain)
    assert "chunk storage is not allocated" in edited(path, partly)


def test_one_dataset_under_many_names(path: Path) -> None:
    """A megabyte of which a thousand links would make a gigabyte."""

    def linked(file: Any) -> None:
        group = file["a"]
        group.create_dataset("big", data=np.zeros((512, 512), np.float32))
        names = [f"n{index}" for index in range(1000)]
        for name in names:
            group[name] = group["big"]
        group.attrs["weight_names"] = [name.encode() for name in names]

    assert "would take more than the file's" in edited(path, linked)


def test_a_packed_bomb(path: Path) -> None:
    """64 MB of zeros in 70 kB."""

    def packed(file: Any) -> None:
        file["a"].move("w", "v")
        zeros = np.zeros((4096, 4096), np.float32)
        file["a"].create_dataset("w", data=zeros, chunks=(1024, 1024), compression="gzip", compression_opts=9)

    assert "would take more than the file's" in edited(path, packed)
    assert path.stat().st_size < 10**6


def test_one_chunk_that_is_a_bomb(path: Path) -> None:
    def packed(file: Any) -> None:
        file["a"].move("w", "v")
        file["a"].create_dataset("w", (3, 3), "f4", chunks=(4096, 4096), maxshape=(None, None), compression="gzip")[
            :
        ] = 1

    assert "would take more than the file's" in edited(path, packed)


def test_two_layers_with_a_weight_of_one_name(path: Path) -> None:
    data = written(path, {"a": {"w": some(2)}, "b": {"w": some(2)}}).read_bytes()
    assert "two weights are called 'w'" in refused(path, data)


def test_more_attributes_than_a_header_holds(path: Path) -> None:
    """Links and attributes in a fractal heap: Keras avoids them, but h5py writes them by ``libver="latest"``."""
    layers = {"a": {f"w{index}": some(2) for index in range(200)}}
    written(path, layers, libver="latest")
    with h5py.File(path, "a", libver="latest") as file:
        file["a"].attrs.update({f"a{index}": index for index in range(20)})
    same(h5.read(path), flat(layers))


def test_the_same_chunk_twice(path: Path) -> None:
    """Two chunks, the first elements of both 0: what is left out would be whatever lay in memory."""
    data = written(path, {"a": {"w": some(4)}}, chunks=(2,)).read_bytes()
    second = places(data, struct.pack("<IIQQ", 8, 0, 2, 0))  # size, mask, first element, and of its bytes
    assert len(second) == 1
    assert "chunk storage is not allocated" in refused(path, with_number(data, second[0] + 8, 0))


def test_a_type_that_lies_elsewhere(path: Path) -> None:
    written(path, {"a": {"w": some(3)}})
    with h5py.File(path, "a") as file:
        file["kind"] = np.dtype("f4")
        del file["a"]["w"]
        file["a"].create_dataset("w", (3,), dtype=file["kind"])[:] = 1
    same(h5.read(path), {"w": np.ones(3, np.float32)})


# --- hostile files, made of the golden ones


def with_number(data: bytes, at: int, number: int, size: int = 8) -> bytes:
    return data[:at] + (number % 2 ** (8 * size)).to_bytes(size, "little") + data[at + size :]


def places(data: bytes, mark: bytes) -> list[int]:
    """Where a mark stands; at least once."""
    found, at = [], data.find(mark)
    while at >= 0:
        found.append(at)
        at = data.find(mark, at + 1)
    assert found
    return found


def test_names_that_lie(path: Path) -> None:
    """Attributes of another version; names without an end, too long, or not UTF-8."""
    for at in places(VGG, b"layer_names\0"):
        assert "bad version number for attribute" in refused(path, with_number(VGG, at - 8, 9, 1))
    for at in places(VGG, b"conv1_1\0"):
        for new in (b"\xff" * 7, b"conv1_2"):
            refused(path, VGG[:at] + new + VGG[at + 7 :])
    heap = places(VGG, b"HEAP")[0]
    size, _, start = struct.unpack_from("<3Q", VGG, heap + 8)
    refused(path, VGG[:start] + b"x" * size + VGG[start + size :])


def test_strings_of_no_length(path: Path) -> None:
    """An empty name names no layer."""
    for at in places(TEXT, struct.pack("<I", 7) + struct.pack("<Q", places(TEXT, b"GCOL")[0])):
        refused(path, with_number(TEXT, at, 0, 4))


LIES = [2**64 - 1, 2**63, 2**40, 10**12, 2**31, len(VGG), len(VGG) - 4, 0]


@pytest.mark.parametrize("name", MADE)
def test_a_file_that_ends_early(path: Path, name: str) -> None:
    data, whole = MADE[name], weight_values.keras(name)
    refusals = 0
    for cut in hostile.cuts(data, 509):
        found = survived(path, data[:cut])
        if isinstance(found, WeightsError):
            refusals += 1
        else:  # h5py leaves room at the end
            same(found, whole)
    assert refusals >= len(data) // 509


def test_a_shape_of_a_million_millions(path: Path) -> None:
    for data in (VGG, PACKED):
        for at in places(data, struct.pack("<4Q", 4, 5, 4, 5)):  # sides of fc6's kernel, and the most they may become
            for sides in ((10**6, 10**6), (10**12, 1), (2**63, 2**63), (4, 6), (5, 4), (0, 2**62), (2**64 - 1, 1)):
                if data is VGG and sides == (5, 4):
                    continue  # as many
                refused(path, data[:at] + struct.pack("<2Q", *sides) + data[at + 16 :])


@pytest.mark.parametrize("offset", range(8, 56, 8))
def test_trees_that_lie(path: Path, offset: int) -> None:
    for at in places(VGG, b"TREE"):
        for lie in (*LIES, at):
            survived(path, with_number(VGG, at + offset, lie))


def test_a_tree_within_itself(path: Path) -> None:
    """A node that says it is no leaf, and whose first child is itself."""
    for data, keys in ((VGG, {0: 8}), (PACKED, {0: 8, 1: 8 + 8 * 2})):  # a chunk's key: size, mask, first elements
        for at in places(data, b"TREE"):
            kind, entries = data[at + 4], data[at + 6]
            if entries and kind in keys:
                deeper = with_number(data, at + 5, 1, 1)
                refused(path, with_number(deeper, at + 24 + keys[kind], at))


@pytest.mark.parametrize("level", [255, 1, 64])
def test_a_tree_whose_nodes_all_lead_to_itself(path: Path, level: int) -> None:
    """Of the root: 32 children on each of up to 255 levels, if one followed them."""
    tree, heap = struct.unpack_from("<QQ", VGG, 80)
    at = len(VGG)
    node = b"TREE" + bytes([0, level]) + b"\x20\0" + b"\xff" * 16 + struct.pack("<QQ", 0, at) * 32 + bytes(8)
    data = VGG.replace(struct.pack("<QQ", tree, heap), struct.pack("<QQ", at, heap)) + node
    assert "there is no" in refused(path, with_number(data, 40, len(data)))


@pytest.mark.parametrize("mark", [b"SNOD", b"HEAP"])
@pytest.mark.parametrize("offset", [4, 6, 8, 16, 24, 32])
def test_groups_that_lie(path: Path, mark: bytes, offset: int) -> None:
    for at in places(VGG, mark):
        for lie in LIES:
            survived(path, with_number(VGG, at + offset, lie))


def test_groups_that_hold_themselves(path: Path) -> None:
    """Every link of every group leads to the root: no dataset is found, and the walk ends."""
    (root,) = struct.unpack_from("<Q", VGG, 64)
    data = VGG
    for at in places(VGG, b"SNOD"):
        for entry in range(struct.unpack_from("<H", VGG, at + 6)[0]):
            data = with_number(data, at + 8 + 40 * entry + 8, root)
    assert "is damaged" in refused(path, data)


def test_a_header_within_itself(path: Path) -> None:
    """The root's header goes on elsewhere; here that leads to the same place."""
    heads = places(VGG, b"\x10\x00\x10\x00\x00\x00\x00\x00")
    for at in heads:
        start, length = struct.unpack_from("<QQ", VGG, at + 8)
        circle = with_number(with_number(VGG, at + 8, at), at + 16, 24)
        refused(path, circle)
        assert start + length <= len(VGG)
        for lie in LIES[:-1]:
            refused(path, with_number(VGG, at + 16, lie))


def test_heaps_of_strings_that_lie(path: Path) -> None:
    for at in places(TEXT, b"GCOL"):
        for offset in (8, 16, 24):
            for lie in LIES:
                survived(path, with_number(TEXT, at + offset, lie))


def test_chunks_that_lie(path: Path) -> None:
    """Sizes, masks, first elements and addresses of chunks: of another size, or of bytes that cannot be unpacked."""
    whole, refusals = weight_values.keras("keras_2_packed.h5"), 0
    for at in places(PACKED, b"TREE\x01"):
        for offset in range(24, 72, 4):
            for lie in (2**32 - 1, 2**31, len(PACKED), 1):
                found = survived(path, with_number(PACKED, at + offset, lie, 4))
                refusals += isinstance(found, WeightsError)
                if not isinstance(found, WeightsError):
                    assert {name: each.shape for name, each in found.items()} == {
                        name: each.shape for name, each in whole.items()
                    }
    assert refusals > 60


@pytest.mark.parametrize(
    "data", [b"", b"\x89HDF", b"\x89HDF\r\n\x1a\n", b"\x89HDF\r\n\x1a\n" + bytes(900), b"PK\3\4" * 99, VGG[:9000]]
)
def test_something_else(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    with pytest.raises(WeightsError, match=r"some\.h5 is damaged or not weights of Keras in HDF5: [^\n]*\.$"):
        h5.read(path)


@pytest.mark.parametrize(("at", "value"), [(8, 4), (8, 255), (13, 4), (14, 4), (24, 1)])
def test_other_files_of_hdf5(path: Path, at: int, value: int) -> None:
    """Another version, addresses of four bytes, a block of the user before the file."""
    assert "not weights of Keras in HDF5" in refused(path, with_number(VGG, at, value, 1))


def test_no_file(path: Path) -> None:
    with pytest.raises(WeightsError, match=r"some\.h5 cannot be read"):
        h5.read(path)


@pytest.mark.slow(seconds=14)
@pytest.mark.parametrize("data", [VGG, PACKED, TEXT], ids=["vgg", "packed", "text"])
def test_no_change_gives_another_error(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    @settings(max_examples=examples(120), deadline=None)
    @given(hostile.changed(data))
    def survives(changed: bytes) -> None:
        found = survived(tmp_path_factory.getbasetemp() / "changed.h5", changed)
        if not isinstance(found, WeightsError):
            assert all(each.flags.c_contiguous and each.dtype.isnative for each in found.values())

    survives()


# --- the process that reads


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "ended with code -11"),
        ("raise SystemExit(7)", "ended with code 7"),
        ("print('null and void')", "ended with code 0"),
        ("""print('["w", 4, [5]]')""", "ended with code 0"),
        ("""print('["w", "O", [5]]')""", "ended with code"),
        ("import time; time.sleep(600)", "took over 1 seconds"),
        ("""print('["w", 4, [9]]', flush=True); import time; time.sleep(600)""", "took over 1 seconds"),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="exit codes of signals")
def test_a_process_that_crashes_or_hangs(path: Path, monkeypatch: pytest.MonkeyPatch, program: str, why: str) -> None:
    path.write_bytes(VGG)
    monkeypatch.setattr(h5, "CHILD", ("-c", program))
    monkeypatch.setattr(h5, "SECONDS", 1.0)
    with pytest.raises(WeightsError) as caught:
        h5.read(path)
    head = f"{path} is damaged or not weights of Keras in HDF5: the process that reads it "
    assert str(caught.value).startswith(head + why)


@pytest.mark.skipif(sys.platform != "linux", reason="reads the state of a process")
def test_a_process_that_is_stopped_while_it_writes_loses_nothing(path: Path) -> None:
    """A write that a signal interrupts writes a part, and with PYTHONUNBUFFERED Python does not write the rest."""
    values = np.arange(2**18, dtype=np.float32)
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [b"a"]
        file.create_group("a").attrs["weight_names"] = [b"w"]
        file["a"]["w"] = values
    command = [sys.executable, *h5.CHILD, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONUNBUFFERED": "1"}) as process:
        assert process.stdout is not None
        await_that(lambda: count_waiting_bytes(process.stdout) > 2**15)
        time.sleep(0.2)  # the pipe is full, and the process waits
        process.send_signal(signal.SIGSTOP)
        await_that(lambda: Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T")
        process.send_signal(signal.SIGCONT)
        output, _ = process.communicate(timeout=60)
    same(h5.receive(io.BytesIO(output)), {"w": values})


def count_waiting_bytes(pipe: Any) -> int:
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)


def await_that(is_true: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not is_true():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux")
def test_one_long_name_a_thousand_times(path: Path) -> None:
    """Names of any length only say where they lie: 4 GB of them in a file of a megabyte."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = ["x" * 2**20, *["y"] * 3999]
    data = path.read_bytes()
    heaps = places(data, b"GCOL")
    (at,) = (at for at in places(data, struct.pack("<I", 2**20)) if struct.unpack_from("<Q", data, at + 4)[0] in heaps)
    path.write_bytes(data[:at] + data[at : at + 16] * 4000 + data[at + 64_000 :])
    with pytest.raises(WeightsError, match=r"some\.h5 is damaged or not weights of Keras in HDF5: .*memory"):
        h5.read(path)


def test_a_path_of_any_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder may hold modules of any name, none of which is run, and the file's name may begin with a dash."""
    for name in ("numpy", "json", "h5py", "visavis"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(9)")
    (tmp_path / "-c né.h5").write_bytes(VGG)
    monkeypatch.chdir(tmp_path)
    same(h5.read(Path("-c né.h5")), weight_values.keras("keras_2_vgg.h5"))


def test_h5py_stays_in_the_other_process() -> None:
    program = (
        "import sys; from pathlib import Path; from visavis.weights.readers import h5;"
        f"print(len(h5.read(Path({str(GOLDEN / 'keras_2_vgg.h5')!r}))), 'h5py' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["4", "False"]


@pytest.mark.skipif(sys.platform == "win32", reason="files are limited where there is resource")
def test_no_other_file_can_be_opened(path: Path) -> None:
    """Whatever libhdf5 does: the process may open none once it has opened its own."""
    program = (
        "import sys; from pathlib import Path; from visavis.weights.readers import _h5_child, _file_bytes;"
        "weights = _h5_child._read_weights(_file_bytes.FileBytes(Path(sys.argv[1]), 'weights')); next(weights);"
        "open(sys.argv[1])"
    )
    command = [sys.executable, "-c", program, str(GOLDEN / "keras_2_vgg.h5")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Too many open files" in done.stderr
