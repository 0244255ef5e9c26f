"""Our detectors side by side: speed on the bench pictures, and faces found in photos whose faces are counted.

    python benchmarks/detectors.py [--rounds 7] [--threads 2] [--detectors mtcnn,yunet,scrfd-500m,scrfd-2.5g]

Thresholds are each detector's own, the smallest face is 20 pixels. The networks of YuNet and SCRFD have to be in a
folder of VISAVIS_WEIGHTS, and SCRFD's license accepted (VISAVIS_ACCEPT_LICENSE=1). A detector's score says nothing
about another's; how they are told apart is how many of the counted faces each finds, and what else.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from _rounds import Engine, alternate, data_folder, environment, options, report, table
from detection import MIN_FACE, cases, summary
from rich.table import Table

from visavis import images
from visavis.detectors import DETECTORS
from visavis.types import Face

NAMES = "mtcnn,yunet,scrfd-500m,scrfd-2.5g"


def engines(names: Sequence[str], settings: dict[str, Any]) -> list[Engine]:
    """Describe a worker a detector."""
    return [
        Engine(
            name=name,
            python=Path(sys.executable),
            script="detect_registered.py",
            settings={**settings, "detector": name},
            cases=list(settings["cases"]),
        )
        for name in names
    ]


def counted(names: Sequence[str], *, threads: int) -> Table:
    """Make a row of each photo and detector: known faces, found, noses in exactly one box, least score."""
    folder = data_folder() / "photos" / "groups"
    known: dict[str, list[tuple[float, float]]] = json.loads((folder / "noses.json").read_text(encoding="utf-8"))
    rows = []
    detectors = [DETECTORS.create(name, threads=threads) for name in names]
    for photo, noses in known.items():
        pixels = images.read(folder / photo).pixels
        for detector in detectors:
            (faces,) = detector.detect([pixels], min_face=MIN_FACE)
            once = sum(sum(_holds(face, *nose) for face in faces) == 1 for nose in noses)
            least = f"{min(face.score for face in faces):.2f}" if faces else "-"
            rows.append((photo, detector.name, len(noses), len(faces), once, least))
    columns = ["photo", "detector", "faces", "found", "noses in one box", "least score"]
    return table("Photos whose faces are counted", columns, rows)


def _holds(face: Face, x: float, y: float) -> bool:
    return bool(face.box[0] < x < face.box[2] and face.box[1] < y < face.box[3])


def main() -> None:
    """Measure and print."""
    parser = options(__doc__ or "")
    parser.add_argument("--detectors", default=NAMES, help="which, and in what order")
    chosen = parser.parse_args()
    names = chosen.detectors.split(",")
    with tempfile.TemporaryDirectory() as folder:
        settings = {"threads": chosen.threads, "min_face": MIN_FACE, "cases": cases(Path(folder))}
        before = environment()
        figures, facts = alternate(engines(names, settings), list(settings["cases"]), chosen.rounds)
    counts = {name: len(case["files"]) for name, case in settings["cases"].items()}
    about = {
        **before,
        "load after": environment()["load"],
        "threads": chosen.threads,
        "rounds": chosen.rounds,
        **facts,
    }
    tables = [summary(figures, counts), counted(names, threads=chosen.threads)]
    report(tables, about, chosen.json, {"figures": figures})


if __name__ == "__main__":
    main()
