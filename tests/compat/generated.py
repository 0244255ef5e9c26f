"""Weight files of keras-vggface with generated figures, in the layout and under the names of the published ones."""

from __future__ import annotations

import sys
from pathlib import Path

from weights.hdf5 import write_keras

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
sys.path.append(str(GOLDEN))  # its modules are plain scripts' neighbors

import networks  # noqa: E402

LAYERS = {
    "notop_vgg16": lambda: networks.vgg16(top=False),
    "resnet50": networks.resnet50,
    "notop_resnet50": lambda: networks.resnet50(top=False),
    "notop_senet50": lambda: networks.resnet50(top=False, squeeze=True),
}


def keras_file(folder: Path, network: str) -> Path:
    """Path of ``rcmalli_vggface_tf_<network>.h5``, written if it is not there."""
    path = folder / f"rcmalli_vggface_tf_{network}.h5"
    if not path.is_file():
        layers = LAYERS[network]().items()
        write_keras(
            path,
            {layer: [(name, networks.values(name, shape)) for name, shape in some.items()] for layer, some in layers},
        )
    return path
