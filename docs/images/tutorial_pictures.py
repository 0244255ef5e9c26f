"""Draw the pictures of the tutorial: invented people, and charts by the functions that visavis itself draws with.

Run ``python docs/images/tutorial_pictures.py`` to write them beside this file, with ``--check`` to compare them.
"""

from __future__ import annotations

import argparse
import io
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from visavis.compare import unit
from visavis.display import parts
from visavis.draw import BLUE, ORANGE, annotate, contact_sheet
from visavis.evaluate.data.templates import Templates
from visavis.evaluate.report import _figures
from visavis.evaluate.verification import of_people
from visavis.quality import qualities
from visavis.types import RGB, Face

HERE = Path(__file__).parent
Color = tuple[int, int, int]

WITHIN_GRAYS = 6.0
"""Greatest mean difference of pixels that ``--check`` accepts: versions of Pillow draw edges differently."""
WITHIN_NUMBERS = 0.5
"""Greatest difference of the numbers in an SVG."""


@dataclass(frozen=True)
class Person:
    """An invented person: colors, and how far the head is turned, -1 to 1."""

    skin: Color
    hair: Color
    shirt: Color
    turned: float = 0.0
    long_hair: bool = False


ANN = Person((236, 188, 160), (92, 51, 23), (178, 58, 72), long_hair=True)
BEN = Person((141, 85, 52), (24, 20, 18), (52, 96, 128))
CAT = Person((246, 210, 180), (206, 160, 74), (70, 120, 80), long_hair=True)
WALL: Color = (224, 228, 230)


def draw_person(image: Image.Image, person: Person, x: float, y: float, side: float) -> Face:
    """Draw a head with its center at ``x``, ``y`` and of the height ``side``; return the face."""
    draw = ImageDraw.Draw(image)

    def oval(cx: float, cy: float, rx: float, ry: float, color: Color) -> None:
        draw.ellipse((x + (cx - rx) * side, y + (cy - ry) * side, x + (cx + rx) * side, y + (cy + ry) * side), color)

    shade: Color = tuple(int(0.82 * value) for value in person.skin)
    turn = 0.06 * person.turned
    if person.long_hair:
        oval(0, 0.1, 0.46, 0.62, person.hair)
    oval(0, 1.05, 0.62, 0.5, person.shirt)
    oval(0, 0.5, 0.14, 0.2, shade)
    oval(0, -0.08, 0.43, 0.5, person.hair)
    oval(0, 0.04, 0.36, 0.46, person.skin)
    for across in (-0.15, 0.15):
        oval(across + turn, -0.04, 0.07, 0.035, (250, 250, 250))
        oval(across + 1.3 * turn, -0.04, 0.033, 0.033, (40, 30, 26))
        oval(across + turn, -0.125, 0.085, 0.017, person.hair)
    oval(1.5 * turn, 0.09, 0.045, 0.06, shade)
    oval(turn, 0.25, 0.13, 0.04, (166, 66, 70))
    oval(turn, 0.235, 0.13, 0.022, person.skin)
    points = [(-0.15, -0.04), (0.15, -0.04), (0.5 * turn, 0.1), (-0.12, 0.25), (0.12, 0.25)]
    landmarks = np.array([(x + (px + turn) * side, y + py * side) for px, py in points], np.float32)
    box = np.array([x - 0.36 * side, y - 0.42 * side, x + 0.36 * side, y + 0.5 * side], np.float32)
    return Face(box, 0.999, landmarks)


def photo(people: Sequence[tuple[Person, float, float, float]], width: int, height: int) -> tuple[RGB, list[Face]]:
    """Draw a photo of people (person, x, y, height of the head) at twice its size, and shrink it."""
    image = Image.new("RGB", (2 * width, 2 * height), WALL)
    faces = [draw_person(image, person, 2 * x, 2 * y, 2 * side) for person, x, y, side in people]
    pixels = np.asarray(image.resize((width, height), Image.Resampling.BOX))
    return pixels, [Face(face.box / 2, face.score, face.landmarks / 2) for face in faces]


def detect() -> RGB:
    """Draw boxes, landmarks and scores, as ``visavis detect --out`` does."""
    pixels, faces = photo([(ANN, 130, 130, 130), (BEN, 330, 120, 120), (CAT, 500, 160, 90)], 600, 280)
    return annotate(pixels, faces, [f"{number}: {face.score:.3f}" for number, face in enumerate(faces, 1)])


def named() -> RGB:
    """Draw names, as ``visavis identify --out`` does."""
    pixels, faces = photo([(ANN, 150, 130, 130), (BEN, 430, 130, 130)], 600, 280)
    return annotate(pixels, faces, ["Ann >99.9%", "unknown"], colors=[BLUE, ORANGE])


def clusters() -> RGB:
    """Draw the faces of two clusters with their captions."""
    turned = [Person(ANN.skin, ANN.hair, ANN.shirt, turn, ANN.long_hair) for turn in (0.0, -1.0, 1.0)]
    pictures = [photo([(person, 80, 70, 90)], 160, 150)[0] for person in (*turned, BEN)]
    names = ["ann1.jpg", "ann2.jpg", "party.jpg", "ben.jpg"]
    captions = [f"cluster {1 if name != 'ben.jpg' else 2}\n{name}" for name in names]
    return contact_sheet(pictures, captions, width=640)


def rated() -> dict[str, tuple[RGB, float]]:
    """Return a good, a blurred, a small and a cut picture of one face, each with its quality."""
    pixels, faces = photo([(ANN, 120, 110, 150)], 240, 230)
    blurred = np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(7)))
    tiny, tiny_faces = photo([(ANN, 18, 16, 23)], 36, 34)
    cut, cut_faces = photo([(ANN, 215, 110, 150)], 240, 230)
    variants = {
        "good": (pixels, faces, pixels),
        "blurred": (blurred, faces, blurred),
        "small": (tiny, tiny_faces, np.asarray(Image.fromarray(tiny).resize((240, 227), Image.Resampling.NEAREST))),
        "cut at the edge": (cut, cut_faces, cut),
    }
    return {name: (shown, qualities(pixels, faces)[0].score) for name, (pixels, faces, shown) in variants.items()}


def quality() -> RGB:
    """Draw the rated pictures side by side."""
    captions = [f"{name}\nquality {score:.2f}" for name, (_, score) in rated().items()]
    return contact_sheet([picture for picture, _ in rated().values()], captions, width=720)


def verify() -> str:
    """Draw the distances of the tutorial's two comparisons on scales, one below the other."""
    shown = [("the same person", 0.2449, 0.5613), ("different people", 0.8839, 0.5985)]
    rows = []
    for row, (words, distance, threshold) in enumerate(shown):
        scale = parts.scale(distance, threshold, unit="cosine distance").replace(
            "<svg ", f'<svg y="{22 + 110 * row}" ', 1
        )
        rows.append(f'<text y="{15 + 110 * row}" font-size="15" font-weight="600">{words}</text>{scale}')
    return page(parts.SCALE_WIDTH, 220, "Two distances and their thresholds", "".join(rows))


def report() -> str:
    """Draw the distances of a report of ``visavis evaluate``, of invented embeddings of 40 people."""
    random = np.random.default_rng(7)
    centers = random.normal(size=(40, 64))
    embeddings = unit((centers.repeat(6, axis=0) + 0.75 * random.normal(size=(240, 64))).astype(np.float32))
    people = [f"person {number // 6}" for number in range(240)]
    ones: NDArray[np.float32] = np.ones(240, np.float32)
    photos = tuple(f"{number}.jpg" for number in range(240))
    boxes = np.zeros((240, 4), np.float32)
    templates = Templates("sface", "mtcnn", photos, ("ok",) * 240, embeddings, boxes, ones, np.ones(240, np.intp))
    figure = _figures.distances(of_people(templates, people, data="invented", draws=20), "sface")
    figure = re.sub(r"<title>.*?</title>", "", figure)
    width, height = re.findall(r'viewBox="0 0 (\d+) (\d+)"', figure)[0]
    return page(int(width), int(height), "Distances of pairs of one person and of two people", figure)


STYLE = (
    "svg{color:#333;fill:currentColor;font-family:sans-serif}.plot{font-size:13px}.grid{stroke:#bbb}"
    ".tick,.label,.key{fill:#333;stroke:none}.rule path{stroke:#333;stroke-dasharray:4 2}"
    ".s0{color:#0072b2}.s1{color:#d55e00}"
    "@media(prefers-color-scheme:dark){svg{color:#ddd}.grid{stroke:#555}.tick,.label,.key{fill:#ddd}"
    ".rule path{stroke:#ddd}.s0{color:#56b4e9}.s1{color:#f28e4b}}"
)


def page(width: int, height: int, title: str, body: str) -> str:
    """Wrap SVG into a file that follows the color scheme of its reader."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img">\n<title>{title}</title>\n<style>{STYLE}</style>\n{body}\n</svg>\n'
    )


PICTURES: dict[str, Callable[[], RGB | str]] = {
    "tutorial-detect.png": detect,
    "tutorial-verify.svg": verify,
    "tutorial-named.png": named,
    "tutorial-clusters.png": clusters,
    "tutorial-report.svg": report,
    "tutorial-quality.png": quality,
}


def encode(picture: RGB | str) -> bytes:
    """Return the bytes of a file: SVG as it is, pixels as a PNG of few colors."""
    if isinstance(picture, str):
        return picture.encode()
    data = io.BytesIO()
    Image.fromarray(picture).quantize(128, dither=Image.Dither.NONE).save(data, "PNG", optimize=True)
    return data.getvalue()


def differs(kept: bytes, drawn: bytes) -> bool:
    """Return whether two files show something else: other text, other numbers or other pixels."""
    if kept.startswith(b"\x89PNG"):
        first, second = (np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), float) for data in (kept, drawn))
        return first.shape != second.shape or float(np.abs(first - second).mean()) > WITHIN_GRAYS
    number = rb"-?\d+(?:\.\d+)?"
    first_numbers, second_numbers = (np.array(re.findall(number, data), float) for data in (kept, drawn))
    if re.sub(number, b"#", kept) != re.sub(number, b"#", drawn):
        return True
    return bool(np.abs(first_numbers - second_numbers).max() > WITHIN_NUMBERS)


def main() -> int:
    """Write the pictures, or compare them with those that are kept."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a picture differs")
    check = parser.parse_args().check
    changed = []
    for name, draw in PICTURES.items():
        data = encode(draw())
        if check:
            changed += [name] if differs((HERE / name).read_bytes(), data) else []
        else:
            (HERE / name).write_bytes(data)
    if changed:
        print(f"drawn differently: {', '.join(changed)}. Run {Path(__file__).name} and look at them.")
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main())
