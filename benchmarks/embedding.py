"""Speed of embedding: dlib's ResNet in visavis and in dlib itself, on the same chips.

    python benchmarks/embedding.py [--rounds 7] [--threads 2]

The chips are drawn (tests/golden/chips.py), 150 x 150. By default our embedder runs each chip and its
mirror image, two passes through the network a face; "one view" is the same with views=1, which is
what dlib does.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from _rounds import Engine, Figures, alternate, environment, options, report, table
from peers import ROOT, python_of
from rich.table import Table

sys.path.insert(0, str(ROOT / "tests" / "golden"))

from chips import chips

SIZES = (1, 8, 32)
PASSES = {"visavis": 2, "visavis, one view": 1, "dlib, batch": 1, "dlib, loop": 1}
BASE = "visavis, one view"


def engines(file: Path, threads: int) -> list[Engine]:
    """Describe the workers."""
    cases = [f"batch of {size}" for size in SIZES]
    shared = {"chips": str(file), "sizes": SIZES, "threads": threads}
    here, there = Path(sys.executable), python_of("dlib")
    return [
        Engine("visavis", here, "embed_visavis.py", {**shared, "views": 2}, cases),
        Engine("visavis, one view", here, "embed_visavis.py", {**shared, "views": 1}, cases),
        Engine("dlib, batch", there, "embed_dlib.py", {**shared, "loop": False}, cases),
        Engine("dlib, loop", there, "embed_dlib.py", {**shared, "loop": True}, cases),
    ]


def summary(figures: Sequence[Figures]) -> Table:
    """One row a batch size and engine."""
    by_key = {(each.case, each.engine): each for each in figures}
    rows = []
    for each in figures:
        faces = int(each.case.split()[-1])
        full, single = by_key[each.case, "visavis"], by_key[each.case, BASE]
        milliseconds = each.wall * 1e3 / faces
        rows.append(
            (
                each.case,
                each.engine,
                milliseconds,
                milliseconds / PASSES[each.engine],
                each.least * 1e3 / faces,
                each.cpu * 1e3 / faces,
                each.ratio(full),
                each.ratio(single),
            )
        )
    columns = [
        "case",
        "engine",
        "ms/face",
        "ms/pass",
        "least ms/face",
        "CPU ms/face",
        "to ours",
        "to ours, one view",
    ]
    return table("Embedding with dlib's ResNet (ratios: how many times as long)", columns, rows)


def main() -> None:
    """Measure and print."""
    chosen = options(__doc__ or "").parse_args()
    before = environment()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "chips.npy"
        drawn = chips()
        np.save(file, np.concatenate([np.roll(drawn, 7 * shift, axis=2) for shift in range(4)]))
        workers = engines(file, chosen.threads)
        figures, facts = alternate(workers, [f"batch of {size}" for size in SIZES], chosen.rounds)
    about = {
        **before,
        "load after": environment()["load"],
        "threads": chosen.threads,
        "rounds": chosen.rounds,
        **facts,
    }
    report([summary(figures)], about, chosen.json, {"figures": figures})


if __name__ == "__main__":
    main()
