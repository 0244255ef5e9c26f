"""Reading photos from arrays, paths, streams and the rest; names, hashes, writing."""

from __future__ import annotations

import hashlib
import io
import os
import socket
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

import pictures
from visavis import images
from visavis.errors import MissingImageError, TooLargeImageError, UnreadableImageError, UsageError

SCENE = pictures.scene()
GRAY = SCENE[..., 1]


def run(code: str, *arguments: str, stdin: bytes = b"", **options: object) -> subprocess.CompletedProcess[bytes]:
    """Run code in a real interpreter."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        input=stdin, capture_output=True, check=False, timeout=60, **options,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (SCENE, SCENE),
        (GRAY, pictures.gray_rgb(GRAY)),
        (GRAY[..., None], pictures.gray_rgb(GRAY)),
        (SCENE.astype(np.uint16) * 257, SCENE),
        (SCENE.astype(">u2") * 257, SCENE),
        (SCENE / 255, SCENE),
        ((SCENE / 255).astype(np.float32), SCENE),
        ((SCENE > 128).astype(np.float16), (SCENE > 128) * np.uint8(255)),
        (SCENE > 128, (SCENE > 128) * np.uint8(255)),
        (SCENE[::-1, ::2, ::-1], SCENE[::-1, ::2, ::-1]),
        (np.asfortranarray(SCENE), SCENE),
    ],
)
def test_arrays(array: np.ndarray, expected: np.ndarray) -> None:
    photo = images.read(array)
    np.testing.assert_array_equal(photo.pixels, expected)
    assert photo.pixels.flags.c_contiguous
    assert photo.pixels.dtype == np.uint8
    assert photo.name == "array"


def test_a_photo_shares_no_memory_with_the_array_and_cannot_be_written() -> None:
    mine = SCENE.copy()
    photo = images.read(mine)
    assert not np.shares_memory(photo.pixels, mine)
    mine[:] = 0
    np.testing.assert_array_equal(photo.pixels, SCENE)
    assert mine.flags.writeable
    for source in (SCENE, pictures.encode(SCENE), Image.fromarray(SCENE)):
        with pytest.raises(ValueError, match="read-only"):
            images.read(source).pixels[0, 0, 0] = 1


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((0, 5, 3), np.uint8), r"has no pixels \(5 x 0\)"),
        (np.zeros((5, 0), np.uint8), "has no pixels"),
        (np.zeros((3, 8, 8), np.uint8), r"has shape \(3, 8, 8\), not"),
        (np.zeros((8, 8, 2), np.uint8), "has shape"),
        (np.zeros(8, np.uint8), r"has shape \(8,\)"),
        (np.zeros((), np.uint8), r"has shape \(\)"),
        (np.zeros((1, 8, 8, 3), np.uint8), "has shape"),
        (np.zeros((8, 8), np.int64), "is of int64"),
        (np.zeros((8, 8), np.int16), "is of int16"),
        (np.zeros((8, 8), complex), "is of complex128"),
        (np.full((8, 8), 255.0), "holds floats from 255 to 255"),
        (np.full((8, 8), -0.1), "holds floats"),
        (np.full((8, 8), np.nan), "holds floats from nan"),
    ],
)
def test_arrays_that_mean_nothing_are_refused(array: np.ndarray, words: str) -> None:
    with pytest.raises(UnreadableImageError, match=words):
        images.read(array)


@pytest.mark.parametrize(
    ("array", "advice"),
    [
        (
            np.zeros((3, 8, 9), np.uint8),
            r"first; move them to the end, by numpy.moveaxis\(array, 0, -1\)\.$",
        ),
        (np.zeros((5, 8, 9, 3), np.uint8), r"it holds 5 photos; pass them one by one\.$"),
        (np.zeros((7, 8, 9), np.uint8), r"or \(h, w, 4\)\.$"),
    ],
)
def test_a_shape_that_is_common_elsewhere_is_named(array: np.ndarray, advice: str) -> None:
    with pytest.raises(UnreadableImageError, match=advice):
        images.read(array)


class Tensor:
    """Turns itself into an array when asked, as tensors of PyTorch do."""

    def __init__(self, values: np.ndarray | Exception) -> None:
        self.values = values

    def __array__(self, dtype: object = None, copy: bool | None = None) -> np.ndarray:
        if isinstance(self.values, Exception):
            raise self.values
        return self.values


def test_what_turns_itself_into_an_array_is_a_photo() -> None:
    photo, array = images.read(Tensor(SCENE)), images.read(SCENE)
    assert (photo.name, photo.sha256) == ("array", array.sha256)
    np.testing.assert_array_equal(photo.pixels, SCENE)
    floats = images.read(Tensor((SCENE / 255).astype(np.float32)))
    np.testing.assert_array_equal(floats.pixels, SCENE)
    with pytest.raises(UnreadableImageError, match="channels come first"):
        images.read(Tensor(np.moveaxis(SCENE, -1, 0)))
    with pytest.raises(UnreadableImageError, match="floats from -1 to 1: pass floats"):
        images.read(Tensor(np.linspace(-1, 1, 75, dtype=np.float32).reshape(5, 5, 3)))


@pytest.mark.parametrize("error", [TypeError("can't convert cuda:0 device."), RuntimeError("requires grad.")])
def test_what_refuses_to_become_an_array_is_an_error_of_one_sentence(error: Exception) -> None:
    with pytest.raises(UnreadableImageError, match=r"^'array' \(Tensor\) cannot be turned into .*cpu") as caught:
        images.read(Tensor(error))
    assert "\n" not in str(caught.value)


def test_an_array_of_text_is_still_a_path() -> None:
    with pytest.raises(MissingImageError):
        images.read(np.str_("missing.jpg"))


def test_an_array_of_one_pixel_and_a_file_of_one_pixel() -> None:
    assert images.read(np.zeros((1, 1, 3), np.uint8)).pixels.shape == (1, 1, 3)
    assert images.read(pictures.encode(np.full((1, 1, 3), 9, np.uint8))).pixels.tolist() == [[[9, 9, 9]]]


def test_all_sources_of_one_file_are_one_photo(tmp_path: Path) -> None:
    data = pictures.encode(SCENE)
    path = pictures.write(tmp_path, "a b.png", data)
    with path.open("rb") as opened, path.open("rb", buffering=0) as raw:
        sources = {
            str(path): str(path),
            path: str(path),
            data: "bytes",
            opened: str(path),
            raw: str(path),
            io.BytesIO(data): "file",
        }
        photos = {images.read(source): name for source, name in sources.items()}
    for source in (bytearray(data), memoryview(data), memoryview(data + data)[: len(data)]):
        photos[images.read(source)] = "bytes"
    assert {photo.sha256 for photo in photos} == {hashlib.sha256(data).hexdigest()}
    assert [photo.name for photo in photos] == list(photos.values())
    for photo in photos:
        np.testing.assert_array_equal(photo.pixels, SCENE)


def test_a_given_name_wins(tmp_path: Path) -> None:
    path = pictures.write(tmp_path, "x.png", pictures.encode(SCENE))
    sources = (path, path.read_bytes(), SCENE, Image.fromarray(SCENE))
    assert {images.read(source, name="hers").name for source in sources} == {"hers"}
    assert {images.read(source, name="").name for source in sources} == {""}


def test_names_of_sources(tmp_path: Path) -> None:
    path = pictures.write(tmp_path, "x.png", pictures.encode(SCENE))
    with Image.open(path) as opened:
        assert images.name_of(opened) == str(path)
    assert images.name_of(Image.fromarray(SCENE)) == "image"
    assert images.name_of(SCENE) == "array"
    assert images.name_of("-") == "-"


def test_a_path_that_is_a_dash_in_a_folder_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures.write(tmp_path, "-", pictures.encode(SCENE))
    monkeypatch.chdir(tmp_path)
    assert images.read(Path("-")).width == 64
    assert images.read("./-").width == 64


READ_ONE = """
import sys
from visavis import images
from visavis.errors import ImageError
try:
    photo = images.read(sys.argv[1])
    print(photo.width, photo.height, photo.name, photo.sha256)
except ImageError as error:
    print(type(error).__name__, error)
"""


def test_dash_reads_standard_input() -> None:
    data = pictures.encode(SCENE)
    done = run(READ_ONE, "-", stdin=data)
    assert done.stdout.decode().split() == ["64", "48", "-", hashlib.sha256(data).hexdigest()]
    assert done.stderr == b""


def test_dash_with_nothing_on_it() -> None:
    assert run(READ_ONE, "-").stdout == b"UnreadableImageError '-' is an empty file.\n"


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="no /dev/fd here")
def test_a_pipe_by_name() -> None:
    done = run(READ_ONE, "/dev/fd/0", stdin=pictures.encode(pictures.noise(400, 300)))
    assert done.stdout.split()[:2] == [b"400", b"300"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are of POSIX")
def test_a_named_pipe_a_socket_and_a_linked_device_are_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "device.jpg").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind(os.path.relpath(tmp_path / "socket.jpg"))
        for name in ("pipe.jpg", "device.jpg", "socket.jpg"):
            with pytest.raises(UnreadableImageError, match="is a pipe, a socket or a device: give what it holds as -"):
                images.read(tmp_path / name)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no /dev/zero here")
def test_a_device_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("visavis.images.load.MIN_BYTES_LIMIT", 1 << 22)
    with pytest.raises(TooLargeImageError, match="holds more than 4,194,304 bytes"):
        images.read("/dev/zero", max_pixels=1000)


def test_a_file_beyond_the_limit_of_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("visavis.images.load.MIN_BYTES_LIMIT", 1 << 20)
    path = tmp_path / "video.jpg"
    with path.open("wb") as sparse:
        sparse.truncate(1 << 33)
    with pytest.raises(TooLargeImageError, match="holds more than"):
        images.read(path, max_pixels=1000)


@pytest.mark.parametrize("source", [None, 5, [SCENE], object()])
def test_sources_of_no_kind(source: object) -> None:
    with pytest.raises(UsageError, match=f"cannot be read from {type(source).__name__}: give a path"):
        images.read(source)


def test_file_objects_that_cannot_serve(tmp_path: Path) -> None:
    path = pictures.write(tmp_path, "x.png", pictures.encode(SCENE))
    with path.open(encoding="utf-8") as text, pytest.raises(UsageError, match="open it with 'rb'"):
        images.read(text)
    with path.open(encoding="latin-1") as text, pytest.raises(UsageError, match="open it with 'rb'"):
        images.read(text)
    closed = path.open("rb")
    closed.close()
    with pytest.raises(UnreadableImageError, match="closed file"):
        images.read(closed)
    with path.open("ab") as write_only, pytest.raises(UnreadableImageError, match="cannot be read"):
        images.read(write_only)


def test_missing_files(tmp_path: Path) -> None:
    file = pictures.write(tmp_path, "x.png", pictures.encode(SCENE))
    for path in (tmp_path / "no.jpg", tmp_path / "no" / "no.jpg", file / "no.jpg", "\N{SNOWMAN}.jpg"):
        with pytest.raises(MissingImageError, match=r"does not exist\.$") as caught:
            images.read(path)
        assert caught.value.status == "missing"
    with pytest.raises(MissingImageError, match="web addresses are not fetched"):
        images.read("https://example.org/face.jpg")


def test_names_that_no_file_can_have() -> None:
    with pytest.raises(MissingImageError, match="too long for a file") as caught:
        images.read("a" * 5000 + ".jpg")
    assert len(str(caught.value)) < 400
    with pytest.raises(UnreadableImageError, match="cannot be the name of a file"):
        images.read("a\0b.jpg")
    with pytest.raises(UnreadableImageError, match="cannot be the name of a file"):
        images.read("\ud800.jpg")


@pytest.mark.parametrize("name", ["a b.png", "größe.png", "顔 写真.png", "😀.png", "a\nb.png", "'\".png", "-x.png"])
def test_names_of_any_letters(tmp_path: Path, name: str) -> None:
    path = pictures.write(tmp_path, name, pictures.encode(SCENE))
    assert images.read(str(path)).name == str(path)
    path.write_bytes(b"")
    with pytest.raises(UnreadableImageError) as caught:
        images.read(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="names are Unicode there")
def test_names_that_are_not_unicode(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/caf\xe9.png"
    Path(os.fsdecode(name)).write_bytes(pictures.encode(SCENE))
    assert os.fsencode(images.read(os.fsdecode(name)).name) == name
    with pytest.raises(MissingImageError) as caught:
        images.read(os.fsdecode(name) + "x")
    str(caught.value).encode()  # the message can be printed


@pytest.mark.skipif(sys.platform == "win32", reason="no modes there")
def test_permission_denied(tmp_path: Path) -> None:
    path = pictures.write(tmp_path, "x.png", pictures.encode(SCENE))
    path.chmod(0)
    # root may read anything, so where the tests run as root the reader becomes nobody first
    become = "import os, PIL.Image, visavis.images\nif os.getuid() == 0: os.setuid(65534)\n"
    done = run(become + READ_ONE, str(path))
    assert done.stdout.decode().strip() == f"UnreadableImageError {str(path)!r} may not be read: permission denied."


def test_hash_of_pixels_tells_shapes_apart_and_is_one_for_arrays_and_images() -> None:
    flat = np.arange(72, dtype=np.uint8)
    wide, tall = images.read(flat.reshape(4, 6, 3)), images.read(flat.reshape(6, 4, 3))
    assert wide.sha256 != tall.sha256
    assert wide.sha256 == images.read(Image.fromarray(flat.reshape(4, 6, 3))).sha256
    assert wide.sha256 == hashlib.sha256(b"(4, 6, 3)" + flat.tobytes()).hexdigest()


def test_import_is_cheap() -> None:
    done = run("import sys, visavis.images; print([m for m in ('PIL', 'cv2', 'onnxruntime') if m in sys.modules])")
    assert done.stdout.strip() == b"[]", done.stderr


@pytest.mark.parametrize("name", ["x.png", "größe 顔.PNG"])
def test_saved_pixels_come_back(tmp_path: Path, name: str) -> None:
    images.save(SCENE, tmp_path / name)
    np.testing.assert_array_equal(images.read(tmp_path / name).pixels, SCENE)


@pytest.mark.parametrize("name", ["x.jpg", "x.jpeg", "x.webp"])
def test_saved_with_loss_is_near(tmp_path: Path, name: str) -> None:
    images.save(SCENE[:, ::-1], str(tmp_path / name))
    assert np.abs(images.read(tmp_path / name).pixels.astype(int) - SCENE[:, ::-1]).mean() < 4


@pytest.mark.parametrize("name", ["x.gif", "x", "no/x.png", "a\0.png", "a" * 300 + ".png", "folder.png"])
def test_saving_where_it_cannot_be(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(UsageError, match=r"cannot be written: .*\.$"):
        images.save(SCENE, tmp_path / name)


# --- file objects: read from their start, left where they were


class Pipe(io.RawIOBase):
    """Bytes that come once."""

    def __init__(self, data: bytes) -> None:
        self._left = data

    def read(self, size: int = -1) -> bytes:
        part, self._left = self._left[:size], self._left[size:]
        return part

    def readable(self) -> bool:
        return True


@pytest.mark.parametrize("place", [0, 5, None])
def test_a_file_object_is_read_from_its_start_wherever_it_stands(place: int | None, tmp_path: Path) -> None:
    data = pictures.encode(SCENE)
    path = tmp_path / "a.png"
    path.write_bytes(data)
    with path.open("rb") as file:
        for stream in (io.BytesIO(data), file):
            stand = stream.seek(0, 2) if place is None else stream.seek(place)
            for _ in range(2):
                np.testing.assert_array_equal(images.read(stream).pixels, SCENE)
                assert images.encoded(stream) == data
                assert stream.tell() == stand


def test_a_buffer_that_a_picture_was_saved_to_is_read() -> None:
    buffer = io.BytesIO()
    Image.fromarray(SCENE).save(buffer, "PNG")
    np.testing.assert_array_equal(images.read(buffer).pixels, SCENE)


def test_what_cannot_be_rewound_is_read_once_and_then_says_so() -> None:
    pipe = Pipe(pictures.encode(SCENE))
    np.testing.assert_array_equal(images.read(pipe).pixels, SCENE)  # type: ignore[arg-type]
    with pytest.raises(UnreadableImageError, match=r"read to its end, and cannot be rewound\. Keep its bytes"):
        images.read(pipe)  # type: ignore[arg-type]


def test_an_empty_file_object_is_an_empty_file() -> None:
    with pytest.raises(UnreadableImageError, match="is an empty file"):
        images.read(io.BytesIO())


def test_while_another_thread_imports_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL.Image", ModuleType("PIL.Image"))  # as it is at the start of its import
    assert images.name_of(b"encoded") == "bytes"
