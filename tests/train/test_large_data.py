"""A hundred thousand crops: memory stays what it is for a few."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'visavis[train]'")
pytest.importorskip("resource", reason="Windows does not measure the peak of memory")

SCRIPT = """
import itertools, resource, sys
from pathlib import Path
import numpy as np
import torch
from visavis.train.config import Settings, parse
from visavis.train.crops import Crops
from visavis.train.network_run import train_on_crops

torch.set_num_threads(1)
count, side, folder = int(sys.argv[1]), 64, Path(sys.argv[2])

def mapped(name, *shape):
    with (folder / name).open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
        file.truncate(file.tell() + int(np.prod(shape)))
    return np.load(folder / name, mmap_mode="r")

labels = np.arange(count) // 10
people, photos = (tuple(map(str, range(n))) for n in (count // 10, count))
data = Crops(mapped("pixels.npy", count, side, side, 3), labels, people, photos, hashes=mapped("hashes.npy", count, 16))
settings = parse({"size": side, "people": 4, "dimension": 16}, Settings())
steps = itertools.count(1)
run = train_on_crops(data, folder / "run", settings, interrupted=lambda: next(steps) >= 5)
assert run.interrupted and run.plan.pictures + run.plan.held_out == count
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024))
"""


def peak_memory(count: int, folder: Path) -> int:
    """Bytes at the peak of a process that trains five steps on made-up crops in a file with holes."""
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(count), str(folder)], capture_output=True, text=True, check=False,
        timeout=120, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_pictures(tmp_path: Path) -> None:
    """The crops have 1.2 GB; labels, names and the order of an epoch may take 1,000 bytes a picture."""
    few, many = peak_memory(1000, tmp_path / "few"), peak_memory(100_000, tmp_path / "many")
    assert many - few < 100_000 * 1000
