"""Make the small weight files of tests/golden: by torch, h5py, Keras and TensorFlow, for tests of our readers.

    python benchmarks/golden/weight_files.py

What lies in them is computed by tests/golden/weight_values.py.
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
    """Write all of them."""
    for peer, script in (("facenet-pytorch", "weight_files_torch.py"), ("mtcnn", "weight_files_tensorflow.py")):
        subprocess.run([python_of(peer), SCRIPTS / script, GOLDEN], check=True)


if __name__ == "__main__":
    main()
