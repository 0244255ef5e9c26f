"""dlib's 5 and 68 points: milliseconds a face beside dlib itself, and how far the answers lie apart.

    VISAVIS_ACCEPT_LICENSE=1 python benchmarks/landmarks.py

Speed: a drawn face many times in one picture, its boxes given, one thread; dlib takes one face at a time. Errors: in
dlib's boxes of the photographs of tests/golden/dlib_landmarks.json, where those are to be had.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from _rounds import Engine, Figures, alternate, data_folder, environment, options, report, table
from peers import ROOT, python_of

from visavis import images
from visavis.landmarks import load_predictor

sys.path.insert(0, str(ROOT / "tests" / "golden"))
from chips import scene

GOLDEN = ROOT / "tests" / "golden" / "dlib_landmarks.json"
FACE = np.array([145, 95, 235, 185])
"""dlib's box of the drawn face, in one tile of the picture."""
TILES = 8
COUNTS = (1, 8, 64)


def main() -> None:
    """Measure, and print the tables."""
    arguments = options(__doc__ or "").parse_args()
    cases = {f"{points} points, {count} faces": [points, boxes(count)] for points in (5, 68) for count in COUNTS}
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "picture.npy", np.tile(scene(), (TILES, TILES, 1)))
        settings = {"picture": str(Path(folder) / "picture.npy"), "cases": cases}
        engines = [
            Engine("visavis", Path(sys.executable), "points_visavis.py", settings, list(cases)),
            Engine("dlib", python_of("dlib"), "points_dlib.py", settings, list(cases)),
        ]
        figures, versions = alternate(engines, list(cases), arguments.rounds)
    columns = ("case", "engine", "ms a face", "least", "CPU", "x visavis")
    tables = [table("Points of faces in boxes that are given, one thread", columns, speed(figures))]
    apart = [errors(points) for points in (5, 68)] if data_folder().is_dir() else []
    heads = ("points", "", "faces", "alike in whole pixels", "median", "largest")
    tables.append(table("Pixels from dlib's, which are whole: half a pixel is its own rounding", heads, apart))
    report(tables, environment(versions=versions), arguments.json, {"figures": figures, "errors": apart})


def boxes(count: int) -> list[list[int]]:
    """Boxes of so many faces, tile after tile."""
    height, width = scene().shape[:2]
    corners = [(n % TILES * width, n // TILES * height) for n in range(count)]
    return [(FACE + np.tile(corner, 2)).tolist() for corner in corners]


def speed(figures: list[Figures]) -> Iterator[tuple[object, ...]]:
    """Rows of milliseconds a face."""
    ours = {one.case: one for one in figures if one.engine == "visavis"}
    for one in figures:
        scale = 1000 / int(one.case.split()[2])
        times = [scale * seconds for seconds in (one.wall, one.least, one.cpu)]
        yield one.case, one.engine, *times, one.ratio(ours[one.case])


def errors(points: int) -> tuple[object, ...]:
    """Row of the errors of all coordinates."""
    photos: Mapping[str, Any] = json.loads(GOLDEN.read_text(encoding="utf-8"))["photos"]
    apart, alike = [], 0
    for name, faces in photos.items():
        rects = np.array([face["rect"] for face in faces], np.float32).reshape(-1, 4)
        found = load_predictor(points=points).predict(images.read(data_folder() / name).pixels, rects)
        for one, face in zip(found, faces, strict=True):
            apart.append(np.abs(one - face[str(points)]))
            alike += bool((np.floor(one + 0.5) == face[str(points)]).all())
    every = np.concatenate(apart)
    return str(points), "", len(apart), alike, float(np.median(every)), float(every.max())


if __name__ == "__main__":
    main()
