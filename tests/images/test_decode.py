"""Kinds of files, what is wrong with them, the limit of pixels, and memory."""

from __future__ import annotations

import io
import subprocess
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import pictures
from example_counts import examples
from visavis import images
from visavis.errors import ImageError, TooLargeImageError, UnreadableImageError
from visavis.images._decode import kind_of

SCENE = pictures.scene()


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
    assert str(caught.value) == "'IMG_1.HEIC' is HEIC, which needs one more package: pip install 'visavis[heic]'."
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
    assert fault(tmp_path).startswith("is a folder, where one photo is expected: name a photo in it, or use a function")
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


@pytest.mark.parametrize("claim", [pictures.png_that_claims, pictures.jpeg_that_claims])
def test_size_is_judged_by_the_header(claim: object) -> None:
    with pytest.raises(TooLargeImageError, match=r"65000 x 65000 pixels, more than the limit of 100,000,000") as caught:
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
    monkeypatch.setattr("visavis.images._orient.STRIP_PIXELS", 1000)
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
    path = pictures.write(tmp_path, "big.jpg", pictures.jpeg(big, quality=60, exif=pictures.exif(orientation)))
    small = pictures.write(tmp_path, "small.jpg", pictures.jpeg(SCENE))
    command = [sys.executable, "-W", "error", "-c", MEMORY, str(path), str(small)]
    width, height, peak = subprocess.run(command, capture_output=True, check=True).stdout.split()
    assert {int(width), int(height)} == {6000, 4000}
    # Pillow's image at 4 bytes a pixel, the result at 3: 160 MiB; the encoded bytes were there before
    assert float(peak) < 92 + 69 + 24


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


@settings(max_examples=examples(400))
@given(st.sampled_from(VICTIMS), st.data())
def test_a_damaged_file_is_read_or_refused_in_one_sentence(victim: bytes, draw: st.DataObject) -> None:
    data = bytearray(victim[: draw.draw(st.integers(0, len(victim)))] if draw.draw(st.booleans()) else victim)
    if data:
        # headers are where it hurts: half of the flips go there
        places = st.one_of(st.integers(0, len(data) - 1), st.integers(0, min(len(data), 200) - 1))
        for place in draw.draw(st.lists(places, max_size=6)):
            data[place] ^= draw.draw(st.integers(1, 255))
    begun = time.thread_time()
    outcome = read_or_refuse(bytes(data))
    assert time.thread_time() - begun < 5
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
