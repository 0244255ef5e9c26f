"""The hard photos of benchmarks/hard_photos.py: where landmarks go, what is cut, and the page they are written to."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import _hard_tables  # noqa: E402
import _hard_variants as hard  # noqa: E402

POINTS = np.array([(80, 90), (120, 90), (100, 110), (84, 134), (116, 134)], np.float32)
COLORS = np.array([(250, 0, 0), (0, 250, 0), (0, 0, 250), (250, 250, 0), (0, 250, 250)], np.uint8)


def subject() -> hard.Subject:
    """A gray picture of 240 x 200 with a square of another color, 9 pixels wide, at each landmark."""
    pixels = np.full((200, 240, 3), 90, np.uint8)
    for (x, y), color in zip(POINTS.astype(int), COLORS, strict=True):
        pixels[y - 4 : y + 5, x - 4 : x + 5] = color
    return hard.Subject(pixels, np.array([60, 50, 140, 160], np.float32), POINTS)


MOVING = {
    name: variant
    for group in ("plain", "edges", "tight", "turned", "squeezed", "small")
    for name, variant in hard.GROUPS[group].items()
}


@pytest.mark.parametrize("name", MOVING)
def test_landmarks_stay_on_what_they_mark(name: str) -> None:
    made = MOVING[name](subject(), 0)
    for (x, y), color in zip(made.landmarks, COLORS, strict=True):
        np.testing.assert_allclose(made.pixels[round(float(y)), round(float(x))], color, atol=60)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("unchanged", (200, 240)),
        ("cut at the brows", (200 - 73, 240)),  # eyes at 90, .4 of 44 / 40.7 * 35.2 or 40 above them
        ("turned by 90", (240, 200)),
        ("turned by 180", (200, 240)),
        ("half as wide", (200, 120)),
        ("half as high", (100, 240)),
        ("tight crop", (110, 80)),
    ],
)
def test_shapes(name: str, shape: tuple[int, int]) -> None:
    height, width = MOVING[name](subject(), 0).pixels.shape[:2]
    assert height == pytest.approx(shape[0], abs=1)
    assert width == pytest.approx(shape[1], abs=1)


def test_turned_by_90_is_clockwise() -> None:
    made = hard.turned(90)(subject(), 0)
    np.testing.assert_array_equal(made.pixels, np.rot90(subject().pixels, -1))
    assert made.landmarks[0, 1] < made.landmarks[1, 1]  # the left eye is now the upper one


def test_sunglasses_cover_the_eyes_and_masks_the_mouth() -> None:
    glasses, mask = hard.sunglasses(subject(), 0).pixels, hard.mask(subject(), 0).pixels
    for (x, y), color in zip(POINTS.astype(int), COLORS, strict=True):
        covered = bool(y < 100)
        assert (tuple(glasses[y, x]) == hard.LENS_COLOR) is covered
        assert (tuple(mask[y, x]) == hard.MASK_COLOR) is not covered
        assert tuple((mask if covered else glasses)[y, x]) == tuple(color)


def test_the_page_has_a_table_for_every_group() -> None:
    page = (ROOT / "docs" / "limits.md").read_text(encoding="utf-8")
    marked = dict(re.findall(r"<!-- hard_photos: (\w+) -->\n(.*?)<!-- end -->", page, re.DOTALL))
    assert set(marked) == {"measured", *hard.GROUPS, "people", "groups"}
    for group, variants in hard.GROUPS.items():
        assert [line.split(" | ")[0] for line in marked[group].splitlines()[2:]] == [f"| {name}" for name in variants]


def test_a_page_is_renewed_between_its_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    marks = [f"<!-- hard_photos: {name} -->" for name in ("groups", "edges")]
    page.write_text(
        f"before\n{marks[0]}\nstale\n<!-- end -->\nafter\n{marks[1]}\nkept\n<!-- end -->\n", encoding="utf-8"
    )
    facts = {"date": "2026-11-28", "detector": "d", "model": "m", "threshold": 0.07, "far": 1e-3}
    groups = {"2": {"photos": 10, "threshold of one face": 0.002, "any face": 0.001}}
    _hard_tables.write_page(page, {"environment": facts, "rows": {}, "groups": groups})
    text = page.read_text(encoding="utf-8")
    assert "| 2 | 10 | .0020 | .0010 |\n<!-- end -->\nafter\n" in text
    assert "stale" not in text
    assert text.endswith("<!-- hard_photos: edges -->\nkept\n<!-- end -->\n")
