"""Any embedder in an ONNX file, described by a row of data: see ``weights/model_row.py``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from visavis import align, compare, confined, runtime
from visavis.embedders import _box_crops, _views
from visavis.errors import UsageError, WeightsError
from visavis.types import RGB, Face, Floats
from visavis.weights import user_models
from visavis.weights.model_row import ModelRow, read_row

BATCH = 8
"""Crops per run, where the network takes more than one: the activations of more exceed the caches."""
TRIAL, CELLS = 3, 4
"""Crops of noise that test a model at its import, and the rows and columns of colors in each."""
TRIAL_SECONDS, BYTES_PER_SECOND = 60, 2**22
"""Limit of the time of a trial: these seconds, and one more for so many bytes of the network's files."""
TRIAL_MEMORY, COPIES, ACTIVATIONS = 2 * confined.GIGABYTE, 8, 128
"""Limit of its memory: these bytes, that many times the network's files, and that many times the crops as float32."""
SAME = 1e-3
"""How far the unit vector of a crop may move with the rest of its batch: rounding stays far below."""

KINDS: dict[str, type[np.generic]] = {"tensor(float)": np.float32, "tensor(uint8)": np.uint8}


class OnnxFile:
    """Embedder of a row: faces cropped as in the row, several views of each summed, the sum scaled to length 1.

    ``fixed``: the network takes one face per run and no more.
    """

    def __init__(self, row: ModelRow, session: runtime.Session, *, views: int | None = None) -> None:
        count = row.views if views is None else views
        self.name = _views.model_id(row.name, count, default=row.views)
        self.dimension = row.dimension
        self.row = row
        self._session, self._views = session, count
        self._type, self._batch, self._output = _check_fit(row, session)
        self.fixed = self._batch == 1

    def crops(self, picture: RGB, faces: Sequence[Face]) -> RGB:
        """Return crops ``(n, s, s, 3)``: five landmarks mapped onto the row's points, or its kind of box."""
        return crops_of(self.row, picture, faces)

    def embed(self, crops: RGB) -> Floats:
        """Return unit embeddings ``(n, d)``."""
        return _views.embed_views(self.raw, crops, views=self._views, model=self.name)

    def raw(self, crops: RGB) -> Floats:
        """Return the outputs for unchanged crops: ``(n, d)``, one view, not of unit length."""
        parts = [self._run(crops[i : i + self._batch]) for i in range(0, len(crops), self._batch)]
        return np.concatenate(parts) if parts else np.empty((0, self.dimension), np.float32)

    def input_of(self, crops: RGB) -> runtime.Batch:
        """Return the network's input for crops: ``(n, 3, s, s)`` or ``(n, s, s, 3)``."""
        return network_input(crops, self.row, self._type)

    def _run(self, crops: RGB) -> Floats:
        outputs = np.asarray(self._session.run(self.input_of(crops), output=self._output)[0], np.float32)
        if outputs.size != len(crops) * self.dimension:
            raise WeightsError(
                f"{self.row.name} makes {_format_shape(outputs.shape)} figures of {len(crops)} faces, "
                f"where its row says {self.dimension} a face."
            )
        return outputs.reshape(len(crops), self.dimension)


def crops_of(row: ModelRow, picture: RGB, faces: Sequence[Face]) -> RGB:
    """Return crops ``(n, s, s, 3)`` according to a row."""
    if row.points is not None:
        landmarks = np.array([face.landmarks for face in faces], np.float32).reshape(-1, 5, 2)
        return align.warp(picture, align.matrices_onto(landmarks, np.array(row.points, np.float32)), size=row.size)
    if row.crop == "box":
        return align.square_crops(picture, faces, size=row.size, margin=row.margin)
    if row.crop == "middle":
        middles = _box_crops.middles(_box_crops.boxes_of(faces), part=1 + row.margin)
        return _box_crops.stretched(picture, middles, size=row.size)
    return _box_crops.stretched_boxes(picture, faces, size=row.size)


def network_input(crops: RGB, row: ModelRow, kind: type[np.generic]) -> runtime.Batch:
    """Return crops as input of the row's network."""
    pixels = crops[..., ::-1] if row.channels == "BGR" else crops
    planes = pixels.transpose(0, 3, 1, 2) if row.layout == "NCHW" else pixels
    if kind is np.uint8:
        return np.ascontiguousarray(planes)
    shape = (3, 1, 1) if row.layout == "NCHW" else (3,)
    return (planes.astype(np.float32, order="C") - np.array(row.mean, np.float32).reshape(shape)) * np.float32(
        row.scale
    )


def load(name: str, *, threads: int | None = None, views: int | None = None) -> OnnxFile:
    """Load an imported model."""
    row = user_models.row(name)
    return OnnxFile(row, runtime.Session(user_models.network(row), threads=threads), views=views)


def factory(name: str) -> partial[OnnxFile]:
    """Return the factory of an imported model; its parameter ``views`` defaults to the row's number."""
    return partial(load, name, views=user_models.row(name).views)


def import_model(path: Path, *, reserved: Sequence[str]) -> ModelRow:
    """Check the model that a TOML file describes by running it, and store it; ``reserved`` names are refused.

    Returns the row as it is stored. A table of thresholds beside it, ``calibration.json``, is stored with it. Raises
    UsageError or WeightsError for an unusable model.
    """
    row = read_row(path)
    if row.name in reserved:
        raise UsageError(f"{row.name} is the name of a model of visavis: change the name in {path}.")
    row = user_models.pin_row(row, path.parent)
    network = path.parent / row.file
    if user_models.has(row.name):
        return user_models.keep(row, network)
    confined.call(_try_out_file, path, network, limits=limits(row, network), file=network)
    table = path.parent / user_models.CALIBRATION
    if table.is_file() and compare.read_calibration(table).model != row.name:
        raise UsageError(f"{table} is not the table of {row.name}: delete it, or put that of the model in its place.")
    return user_models.keep(row, network, table=table if table.is_file() else None)


def limits(row: ModelRow, network: Path) -> confined.ProcessLimits:
    """Return the time and memory that it may take to run a model of this row on a few crops for the first time."""
    size = sum((network.parent / name).stat().st_size for name in (network.name, *(name for name, _ in row.data)))
    crops = TRIAL * row.size**2 * 3 * np.dtype(np.float32).itemsize
    return confined.ProcessLimits(
        TRIAL_SECONDS + size / BYTES_PER_SECOND, TRIAL_MEMORY + COPIES * size + ACTIVATIONS * crops
    )


def _try_out_file(row: str, network: str) -> None:
    try_out(read_row(Path(row)), Path(network))


def try_out(row: ModelRow, network: Path) -> None:
    """Run a batch of coarse noise (fine noise all looks alike); WeightsError where the outputs are useless."""
    model = OnnxFile(row, runtime.Session(network))
    cells = np.arange(row.size) * CELLS // row.size
    crops = np.random.default_rng(0).integers(0, 256, (TRIAL, CELLS, CELLS, 3), np.uint8)[:, cells][:, :, cells]
    raw = model.raw(crops)
    together = compare.unit(raw)
    alone = compare.unit(np.concatenate([model.raw(crops[i : i + 1]) for i in range(TRIAL)]))
    if np.abs(together - alone).max() > SAME:
        raise WeightsError(f"{row.name} answers to a face with other figures when other faces are in its batch.")
    if not raw.any(axis=1).all() or np.ptp(together, axis=0).max() < 1e-6:
        raise WeightsError(f"{row.name} answers the same to every picture.")


def _check_fit(row: ModelRow, session: runtime.Session) -> tuple[type[np.generic], int, int]:
    """Return type of the input, faces per run, index of the output; WeightsError where the row does not fit."""
    kind, shape = KINDS.get(session.input.kind), session.input.shape
    if kind is None:
        raise WeightsError(f"{row.name} takes {session.input.kind}, where float or uint8 is wanted.")
    if kind is np.uint8 and (any(row.mean) or row.scale != 1):
        raise WeightsError(f"{row.name} takes whole numbers: mean must be 0, 0, 0 and scale 1.")
    expected = (row.size, row.size, 3) if row.layout == "NHWC" else (3, row.size, row.size)
    if len(shape) != 4 or any(isinstance(s, int) and s != w for s, w in zip(shape[1:], expected, strict=True)):
        raise WeightsError(
            f"{row.name} takes pictures of {_format_shape(shape[1:])}, where its row says {_format_shape(expected)} "
            f"({row.layout})."
        )
    if shape[0] not in (None, 1) and isinstance(shape[0], int):
        raise WeightsError(f"{row.name} takes {shape[0]} faces at a time: export it with an open batch, or for 1.")
    return kind, 1 if shape[0] == 1 else BATCH, _find_output(row, [port.name for port in session.outputs])


def _find_output(row: ModelRow, names: Sequence[str]) -> int:
    if isinstance(row.output, int) and row.output < len(names):
        return row.output
    if row.output in names:
        return list(names).index(str(row.output))
    raise WeightsError(f"{row.name} has no output {row.output!r}; there are: {', '.join(names[:8])}.")


def _format_shape(shape: Sequence[object]) -> str:
    return " x ".join("any" if side is None or isinstance(side, str) else str(side) for side in shape)
