"""Make tests/golden/facenet_pytorch.npz: what facenet-pytorch's InceptionResnetV1 makes of generated weights.

    python benchmarks/golden/facenet_pytorch_outputs.py

Of what comes out, each stage's mean, deviation and some values are kept. Weights and pictures are computed by
tests/golden/networks.py and chips.py.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from _rounds import SCRIPTS
from peers import ROOT, python_of

GOLDEN = ROOT / "tests" / "golden"


def main() -> None:
    """Write the file."""
    script = SCRIPTS / "facenet_pytorch_outputs.py"
    subprocess.run([python_of("facenet-pytorch"), script, GOLDEN, GOLDEN / "facenet_pytorch.npz"], check=True)


if __name__ == "__main__":
    main()
