"""JPEG files cut near their end: read where the end marker alone is missing, refused where a pixel is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import pictures
from visavis import images
from visavis.errors import UnreadableImageError

NOTE = "the JPEG file lacks its end marker; all pixels are there."

SMOOTH, NOISE = pictures.scene(83, 61), pictures.noise(40, 24)
WHITE = np.full((64, 64, 3), 255, np.uint8)

KINDS: dict[str, dict[str, object]] = {
    "4:4:4": {"subsampling": 0},
    "4:2:0": {"subsampling": 2},
    "4:2:2": {"subsampling": 1},
    "best": {"quality": 100, "subsampling": 0},
    "coarse": {"quality": 5},
    "optimized": {"optimize": True},
    "progressive": {"progressive": True},
    "progressive, 4:2:0": {"progressive": True, "subsampling": 2},
    "restart markers": {"restart_marker_blocks": 2},
    "a restart marker a row": {"restart_marker_rows": 1},
    "progressive, restart markers": {"progressive": True, "restart_marker_blocks": 3},
}


def encoded(pixels: np.ndarray, mode: str, options: dict[str, object]) -> bytes:
    return pictures.encode(Image.fromarray(pixels).convert(mode), "JPEG", **options)


@pytest.mark.slow(seconds=18)
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("pixels", [SMOOTH, NOISE, WHITE], ids=["smooth", "noise", "white"])
def test_a_cut_file_is_read_only_where_no_pixel_is_missing(pixels: np.ndarray, kind: str, mode: str) -> None:
    data = encoded(pixels, mode, KINDS[kind])
    whole = images.read(data)
    assert whole.notes == ()
    accepted = {}
    for missing in range(1, min(len(data) - data.index(b"\xff\xda"), 60)):
        try:
            accepted[missing] = images.read(data[:-missing])
        except UnreadableImageError as error:
            assert "is cut off: the JPEG file ends before the picture does" in str(error)  # noqa: PT017
    if "restart markers" not in kind or "progressive" not in kind:  # their last scan may say nothing of the pixels
        assert {1, 2} <= accepted.keys()
    for photo in accepted.values():
        assert photo.notes == (NOTE,)
        np.testing.assert_array_equal(photo.pixels, whole.pixels)


@pytest.mark.parametrize("kind", ["progressive", "progressive, restart markers"])
def test_a_progressive_file_that_ends_after_one_of_its_scans_is_cut_off(kind: str) -> None:
    data = encoded(SMOOTH, "RGB", KINDS[kind])
    scans = [at for at in range(len(data)) if data[at : at + 2] == b"\xff\xda"]
    assert len(scans) > 5
    for at in scans[1:]:
        table = max(data.rfind(b"\xff\xc4", scans[0], at), 0)  # Huffman tables stand before a scan
        for end in {at, table}:
            with pytest.raises(UnreadableImageError, match="is cut off"):
                images.read(data[:end])


@pytest.mark.parametrize("rest", [b"\0" * 500, b"\x55" * 500, b"text behind the picture"])
def test_other_bytes_in_place_of_the_end_are_no_missing_marker(rest: bytes) -> None:
    data = encoded(SMOOTH, "RGB", {})
    for missing in (3, 30, 300):
        with pytest.raises(UnreadableImageError, match="cut off"):
            images.read(data[:-missing] + rest)


def with_thumbnail(data: bytes, marker: int) -> bytes:
    """Put a whole JPEG into a segment before the picture, as cameras (APP1) and Photoshop (APP13) do."""
    thumbnail = pictures.encode(Image.fromarray(SMOOTH).resize((20, 16)), "JPEG")
    content = b"Exif\0\0" + thumbnail
    return data[:2] + bytes([0xFF, marker]) + (len(content) + 2).to_bytes(2, "big") + content + data[2:]


@pytest.mark.parametrize("marker", [0xE1, 0xED])
@pytest.mark.parametrize("kind", ["4:2:0", "progressive"])
def test_the_end_marker_of_a_thumbnail_is_not_that_of_the_picture(kind: str, marker: int) -> None:
    data = with_thumbnail(encoded(SMOOTH, "RGB", KINDS[kind]), marker)
    whole = images.read(data)
    assert whole.notes == ()
    for missing in (1, 2):
        photo = images.read(data[:-missing])
        assert photo.notes == (NOTE,)
        np.testing.assert_array_equal(photo.pixels, whole.pixels)
    for cut in (data[:-300], data[:-300] + b"\0" * 500):
        with pytest.raises(UnreadableImageError, match="cut off"):
            images.read(cut)


def test_a_file_without_its_end_marker_of_a_real_photograph(data: Path) -> None:
    path = data / "faults" / "no_end_marker.jpg"
    if not path.exists():
        pytest.skip(f"there is no {path}")
    photo = images.read(path)
    assert photo.notes == (NOTE,)
    whole = images.read(path.read_bytes() + b"\xff\xd9")
    np.testing.assert_array_equal(photo.pixels, whole.pixels)
    assert whole.notes == ()
    for missing in (1, 2, 3, 10, 1000):
        with pytest.raises(UnreadableImageError, match="cut off"):
            images.read(path.read_bytes()[:-missing])
