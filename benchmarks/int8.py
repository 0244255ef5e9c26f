"""Networks in 8 bits beside the same in float32, on made-up weights: how many times quicker.

    python benchmarks/int8.py [--method minmax] [--rounds 7] [--threads 2] [--json FILE]

Speed hangs on the shapes of a network and not on its weights, so none of the large published files is needed. Both
forms run in one process, in turn, one face and sixteen at a time; a ratio is the median of those within each round.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from _rounds import environment, options, report, table

from visavis import runtime
from visavis.nets.inception_resnet_v1 import inception_resnet_v1
from visavis.nets.onnx_graph import to_onnx
from visavis.nets.resnet50 import resnet50
from visavis.nets.senet50 import senet50
from visavis.nets.shapes import shapes
from visavis.quantize import METHOD, METHODS, quantize_network
from visavis.types import RGB, Floats

NETWORKS: dict[str, tuple[Callable[..., Any], int]] = {
    "resnet50": (resnet50, 224),
    "senet50": (senet50, 224),
    "inception_resnet_v1": (inception_resnet_v1, 160),
}
"""Definition, and side of the picture."""
BATCHES = (1, 16)
PICTURES = 16


def main() -> None:
    """Measure, and print the table."""
    parser = options(__doc__ or "")
    parser.add_argument("--method", choices=tuple(METHODS), default=METHOD, help="how ranges are measured")
    chosen = parser.parse_args()
    before = environment()
    with tempfile.TemporaryDirectory() as folder:
        figures = {name: turns(name, Path(folder), chosen) for name in NETWORKS}
    rows = [row(name, batch, *figures[name][batch]) for name in NETWORKS for batch in BATCHES]
    columns = ("network", "batch", "float32 ms a face", "int8", "times as quick", "least", "most")
    about = {**before, "load after": environment()["load"], "threads": chosen.threads, "method": chosen.method}
    report([table("Networks in 8 bits, made-up weights", columns, rows)], about, chosen.json, {"milliseconds": figures})


def turns(name: str, folder: Path, chosen: Any) -> dict[int, tuple[list[float], list[float]]]:
    """Milliseconds a face of float32 and of 8 bits, for each size of batch; the first round does not count."""
    net, side = NETWORKS[name]
    wide, narrow = folder / f"{name}.onnx", folder / f"{name}-int8.onnx"
    wide.write_bytes(to_onnx(net, weights(net, side), side=side))
    crops = pictures(side)
    narrow.write_bytes(quantize_network(wide, [crops[i : i + 4] for i in range(0, PICTURES, 4)], method=chosen.method))
    sessions = [runtime.Session(path, threads=chosen.threads) for path in (wide, narrow)]
    spent: dict[int, tuple[list[float], list[float]]] = {batch: ([], []) for batch in BATCHES}
    for number in range(chosen.rounds + 1):
        for batch, columns in spent.items():
            for session, column in zip(sessions, columns, strict=True):
                took = milliseconds(session, crops[:batch])
                if number:
                    column.append(took)
    return spent


def milliseconds(session: runtime.Session, crops: RGB) -> float:
    """Milliseconds a face: of as many runs as fill a quarter of a second, the median."""
    passes, end = [], time.perf_counter() + 0.25
    while not passes or time.perf_counter() < end:
        start = time.perf_counter()
        session.run(crops)
        passes.append(1e3 * (time.perf_counter() - start) / len(crops))
    return median(passes)


def weights(net: Callable[..., Any], side: int) -> dict[str, Floats]:
    """Figures that keep the size of what runs through them."""
    rng = np.random.default_rng(0)
    made = {}
    for name, shape in shapes(net, side=side).items():
        part = name.rpartition(".")[2]
        inputs = int(np.prod(shape[1:])) if len(shape) == 4 else shape[0]
        spread = {"kernel": inputs**-0.5, "bias": 0.1, "beta": 0.1, "mean": 0.1}
        made[name] = rng.uniform(0.5, 1.5, shape) if part not in spread else rng.normal(0, spread[part], shape)
    return {name: array.astype(np.float32) for name, array in made.items()}


def pictures(side: int) -> RGB:
    """Blobs of color."""
    coarse = np.random.default_rng(0).integers(0, 256, (PICTURES, 8, 8, 3), np.uint8)
    cells = np.arange(side) * 8 // side
    return np.ascontiguousarray(coarse[:, cells][:, :, cells])


def row(name: str, batch: int, wide: list[float], narrow: list[float]) -> tuple[object, ...]:
    """One line of the table."""
    ratios = [a / b for a, b in zip(wide, narrow, strict=True)]
    return name, str(batch), median(wide), median(narrow), median(ratios), min(ratios), max(ratios)


if __name__ == "__main__":
    main()
