"""Faces for a page: the right part of the right photo, upright, or nothing."""

from __future__ import annotations

import base64
import io
import os
import stat
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from visavis.evaluate.data.templates import Templates
from visavis.evaluate.report.thumbnails import MARGIN, SIDE, thumbnails
from visavis.images import data_address

RED, GREEN, BLUE, GRAY = (220, 30, 30), (30, 200, 30), (30, 30, 220), (128, 128, 128)


def templates(photos: Sequence[str], boxes: Sequence[Sequence[float]]) -> Templates:
    n = len(photos)
    ones = np.ones(n, np.float32)
    places = np.array(boxes, np.float32).reshape(n, 4)
    return Templates(
        "m", "d", tuple(photos), ("ok",) * n, np.eye(n, 4, dtype=np.float32), places, ones, ones.astype(int)
    )


def picture() -> Image.Image:
    """Gray, 300 x 200, with a face of 50 x 50 at (100, 80): red above, green below."""
    pixels = np.full((200, 300, 3), GRAY, np.uint8)
    pixels[80:105, 100:150], pixels[105:130, 100:150] = RED, GREEN
    return Image.fromarray(pixels)


BOX = (100, 80, 150, 130)


def opened(address: str) -> Image.Image:
    assert address.startswith("data:image/jpeg;base64,")
    return Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2], validate=True)))


def near(image: Image.Image, x: float, y: float, color: tuple[int, int, int]) -> bool:
    return bool(np.abs(np.subtract(image.getpixel((round(x), round(y))), color)).max() < 25)


def looks_right(image: Image.Image) -> bool:
    """With a margin of 0.4 the face takes the middle 50 / 70 of 112 pixels: 80, from 16 to 96."""
    assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (SIDE, SIDE))
    inside = near(image, 22, 22, RED) and near(image, 90, 50, RED) and near(image, 22, 62, GREEN)
    outside = all(near(image, x, y, GRAY) for x, y in ((8, 56), (103, 56), (56, 8), (56, 103)))
    return inside and outside


def test_the_face_with_its_margin(tmp_path: Path) -> None:
    assert MARGIN == 0.4
    picture().save(tmp_path / "a.png")
    (address,) = thumbnails(templates([str(tmp_path / "a.png")], [BOX]), [0]).values()
    assert looks_right(opened(address))


def test_a_photo_is_turned_as_its_camera_says(tmp_path: Path) -> None:
    """Stored on its side (EXIF orientation 6), with the box of the upright picture."""
    exif = Image.Exif()
    exif[0x0112] = 6
    picture().transpose(Image.Transpose.ROTATE_90).save(tmp_path / "a.jpg", exif=exif, quality=95)
    (address,) = thumbnails(templates([str(tmp_path / "a.jpg")], [BOX]), [0]).values()
    assert looks_right(opened(address))


def test_each_row_has_its_own_face_once(tmp_path: Path) -> None:
    for name, color in (("a", RED), ("b", GREEN), ("c", BLUE)):
        Image.new("RGB", (60, 60), color).save(tmp_path / f"{name}.png")
    rows = templates([str(tmp_path / f"{name}.png") for name in "abc"], [(10, 10, 30, 30)] * 3)
    found = thumbnails(rows, [2, 0, 2])
    assert [*found] == [0, 2]
    assert near(opened(found[0]), 56, 56, RED)
    assert near(opened(found[2]), 56, 56, BLUE)


def test_what_is_no_picture_any_more_is_left_out(tmp_path: Path) -> None:
    picture().save(tmp_path / "good.png")
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "half.png").write_bytes((tmp_path / "good.png").read_bytes()[:200])
    names = ["good.png", "text.jpg", "half.png", "gone.jpg", "bad\x00name.jpg", "half\ud800pair.jpg", "x" * 5000, ""]
    photos = [str(tmp_path / name) for name in names]
    assert [*thumbnails(templates(photos, [BOX] * len(photos)), range(len(photos)))] == [0]


def test_a_row_without_a_face_is_left_out(tmp_path: Path) -> None:
    picture().save(tmp_path / "a.png")
    photos = [str(tmp_path / "a.png")] * 3
    assert [*thumbnails(templates(photos, [(0, 0, 0, 0), BOX, (20, 20, 20, 40)]), range(3))] == [1]


def test_a_box_beyond_the_picture_is_black_there(tmp_path: Path) -> None:
    """As where the photo was replaced by a smaller one."""
    picture().save(tmp_path / "a.png")
    (address,) = thumbnails(templates([str(tmp_path / "a.png")], [(1000, 1000, 1100, 1100)]), [0]).values()
    assert near(opened(address), 56, 56, (0, 0, 0))


def test_a_dash_is_a_file_and_not_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    held = io.BytesIO()
    picture().save(held, "PNG")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(held))
    assert thumbnails(templates(["-"], [BOX]), [0]) == {}
    (tmp_path / "-").write_bytes(held.getvalue())
    assert looks_right(opened(thumbnails(templates(["-"], [BOX]), [0])[0]))


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="names of files are text there")
def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    photo = os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.png")
    held = io.BytesIO()
    picture().save(held, "PNG")
    Path(photo).write_bytes(held.getvalue())
    assert stat.S_ISREG(Path(photo).stat().st_mode)
    assert looks_right(opened(thumbnails(templates([photo], [BOX]), [0])[0]))


def test_a_picture_of_noise_stays_small() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    assert len(data_address(noise)) < 24_000, "48 of them are less than 1.2 MB"
