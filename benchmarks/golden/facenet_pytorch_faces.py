"""Make tests/golden/facenet_pytorch_faces.json: the faces that facenet-pytorch finds in the test photos.

    python benchmarks/golden/facenet_pytorch_faces.py

Photos are turned upright and handed over as RGB. Those of more than 12 megapixels are searched for faces
of 60 pixels and more, the others of 20; the file says which. Numbers only: the photos stay outside the
repository.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from _rounds import SCRIPTS, data_folder
from peers import PEERS, ROOT, cache, python_of
from PIL import Image, ImageOps, UnidentifiedImageError

GOLDEN = ROOT / "tests" / "golden" / "facenet_pytorch_faces.json"
FOLDERS = ("bench", "photos")
MIN_FACE, MIN_FACE_LARGE, LARGE = 20, 60, 12_000_000


def photos() -> list[Path]:
    """Every readable picture of the test data's folders, in order."""
    files = (path for folder in FOLDERS for path in sorted((data_folder() / folder).rglob("*")))
    return [path for path in files if path.is_file() and path.suffix != ".json"]


def read(path: Path) -> np.ndarray:
    """Decode upright RGB ``(h, w, 3)``."""
    with Image.open(path) as file:
        return np.asarray(ImageOps.exif_transpose(file).convert("RGB"))


def min_face(picture: np.ndarray) -> int:
    """Smallest face looked for in this picture."""
    return MIN_FACE_LARGE if picture.shape[0] * picture.shape[1] > LARGE else MIN_FACE


def faces() -> dict[str, dict[str, object]]:
    """Ask facenet-pytorch, or take what it answered before about the same pixels."""
    memory = cache() / "facenet_pytorch_faces.json"
    known = json.loads(memory.read_text()) if memory.is_file() else {}
    table = {}
    with _Peer() as peer:
        for path in photos():
            try:
                picture = read(path)
            except (UnidentifiedImageError, OSError) as error:
                print(f"{path}: {error}", file=sys.stderr)
                continue
            key = f"{PEERS['facenet-pytorch'].digest} {hashlib.sha256(picture.tobytes()).hexdigest()}"
            if key not in known:
                known[key] = peer.ask(picture, min_face(picture))
                memory.write_text(json.dumps(known))
            name = path.relative_to(data_folder()).as_posix()
            table[name] = {"min_face": min_face(picture), "faces": [_rounded(face) for face in known[key]]}
    return table


class _Peer:
    """facenet-pytorch in its own process, started when first asked."""

    def __enter__(self) -> _Peer:
        self._process: subprocess.Popen[str] | None = None
        self._folder = tempfile.TemporaryDirectory()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            self._process.wait()
        self._folder.cleanup()

    def ask(self, picture: np.ndarray, smallest: int) -> list[list[float]]:
        if self._process is None:
            command = [python_of("facenet-pytorch"), SCRIPTS / "faces_facenet_pytorch.py"]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        file = Path(self._folder.name) / "picture.npy"
        np.save(file, picture)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"file": str(file), "min_face": smallest}) + "\n")
        self._process.stdin.flush()
        answer: list[list[float]] = json.loads(self._process.stdout.readline())
        return answer


def _rounded(face: list[float]) -> list[float]:
    *box, score = face
    return [*(round(side, 2) for side in box), round(score, 6)]


def main() -> None:
    """Write the file, a line a photo."""
    rows = (f" {json.dumps(name)}: {json.dumps(entry)}" for name, entry in faces().items())
    GOLDEN.write_text("{\n" + ",\n".join(rows) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
