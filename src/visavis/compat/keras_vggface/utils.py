"""``preprocess_input`` and ``decode_predictions`` of ``keras_vggface`` 0.6."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from visavis.errors import UsageError
from visavis.weights import spec
from visavis.weights.classes import class_names

Decoded: TypeAlias = list[list[list[Any]]]

MEANS = {1: (93.5940, 104.7624, 129.1863), 2: (91.4953, 103.8827, 131.0912)}
"""Mean blue, green and red of the training photos, by version: 1 for VGG16, 2 for ResNet-50 and SENet-50."""
LABELS = {2622: "vggface-labels", 8631: "vggface2-labels"}
"""Weight file with the names, by the number of people of a network."""


def preprocess_input(x: Any, data_format: str | None = None, version: int = 1) -> NDArray[Any]:
    """Return RGB values in 0..255 as BGR less the mean, in a new array: float32 for integers, else of the same type.

    ``x`` is ``(n, h, w, 3)`` or ``(h, w, 3)``, for "channels_first" ``(n, 3, h, w)``.
    """
    if version not in MEANS:
        raise NotImplementedError(f"version is 1 (VGG16) or 2 (ResNet-50, SENet-50), got {version!r}.")
    if data_format not in {None, "channels_last", "channels_first"}:
        raise UsageError(f"data_format is channels_last or channels_first, got {data_format!r}.")
    array = np.asarray(x)
    values = array.astype(array.dtype if array.dtype.kind == "f" else np.float32)
    mean = np.array(MEANS[version], values.dtype)
    prepared: NDArray[Any] = (
        values[:, ::-1] - mean[:, None, None] if data_format == "channels_first" else values[..., ::-1] - mean
    )
    return prepared


def decode_predictions(preds: Any, top: int = 5) -> Decoded:
    """Return the ``top`` names for each row of probabilities ``(n, 2622)`` or ``(n, 8631)``, most likely first.

    The result has a list of ``[name, probability]`` per row. Names are clean, "Sharon_Stone"; in the original they are
    the text of a byte string with a space, "b' Sharon_Stone'". Raises ValueError for another shape, WeightsError if the
    list of names is missing.
    """
    rows = np.asarray(preds)
    if rows.ndim != 2 or rows.shape[1] not in LABELS:
        raise ValueError(
            "`decode_predictions` expects a batch of predictions (i.e. a 2D array of shape (samples, 2622)) for V1 or "
            f"(samples, 8631) for V2. Found array with shape: {rows.shape}"
        )
    count = rows.shape[1]
    names = class_names(spec.spec(LABELS[count]), count=count)
    best = np.argsort(-rows, axis=1, kind="stable")[:, :top]
    return [[[names[i], row[i]] for i in order] for row, order in zip(rows, best.tolist(), strict=True)]
