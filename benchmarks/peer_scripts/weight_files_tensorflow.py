"""Runs in the "mtcnn" environment: weights as Keras 2 lays them out in HDF5, a Keras model, a TensorFlow graph.

python weight_files_tensorflow.py GOLDEN_FOLDER

Keras 2 does not run on today's Python, so its layout is written here by h5py, call for call as Keras 2.2's
``save_weights_to_hdf5_group`` does; keras_3_model.h5 is by Keras itself.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import h5py
import keras
import numpy as np
import tensorflow as tf


def save_weights(group, layers, values, *, text=False, **packing):
    names = str if text else str.encode
    group.attrs["layer_names"] = [names(layer) for layer in layers]
    group.attrs["backend"] = b"tensorflow"
    group.attrs["keras_version"] = b"2.2.4"
    for layer, weights in layers.items():
        below = group.create_group(layer)
        below.attrs["weight_names"] = [names(name) for name in weights]
        for name, shape in weights.items():
            dataset = below.create_dataset(name, shape, dtype=np.float32, **packing)
            dataset[...] = values(name, shape)


def keras_files(folder, golden):
    packed = {"chunks": True, "compression": "gzip", "shuffle": True}
    for name, layers in golden.KERAS.items():
        with h5py.File(folder / name, "w") as file:
            whole = name == "keras_2_model.h5"
            group = file.create_group("model_weights") if whole else file
            more = packed if "packed" in name else {"text": "text" in name}
            save_weights(group, layers, golden.values, **more)
            if whole:
                file.attrs["model_config"] = b'{"class_name": "Model"}' * 50
                file.create_group("optimizer_weights").attrs["weight_names"] = [b"Adam/iterations:0"]


def keras_model(folder, golden):
    """A model of Keras 3 in its older format."""
    layers = [keras.layers.Conv2D(4, 3, name="conv1_1"), keras.layers.BatchNormalization(name="bn")]
    model = keras.Sequential([keras.Input((8, 8, 3)), *layers], name="net")
    for weight in model.weights:
        weight.assign(golden.values(weight.path, tuple(weight.shape)))
    model.save(folder / "keras_3_model.h5")


def frozen_graph(folder, golden):
    graph = tf.Graph()
    with graph.as_default():
        nodes = {
            name: tf.constant(golden.values(name, shape, kind), getattr(tf, kind), name=name)
            for name, (shape, kind) in golden.GRAPH.items()
        }
        tf.constant(0.5, shape=(7,), name="same")
        tf.constant("words", name="words")
        picture = tf.compat.v1.placeholder(tf.float32, (None, 8, 8, 3), name="input")
        kernel, beta, mean, variance = list(nodes.values())[:4]
        found = tf.nn.conv2d(picture, kernel, 2, "VALID", name="conv")
        one = np.ones(4, np.float32)
        tf.compat.v1.nn.fused_batch_norm(found, one, beta, mean, variance, 0.001, is_training=False, name="bn")
    (folder / "frozen.pb").write_bytes(graph.as_graph_def().SerializeToString(deterministic=True))


def main(folder):
    sys.path.insert(0, str(folder))
    import weight_values as golden

    keras_files(folder, golden)
    keras_model(folder, golden)
    frozen_graph(folder, golden)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
