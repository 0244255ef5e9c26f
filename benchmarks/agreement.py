"""Agreement of our MTCNN with facenet-pytorch's: does it find the same faces, and no more false ones.

    python benchmarks/agreement.py [--json FILE]

Over every test photo: each face that facenet-pytorch is sure of (score .95 and more) should have one of
ours over it (IoU .85 and more). The other tables list what only one of the two found, at any score, so
that it can be looked at. facenet-pytorch's faces are those of tests/golden/facenet_pytorch_faces.json,
for the same smallest face.

facenet-pytorch cuts crops off at the edge of the picture, which changes their aspect, where ours are
padded; so boxes that reach over the edge differ. The column "inside" is the IoU of the parts
within the picture.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from _rounds import data_folder, environment, report, table
from golden.facenet_pytorch_faces import GOLDEN, read
from numpy.typing import NDArray

from visavis.detectors import DETECTORS

SURE, OVERLAP, SAME = 0.95, 0.85, 0.5
"""Score from which a face has to be found; IoU of a good match; IoU from which two boxes mean one face."""

Boxes = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One face of theirs (``score``) or of ours with the best overlap that the other side has for it.

    ``iou`` is of the whole boxes, ``inside`` of their parts within the picture, ``other`` the other
    side's score and ``shift`` how far the other side's x1, y1, x2, y2 lie from these, in parts of the
    box's width and height.
    """

    photo: str
    box: tuple[int, ...]
    score: float
    iou: float
    inside: float
    other: float
    shift: tuple[float, ...]


def compare(name: str, size: tuple[int, int], mine: Boxes, others: Boxes) -> list[Outcome]:
    """Each face ``(n, 5)`` of ``mine`` with its best counterpart among ``others (m, 5)``."""
    if not len(others):
        others = np.zeros((1, 5))
    iou = overlaps(mine[:, :4], others[:, :4])
    inside = overlaps(_clipped(mine[:, :4], size), _clipped(others[:, :4], size))
    outcomes = []
    for face, row, row_inside in zip(mine, iou, inside, strict=True):
        best = int(row_inside.argmax())
        outcomes.append(
            Outcome(
                photo=name,
                box=tuple(round(float(side)) for side in face[:4]),
                score=float(face[4]),
                iou=float(row[best]),
                inside=float(row_inside[best]),
                other=float(others[best, 4]) if row_inside[best] > 0 else 0.0,
                shift=tuple(float(part) for part in (others[best, :4] - face[:4]) / np.tile(face[2:4] - face[:2], 2)),
            )
        )
    return outcomes


def overlaps(a: Boxes, b: Boxes) -> Boxes:
    """IoU ``(n, m)`` of boxes ``(n, 4)`` and ``(m, 4)``."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    both = np.clip(high - low, 0, None).prod(-1)
    areas = (a[:, 2:] - a[:, :2]).prod(-1)[:, None] + (b[:, 2:] - b[:, :2]).prod(-1)[None]
    return np.divide(both, areas - both, out=np.zeros_like(both), where=areas > both)


def _clipped(boxes: Boxes, size: tuple[int, int]) -> Boxes:
    return np.clip(boxes, 0, [*size, *size])


def measure() -> tuple[list[Outcome], list[Outcome]]:
    """Theirs against ours and ours against theirs, over all photos."""
    detector = DETECTORS.create("mtcnn")
    theirs_all: list[Outcome] = []
    ours_all: list[Outcome] = []
    for name, entry in json.loads(GOLDEN.read_text(encoding="utf-8")).items():
        path = data_folder() / name
        if not path.is_file():
            print(f"{path} is missing", file=sys.stderr)
            continue
        picture = read(path)
        (found,) = detector.detect([picture], min_face=entry["min_face"])
        ours = np.array([[*face.box, face.score] for face in found], np.float64).reshape(-1, 5)
        theirs = np.array(entry["faces"], np.float64).reshape(-1, 5)
        size = (picture.shape[1], picture.shape[0])
        theirs_all += compare(name, size, theirs, ours)
        ours_all += compare(name, size, ours, theirs)
    return theirs_all, ours_all


def rows(outcomes: Sequence[Outcome]) -> list[tuple[object, ...]]:
    """Lines of a table, the surest first."""
    ordered = sorted(outcomes, key=lambda each: -each.score)
    return [
        (o.photo, str(o.box), f"{o.score:.4f}", f"{o.iou:.3f}", f"{o.inside:.3f}", f"{o.other:.4f}") for o in ordered
    ]


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there")
    chosen = parser.parse_args()
    theirs, ours = measure()
    sure = [each for each in theirs if each.score >= SURE]
    missed = [each for each in sure if each.iou < OVERLAP]
    lost = [each for each in theirs if each.inside < SAME]
    extra = [each for each in ours if each.inside < SAME]
    met = np.array([each.iou for each in sure])
    shift = np.median([each.shift for each in sure if each.iou >= SAME], axis=0) * 100
    counts = [
        ("faces of theirs, any score", len(theirs)),
        ("faces of ours", len(ours)),
        (f"theirs at {SURE} and more", len(sure)),
        (f"  met by ours at IoU {OVERLAP}", len(sure) - len(missed)),
        (f"  met at IoU {OVERLAP} within the picture", sum(each.inside >= OVERLAP for each in sure)),
        ("  median IoU", f"{np.median(met):.3f}"),
        ("  fifth percentile of IoU", f"{np.percentile(met, 5):.3f}"),
        ("  median shift of our sides, % of the box", " ".join(f"{part:+.1f}" for part in shift)),
        (f"theirs alone (IoU < {SAME}), any score", len(lost)),
        (f"  of these at {SURE} and more", sum(each.score >= SURE for each in lost)),
        (f"ours alone (IoU < {SAME}), any score", len(extra)),
        (f"  of these at {SURE} and more", sum(each.score >= SURE for each in extra)),
    ]
    columns = ["photo", "box", "score", "IoU", "inside", "other's score"]
    tables = [
        table("Agreement with facenet-pytorch", ["", "faces"], counts),
        table(f"Theirs at {SURE} and more without ours at IoU {OVERLAP}", columns, rows(missed)),
        table(f"Theirs alone (IoU < {SAME})", columns, rows(lost)),
        table(f"Ours alone (IoU < {SAME})", columns, rows(extra)),
    ]
    report(tables, environment(), chosen.json, {"theirs": theirs, "ours": ours})


if __name__ == "__main__":
    main()
