"""Make tests/golden/keras_vggface.npz: what keras-vggface's own networks make of generated weights.

    python benchmarks/golden/keras_vggface_outputs.py

The package's code is fetched from the registry and run as it is; of what comes out, each stage's mean, deviation and
some values are kept. Weights and pictures are computed by tests/golden/networks.py and chips.py.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from _rounds import SCRIPTS
from peers import ROOT, python_of

GOLDEN = ROOT / "tests" / "golden"
PACKAGE = "keras_vggface==0.6"


def main() -> None:
    """Write the file."""
    python = python_of("mtcnn")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fetch = ["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", folder, PACKAGE]
        subprocess.run([python, *fetch], check=True)
        (wheel,) = folder.glob("*.whl")
        zipfile.ZipFile(wheel).extractall(folder / "source")
        script = SCRIPTS / "keras_vggface_outputs.py"
        subprocess.run([python, script, GOLDEN, folder / "source", GOLDEN / "keras_vggface.npz"], check=True)


if __name__ == "__main__":
    main()
