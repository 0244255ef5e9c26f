"""Reading photos: every turn, mode, source and fault, on pictures drawn here."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import pictures
from visavis import images
from visavis._decode import exif_orientation, kind_of
from visavis.errors import ImageError, MissingImageError, TooLargeImageError, UnreadableImageError, UsageError

SCENE = pictures.scene()
JPEG_TOLERANCE = 24


def run(
    code: str, *arguments: str, stdin: bytes = b"", **options: object
) -> subprocess.CompletedProcess[bytes]:
    """Run code in a real interpreter."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        input=stdin, capture_output=True, check=False, timeout=60, **options,
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------ EXIF


@pytest.mark.parametrize("orientation", pictures.ORIENTATIONS)
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_every_turn_gives_the_same_pixels(kind: str, orientation: int) -> None:
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    block = pictures.exif(orientation)
    if kind == "TIFF":
        options["tiffinfo"] = {274: orientation}
    else:
        options["exif"] = block
    photo = images.read(pictures.encode(pictures.stored(SCENE, orientation), kind, **options))
    np.testing.assert_array_equal(photo.pixels, SCENE)
    assert (photo.width, photo.height) == (64, 48)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", pictures.ORIENTATIONS)
def test_every_turn_of_a_jpeg(orientation: int, order: str) -> None:
    data = pictures.jpeg(pictures.stored(SCENE, orientation), exif=pictures.exif(orientation, order=order))
    photo = images.read(data)
    assert photo.pixels.shape == SCENE.shape
    assert np.abs(photo.pixels.astype(int) - SCENE).max() <= JPEG_TOLERANCE


@pytest.mark.parametrize("orientation", pictures.ORIENTATIONS)
def test_turns_of_pictures_of_several_strips(monkeypatch: pytest.MonkeyPatch, orientation: int) -> None:
    monkeypatch.setattr("visavis._decode.STRIP_PIXELS", 300)
    data = pictures.encode(pictures.stored(SCENE, orientation), exif=pictures.exif(orientation))
    np.testing.assert_array_equal(images.read(data).pixels, SCENE)


@pytest.mark.parametrize("orientation", pictures.ORIENTATIONS)
def test_turns_of_a_sixteen_bit_grey(orientation: int) -> None:
    grey = SCENE[..., 0].astype(np.uint16) * 257
    data = pictures.with_chunk(
        pictures.png16(pictures.stored(grey, orientation)), b"eXIf", pictures.exif(orientation)[6:]
    )
    np.testing.assert_array_equal(images.read(data).pixels[..., 2], SCENE[..., 0])


def test_turn_of_a_pillow_image_is_applied_and_the_image_left_alone() -> None:
    image = Image.open(io.BytesIO(pictures.encode(pictures.stored(SCENE, 6), exif=pictures.exif(6))))
    np.testing.assert_array_equal(images.read(image).pixels, SCENE)
    assert image.size == (48, 64)
    assert image.getexif()[274] == 6


def test_exif_of_imagemagick_in_a_png() -> None:
    block = pictures.exif(3)
    text = f"\nexif\n{len(block):8}\n{block.hex()}\n"
    png = pictures.with_chunk(
        pictures.encode(pictures.stored(SCENE, 3)), b"tEXt", b"Raw profile type exif\0" + text.encode()
    )
    np.testing.assert_array_equal(images.read(png).pixels, SCENE)
    broken = png.replace(block.hex().encode()[:8], b"zzzzzzzz")
    crc = pictures.with_chunk(
        pictures.encode(pictures.stored(SCENE, 3)),
        b"tEXt",
        broken[broken.index(b"Raw") : broken.index(b"Raw") + 60],
    )
    assert images.read(crc).pixels.shape == SCENE.shape


@pytest.mark.parametrize(
    ("block", "orientation"),
    [
        (pictures.exif(6), 6),
        (pictures.exif(6)[6:], 6),
        (pictures.exif(8, order=">"), 8),
        (pictures.exif(5, kind=4), 5),
        (pictures.exif(7, order=">", kind=4), 7),
        (pictures.exif(0), 1),
        (pictures.exif(9), 1),
        (pictures.exif(6)[:20], 1),
        (b"Exif\0\0", 1),
        (b"", 1),
        (b"Exif\0\0II*\0\xff\xff\xff\xff", 1),
        (b"Exif\0\0XX*\0\x08\0\0\0", 1),
    ],
)
def test_orientation_of_a_block(block: bytes, orientation: int) -> None:
    assert exif_orientation(block) == orientation


@settings(deadline=2000, max_examples=60)
@given(st.binary(max_size=200))
def test_corrupt_exif_does_not_cost_the_photo(garbage: bytes) -> None:
    for block in (b"Exif\0\0" + garbage, pictures.exif(1)[:14] + garbage):
        assert images.read(pictures.jpeg(SCENE, exif=block)).pixels.shape[2] == 3


def all_tags_read(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    dict(image.getexif())
    return image


def test_corrupt_exif_that_makes_pillow_warn_is_read_in_silence() -> None:
    block = bytearray(pictures.exif(1))
    block[block.index(b"\x32\x01\x02\x00") + 4 : block.index(b"\x32\x01\x02\x00") + 8] = b"\xff\xff\xff\x7f"
    data = pictures.jpeg(SCENE, exif=bytes(block))
    with pytest.warns(UserWarning, match="Tag data larger|Corrupt EXIF|Truncated"):
        opened = all_tags_read(data)
    for source in (data, opened):
        assert images.read(source).pixels.shape == SCENE.shape


# ----------------------------------------------------------------------------------------------- modes

GREY = SCENE[..., 1]


def grey_rgb(values: np.ndarray) -> np.ndarray:
    return np.repeat(values[..., None], 3, axis=-1)


def test_grey_jpeg_and_png_repeat_their_channel() -> None:
    np.testing.assert_array_equal(images.read(pictures.encode(GREY)).pixels, grey_rgb(GREY))


def test_one_bit_is_black_and_white() -> None:
    bits = GREY > 100
    np.testing.assert_array_equal(images.read(pictures.encode(bits)).pixels, grey_rgb(bits * np.uint8(255)))


def test_sixteen_bit_grey_is_scaled_not_clipped() -> None:
    values = np.array([[0, 255, 256, 32768, 65535]], np.uint16)
    np.testing.assert_array_equal(images.read(pictures.png16(values)).pixels[0, :, 0], [0, 0, 1, 128, 255])
    np.testing.assert_array_equal(
        images.read(pictures.encode(values, "TIFF")).pixels[0, :, 1], [0, 0, 1, 128, 255]
    )


def test_sixteen_bit_rgb_is_scaled() -> None:
    values = np.array([[[0, 32768, 65535], [257, 256, 255]]], np.uint16)
    np.testing.assert_array_equal(images.read(pictures.png16(values)).pixels, [[[0, 128, 255], [1, 1, 0]]])


def test_sixteen_bit_grey_ppm() -> None:
    assert images.read(b"P5 2 1 65535\n\xff\xff\x80\x00").pixels[0, :, 0].tolist() == [255, 128]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([[0, 7, 255]], np.int32), [0, 7, 255]),
        (np.array([[0, 257, 65535]], np.int32), [0, 1, 255]),
        (np.array([[0, 2**31 - 1]], np.int32), [0, 255]),
        (np.array([[0, 0.5, 1]], np.float32), [0, 128, 255]),
        (np.array([[0, 7, 255]], np.float32), [0, 7, 255]),
        (np.array([[0, 257, 65535]], np.float32), [0, 1, 255]),
    ],
)
def test_thirty_two_bit_tiff_takes_the_least_customary_white(values: np.ndarray, expected: list[int]) -> None:
    photo = images.read(pictures.encode(values, "TIFF"))
    assert photo.pixels[0, :, 2].tolist() == expected


@pytest.mark.parametrize("values", [[-1.0, 0.5], [0.0, 1e9], [np.nan, 0.5], [0.5, np.inf]])
def test_floats_that_mean_nothing_are_refused(values: list[float]) -> None:
    with pytest.raises(UnreadableImageError, match="damaged TIFF file: it"):
        images.read(pictures.encode(np.array([values], np.float32), "TIFF"))


def test_transparent_pixels_show_white_whatever_lies_under_them() -> None:
    rgba = np.array([[[9, 9, 9, 0], [100, 150, 200, 255], [0, 100, 200, 128]]], np.uint8)
    expected = [
        [[255, 255, 255], [100, 150, 200], [127, 177, 227]]
    ]  # 200: (200 * 128 + 255 * 127 + 127) // 255
    assert images.read(pictures.encode(rgba)).pixels.tolist() == expected
    assert images.read(rgba).pixels.tolist() == expected
    assert images.read(Image.fromarray(rgba)).pixels.tolist() == expected


def test_opaque_alpha_changes_nothing() -> None:
    rgba = np.dstack([SCENE, np.full(SCENE.shape[:2], 255, np.uint8)])
    np.testing.assert_array_equal(images.read(pictures.encode(rgba)).pixels, SCENE)


def test_grey_with_alpha() -> None:
    la = Image.new("LA", (2, 1))
    la.putdata([(50, 255), (50, 0)])
    assert images.read(pictures.encode(la)).pixels[0, :, 0].tolist() == [50, 255]


def test_premultiplied_alpha_is_divided_out() -> None:
    image = Image.new("RGBA", (1, 1), (200, 100, 50, 128)).convert("RGBa")
    straight = images.read(Image.new("RGBA", (1, 1), (200, 100, 50, 128))).pixels.astype(int)
    assert np.abs(images.read(image).pixels.astype(int) - straight).max() <= 1


def test_palette_plain_and_with_transparency() -> None:
    image = Image.new("P", (3, 1))
    image.putpalette([10, 20, 30, 200, 100, 50, 0, 0, 0])
    image.putdata([0, 1, 2])
    colours = [[10, 20, 30], [200, 100, 50]]
    assert images.read(pictures.encode(image)).pixels[0].tolist() == [*colours, [0, 0, 0]]
    for kind, transparency in (("PNG", 2), ("PNG", b"\xff\xff\x00"), ("GIF", 2)):
        data = pictures.encode(image, kind, transparency=transparency)
        assert images.read(data).pixels[0].tolist() == [*colours, [255, 255, 255]]


def test_colour_key_of_an_rgb_png() -> None:
    data = pictures.encode(np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8), transparency=(1, 2, 3))
    assert images.read(data).pixels.tolist() == [[[255, 255, 255], [4, 5, 6]]]


def test_colour_key_of_a_sixteen_bit_png_does_no_harm() -> None:
    values = np.array([[[65535, 0, 0], [0, 0, 65535]]], np.uint16)
    data = pictures.with_chunk(pictures.png16(values), b"tRNS", b"\x12\x34\x12\x34\x12\x34")
    assert images.read(data).pixels.tolist() == [[[255, 0, 0], [0, 0, 255]]]


def ink() -> Image.Image:
    """Cyan, magenta, yellow, black and no ink, as blocks of 16 pixels."""
    inks = np.array([[255, 0, 0, 0], [0, 255, 0, 0], [0, 0, 255, 0], [0, 0, 0, 255], [0, 0, 0, 0]], np.uint8)
    return Image.frombytes("CMYK", (80, 16), np.tile(inks.repeat(16, axis=0), (16, 1)).tobytes())


INKS_SEEN = np.array([[0, 255, 255], [255, 0, 255], [255, 255, 0], [0, 0, 0], [255, 255, 255]])


def test_cmyk_jpeg_of_adobe_and_the_other_kind() -> None:
    adobe = pictures.jpeg(ink())  # Pillow writes Adobe's marker, and the values inverted as Adobe does
    other = pictures.without_segment(pictures.jpeg(Image.eval(ink(), lambda value: 255 - value)), 0xEE)
    assert b"Adobe" in adobe
    assert b"Adobe" not in other
    for data in (adobe, other):
        seen = images.read(data).pixels[8, 8::16].astype(int)
        assert np.abs(seen - INKS_SEEN).max() <= 6


def test_ycck_jpeg() -> None:
    data = bytearray(pictures.jpeg(ink()))
    at = data.index(b"Adobe")
    data[at + 11] = 2  # colour transform: YCCK; so the inks are now read as Y, Cb, Cr and inverted K
    expected = Image.open(io.BytesIO(bytes(data))).convert("RGB")
    np.testing.assert_array_equal(images.read(bytes(data)).pixels, np.asarray(expected))
    assert not np.array_equal(images.read(bytes(data)).pixels, images.read(pictures.jpeg(ink())).pixels)


def test_cmyk_tiff() -> None:
    np.testing.assert_array_equal(images.read(pictures.encode(ink(), "TIFF")).pixels[8, 8::16], INKS_SEEN)


@pytest.mark.parametrize("kind", ["BMP", "PPM", "JPEG2000", "TIFF", "PNG"])
def test_lossless_kinds_give_their_pixels(kind: str) -> None:
    options = {"irreversible": False} if kind == "JPEG2000" else {}
    np.testing.assert_array_equal(images.read(pictures.encode(SCENE, kind, **options)).pixels, SCENE)


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_deflate", "packbits", "jpeg"])
def test_compressed_tiff(compression: str) -> None:
    photo = images.read(pictures.encode(SCENE, "TIFF", compression=compression))
    assert np.abs(photo.pixels.astype(int) - SCENE).mean() < 8


@pytest.mark.parametrize(("kind", "tolerance"), [("GIF", 8), ("WEBP", 6), ("PNG", 0), ("TIFF", 0)])
def test_first_frame_of_several(kind: str, tolerance: int) -> None:
    second = Image.fromarray(255 - SCENE)
    data = pictures.encode(SCENE, kind, save_all=True, append_images=[second, second])
    photo = images.read(data)
    assert photo.pixels.shape == SCENE.shape
    assert np.abs(photo.pixels.astype(int) - SCENE).mean() <= tolerance


def test_animation_header_without_sense_is_read_in_silence() -> None:
    data = pictures.with_chunk(pictures.encode(SCENE), b"acTL", b"\0" * 8)
    with pytest.warns(UserWarning, match="Invalid APNG"):
        Image.open(io.BytesIO(data))
    np.testing.assert_array_equal(images.read(data).pixels, SCENE)


@pytest.mark.skipif(not pictures.HAS_AVIF, reason="this Pillow has no AVIF")
def test_avif() -> None:
    data = pictures.encode(pictures.stored(SCENE, 6), "AVIF", quality=95, exif=pictures.exif(6))
    assert np.abs(images.read(data).pixels.astype(int) - SCENE).mean() < 4


def heic() -> bytes:
    return b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 64


def test_heic_without_its_extra_names_the_pip_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(UnreadableImageError) as caught:
        images.read(heic(), name="IMG_1.HEIC")
    assert (
        str(caught.value)
        == "'IMG_1.HEIC' is HEIC, which needs one more package: pip install 'visavis[heic]'."
    )
    assert caught.value.status == "unreadable"


def test_heic_with_its_extra() -> None:
    pillow_heif = pytest.importorskip("pillow_heif", reason="the extra heic is not installed")
    held = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(SCENE)).save(held, quality=95)
    assert np.abs(images.read(held.getvalue()).pixels.astype(int) - SCENE).mean() < 4
    with pytest.raises(UnreadableImageError):
        images.read(held.getvalue()[:200])


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", "AVIF"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1heicmiaf", "HEIC"),
        (b"\0\0\0\x10ftypmif1\0\0\0\0", "HEIC"),
        (b"\0\0\0\x1cftypisom\0\0\0\0isomiso2mp41", None),
        (b"RIFF\0\0\0\0WAVE", None),
        (b"PK\x03\x04", None),
    ],
)
def test_kind_by_first_bytes(head: bytes, kind: str | None) -> None:
    found = kind_of(head)
    assert (found and found.name) == kind


# ---------------------------------------------------------------------------------------------- arrays


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (SCENE, SCENE),
        (GREY, grey_rgb(GREY)),
        (GREY[..., None], grey_rgb(GREY)),
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


def test_an_array_of_one_pixel_and_a_file_of_one_pixel() -> None:
    assert images.read(np.zeros((1, 1, 3), np.uint8)).pixels.shape == (1, 1, 3)
    assert images.read(pictures.encode(np.full((1, 1, 3), 9, np.uint8))).pixels.tolist() == [[[9, 9, 9]]]


# --------------------------------------------------------------------------------------------- sources


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


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no /dev/zero here")
def test_a_device_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MIN_BYTES_LIMIT", 1 << 22)
    with pytest.raises(TooLargeImageError, match="holds more than 4,194,304 bytes"):
        images.read("/dev/zero", max_pixels=1000)


def test_a_file_beyond_the_limit_of_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MIN_BYTES_LIMIT", 1 << 20)
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


# ---------------------------------------------------------------------------------------------- faults


def fault(source: object) -> str:
    with pytest.raises(UnreadableImageError) as caught:
        images.read(source, name="x.jpg")
    message = str(caught.value)
    assert message.startswith("'x.jpg' ")
    assert message.endswith(".")
    assert "\n" not in message
    assert caught.value.status == "unreadable"
    return message.removeprefix("'x.jpg' ")


def test_faults_are_told_apart(tmp_path: Path) -> None:
    assert fault(b"") == "is an empty file."
    assert fault(tmp_path) == "is a folder: name the photos in it."
    assert fault("Grüße, nur Text.\n".encode()).startswith("is text, not a picture (JPEG, PNG")
    assert fault(b"%PDF-1.7\n").startswith("is a PDF")
    assert fault(b"\0\1\2\3" * 99).startswith("is not a picture of a known kind (JPEG,")
    assert fault(pictures.jpeg(SCENE)[:500]) == "is cut off: the JPEG file ends before the picture does."
    assert fault(pictures.encode(SCENE)[:-40]) == "is cut off: the PNG file ends before the picture does."
    whole = pictures.encode(pictures.noise(40, 40))
    assert fault(whole[:200] + bytes(99) + whole[299:]).startswith("is a damaged PNG file: ")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "JPEG2000", "PPM"])
def test_every_kind_notices_that_half_of_it_is_missing(kind: str) -> None:
    data = pictures.encode(pictures.noise(64, 64), kind)
    assert "cut off" in fault(data[: len(data) // 2])


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_is_whole_or_refused_at_every_cut(progressive: bool) -> None:
    data = pictures.jpeg(pictures.noise(40, 40), progressive=progressive)
    for end in range(0, len(data) - 2, 7):
        with pytest.raises(UnreadableImageError):
            images.read(data[:end])


def test_lenient_pillow_is_not_made_use_of(monkeypatch: pytest.MonkeyPatch) -> None:
    from PIL import ImageFile

    assert ImageFile.LOAD_TRUNCATED_IMAGES is False
    images.read(pictures.jpeg(SCENE))
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False


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


@pytest.mark.parametrize(
    "name", ["a b.png", "größe.png", "顔 写真.png", "😀.png", "a\nb.png", "'\".png", "-x.png"]
)
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
    assert (
        done.stdout.decode().strip()
        == f"UnreadableImageError {str(path)!r} may not be read: permission denied."
    )


# ---------------------------------------------------------------------------------------- limit of pixels


@pytest.mark.parametrize("claim", [pictures.png_that_claims, pictures.jpeg_that_claims])
def test_size_is_judged_by_the_header(claim: object) -> None:
    with pytest.raises(
        TooLargeImageError, match=r"65000 x 65000 pixels, more than the limit of 100,000,000"
    ) as caught:
        images.read(claim(65000, 65000))
    assert caught.value.status == "too_large"


def test_the_limit_is_the_last_size_that_passes() -> None:
    data = pictures.encode(SCENE)
    for source in (data, SCENE, Image.fromarray(SCENE)):
        assert images.read(source, max_pixels=64 * 48).width == 64
        with pytest.raises(TooLargeImageError, match="limit of 3,071"):
            images.read(source, max_pixels=64 * 48 - 1)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "JPEG2000"])
def test_pillows_own_limit_plays_no_part(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 2000)  # the picture has 3072: Image.open would warn
    monkeypatch.setattr("visavis._decode.STRIP_PIXELS", 1000)
    assert images.read(pictures.encode(SCENE, kind)).width == 64


def test_limits_of_threads_do_not_mix_and_nothing_global_changes() -> None:
    data = [pictures.encode(SCENE, kind) for kind in ("JPEG", "PNG", "GIF", "TIFF")]
    limit, filters = Image.MAX_IMAGE_PIXELS, list(warnings.filters)

    def attempt(turn: int) -> bool:
        try:
            images.read(data[turn % 4], max_pixels=3072 if turn // 4 % 2 else 3071)
        except TooLargeImageError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        passed = list(pool.map(attempt, range(400)))
    assert passed == [bool(turn // 4 % 2) for turn in range(400)]
    assert limit == Image.MAX_IMAGE_PIXELS
    assert warnings.filters == filters


# ------------------------------------------------------------------------------------------ hash, memory


def test_hash_of_pixels_tells_shapes_apart_and_is_one_for_arrays_and_images() -> None:
    flat = np.arange(72, dtype=np.uint8)
    wide, tall = images.read(flat.reshape(4, 6, 3)), images.read(flat.reshape(6, 4, 3))
    assert wide.sha256 != tall.sha256
    assert wide.sha256 == images.read(Image.fromarray(flat.reshape(4, 6, 3))).sha256
    assert wide.sha256 == hashlib.sha256(b"(4, 6, 3)" + flat.tobytes()).hexdigest()


MEMORY = """
import resource, sys
from visavis import images
from PIL import JpegImagePlugin
data = open(sys.argv[1], "rb").read()
images.read(data[:0] + open(sys.argv[2], "rb").read())
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
photo = images.read(data)
print(photo.width, photo.height, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is measured as Linux does")
@pytest.mark.parametrize("orientation", [1, 6])
def test_memory_for_24_megapixels(tmp_path: Path, orientation: int) -> None:
    big = np.tile(pictures.noise(300, 200), (20, 20, 1))
    path = pictures.write(
        tmp_path, "big.jpg", pictures.jpeg(big, quality=60, exif=pictures.exif(orientation))
    )
    small = pictures.write(tmp_path, "small.jpg", pictures.jpeg(SCENE))
    width, height, peak = run(MEMORY, str(path), str(small)).stdout.split()
    assert {int(width), int(height)} == {6000, 4000}
    # Pillow's image at 4 bytes a pixel, the result at 3: 160 MiB; the encoded bytes were there before
    assert float(peak) < 92 + 69 + 24


def test_import_is_cheap() -> None:
    done = run(
        "import sys, visavis.images; print([m for m in ('PIL', 'cv2', 'onnxruntime') if m in sys.modules])"
    )
    assert done.stdout.strip() == b"[]", done.stderr


# -------------------------------------------------------------------------------------------- any damage

VICTIMS = [
    pictures.encode(pictures.noise(24, 16), kind, **options)
    for kind, options in [
        ("JPEG", {"exif": pictures.exif(6)}),
        ("JPEG", {"progressive": True}),
        ("PNG", {}),
        ("PNG", {"save_all": True, "append_images": [Image.fromarray(SCENE).resize((24, 16))]}),
        ("GIF", {}),
        ("WEBP", {}),
        ("BMP", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("TIFF", {"compression": "jpeg"}),
        ("PPM", {}),
        ("JPEG2000", {}),
        *([("AVIF", {})] if pictures.HAS_AVIF else []),
    ]
]


@settings(deadline=5000, max_examples=400)
@given(st.sampled_from(VICTIMS), st.data())
def test_a_damaged_file_is_read_or_refused_in_one_sentence(victim: bytes, draw: st.DataObject) -> None:
    data = bytearray(victim[: draw.draw(st.integers(0, len(victim)))] if draw.draw(st.booleans()) else victim)
    if data:
        # headers are where it hurts: half of the flips go there
        places = st.one_of(st.integers(0, len(data) - 1), st.integers(0, min(len(data), 200) - 1))
        for place in draw.draw(st.lists(places, max_size=6)):
            data[place] ^= draw.draw(st.integers(1, 255))
    outcome = read_or_refuse(bytes(data))
    if isinstance(outcome, ImageError):
        assert str(outcome).startswith("'bytes' ")
        assert str(outcome).endswith(".")
    else:
        assert outcome.ndim == 3
        assert outcome.dtype == np.uint8


def read_or_refuse(data: bytes) -> np.ndarray | ImageError:
    try:
        return images.read(data, max_pixels=1_000_000).pixels
    except ImageError as error:
        return error


# ----------------------------------------------------------------------------------------------- writing


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
