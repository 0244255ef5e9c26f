"""Speed of SFace: the network of visavis in float32 and in 8 bits, and the published file as ONNX Runtime runs it.

    python benchmarks/sface.py [--rounds 7] [--threads 2] [--json FILE]

All forms run in one process, in turn, on the same crops (noise), one view a face. Beside the wall clock stands the time
of the processor, which other programs change less. The last row is what the arithmetic alone takes: the network's
multiplications at the rate at which this machine multiplies matrices in float32, measured in the same rounds. Devices
that this Python's build of ONNX Runtime has are measured too.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import onnx
from _rounds import environment, options, report, table

from visavis import devices, runtime
from visavis.embedders.sface import BATCH, SFACE
from visavis.nets.onnx_graph import to_onnx
from visavis.nets.sface import BLOCKS, DIMENSION, SIDE
from visavis.quantize import quantize_network
from visavis.types import RGB
from visavis.weights import store
from visavis.weights.catalog import modern

SIZES = (1, 32)
"""Faces a call."""
LEAST_SECONDS = 0.3
"""That a form runs in a round."""
DEVICES = ("openvino", "openvino:bf16", "cuda", "coreml")
CHANNELS, CHAINED, MAP = 512, 8, 14
"""Of the matrix products that the machine's rate is measured by: the shape of most of SFace's layers."""

Run = Callable[[RGB], object]


@dataclass
class Times:
    """Milliseconds a face in each round: on the clock, and of the processor."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


def main() -> None:
    """Measure, and print the table."""
    chosen = options(__doc__ or "").parse_args()
    before = environment()
    crops = np.random.default_rng(0).integers(0, 256, (max(SIZES), SIDE, SIDE, 3), np.uint8)
    forms = networks(crops, chosen.threads)
    times = {(name, size): Times() for name in forms for size in SIZES}
    for number in range(chosen.rounds + 1):
        for (name, size), spent in times.items():
            wall, cpu = milliseconds(forms[name], crops[:size])
            if number:
                spent.wall.append(wall)
                spent.cpu.append(cpu)
    columns = ("network", "faces a call", "ms a face", "least", "CPU ms a face", "least")
    rows = [
        (name, str(size), median(spent.wall), min(spent.wall), median(spent.cpu), min(spent.cpu))
        for (name, size), spent in times.items()
    ]
    about = {**before, "load after": environment()["load"], "threads": chosen.threads}
    report([table("SFace, one view", columns, rows)], about, chosen.json, {"milliseconds": _named(times)})


def networks(crops: RGB, threads: int) -> dict[str, Run]:
    """Return what runs each form on crops ``(n, 112, 112, 3)``."""
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain.onnx"
        plain.write_bytes(SFACE.build(store.find(modern.SFACE), to_quantize=True))
        eight_bits = quantize_network(plain, [crops[i : i + BATCH] for i in range(0, len(crops), BATCH)])
    ours = runtime.Session(SFACE.build(store.find(modern.SFACE)), threads=threads)
    narrow = runtime.Session(eight_bits, threads=threads)
    return {
        "float32": in_batches(ours),
        "8 bits": in_batches(narrow),
        **on_devices(eight_bits, threads),
        "the file itself": as_published(threads),
        "arithmetic alone": arithmetic(threads),
    }


def in_batches(session: runtime.Session) -> Run:
    """Return what runs a network on crops as the embedder does."""
    return lambda faces: [session.run(faces[i : i + BATCH]) for i in range(0, len(faces), BATCH)]


def on_devices(eight_bits: bytes, threads: int) -> dict[str, Run]:
    """Return the forms on the devices that this Python's ONNX Runtime has besides the processor."""
    import onnxruntime

    runs: dict[str, Run] = {}
    for name in DEVICES:
        if devices.select_devices(name)[0].provider in onnxruntime.get_available_providers():
            os.environ[devices.VARIABLE] = name
            runs[f"float32, {name}"] = in_batches(
                runtime.Session(SFACE.build(store.find(modern.SFACE)), threads=threads)
            )
            if ":" not in name:
                runs[f"8 bits, {name}"] = in_batches(runtime.Session(eight_bits, threads=threads))
            del os.environ[devices.VARIABLE]
    return runs


def as_published(threads: int) -> Run:
    """Run the file by ONNX Runtime, face by face as its batch is fixed, less the inputs it states for weights."""
    model = onnx.load(str(store.find(modern.SFACE)))
    stated = [entry for entry in model.graph.input if entry.name == "data"]
    del model.graph.input[:]
    model.graph.input.extend(stated)
    session = runtime.Session(model.SerializeToString(), threads=threads)
    return lambda faces: [session.run(face[None].transpose(0, 3, 1, 2).astype(np.float32)) for face in faces]


def arithmetic(threads: int) -> Run:
    """Run matrix products for as long as the multiplications of one pass a face would take at their rate."""
    rng = np.random.default_rng(0)
    weights = {f"c{i}.kernel": rng.normal(0, 0.04, (CHANNELS, CHANNELS, 1, 1)) for i in range(1, CHAINED)}
    weights["c0.kernel"] = rng.normal(0, 0.04, (CHANNELS, 3, 1, 1))

    def net(ops: Any, x: Any) -> tuple[Any, ...]:
        for number in range(CHAINED):
            x = ops.conv(x, f"c{number}")
        return (ops.global_average(x),)

    arrays = {name: array.astype(np.float32) for name, array in weights.items()}
    session = runtime.Session(to_onnx(net, arrays, side=MAP), threads=threads)
    share = multiplications() / ((CHAINED - 1) * CHANNELS**2 * MAP**2)
    pictures = np.zeros((round(share * BATCH), MAP, MAP, 3), np.uint8)

    def run(faces: RGB) -> None:
        for _ in range(-(-len(faces) // BATCH)):
            session.run(pictures if len(faces) > 1 else pictures[: round(share)])

    return run


def multiplications() -> int:
    """Count those of SFace, a face."""
    side, inputs, total = SIDE, 32, 9 * 3 * 32 * SIDE**2
    for width, stride in BLOCKS:
        side //= stride
        total += (9 * inputs + inputs * width) * side**2
        inputs = width
    return total + inputs * side**2 * DIMENSION


def milliseconds(run: Run, faces: RGB) -> tuple[float, float]:
    """Wall clock and processor, milliseconds a face: medians of the passes of some tenths of a second."""
    walls, cpus, end = [], [], time.perf_counter() + LEAST_SECONDS
    while not walls or time.perf_counter() < end:
        start, spent = time.perf_counter(), time.process_time()
        run(faces)
        walls.append(1e3 * (time.perf_counter() - start) / len(faces))
        cpus.append(1e3 * (time.process_time() - spent) / len(faces))
    return median(walls), median(cpus)


def _named(times: dict[tuple[str, int], Times]) -> dict[str, Times]:
    return {f"{name}, {size}": spent for (name, size), spent in times.items()}


if __name__ == "__main__":
    main()
