"""Runs in the "mtcnn" environment: what keras-vggface's own networks make of generated weights.

python keras_vggface_outputs.py GOLDEN_FOLDER SOURCE_FOLDER OUT.npz

SOURCE_FOLDER holds the unpacked package. Its code is of Keras 2 and runs under Keras 3 once the modules that are gone
are stood in for, and the slashes are taken out of the names of its layers. The weights go the way of the published
files: written as HDF5 in the layout of Keras 2, and loaded from it by Keras.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path
from types import ModuleType

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import h5py
import keras
import numpy as np

SLASHED = re.compile(r"""['"][\w]*/[\w/]+['"]""")
NETWORKS = {"vgg16": "VGG16", "resnet50": "RESNET50", "senet50": "SENET50"}
VERSIONS = {"vgg16": 1, "resnet50": 2, "senet50": 2}


def stand_in():
    """Modules that its imports name and Keras 3 has not."""
    from keras.src.applications.imagenet_utils import obtain_input_shape

    contents = {
        "keras_applications": {},
        "keras_applications.imagenet_utils": {"_obtain_input_shape": obtain_input_shape},
        "keras.utils.data_utils": {"get_file": keras.utils.get_file},
        "keras.utils.layer_utils": {},
        "keras.engine": {},
        "keras.engine.topology": {"get_source_inputs": None},
    }
    for name, content in contents.items():
        sys.modules[name] = ModuleType(name)
        vars(sys.modules[name]).update(content)
    keras.utils.layer_utils = sys.modules["keras.utils.layer_utils"]


def package(source):
    """keras_vggface, its names patched as they are read."""
    stand_in()
    sys.modules["keras_vggface"] = ModuleType("keras_vggface")
    for name in ("utils", "models"):
        module = sys.modules[f"keras_vggface.{name}"] = ModuleType(name)
        setattr(sys.modules["keras_vggface"], name, module)
        text = (source / "keras_vggface" / f"{name}.py").read_text(encoding="utf-8")
        text = SLASHED.sub(lambda found: found[0].replace("/", "--"), text) if name == "models" else text
        exec(compile(text, name, "exec"), vars(module))
    return sys.modules["keras_vggface"]


def write(path, model, table, golden):
    """As Keras 2.2's save_weights_to_hdf5_group does, call for call: in the order of the model's layers."""
    names = [layer.name.replace("--", "/") for layer in model.layers]
    layers = {name: table.get(name, {}) for name in names}
    missing = [name for name, weights in table.items() if weights and name not in layers]
    if missing:
        raise SystemExit(f"the model has no layers {missing}")
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.encode() for layer in layers]
        file.attrs["backend"] = b"tensorflow"
        file.attrs["keras_version"] = b"2.1.5"
        for layer, weights in layers.items():
            group = file.create_group(layer)
            group.attrs["weight_names"] = [name.encode() for name in weights]
            for name, shape in weights.items():
                group.create_dataset(name, shape, dtype=np.float32)[...] = golden.values(name, shape)


def stages(model):
    """Layer -> the name it goes by: pools, dense layers, and the ends of the residual blocks."""
    found, block = {}, 0
    for layer in model.layers:
        if layer.name.startswith(("pool", "fc", "classifier", "avg_pool", "max_pooling")):
            found[layer.name] = layer.output
        elif layer.name.startswith("activation") and layer.input._keras_history.operation.name.startswith("add"):
            block += 1
            found[f"block{block}"] = layer.output
    return {name.replace("--", "/").replace("max_pooling2d", "pool1"): value for name, value in found.items()}


def planes(array):
    return np.moveaxis(array, -1, 1) if array.ndim == 4 else array


def main(golden_folder, source, out):
    sys.path.insert(0, str(golden_folder))
    import networks as golden

    vggface = package(source)
    tables = {
        "vgg16": golden.vgg16(),
        "resnet50": golden.resnet50(),
        "senet50": golden.resnet50(squeeze=True),
    }
    found = {}
    for name, table in tables.items():
        keras.backend.clear_session()
        model = getattr(vggface.models, NETWORKS[name])(weights=None)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "weights.h5"
            write(path, model, table, golden)
            model.load_weights(path)
        version = VERSIONS[name]
        pictures = golden.pictures(224).astype(np.float32)
        prepared = vggface.utils.preprocess_input(pictures, version=version)
        found[f"preprocess_v{version}"] = golden.summary(f"preprocess_v{version}", planes(prepared))
        asked = stages(model)
        answers = keras.Model(model.input, list(asked.values())).predict(prepared, verbose=0)
        for stage, values in zip(asked, map(planes, answers), strict=True):
            found[f"{name}.{stage}"] = golden.summary(f"{name}.{stage}", values)
            if stage in {"avg_pool", "fc7/relu"}:
                found[f"{name}.features"] = values.reshape(2, -1)
            print(name, stage, values.shape, values.std(), np.corrcoef(values.reshape(2, -1))[0, 1])
    np.savez_compressed(out, **found)


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:]))
