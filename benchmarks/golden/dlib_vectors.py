"""Make tests/golden/dlib_resnet.npz and dlib_photos.json: what dlib itself answers, for tests of our port.

    python benchmarks/golden/dlib_embeddings.py

The first holds drawn pictures only (tests/golden/chips.py), the second numbers of photographs, which stay
outside the repository.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from _rounds import data_folder
from peers import ROOT, python_of

GOLDEN = ROOT / "tests" / "golden"
SCRIPT = ROOT / "benchmarks" / "peer_scripts" / "dlib_golden.py"
PHOTOS = (
    "facenet_pytorch/multiface.jpg",
    "groups/000_5.jpg",
    "groups/010_2.jpg",
    "groups/014_5.jpg",
    "groups/ivan.jpg",
    "groups/no-faces.jpg",
    "keras_vggface/ajb.jpg",
    "people/two_people.jpg",
    "presidents/32bit.png",
    "presidents/biden.jpg",
    "presidents/obama.jpg",
    "presidents/obama2.jpg",
    "presidents/obama3.jpg",
    "presidents/obama_partial_face.jpg",
    "spoof/image_T1.jpg",
    "tutorial/channing_tatum.jpg",
    "tutorial/sharon_stone1.jpg",
    "tutorial/sharon_stone2.jpg",
)


def main() -> None:
    """Write both files."""
    python = python_of("dlib")
    run = [python, SCRIPT]
    subprocess.run([*run, "synthetic", GOLDEN / "dlib_resnet.npz", GOLDEN], check=True)
    subprocess.run([*run, "photos", GOLDEN / "dlib_photos.json", data_folder() / "photos", *PHOTOS], check=True)


if __name__ == "__main__":
    main()
