"""Weights that Keras 1 and 2 saved as HDF5: ``save_weights``, or ``save``, where they lie below ``model_weights``.

The attribute ``layer_names`` names a group a layer, whose attribute ``weight_names`` names its datasets. A slash in
either name leads through nested groups. An attribute larger than 64 kB is cut into ``weight_names0``, ``...1``.
"""

from __future__ import annotations

from pathlib import Path

from visavis.types import Floats
from visavis.weights.readers._file_bytes import FileBytes
from visavis.weights.readers._hdf5 import Hdf5

MAX_PARTS = 1000


def read(path: Path) -> dict[str, Floats]:
    """Arrays under the names that Keras gave them, such as ``conv1/7x7_s2/kernel:0``, in the order of the layers.

    Kernels are as Keras keeps them: ``(h, w, in, out)`` of a convolution, ``(in, out)`` of a dense layer. Raises
    WeightsError where the file is damaged, is no Keras file, or names one weight twice.
    """
    file = FileBytes(path, "weights of Keras in HDF5")
    hdf5 = Hdf5(file)
    top = hdf5.root
    if "model_weights" in hdf5.links(top):
        top = hdf5.find(top, "model_weights")
    weights: dict[str, Floats] = {}
    for layer in _names(hdf5, top, "layer_names"):
        group = hdf5.find(top, layer)
        for name in _names(hdf5, group, "weight_names"):
            if name in weights:
                raise file.fail(f"two weights are called {name[:100]!r}")
            weights[name] = hdf5.dataset(hdf5.find(group, name))
    if not weights:
        raise file.fail("no layer has weights")
    return weights


def _names(hdf5: Hdf5, address: int, attribute: str) -> list[str]:
    names = hdf5.strings(address, attribute)
    if names is not None:
        return names
    found: list[str] = []
    for part in range(MAX_PARTS):
        names = hdf5.strings(address, f"{attribute}{part}")
        if names is None:
            break
        found += names
    if not found:
        raise hdf5.file.fail(f"a group without {attribute}", address)
    return found
