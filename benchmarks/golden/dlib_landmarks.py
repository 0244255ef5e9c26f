"""Make tests/golden/dlib_landmarks.npz and .json: dlib's own 5 and 68 points, for tests of our predictor.

    python benchmarks/golden/dlib_landmarks.py

The first is of a drawn scene (tests/golden/chips.py), the second of 50 photographs, of which it holds numbers only.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from _rounds import data_folder
from dlib_embeddings import PHOTOS
from peers import ROOT, python_of

GOLDEN = ROOT / "tests" / "golden"
SCRIPT = ROOT / "benchmarks" / "peer_scripts" / "dlib_landmarks.py"
COUNT = 50


def main() -> None:
    """Write both files."""
    run = [python_of("dlib"), SCRIPT]
    drawn = GOLDEN / "dlib_landmarks.npz"
    subprocess.run([*run, "scene", drawn, GOLDEN, GOLDEN / "dlib_resnet.npz"], check=True)
    names = [f"photos/{name}" for name in PHOTOS if name != "groups/no-faces.jpg"]
    names += lfw(COUNT - len(names))
    subprocess.run([*run, "photos", GOLDEN / "dlib_landmarks.json", data_folder(), *names], check=True)


def lfw(count: int) -> list[str]:
    """First photographs of that many people of view 1, from all over the alphabet."""
    rows = [line.split("\t") for line in (data_folder() / "lfw" / "pairsDevTrain.txt").read_text().splitlines()[1:]]
    people = sorted({row[0] for row in rows} | {row[2] for row in rows if len(row) == 4})
    names = [f"lfw/images/{name}/{name}_0001.jpg" for name in people]
    there = [name for name in names if (data_folder() / name).is_file()]
    return there[:: len(there) // count][:count]


if __name__ == "__main__":
    main()
