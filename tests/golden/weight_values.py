"""What lies in the golden weight files: whole eighths, the same in every kind of number and on every machine."""

from __future__ import annotations

import numpy as np

VGG = {
    "conv1_1": {"conv1_1/kernel:0": (3, 3, 3, 4), "conv1_1/bias:0": (4,)},
    "pool1": {},
    "fc6": {"fc6/kernel:0": (4, 5), "fc6/bias:0": (5,)},
    "fc6/relu": {},
}
"""Layer -> its weights and their shapes, with the names of keras-vggface's VGG16 ..."""

RESNET = {
    "input_1": {},
    "conv1/7x7_s2": {"conv1/7x7_s2/kernel:0": (7, 7, 3, 2)},
    "conv1/7x7_s2/bn": {
        f"conv1/7x7_s2/bn/{name}:0": (2,) for name in ("gamma", "beta", "moving_mean", "moving_variance")
    },
    "conv2_1_1x1_up": {"conv2_1_1x1_up/kernel:0": (1, 1, 2, 6), "conv2_1_1x1_up/bias:0": (6,)},
    "classifier": {"classifier/kernel:0": (6, 7), "classifier/bias:0": (7,)},
}
"""... and of its ResNet-50 and SENet-50, whose slashes lead through nested groups."""

KERAS = {
    "keras_2_vgg.h5": VGG,
    "keras_2_resnet.h5": RESNET,
    "keras_2_model.h5": RESNET,  # as save() writes it: below model_weights
    "keras_2_packed.h5": VGG,  # in chunks, through shuffle and gzip
    "keras_2_text.h5": VGG,  # names as strings of any length
}

TORCH = {
    "conv.weight": ((4, 3, 3, 3), "float32"),
    "conv.bias": ((4,), "float32"),
    "bn.running_var": ((4,), "float64"),
    "bn.num_batches_tracked": ((), "int64"),
    "half": ((3, 5), "float16"),
    "brain": ((3, 5), "bfloat16"),
    "bytes": ((7,), "uint8"),
    "truth": ((3, 3), "bool"),
    "none": ((0, 3), "float32"),
    "inner.weight": ((2, 2), "float32"),
}
"""Key -> shape and kind; ``turned``, ``part`` and ``spread`` are made of ``conv.weight`` and ``conv.bias``."""

GRAPH = {
    "InceptionResnetV1/Conv2d_1a_3x3/weights": ((3, 3, 3, 4), "float32"),
    "InceptionResnetV1/Conv2d_1a_3x3/BatchNorm/beta": ((4,), "float32"),
    "InceptionResnetV1/Conv2d_1a_3x3/BatchNorm/moving_mean": ((4,), "float32"),
    "InceptionResnetV1/Conv2d_1a_3x3/BatchNorm/moving_variance": ((4,), "float32"),
    "double": ((3,), "float64"),
    "half": ((3,), "float16"),
    "brain": ((3,), "bfloat16"),
    "int8": ((5,), "int8"),
    "int32": ((5,), "int32"),
    "int64": ((5,), "int64"),
    "uint8": ((5,), "uint8"),
    "truth": ((5,), "bool"),
    "one": ((), "float32"),
    "one_half": ((), "float16"),
    "one_brain": ((), "bfloat16"),
    "one_int": ((), "int32"),
    "one_long": ((), "int64"),
    "none": ((0, 3), "float32"),
}
"""Node -> shape and kind of its constant; ``same`` is seven times 0.5."""


def values(name: str, shape: tuple[int, ...], kind: str = "float32") -> np.ndarray:
    """Eighths between -6 and 6, or whole numbers, that differ from name to name; bfloat16 as float32."""
    count = int(np.prod(shape))
    numbers = (np.arange(count) * 37 + sum(name.encode())) % 97 - 48
    if kind == "bool":
        return (numbers > 0).reshape(shape)
    if "int" in kind:
        return (np.abs(numbers) if kind == "uint8" else numbers).astype(kind).reshape(shape)
    return (numbers / 8).astype("float32" if kind == "bfloat16" else kind).reshape(shape)


def keras(file: str) -> dict[str, np.ndarray]:
    """The arrays of one of the files, in their order."""
    return {name: values(name, shape) for layer in KERAS[file].values() for name, shape in layer.items()}


def torch() -> dict[str, np.ndarray]:
    """The arrays of both files of torch, in their order."""
    plain = {name: values(name, *one) for name, one in TORCH.items()}
    kernel, bias = plain["conv.weight"], plain["conv.bias"]
    views = {"turned": kernel.transpose(1, 3, 0, 2), "part": kernel[1:3, 0, ::2], "spread": np.stack([bias] * 3)}
    return {**plain, **views, "tied": bias}


def graph() -> dict[str, np.ndarray]:
    """The constants of the graph."""
    return {**{name: values(name, *one) for name, one in GRAPH.items()}, "same": np.full(7, 0.5, np.float32)}
