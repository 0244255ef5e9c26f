"""Draw portraits of made-up people, which the detectors take for faces: for pictures in documents, instead of photos.

``python tools/draw_portraits.py FOLDER`` writes three pictures of each person of ``PEOPLE``. A person is a row of
numbers: nothing of it is taken from a photo.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

WIDTH, HEIGHT, SCALE = 400, 480, 3
Color = tuple[int, int, int]
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Portrait:
    """How a person looks: colors, and lengths as parts of half the height of the head."""

    name: str
    skin: Color
    hair: Color
    shirt: Color
    iris: Color = (90, 60, 40)
    width: float = 0.76
    jaw: float = 0.86
    eyes: float = 0.33
    eye_size: float = 0.135
    brow: float = 0.030
    brow_height: float = 0.10
    tilt: float = 0.0
    nose: float = 0.30
    nose_width: float = 0.13
    mouth: float = 0.27
    lips: float = 0.055
    mouth_height: float = 0.60
    shadow: float = 0.80
    style: str = "short"
    beard: float = 0.0
    glasses: bool = False


PEOPLE = (
    Portrait(
        "Ada Brook",
        (236, 196, 170),
        (92, 58, 40),
        (60, 110, 140),
        style="long",
        eyes=0.30,
        eye_size=0.15,
        nose=0.26,
        mouth=0.22,
        lips=0.075,
        mouth_height=0.56,
        brow=0.022,
        brow_height=0.13,
    ),
    Portrait(
        "Binh Tran",
        (224, 178, 140),
        (28, 24, 24),
        (90, 60, 110),
        width=0.84,
        jaw=0.92,
        eyes=0.39,
        eye_size=0.105,
        tilt=0.05,
        nose=0.24,
        nose_width=0.17,
        mouth=0.30,
        mouth_height=0.58,
        brow=0.045,
        brow_height=0.08,
    ),
    Portrait(
        "Chloe Marsh",
        (248, 220, 204),
        (196, 150, 90),
        (150, 70, 80),
        (70, 130, 160),
        0.68,
        0.80,
        eyes=0.34,
        eye_size=0.165,
        tilt=-0.03,
        brow=0.014,
        brow_height=0.16,
        nose=0.34,
        nose_width=0.09,
        mouth=0.31,
        lips=0.04,
        mouth_height=0.68,
        shadow=0.9,
        style="long",
    ),
    Portrait(
        "David Okoro",
        (116, 76, 54),
        (20, 18, 18),
        (200, 170, 90),
        width=0.80,
        jaw=0.96,
        nose_width=0.21,
        nose=0.32,
        lips=0.10,
        mouth=0.33,
        eyes=0.36,
        eye_size=0.12,
        brow=0.05,
        brow_height=0.06,
        beard=0.75,
        style="crop",
    ),
    Portrait(
        "Elif Kaya",
        (222, 178, 146),
        (46, 28, 24),
        (60, 120, 90),
        (60, 90, 60),
        0.72,
        eyes=0.27,
        eye_size=0.125,
        tilt=0.08,
        brow=0.055,
        brow_height=0.05,
        nose=0.38,
        nose_width=0.12,
        mouth=0.20,
        lips=0.06,
        mouth_height=0.70,
        shadow=0.66,
        style="bun",
    ),
    Portrait(
        "Felix Lind",
        (244, 206, 184),
        (206, 140, 80),
        (70, 90, 150),
        (90, 140, 170),
        0.78,
        1.0,
        beard=0.9,
        brow=0.036,
        brow_height=0.07,
        eyes=0.31,
        eye_size=0.10,
        nose=0.36,
        nose_width=0.15,
        mouth=0.34,
        lips=0.03,
        mouth_height=0.62,
    ),
    Portrait(
        "Grace Mensah",
        (138, 92, 68),
        (24, 20, 20),
        (170, 80, 60),
        width=0.70,
        jaw=0.78,
        eyes=0.33,
        eye_size=0.17,
        tilt=0.04,
        brow=0.018,
        brow_height=0.15,
        nose=0.24,
        nose_width=0.15,
        lips=0.11,
        mouth=0.24,
        mouth_height=0.54,
        style="bun",
    ),
    Portrait(
        "Hugo Ramos",
        (206, 158, 124),
        (150, 146, 144),
        (50, 80, 80),
        glasses=True,
        beard=0.5,
        jaw=0.92,
        brow=0.06,
        brow_height=0.09,
        eyes=0.35,
        eye_size=0.11,
        nose=0.40,
        nose_width=0.18,
        mouth=0.26,
        lips=0.035,
        mouth_height=0.70,
        shadow=0.62,
    ),
)
"""The people of the pictures in docs/pages.md."""


class Canvas:
    """A picture in which shapes are placed from the middle of the head, in units of half its height."""

    def __init__(self, light: float, shift: tuple[float, float]) -> None:
        self.size = (WIDTH * SCALE, HEIGHT * SCALE)
        self.unit = 135.0 * SCALE
        self.middle = (self.size[0] / 2 + shift[0] * SCALE, 0.44 * self.size[1] + shift[1] * SCALE)
        across = np.linspace(0, 1, self.size[0])[None, :, None]
        down = np.linspace(0, 1, self.size[1])[:, None, None]
        ground = np.array([205, 212, 218]) * (0.82 + 0.12 * light * across + 0.10 * (1 - down))
        self.picture = Image.fromarray(np.clip(ground, 0, 255).astype(np.uint8))

    def box(self, x: float, y: float, width: float, height: float) -> Box:
        """Return the box of an ellipse by its middle and its half axes."""
        left, top = self.middle[0] + (x - width) * self.unit, self.middle[1] + (y - height) * self.unit
        return (left, top, left + 2 * width * self.unit, top + 2 * height * self.unit)

    def point(self, x: float, y: float) -> tuple[float, float]:
        """Return a point in pixels."""
        return (self.middle[0] + x * self.unit, self.middle[1] + y * self.unit)

    def ellipse(self, x: float, y: float, width: float, height: float, color: Color, *, soft: float = 0.0) -> None:
        """Paint an ellipse; ``soft`` is the width of its blurred edge."""
        self._paint(lambda draw: draw.ellipse(self.box(x, y, width, height), fill=255), color, soft=soft)

    def shape(
        self, corners: list[tuple[float, float]], color: Color, *, soft: float = 0.0, strength: float = 1
    ) -> None:
        """Paint a polygon."""
        points = [self.point(*corner) for corner in corners]
        self._paint(lambda draw: draw.polygon(points, fill=round(255 * strength)), color, soft=soft)

    def arc(self, box: Box, start: float, end: float, color: Color, width: float, *, soft: float = 0.006) -> None:
        """Paint a part of an ellipse, by angles in degrees from the right, clockwise."""
        place = self.box(*box)
        line = max(1, round(width * self.unit))
        self._paint(lambda draw: draw.arc(place, start, end, fill=255, width=line), color, soft=soft)

    def shade(self, x: float, y: float, width: float, height: float, factor: float, *, soft: float) -> None:
        """Darken an ellipse, or lighten it, by a factor."""
        mask = self._mask(lambda draw: draw.ellipse(self.box(x, y, width, height), fill=255), soft)
        strength = np.asarray(mask, np.float32)[:, :, None] / 255
        pixels = np.asarray(self.picture, np.float32)
        shaded = pixels * (1 + (factor - 1) * strength)
        self.picture = Image.fromarray(np.clip(shaded, 0, 255).astype(np.uint8))

    def _paint(self, paint, color: Color, *, soft: float) -> None:  # type: ignore[no-untyped-def]
        self.picture.paste(color, mask=self._mask(paint, soft))

    def _mask(self, paint, soft: float) -> Image.Image:  # type: ignore[no-untyped-def]
        mask = Image.new("L", self.size, 0)
        paint(ImageDraw.Draw(mask))
        return mask.filter(ImageFilter.GaussianBlur(soft * self.unit)) if soft else mask


def tint(color: Color, factor: float) -> Color:
    """Return a color that is darker or lighter by a factor."""
    red, green, blue = (min(255, round(part * factor)) for part in color)
    return red, green, blue


def draw_portrait(person: Portrait, *, smile: float = 0.3, light: float = 1.0, turn: float = 0.0) -> Image.Image:
    """Draw a person.

    ``smile`` lifts the corners of the mouth, ``light`` is from the left (1) or the right (-1), and ``turn`` moves what
    is in the face to a side, as a head that is turned a little.
    """
    canvas = Canvas(light, (12 * turn, 0))
    _draw_behind(canvas, person)
    _draw_head(canvas, person, light)
    _draw_eyes(canvas, person, turn)
    _draw_nose(canvas, person, turn, light)
    _draw_mouth(canvas, person, turn, smile)
    _draw_hair(canvas, person)
    if person.glasses:
        _draw_glasses(canvas, person, turn)
    return _finish(canvas, light)


def _draw_behind(canvas: Canvas, person: Portrait) -> None:
    dark = tint(person.hair, 0.8)
    if person.style == "long":
        canvas.ellipse(0, 0.25, person.width + 0.20, 1.30, dark, soft=0.02)
    if person.style == "bun":
        canvas.ellipse(0, -1.12, 0.34, 0.30, dark, soft=0.02)
    canvas.ellipse(0, 2.15, 1.45, 0.98, person.shirt, soft=0.01)
    canvas.shade(-0.9, 2.3, 0.5, 0.9, 0.85, soft=0.2)
    neck = [(-0.34, 0.6), (0.34, 0.6), (0.40, 1.38), (0, 1.55), (-0.40, 1.38)]
    canvas.shape(neck, tint(person.skin, 0.86), soft=0.02)


def _draw_head(canvas: Canvas, person: Portrait, light: float) -> None:
    for side in (-1, 1):
        canvas.ellipse(side * (person.width + 0.01), 0.05, 0.10, 0.20, tint(person.skin, 0.88), soft=0.01)
    canvas.ellipse(0, -0.08, person.width, 0.92, person.skin, soft=0.01)
    canvas.ellipse(0, 0.30, person.width * person.jaw, 0.74, person.skin, soft=0.01)
    canvas.shade(light * 0.62, 0.1, 0.34, 0.9, 0.80, soft=0.16)
    canvas.shade(-light * 0.30, -0.35, 0.34, 0.34, 1.08, soft=0.16)
    canvas.shade(0, 1.02, 0.42, 0.12, 0.80, soft=0.07)
    for side in (-1, 1):
        canvas.shade(side * 0.40, 0.34, 0.16, 0.12, 1.05, soft=0.08)
    if person.beard:
        jaw = [
            (-0.66, 0.30),
            (-0.40, 0.44),
            (0, 0.40),
            (0.40, 0.44),
            (0.66, 0.30),
            (0.52, 0.86),
            (0, 1.10),
            (-0.52, 0.86),
        ]
        canvas.shape(jaw, person.hair, soft=0.06, strength=person.beard)


def _draw_eyes(canvas: Canvas, person: Portrait, turn: float) -> None:
    size = person.eye_size
    for side in (-1, 1):
        x = side * person.eyes + 0.05 * turn
        canvas.shade(x, -0.06, 0.24, 0.17, person.shadow, soft=0.06)
        canvas.ellipse(x, -0.02, size, size * 0.52, (244, 242, 238), soft=0.008)
        canvas.ellipse(x + side * size * 0.5, -0.02 - person.tilt, size * 0.5, size * 0.26, (232, 226, 220), soft=0.008)
        canvas.ellipse(x + 0.02 * turn, -0.02, size * 0.50, size * 0.52, person.iris, soft=0.006)
        canvas.ellipse(x + 0.02 * turn, -0.02, size * 0.26, size * 0.28, (14, 12, 12), soft=0.004)
        canvas.ellipse(x + 0.03 - 0.02 * turn, -0.055, size * 0.10, size * 0.10, (250, 250, 250))
        canvas.arc((x, 0.0, size * 1.10, size * 0.72), 190, 350, (40, 28, 24), 0.030)
        canvas.arc((x, -0.06, size * 1.05, size * 0.62), 20, 160, tint(person.skin, 0.66), 0.012, soft=0.010)
        canvas.arc((x, -0.02, size * 1.15, size * 1.0), 205, 335, tint(person.skin, 0.70), 0.014, soft=0.010)
        brow = tint(person.hair, 0.85)
        place = (x + side * 0.01, -person.brow_height, 0.21, 0.17)
        canvas.arc(place, 200 + 200 * person.tilt, 335 + 200 * person.tilt * side, brow, person.brow * 1.7, soft=0.012)


def _draw_nose(canvas: Canvas, person: Portrait, turn: float, light: float) -> None:
    x, end = 0.07 * turn, person.nose
    canvas.shade(x + 0.07 * light, 0.10, 0.06, 0.26, 0.86, soft=0.05)
    canvas.shade(x - 0.02 * light, 0.08, 0.035, 0.28, 1.10, soft=0.03)
    canvas.shade(x, end + 0.06, person.nose_width * 1.3, 0.06, 0.74, soft=0.03)
    canvas.shade(x, end - 0.02, person.nose_width * 0.75, 0.07, 1.08, soft=0.03)
    for side in (-1, 1):
        canvas.ellipse(
            x + side * person.nose_width * 0.52, end + 0.045, 0.036, 0.020, tint(person.skin, 0.40), soft=0.012
        )
        wing = (x + side * person.nose_width * 0.92, end, 0.05, 0.07)
        angles = (300, 90) if side > 0 else (90, 240)
        canvas.arc(wing, *angles, tint(person.skin, 0.68), 0.014, soft=0.010)


def _draw_mouth(canvas: Canvas, person: Portrait, turn: float, smile: float) -> None:
    x, y, half, lips = 0.06 * turn, person.mouth_height, person.mouth, person.lips
    lift = 0.07 * smile
    red = (round(person.skin[0] * 0.78), round(person.skin[1] * 0.52), round(person.skin[2] * 0.52))
    upper = [(x - half, y - lift), (x - half * 0.4, y - lips), (x, y - lips * 0.7), (x + half * 0.4, y - lips)]
    canvas.shape([*upper, (x + half, y - lift), (x, y + 0.02)], red, soft=0.010)
    lower = [(x - half, y - lift), (x, y + 0.005), (x + half, y - lift), (x + half * 0.5, y + lips * 1.1)]
    canvas.shape([*lower, (x, y + lips * 1.5), (x - half * 0.5, y + lips * 1.1)], tint(red, 1.12), soft=0.012)
    line = [(x - half, y - lift), (x - half * 0.5, y + 0.004), (x, y + 0.012), (x + half * 0.5, y + 0.004)]
    canvas.shape([*line, (x + half, y - lift), (x, y + 0.034)], tint(red, 0.45), soft=0.006)
    canvas.shade(x, y + lips * 1.5 + 0.07, 0.18, 0.04, 0.84, soft=0.03)


def _draw_hair(canvas: Canvas, person: Portrait) -> None:
    wide = person.width
    top = {"crop": -0.66, "short": -0.56, "long": -0.58, "bun": -0.62}[person.style]
    edge = [(-wide - 0.03, -0.05), (-wide * 0.86, top + 0.22), (-wide * 0.45, top), (0.1, top - 0.06)]
    fringe = [*edge, (wide * 0.6, top + 0.04), (wide * 0.88, top + 0.24), (wide + 0.03, -0.05)]
    crown = [
        (wide + 0.07, -0.45),
        (wide * 0.8, -0.92),
        (wide * 0.3, -1.16),
        (-wide * 0.35, -1.16),
        (-wide * 0.84, -0.90),
    ]
    canvas.shape([*fringe, *crown, (-wide - 0.07, -0.45)], person.hair, soft=0.025)
    canvas.shade(-0.25, -0.92, 0.34, 0.12, 1.25, soft=0.08)
    if person.style == "long":
        for side in (-1, 1):
            lock = [(side * (wide - 0.06), -0.35), (side * (wide + 0.16), -0.1), (side * (wide + 0.18), 1.1)]
            canvas.shape([*lock, (side * (wide - 0.08), 1.2), (side * (wide - 0.02), 0.3)], person.hair, soft=0.02)


def _draw_glasses(canvas: Canvas, person: Portrait, turn: float) -> None:
    for side in (-1, 1):
        x = side * person.eyes + 0.05 * turn
        canvas.arc((x, 0.0, 0.23, 0.17), 0, 360, (40, 36, 40), 0.018, soft=0.004)
    canvas.arc((0.05 * turn, 0.02, 0.12, 0.06), 200, 340, (40, 36, 40), 0.018, soft=0.004)


def _finish(canvas: Canvas, light: float) -> Image.Image:
    small = canvas.picture.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS).filter(ImageFilter.GaussianBlur(0.6))
    across = np.linspace(1 + 0.06 * light, 1 - 0.06 * light, WIDTH)[None, :, None]
    grain = np.random.default_rng(1).normal(0, 0.8, (HEIGHT, WIDTH, 1))
    pixels = np.asarray(small, np.float32) * across + grain
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


VIEWS = (
    {"smile": 0.3, "light": 1.0, "turn": 0.0},
    {"smile": 0.9, "light": -0.8, "turn": 0.5},
    {"smile": 0.1, "turn": -0.6},
)
"""How each person is drawn: three pictures."""


def main(folder: Path) -> None:
    """Write the pictures of all people, ``ada-brook-1.png`` and so on."""
    folder.mkdir(parents=True, exist_ok=True)
    for person in PEOPLE:
        for number, view in enumerate(VIEWS, 1):
            name = f"{person.name.lower().replace(' ', '-')}-{number}.png"
            draw_portrait(person, **view).save(folder / name)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
