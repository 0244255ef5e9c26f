"""Build the peers' environments: a virtual environment each, every version pinned, outside the repository.

    python benchmarks/peers.py            all of them
    python benchmarks/peers.py dlib mtcnn some

They lie in the folder that ``VISAVIS_PEERS`` names, else in the user's cache, and are used again as long as
the pins below stay the same. The other scripts build what they need on first use.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path

ROOT = Path(__file__).resolve().parent.parent
STAMP = "built.json"


@dataclass(frozen=True, slots=True)
class Peer:
    """One environment: each step is the argument list of one ``pip install``, in order."""

    name: str
    steps: tuple[tuple[str, ...], ...]

    @property
    def digest(self) -> str:
        """Changes when a pin does or when another Python runs the benchmarks."""
        return hashlib.sha256(json.dumps([self.steps, sys.version_info[:2]]).encode()).hexdigest()[:16]


PEERS = {
    peer.name: peer
    for peer in (
        Peer(
            "facenet-pytorch",
            (
                ("torch==2.13.0",),
                ("numpy==2.4.6", "pillow==13.0.0", "requests==2.34.2", "tqdm==4.70.1"),
                ("opencv-python-headless==5.0.0.93",),
                # It asks for torch < 2.3; torchvision is stood in for by peer_scripts/shims.
                ("--no-deps", "facenet-pytorch==2.6.0"),
            ),
        ),
        Peer(
            "dlib",
            (
                # face_recognition_models needs pkg_resources, gone from setuptools 82.
                ("dlib-bin==20.0.1.post1", "setuptools==79.0.1", "face-recognition-models==0.3.0"),
                ("numpy==2.4.6", "pillow==13.0.0", "click==8.5.1"),
                # It asks for the package "dlib", which has no wheels.
                ("--no-deps", "face_recognition==1.3.0"),
            ),
        ),
        Peer(
            "deepface",
            (
                ("tensorflow-cpu==2.21.0", "tf-keras==2.21.0"),
                # OpenCV 5 has no cascades, which are its detector by default.
                ("opencv-python-headless==4.14.0.94", "numpy==2.4.6", "pandas==3.1.1", "pillow==13.0.0"),
                ("flask==3.1.3", "flask-cors==6.0.5", "gunicorn==27.0.1", "python-dotenv==1.2.4", "requests==2.34.2"),
                ("tqdm==4.70.1", "gdown==6.5.1", "fire==0.7.1", "lightphe==0.0.27", "lightdsa==0.0.3", "mtcnn==1.0.0"),
                # It asks for TensorFlow with libraries for graphics cards.
                ("--no-deps", "retina-face==0.0.19"),
                ("--no-deps", "deepface==0.0.103"),
            ),
        ),
        Peer("mtcnn", (("tensorflow-cpu==2.21.0", "mtcnn==1.0.0", "opencv-python-headless==5.0.0.93"),)),
    )
}


def cache() -> Path:
    """Folder of the environments, and of peers' answers that are slow to compute."""
    named = os.environ.get("VISAVIS_PEERS")
    return Path(named).expanduser().resolve() if named else user_cache_path("visavis") / "peers"


def python_of(name: str) -> Path:
    """Interpreter of the peer's environment, which is built where it is missing or out of date."""
    peer = PEERS[name]
    folder = cache() / name
    stamp = folder / STAMP
    if not (stamp.is_file() and json.loads(stamp.read_text()).get("digest") == peer.digest):
        build(peer, folder)
    return interpreter(folder)


def interpreter(folder: Path) -> Path:
    """Where a virtual environment keeps its Python."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def build(peer: Peer, folder: Path) -> None:
    """Make the environment anew; the stamp comes last, so that half a build is not taken for a whole one."""
    print(f"building {peer.name} in {folder} ...", file=sys.stderr)
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True)
    for step in peer.steps:
        pip(interpreter(folder), *step)
    (folder / STAMP).write_text(json.dumps({"digest": peer.digest, "steps": peer.steps}, indent=1))


def pip(python: Path, *arguments: str) -> None:
    """Run ``pip install`` in another environment, quietly, with pip's own settings."""
    quiet = ("--quiet", "--quiet", "--disable-pip-version-check", "--no-warn-script-location")
    subprocess.run([python, "-m", "pip", "install", *quiet, *arguments], check=True, stdout=sys.stderr)


def main() -> None:
    """Build the named environments, or all of them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("name", nargs="*", choices=[*PEERS, []], help="which ones (default: all)")
    for name in parser.parse_args().name or PEERS:
        print(f"{name}: {python_of(name)}")


if __name__ == "__main__":
    main()
