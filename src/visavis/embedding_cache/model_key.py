"""What decides the embeddings of a photo, as one key: two keys are equal only where nothing of it differs.

A version number that somebody has to raise would be forgotten once, and old embeddings then be taken for new ones
without a word. The key holds the code itself instead: a digest of every source file that a photo passes on its way to
an embedding. A released version has one such digest for ever; whoever edits one of those files computes anew, which
costs a minute and a half on LFW. Weights are in it too: ``weights/spec.py`` states their hashes, and a file of
another hash is refused. Where it states none the hash of the file itself is in the key, and of an imported model its
row, which holds the hashes of its files.
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
from visavis.embedders.recipes import RECIPES
from visavis.pipeline import Recognizer
from visavis.weights import store

PACKAGE = Path(errors.__file__).parent

NOT_ON_THE_WAY = frozenset({"cli", "gallery", "evaluate", "clustering", "draw", "samples.py", "__main__.py"})
"""Files and folders of the package that no photo passes on its way to an embedding."""

LIBRARIES = ("numpy", "onnxruntime", "opencv-python-headless", "pillow")
"""What decodes, warps and multiplies: another version may round in another way."""


def model_key(recognizer: Recognizer, *, min_face: float) -> str:
    """JSON text of all that decides; loads no network.

    Only for models given by name: of an object the name does not say how it was made.
    """
    parts = {
        "detector": recognizer.detector_name,
        "model": recognizer.model,
        "min_face": float(min_face),
        "device": ", ".join(map(str, devices.wanted())),
        "code": _code(),
        "detector_code": _factory_code(DETECTORS.factory(base_name(recognizer.detector_name))),
        "model_weights": _weights(recognizer.model.partition("@")[0]),
        "model_code": _factory_code(EMBEDDERS.factory(recognizer.model.partition("@")[0])),
        "libraries": {name: _version(name) for name in LIBRARIES},
    }
    return json.dumps(parts, sort_keys=True)


def _weights(name: str) -> str:
    """What the code does not say of a model's weights: an imported one's row, or which file of unknown hash it is."""
    row = EMBEDDERS.row(name)
    if row is not None:
        return row.text()
    recipe = RECIPES.get(name)
    return "" if recipe is None else f"{recipe.row().file} {store.digest(recipe.row())}"


@cache
def _code() -> str:
    digest = hashlib.sha256()
    for path in on_the_way():
        data = path.read_bytes()
        digest.update(f"{path.relative_to(PACKAGE).as_posix()} {len(data)}\n".encode())
        digest.update(data)
    return digest.hexdigest()


def on_the_way() -> list[Path]:
    """Source files of the package that a photo may pass on its way to an embedding."""
    files = sorted(PACKAGE.rglob("*.py"))
    return [path for path in files if path.relative_to(PACKAGE).parts[0] not in NOT_ON_THE_WAY]


def _factory_code(factory: object) -> str:
    """Digest of the file that makes a detector or embedder: of another package's, it is what is known of its code."""
    try:
        source = getsourcefile(factory)  # type: ignore[arg-type]  # TypeError is what it says of anything unfit
        return hashlib.sha256(Path(source).read_bytes()).hexdigest() if source else ""
    except (TypeError, OSError):
        return ""


def _version(library: str) -> str:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:  # the same library under another name, as opencv-python
        return ""
