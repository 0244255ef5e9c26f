"""Key of everything that determines the embeddings of a photo: any difference changes the key.

The key holds no version number: if someone forgot to raise it, old embeddings would be reused.
It holds a digest of every source file that an embedding depends on. The digest of a release never changes;
an edit of one of those files makes evaluations compute again, which costs a minute and a half on LFW.
Weights are covered by the code: ``weights/`` states their hashes, and a file with another hash is refused. Where
it states none, the key holds the hash of the file; for an imported model it holds the row with the hashes of its files.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib import metadata
from inspect import getsourcefile
from pathlib import Path

from visavis import devices, errors
from visavis.detectors import DETECTORS, base_name
from visavis.embedders import EMBEDDERS
from visavis.pipeline import Recognizer
from visavis.weights import store

PACKAGE = Path(errors.__file__).parent

EXCLUDED = frozenset({"cli", "gallery", "evaluate", "train", "clustering", "draw", "samples.py", "__main__.py"})
"""Files and folders of the package that do not affect embeddings."""

LIBRARIES = ("numpy", "onnxruntime", "opencv-python-headless", "pillow")
"""Libraries that decode, warp and multiply: another version may round differently."""


def model_key(recognizer: Recognizer, *, min_face: float) -> str:
    """Return the key as JSON text, without loading a network.

    It is valid only for models given by name: the name of an object does not say how the object was made.
    """
    parts = {
        "detector": recognizer.detector_name,
        "model": recognizer.model,
        "min_face": float(min_face),
        "device": ", ".join(map(str, devices.select_devices())),
        "code": _digest_code(),
        "detector_code": _digest_factory(DETECTORS.factory(base_name(recognizer.detector_name))),
        "model_weights": _describe_weights(recognizer.model.partition("@")[0]),
        "model_code": _digest_factory(EMBEDDERS.factory(recognizer.model.partition("@")[0])),
        "libraries": {name: _find_version(name) for name in LIBRARIES},
    }
    return json.dumps(parts, sort_keys=True)


def _describe_weights(name: str) -> str:
    """Describe weights that the code does not pin: the row of an imported model, or the digest of a file."""
    row = EMBEDDERS.row(name)
    if row is not None:
        return row.text()
    from visavis.embedders.recipes import RECIPES  # the modules of all networks

    recipe = RECIPES.get(name)
    return "" if recipe is None else f"{recipe.row().file} {store.digest(recipe.row())}"


@cache
def _digest_code() -> str:
    digest = hashlib.sha256()
    for path in list_sources():
        data = path.read_bytes()
        digest.update(f"{path.relative_to(PACKAGE).as_posix()} {len(data)}\n".encode())
        digest.update(data)
    return digest.hexdigest()


def list_sources() -> list[Path]:
    """Return the source files of the package that may affect an embedding."""
    files = sorted(PACKAGE.rglob("*.py"))
    return [path for path in files if path.relative_to(PACKAGE).parts[0] not in EXCLUDED]


def _digest_factory(factory: object) -> str:
    """Return the digest of the file of a detector or embedder factory, the only code of other packages in the key."""
    try:
        path = getsourcefile(factory)  # type: ignore[arg-type]  # raises TypeError for unsuitable objects
        return hashlib.sha256(Path(path).read_bytes()).hexdigest() if path else ""
    except (TypeError, OSError):
        return ""


def _find_version(library: str) -> str:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:  # the same library under another name, such as opencv-python
        return ""
