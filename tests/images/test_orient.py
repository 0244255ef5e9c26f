"""Every EXIF turn, and every mode of pixels, on pictures drawn here."""

from __future__ import annotations

import io
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import pictures
from example_counts import examples
from visavis import images
from visavis.errors import UnreadableImageError
from visavis.images._orient import exif_orientation

SCENE = pictures.scene()

JPEG_TOLERANCE = 24


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
    monkeypatch.setattr("visavis.images._orient.STRIP_PIXELS", 300)
    data = pictures.encode(pictures.stored(SCENE, orientation), exif=pictures.exif(orientation))
    np.testing.assert_array_equal(images.read(data).pixels, SCENE)


@pytest.mark.parametrize("orientation", pictures.ORIENTATIONS)
def test_turns_of_a_sixteen_bit_gray(orientation: int) -> None:
    gray = SCENE[..., 0].astype(np.uint16) * 257
    data = pictures.with_chunk(
        pictures.png16(pictures.stored(gray, orientation)), b"eXIf", pictures.exif(orientation)[6:]
    )
    np.testing.assert_array_equal(images.read(data).pixels[..., 2], SCENE[..., 0])


def test_turn_of_a_pillow_image_is_applied_and_the_image_left_alone() -> None:
    image = Image.open(io.BytesIO(pictures.encode(pictures.stored(SCENE, 6), exif=pictures.exif(6))))
    np.testing.assert_array_equal(images.read(image).pixels, SCENE)
    assert image.size == (48, 64)
    assert image.getexif()[274] == 6


@pytest.mark.parametrize(("digits", "orientation"), [(pictures.exif(3).hex(), 3), ("no hexadecimal digits", 1)])
def test_exif_of_imagemagick_in_a_png(digits: str, orientation: int) -> None:
    text = b"Raw profile type exif\0" + f"\nexif\n{len(digits) // 2:8}\n{digits}\n".encode()
    data = pictures.with_chunk(pictures.encode(pictures.stored(SCENE, orientation)), b"tEXt", text)
    np.testing.assert_array_equal(images.read(data).pixels, SCENE)


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


@settings(max_examples=examples(60))
@given(st.binary(max_size=200))
def test_corrupt_exif_does_not_cost_the_photo(garbage: bytes) -> None:
    begun = time.thread_time()
    for block in (b"Exif\0\0" + garbage, pictures.exif(1)[:14] + garbage):
        assert images.read(pictures.jpeg(SCENE, exif=block)).pixels.shape[2] == 3
    assert time.thread_time() - begun < 2


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


GRAY = SCENE[..., 1]


def test_gray_jpeg_and_png_repeat_their_channel() -> None:
    np.testing.assert_array_equal(images.read(pictures.encode(GRAY)).pixels, pictures.gray_rgb(GRAY))


def test_one_bit_is_black_and_white() -> None:
    bits = GRAY > 100
    np.testing.assert_array_equal(images.read(pictures.encode(bits)).pixels, pictures.gray_rgb(bits * np.uint8(255)))


def test_sixteen_bit_gray_is_scaled_not_clipped() -> None:
    values = np.array([[0, 255, 256, 32768, 65535]], np.uint16)
    np.testing.assert_array_equal(images.read(pictures.png16(values)).pixels[0, :, 0], [0, 0, 1, 128, 255])
    np.testing.assert_array_equal(images.read(pictures.encode(values, "TIFF")).pixels[0, :, 1], [0, 0, 1, 128, 255])


def test_sixteen_bit_rgb_is_scaled() -> None:
    values = np.array([[[0, 32768, 65535], [257, 256, 255]]], np.uint16)
    np.testing.assert_array_equal(images.read(pictures.png16(values)).pixels, [[[0, 128, 255], [1, 1, 0]]])


def test_sixteen_bit_gray_ppm() -> None:
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
    expected = [[[255, 255, 255], [100, 150, 200], [127, 177, 227]]]  # 200: (200 * 128 + 255 * 127 + 127) // 255
    assert images.read(pictures.encode(rgba)).pixels.tolist() == expected
    assert images.read(rgba).pixels.tolist() == expected
    assert images.read(Image.fromarray(rgba)).pixels.tolist() == expected


def test_opaque_alpha_changes_nothing() -> None:
    rgba = np.dstack([SCENE, np.full(SCENE.shape[:2], 255, np.uint8)])
    np.testing.assert_array_equal(images.read(pictures.encode(rgba)).pixels, SCENE)


def test_gray_with_alpha() -> None:
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
    colors = [[10, 20, 30], [200, 100, 50]]
    assert images.read(pictures.encode(image)).pixels[0].tolist() == [*colors, [0, 0, 0]]
    for kind, transparency in (("PNG", 2), ("PNG", b"\xff\xff\x00"), ("GIF", 2)):
        data = pictures.encode(image, kind, transparency=transparency)
        assert images.read(data).pixels[0].tolist() == [*colors, [255, 255, 255]]


def test_color_key_of_an_rgb_png() -> None:
    data = pictures.encode(np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8), transparency=(1, 2, 3))
    assert images.read(data).pixels.tolist() == [[[255, 255, 255], [4, 5, 6]]]


def test_color_key_of_a_sixteen_bit_png_does_no_harm() -> None:
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
    data[at + 11] = 2  # color transform: YCCK; so the inks are now read as Y, Cb, Cr and inverted K
    expected = Image.open(io.BytesIO(bytes(data))).convert("RGB")
    np.testing.assert_array_equal(images.read(bytes(data)).pixels, np.asarray(expected))
    assert not np.array_equal(images.read(bytes(data)).pixels, images.read(pictures.jpeg(ink())).pixels)


def test_cmyk_tiff() -> None:
    np.testing.assert_array_equal(images.read(pictures.encode(ink(), "TIFF")).pixels[8, 8::16], INKS_SEEN)
