"""State dicts by torch, by hand, by liars, and pickles that would run code."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from example_counts import examples
from golden import weight_values
from visavis.errors import WeightsError
from visavis.weights.readers import torch_file

from . import files, hostile

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
MADE = {name: (GOLDEN / name).read_bytes() for name in ("torch_zip.pt", "torch_legacy.pt")}

KERNEL = np.arange(24, dtype=np.float32).reshape(2, 3, 4) / 8
PLAIN = files.rebuilt(files.storage("0", 24), (2, 3, 4), (12, 4, 1))
BOTH = pytest.mark.parametrize("write", [files.torch_zip, files.torch_legacy])
Write = Callable[[bytes, dict[str, bytes]], bytes]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "some.pt"


def read(path: Path, data: bytes) -> dict[str, np.ndarray]:
    path.write_bytes(data)
    return torch_file.read(path)


@pytest.mark.parametrize("name", MADE)
def test_what_torch_saved(name: str) -> None:
    found, expected = torch_file.read(GOLDEN / name), weight_values.torch()
    assert found.keys() == expected.keys()
    for key, values in expected.items():
        np.testing.assert_array_equal(found[key], values, err_msg=key)
        assert (found[key].shape, found[key].dtype) == (values.shape, values.dtype), key
        assert found[key].flags.c_contiguous, key
    assert np.shares_memory(found["tied"], found["conv.bias"])


@BOTH
def test_a_dict_written_by_hand(path: Path, write: Write) -> None:
    turned = files.rebuilt(files.storage("0", 24), (4, 2), (1, 12), offset=4)
    tensors = files.state_dict(a=PLAIN, b=turned, epoch=files.whole(3), c=files.rebuilt(files.storage("x", 1), (), ()))
    found = read(path, write(tensors, {"0": KERNEL.tobytes(), "x": np.float32(2.5).tobytes()}))
    assert list(found) == ["a", "b", "c"]
    np.testing.assert_array_equal(found["a"], KERNEL)
    np.testing.assert_array_equal(found["b"], KERNEL[:, 1].T)
    assert (found["c"].shape, float(found["c"])) == ((), 2.5)


def test_bytes_in_the_other_order(path: Path) -> None:
    found = read(
        path, files.torch_zip(files.state_dict(a=PLAIN), {"0": KERNEL.astype(">f4").tobytes()}, byteorder=b"big")
    )
    np.testing.assert_array_equal(found["a"], KERNEL)
    assert found["a"].dtype.isnative


def test_an_archive_with_sizes_of_eight_bytes(path: Path) -> None:
    pickled = files.state_dict(a=PLAIN)
    found = read(path, files.zip64({"x/data.pkl": pickled, "x/data/0": KERNEL.tobytes()}))
    np.testing.assert_array_equal(found["a"], KERNEL)
    for mark in (b"PK\6\6", b"PK\6\7"):
        whole = files.zip64({"x/data.pkl": pickled, "x/data/0": KERNEL.tobytes()})
        with pytest.raises(WeightsError, match="no archive"):
            read(path, whole.replace(mark, b"PK\0\0"))
    for size in (KERNEL.nbytes - 4, 10**12, 2**64 - 1):
        with pytest.raises(WeightsError, match=r"some\.pt"):
            read(path, files.zip64({"x/data.pkl": pickled, "x/data/0": KERNEL.tobytes()}, last=size))


def test_a_storage_that_is_part_of_another(path: Path) -> None:
    """As torch before 0.4 wrote them: key, first element, number of elements."""
    view = files.several(files.text("v"), files.whole(4), files.whole(8))
    part = files.rebuilt(files.storage("0", 24, view=view), (2, 4), (4, 1))
    none = files.rebuilt(files.storage("0", 24, view=b"N"), (24,), (1,))
    found = read(path, files.torch_legacy(files.state_dict(part=part, whole=none), {"0": KERNEL.tobytes()}))
    np.testing.assert_array_equal(found["part"], KERNEL[0, 1:])
    np.testing.assert_array_equal(found["whole"], KERNEL.ravel())


@pytest.mark.parametrize(
    ("kind", "stored", "expected"),
    [
        ("BFloat16Storage", np.array([0x3FC0, 0xC000], np.uint16), np.float32([1.5, -2])),
        ("HalfStorage", np.float16([1.5, -2]), np.float16([1.5, -2])),
        ("BoolStorage", np.uint8([0, 7]), np.array([False, True])),
        ("CharStorage", np.int8([-1, 3]), np.int8([-1, 3])),
    ],
)
@BOTH
def test_other_numbers(path: Path, write: Write, kind: str, stored: np.ndarray, expected: np.ndarray) -> None:
    tensors = files.state_dict(a=files.rebuilt(files.storage("0", 2, kind=kind), (2,), (1,)))
    width = {} if write is files.torch_zip else {"width": stored.itemsize}
    found = read(path, write(tensors, {"0": stored.tobytes()}, **width))["a"]
    assert found.dtype == expected.dtype
    assert found.tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("name", "shape"),
    [("2.7_80x80_MiniFASNetV2.pth", (32, 3, 3, 3)), ("4_0_0_80x80_MiniFASNetV1SE.pth", (32, 3, 3, 3))],
)
def test_published_files(data: Path, name: str, shape: tuple[int, ...]) -> None:
    file = data.parent / "weights" / name
    if not file.is_file():
        pytest.skip(f"these weights are not there: {file}")
    found = torch_file.read(file)
    assert found["module.conv1.conv.weight"].shape == shape
    assert len(found) > 300
    assert all(np.isfinite(values).all() for values in found.values())


@pytest.mark.parametrize("zipped", [True, False])
def test_torch_itself(path: Path, zipped: bool) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed; golden files stand for it")
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4)).to(memory_format=torch.channels_last)
    torch.save({"net": net.state_dict(), "epoch": 3}, path, _use_new_zipfile_serialization=zipped)
    found = torch_file.read(path)
    assert list(found) == [f"net.{key}" for key in net.state_dict()]
    for key, tensor in net.state_dict().items():
        np.testing.assert_array_equal(found[f"net.{key}"], tensor.numpy())
    torch.save(net, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(WeightsError, match=r"it asks for torch\.nn\.modules"):
        torch_file.read(path)


# --- hostile files


class Command:
    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, tuple[str]]:
        import os

        return os.system, (f"touch {self.trace}",)


@BOTH
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_a_file_that_would_run_a_command_is_refused(path: Path, tmp_path: Path, write: Write, protocol: int) -> None:
    trace = tmp_path / "trace"
    with pytest.raises(WeightsError, match=r"some\.pt is refused: it asks for (posix|nt)\.system\."):
        read(path, write(pickle.dumps({"a": Command(trace)}, protocol), {}))
    assert not trace.exists()


@pytest.mark.parametrize("place", range(5))
def test_no_pickle_of_the_row_runs_anything(path: Path, tmp_path: Path, place: int) -> None:
    trace = tmp_path / "trace"
    row = [
        b"\x80\x02" + files.whole(torch_file.MAGIC) + b".",
        b"\x80\x02M\xe9\x03.",
        b"\x80\x02}.",
        b"\x80\x02}.",
        b"\x80\x02].",
    ]
    row[place] = pickle.dumps(Command(trace), 2)
    with pytest.raises(WeightsError, match=r"some\.pt is refused: it asks for (posix|nt)\.system\."):
        read(path, b"".join(row))
    assert not trace.exists()


@BOTH
@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("builtins", "eval"),
        ("builtins", "getattr"),
        ("torch", "load"),
        ("torch.hub", "load"),
        ("torch.jit", "load"),
        ("torch.serialization", "_load"),
        ("torch.storage", "_load_from_bytes"),
        ("torch._utils", "_rebuild_device_tensor_from_numpy"),
        ("numpy", "load"),
        ("numpy.core.multiarray", "_reconstruct"),
        ("visavis.weights.readers.torch_file", "read"),
        ("__main__", "Model"),
        ("torch.nn.modules.container", "Sequential"),
    ],
)
def test_other_names_are_refused(path: Path, write: Write, module: str, name: str) -> None:
    for how in (files.named(module, name), files.text(module) + files.text(name) + b"\x93"):
        with pytest.raises(WeightsError, match=rf"some\.pt is refused: it asks for {module}\.{name}\."):
            read(path, write(files.state_dict(a=how), {}))


@pytest.mark.parametrize(
    "made",
    [
        files.named("torch", "FloatStorage") + files.several(files.whole(10**12)) + b"R",
        files.named("torch", "float32") + b")R",
        files.text("torch.Size") + b")R",
        b"}(R",
        b"(((",
        b"0" * 9,
        b"t",
        b"h\x05",
        b"N}b",
        b"}" + files.whole(1) + b"a",
        b"}" + files.text("a") + b"(u",
        b"})Ns",
        b"}]Ns",
        files.named("torch._utils", "_rebuild_tensor_v2") + b")R",
        files.named("torch._utils", "_rebuild_tensor_v2") + files.several(b"N", b"N", b"N", b"N") + b"R",
        files.named("torch._utils", "_rebuild_parameter") + files.several(b"N", b"N", b"N") + b"R",
        files.named("torch._utils", "_rebuild_tensor_v2") + files.several(*[b"N"] * 30) + b"R",
        files.storage("0", -1),
        files.storage("0", 2**63),
        files.storage("0", 2**100),
        files.several(files.text("storage")) + b"Q",
        files.several(files.text("module"), b"N", b"N", b"N", b"N") + b"Q",
        b"NQ",
        b"\x8b\xff\xff\xff\x7f",
        b"\x8a\xff",
        b"X\xff\xff\xff\xff",
        b"\x8d" + b"\xff" * 8,
        b"\x8e" + b"\xff" * 8,
        b"\x8c\x02\xff\xff",
        b"i" + b"os\nsystem\n",
        b"\x82\x01",
        b"c" + b"x" * 5000,
    ],
    ids=repr,
)
@BOTH
def test_pickles_that_make_no_sense(path: Path, write: Write, made: bytes) -> None:
    with pytest.raises(WeightsError, match=r"some\.pt"):
        read(path, write(files.state_dict(a=PLAIN, b=made), {"0": KERNEL.tobytes()}))


@BOTH
@pytest.mark.parametrize(
    ("count", "shape", "strides", "offset"),
    [
        (24, (10**6, 10**6), (10**6, 1), 0),
        (10**12, (10**12,), (1,), 0),
        (24, (10**6, 10**6), (0, 0), 0),  # 10^12 times the same element
        (24, (2**40,), (0,), 0),
        (24, (2**62, 2**62, 2**62), (0, 0, 0), 0),
        (24, (0, 2**62), (1, 1), 0),
        (24, (25,), (1,), 0),
        (24, (24,), (1,), 1),
        (24, (2,), (24,), 0),
        (24, (2,), (2**62,), 0),
        (24, (1,), (1,), 2**62),
        (24, (-1,), (1,), 0),
        (24, (2,), (-1,), 1),
        (24, (2,), (1,), -1),
        (24, (2, 2), (1,), 0),
        (25, (25,), (1,), 0),
        (24, (1,) * 33, (1,) * 33, 0),
    ],
)
def test_tensors_that_lie(
    path: Path, write: Write, count: int, shape: tuple[int, ...], strides: tuple[int, ...], offset: int
) -> None:
    tensor = files.rebuilt(files.storage("0", count), shape, strides, offset=offset)
    data = write(files.state_dict(a=tensor), {"0": KERNEL.tobytes()})
    assert isinstance(hostile.survived(torch_file.read, path, data, room=2**21), WeightsError)


@BOTH
def test_many_copies_of_one_storage(path: Path, write: Write) -> None:
    """4,000 tensors, each a large array of one and the same megabyte in another order of its elements."""
    tensor = files.rebuilt(files.storage("0", 2**18), (2**9, 2**9), (1, 2**9))
    tensors = files.state_dict(**{f"t{index}": tensor for index in range(4000)})
    data = write(tensors, {"0": bytes(2**20)})
    error = hostile.survived(torch_file.read, path, data, room=5 * len(data) + 2**23)
    assert "its arrays would take more than the file's" in str(error)


@BOTH
def test_a_storage_that_is_not_there(path: Path, write: Write) -> None:
    with pytest.raises(WeightsError, match="there is no storage '1'"):
        read(
            path,
            write(
                files.state_dict(a=files.rebuilt(files.storage("1", 1), (1,), (1,)), b=PLAIN), {"0": KERNEL.tobytes()}
            ),
        )


@BOTH
@pytest.mark.parametrize(
    "pickled",
    [b"\x80\x02N.", b"\x80\x02].", b"\x80\x02}.", files.state_dict(a=files.whole(3)), files.state_dict(a=b"}")],
)
def test_no_tensors(path: Path, write: Write, pickled: bytes) -> None:
    with pytest.raises(WeightsError, match=r"some\.pt .*no (dict of )?tensors\."):
        read(path, write(pickled, {}))


@BOTH
def test_dicts_that_hold_themselves(path: Path, write: Write) -> None:
    """Each of 200 keys leads back to the dict: followed, the names would have no end."""
    keys = b"".join(files.text(f"k{index}") + b"h\0" for index in range(200))
    with pytest.raises(WeightsError, match="lie within themselves"):
        read(path, write(b"\x80\x02}q\0(" + keys + b"u.", {}))


@BOTH
def test_a_deep_row_of_dicts(path: Path, write: Write) -> None:
    deep = b"\x80\x02" + (b"}" + files.text("a")) * 20_000 + b"}" + b"s" * 20_000 + b"."
    with pytest.raises(WeightsError, match="lie within themselves"):
        read(path, write(deep, {}))


@BOTH
def test_tuples_that_double(path: Path, write: Write) -> None:
    """Sixty tuples, each of the one before and itself again: whoever hashes or prints it is lost."""
    made = b"\x80\x02})q\0" + b"h\0h\0\x86q\0" * 60
    for use in (b"Ns.", files.text("x") + b"\x93s.", b"\x93.", b"Q.", b"R.", b"."):
        assert isinstance(hostile.survived(torch_file.read, path, write(made + use, {}), room=2**21), WeightsError)


@pytest.mark.slow(seconds=16)
@BOTH
@pytest.mark.parametrize("filler", [b"}", b"]", b"(", b"N", b"]\x94", b")\x81", b"}2"])
def test_more_instructions_than_weights_have(path: Path, write: Write, filler: bytes) -> None:
    data = write(b"\x80\x04" + filler * 2**20 + b".", {})
    assert isinstance(hostile.survived(torch_file.read, path, data, room=2**27), WeightsError)


@pytest.mark.parametrize("name", MADE)
def test_a_file_that_ends_early(path: Path, name: str) -> None:
    for cut in hostile.cuts(MADE[name], 13):
        with pytest.raises(WeightsError, match=r"some\.pt"):
            read(path, MADE[name][:cut])


@pytest.mark.parametrize("size", [25 * 4, 2**62, 2**63 - 1, 2**64 - 1])
def test_a_count_that_lies(path: Path, size: int) -> None:
    data = files.torch_legacy(files.state_dict(a=PLAIN), {"0": KERNEL.tobytes()})
    at = len(data) - KERNEL.nbytes - 8
    with pytest.raises(WeightsError, match="bytes are wanted"):
        read(path, data[:at] + size.to_bytes(8, "little") + data[at + 8 :])


@pytest.mark.parametrize("little", [b"\x89", b"N", b"K\x01", b"]"])
def test_a_machine_of_the_other_byte_order(path: Path, little: bytes) -> None:
    with pytest.raises(WeightsError, match="other marks"):
        read(path, files.torch_legacy(files.state_dict(a=PLAIN), {"0": KERNEL.tobytes()}, little=little))


@pytest.mark.parametrize("keys", [["0", "0"], ["0", "1"], ["1"]])
def test_keys_of_storages_that_lie(path: Path, keys: list[str]) -> None:
    listed = b"\x80\x02](" + b"".join(files.text(key) for key in keys) + b"e."
    data = files.torch_legacy(files.state_dict(a=PLAIN), {"0": KERNEL.tobytes()})
    plain = b"\x80\x02](" + files.text("0") + b"e."
    with pytest.raises(WeightsError, match=r"some\.pt"):
        read(path, data.replace(plain, listed) + data[-200:])


LONG = b"X" + (2000).to_bytes(4, "little") + b"k" * 2000


@pytest.mark.parametrize(
    ("pickled", "why"),
    [
        (b"\x80\x02}" + LONG + PLAIN + b"s.", "a key that is too long"),
        (b"\x80\x02}" + files.text("1") + PLAIN + b"sK\x01" + PLAIN + b"s.", "twice there"),
        (
            files.state_dict(a=PLAIN, b=files.named("torch", "Size") + files.several(b"N") + b"R"),
            "a shape that is none",
        ),
        (
            files.state_dict(a=files.rebuilt(files.storage("0", 24, view=b"]"), (1,), (1,))),
            "a part of a storage that is none",
        ),
        (
            files.state_dict(
                a=files.rebuilt(
                    files.storage("0", 24, view=files.several(b"N", files.whole(20), files.whole(8))), (8,), (1,)
                )
            ),
            "has 24 elements, not 8 from 20",
        ),
    ],
    ids=["long", "twice", "shape", "view", "beyond"],
)
@BOTH
def test_dicts_that_lie(path: Path, write: Write, pickled: bytes, why: str) -> None:
    with pytest.raises(WeightsError, match=why):
        read(path, write(pickled, {"0": KERNEL.tobytes()}))


def test_one_storage_of_two_kinds(path: Path) -> None:
    double = files.rebuilt(files.storage("0", 12, kind="DoubleStorage"), (12,), (1,))
    with pytest.raises(WeightsError, match="one storage of two kinds"):
        read(path, files.torch_legacy(files.state_dict(a=PLAIN, b=double), {"0": KERNEL.tobytes()}))


def test_a_list_of_storages_that_is_none(path: Path) -> None:
    data = files.torch_legacy(files.state_dict(a=PLAIN), {"0": KERNEL.tobytes()})
    listed = b"\x80\x02](" + files.text("0") + b"e."
    with pytest.raises(WeightsError, match="keys of storages that are none"):
        read(path, data.replace(listed, b"\x80\x02](NNe."))


def test_archives_that_lie(path: Path) -> None:
    data = files.torch_zip(files.state_dict(a=PLAIN), {"0": KERNEL.tobytes()})
    entry, end = data.rfind(b"PK\1\2"), data.rfind(b"PK\5\6")
    lies = {
        "packed": (entry + 10, b"\x08\0"),
        "larger": (entry + 20, b"\xf0\xff\xff\x7f\xf0\xff\xff\x7f"),
        "sizes beyond four bytes that are nowhere": (entry + 20, b"\xff" * 8),
        "a member elsewhere": (entry + 42, (10**9).to_bytes(4, "little")),
        "a directory elsewhere": (end + 16, b"\xf0\xff\xff\x7f"),
        "a directory of gigabytes": (end + 12, b"\xf0\xff\xff\x7f"),
        "a name that is no text": (entry + 46, b"\xff\xfe"),
        "no entry": (entry, b"PK\0\0"),
        "no member": (0, b"PK\3\4" + b"\xff" * 60),
        "a member that begins nowhere": (entry + 42, (1).to_bytes(4, "little")),
    }
    for lie, (at, new) in lies.items():
        found = hostile.survived(torch_file.read, path, data[:at] + new + data[at + len(new) :], room=2**21)
        assert isinstance(found, WeightsError), lie


def test_a_count_of_members_that_lies_changes_nothing(path: Path) -> None:
    """zipfile goes by the size of the directory."""
    data = files.torch_zip(files.state_dict(a=PLAIN), {"0": KERNEL.tobytes()})
    end = data.rfind(b"PK\5\6")
    np.testing.assert_array_equal(read(path, data[: end + 10] + b"\xff\xff" + data[end + 12 :])["a"], KERNEL)


def test_an_extra_field_that_hides_the_next_member(path: Path) -> None:
    data = files.torch_zip(files.state_dict(a=PLAIN), {"0": KERNEL.tobytes()})
    entry = data.find(b"PK\1\2")
    with pytest.raises(WeightsError, match=r"some\.pt"):
        read(path, data[: entry + 30] + b"\xff\xff" + data[entry + 32 :])


def test_more_members_than_weights_have(path: Path) -> None:
    """Each would be an object of zipfile, ten times as large as its entry."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        info = zipfile.ZipInfo("n" * 4000)
        archive.writestr(info, b"")
    data = made.getvalue()
    entry, end = data.find(b"PK\1\2"), data.rfind(b"PK\5\6")
    many = data[entry:end] * 1100
    data = data[:entry] + many + data[end : end + 12] + len(many).to_bytes(4, "little") + data[end + 16 :]
    assert "a directory of" in str(hostile.survived(torch_file.read, path, data, room=2**23))


@pytest.mark.parametrize("more", [{"data.pkl": b""}, {"x/data.pkl": b"x"}, {"byteorder": b"middle"}])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_archives_of_other_members(path: Path, more: dict[str, bytes]) -> None:
    with pytest.raises(WeightsError, match=r"some\.pt"):
        read(path, files.torch_zip(files.state_dict(a=PLAIN), {"0": KERNEL.tobytes()}, **more))


@pytest.mark.parametrize(
    "data", [b"", b"PK\3\4", b"PK\3\4" + bytes(500), b"\x89HDF", bytes(500), b"PK\5\6" + bytes(18)]
)
def test_something_else(path: Path, data: bytes) -> None:
    with pytest.raises(WeightsError, match=r"some\.pt"):
        read(path, data)


def test_no_file_and_a_folder(path: Path) -> None:
    for place in (path, path.parent):
        with pytest.raises(WeightsError, match="cannot be read"):
            torch_file.read(place)


@settings(max_examples=examples(150), deadline=None)
@given(hostile.changed(MADE["torch_zip.pt"]))
def test_no_change_of_an_archive_gives_another_error(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    _survives(tmp_path_factory, data)


@settings(max_examples=examples(150), deadline=None)
@given(hostile.changed(MADE["torch_legacy.pt"]))
def test_no_change_of_a_row_gives_another_error(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    _survives(tmp_path_factory, data)


def _survives(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    found = hostile.survived(torch_file.read, tmp_path_factory.getbasetemp() / "changed.pt", data, room=2**23)
    if not isinstance(found, WeightsError):
        assert all(values.flags.c_contiguous and values.dtype.isnative for values in found.values())
