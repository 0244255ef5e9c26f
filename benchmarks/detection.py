"""Speed of face detection: our MTCNN, facenet-pytorch's and the package mtcnn, on the same decoded pictures.

    python benchmarks/detection.py [--rounds 7] [--threads 2] [--engines visavis,facenet-pytorch,mtcnn]

Thresholds and pyramid factor are each package's own, the smallest face is 20 pixels. The pictures are decoded
once, outside the measurement, and handed to all as the same arrays. All give boxes, scores and landmarks.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from _rounds import Engine, Figures, alternate, data_folder, environment, options, report, table
from peers import python_of
from PIL import Image
from rich.table import Table

MIN_FACE = 20
OURS = "visavis"
SCRIPTS = {
    OURS: "detect_visavis.py",
    "facenet-pytorch": "detect_facenet_pytorch.py",
    "mtcnn": "detect_mtcnn.py",
}
PICTURES = {
    "one 640x480": ["bench_single_640x480.png"],
    "group 1280x886": ["bench_group_1280x886.png"],
    "16 of 640x480": [f"bench_b16_{number:02d}.png" for number in range(16)],
}
BATCH = "16 of 640x480"


def cases(folder: Path) -> dict[str, dict[str, Any]]:
    """Decode the pictures into ``folder``; the settings of each case."""
    made: dict[str, dict[str, Any]] = {}
    for name, files in PICTURES.items():
        arrays = [_decode(data_folder() / "bench" / file, folder) for file in files]
        made[name if len(files) == 1 else f"{name}, loop"] = {"files": arrays, "batch": False}
        if name == BATCH:
            made[f"{name}, batch"] = {"files": arrays, "batch": True}
    return made


def _decode(path: Path, folder: Path) -> str:
    target = folder / f"{path.stem}.npy"
    with Image.open(path) as picture:
        np.save(target, np.asarray(picture.convert("RGB")))
    return str(target)


def engines(names: Sequence[str], settings: dict[str, Any]) -> list[Engine]:
    """Build the workers' descriptions; ours runs in this very environment."""
    return [
        Engine(
            name=name,
            python=Path(sys.executable) if name == OURS else python_of(name),
            script=SCRIPTS[name],
            settings=settings,
            cases=list(settings["cases"]),
        )
        for name in names
    ]


def summary(figures: Sequence[Figures], counts: dict[str, int]) -> Table:
    """Make a row of each case and engine; ratios are to the first engine."""
    first = {each.case: each for each in reversed(figures)}
    rows = [
        (
            each.case,
            each.engine,
            each.wall * 1e3 / counts[each.case],
            each.least * 1e3 / counts[each.case],
            each.cpu * 1e3 / counts[each.case],
            each.ratio(first[each.case]),
            each.least / first[each.case].least,
            sum(each.turns[-1].answer),
        )
        for each in figures
    ]
    columns = ["case", "engine", "median ms/picture", "least", "CPU ms", "ratio", "of least", "faces"]
    return table(f"Detection, smallest face {MIN_FACE} pixels", columns, rows)


def main() -> None:
    """Measure and print."""
    parser = options(__doc__ or "")
    parser.add_argument("--engines", default=",".join(SCRIPTS), help="which, and in what order")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = {"threads": chosen.threads, "min_face": MIN_FACE, "cases": cases(Path(folder))}
        before = environment()
        names = list(settings["cases"])
        figures, facts = alternate(engines(chosen.engines.split(","), settings), names, chosen.rounds)
    counts = {name: len(case["files"]) for name, case in settings["cases"].items()}
    about = {
        **before,
        "load after": environment()["load"],
        "threads": chosen.threads,
        "rounds": chosen.rounds,
        **facts,
    }
    report([summary(figures, counts)], about, chosen.json, {"figures": figures})


if __name__ == "__main__":
    main()
