"""Quantization to 8 bits: a smaller and faster network, as a model with a name of its own, ``NAME-int8``.

Static quantization by ONNX Runtime's tools: a pair of QuantizeLinear and DequantizeLinear around every operator,
weights int8 with a scale per channel, activations uint8 with their range on crops of photos, cut as the model cuts
them. Embeddings and distances change a little, so the result is a model of its own, with its own galleries and its own
thresholds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from visavis import atomic, confined, embedders, runtime
from visavis.defaults import DETECTOR
from visavis.embedders import onnx_file, recipes
from visavis.errors import MissingExtraError, UsageError
from visavis.images import Source
from visavis.images.photo_files import each_photo
from visavis.pipeline import Recognizer
from visavis.types import RGB
from visavis.weights.model_row import ModelRow

if TYPE_CHECKING:
    from onnx import ModelProto

CROPS, LEAST = 300, 8
"""Number of crops to measure the ranges on, and the least that is accepted."""
METHOD, METHODS = "minmax", {"minmax": "MinMax", "percentile": "Percentile", "entropy": "Entropy"}
"""How the range of an activation follows from its values: docs/models.md has the effect of each on LFW."""
CHUNK = 4
"""Number of crops with activations in memory at a time."""
FIRST_SECONDS, CROP_SECONDS = 300, 5
"""Limit of the time of a quantization, in all and for each crop; a third of it is much on one old core."""
FIRST_MEMORY, COPIES, ACTIVATIONS = 4 * confined.GIGABYTE, 16, 512
"""Limit of its memory: these bytes, that many times the network's file, and that many times the crops of a chunk."""
OPSET = 17
"""Scales per channel need opset 13; older files are converted to this one."""
OPERATORS = ("Conv", "Gemm", "MatMul", "Relu", "Clip", "Add", "MaxPool", "AveragePool", "GlobalAveragePool", "Pad",
             "Transpose", "Reshape", "Flatten", "Concat", "Mul")  # fmt: skip


def quantize(
    name: str,
    photos: Source | Iterable[Source],
    *,
    detector: str = DETECTOR,
    crops: int = CROPS,
    method: str = METHOD,
    called: str | None = None,
    threads: int | None = None,
) -> ModelRow:
    """Make the int8 model of ``name``, with ranges measured on the largest faces of ``photos``, and keep it.

    A source is one photo; a folder stands for the photos in it and below it. The model's name is ``called``, or
    NAME-int8 by default. Returns its row. Raises UsageError where too few faces are found or another model has the
    name, MissingExtraError without the package onnx.
    """
    _load_tools()  # MissingExtraError before the work
    row, network = recipes.source(name)
    if row.precision != "float32":
        raise UsageError(f"{name} is {row.precision} already: quantize {row.quantized_from or 'its original'}.")
    model = onnx_file.OnnxFile(row, runtime.Session(network, threads=threads))
    cut = collect_crops(photos, Recognizer(detector=detector, embedder=model, threads=threads), count=crops)
    batch = 1 if model.fixed else CHUNK
    target = replace(row, name=called or f"{name}-int8", sha256=None, data=(), precision="int8", quantized_from=name)
    with atomic.temporary_folder("quantize") as folder:
        path = folder / f"{target.name}.onnx"
        inputs = path.with_suffix(".npy")
        np.save(inputs, model.input_of(cut))
        limits = _limits(network, inputs, count=len(cut), batch=batch)
        confined.call(_quantize_file, network, path, inputs, batch, method, limits=limits, file=network)
        (path.parent / "row.toml").write_text(replace(target, file=path.name).text(), encoding="utf-8")
        return onnx_file.import_model(path.parent / "row.toml", reserved=embedders.EMBEDDERS.built_in())


def _limits(network: Path, inputs: Path, *, count: int, batch: int) -> confined.ProcessLimits:
    """Return the time and memory that it may take to quantize a network with ``count`` inputs in a file."""
    activations = ACTIVATIONS * inputs.stat().st_size * batch // count
    return confined.ProcessLimits(
        FIRST_SECONDS + CROP_SECONDS * count, FIRST_MEMORY + COPIES * network.stat().st_size + activations
    )


def _quantize_file(network: str, target: str, inputs: str, batch: int, method: str) -> None:
    """Write the network in 8 bits to ``target``, its ranges measured on a file of inputs."""
    rows = np.load(inputs, mmap_mode="r")
    batches = [np.array(rows[i : i + batch]) for i in range(0, len(rows), batch)]
    Path(target).write_bytes(quantize_network(Path(network), batches, method=method))


def collect_crops(photos: Source | Iterable[Source], recognizer: Recognizer, *, count: int) -> RGB:
    """Return crops ``(n, s, s, 3)`` of the largest faces, of photos from all over the list until there are ``count``.

    Raises UsageError for too few faces; photos that cannot be read, or show no face, are skipped.
    """
    listed = list(each_photo(photos))
    order = np.random.default_rng(0).permutation(len(listed))
    faces: list[RGB] = []
    for answer in recognizer.detect([listed[i] for i in order]):
        if answer.photo is not None and answer.faces:
            faces.append(recognizer.embedder.crops(answer.photo.pixels, [answer.faces[answer.largest]]))
        if len(faces) >= count:
            break
    if len(faces) < min(LEAST, count):
        raise UsageError(f"ranges are measured on {LEAST} faces or more, and {len(listed)} photos show {len(faces)}.")
    return np.concatenate(faces)


def quantize_network(
    network: Path, batches: Sequence[runtime.Batch], *, method: str = METHOD, tools: Any = None
) -> bytes:
    """Return the ONNX file of ``network`` in 8 bits, its ranges measured on ``batches`` of its input."""
    if method not in METHODS:
        raise UsageError(f"no way to measure ranges is called {method!r}; there are: {', '.join(METHODS)}.")
    tools = tools or _load_tools()
    with atomic.temporary_folder("quantize") as folder:
        fused = folder / "fused.onnx"
        runtime.fuse(network, fused)
        model = _load_converted(fused, tools)
        quantizer = tools.QDQQuantizer(
            tools.with_shapes(model),
            per_channel=True,
            reduce_range=False,
            weight_qType=tools.QuantType.QInt8,
            activation_qType=tools.QuantType.QUInt8,
            tensors_range=_measure_ranges(fused, batches, method, tools),
            nodes_to_quantize=[],
            nodes_to_exclude=[],
            op_types_to_quantize=list(OPERATORS),
            extra_options={},
        )
        quantizer.quantize_model()
        quantizer.model.topological_sort()
        data: bytes = quantizer.model.model.SerializeToString()
    return data


def _load_converted(path: Path, tools: Any) -> ModelProto:
    """Load a network, converted to an opset with scales per channel if needed; the file is converted too."""
    model: ModelProto = tools.onnx.load(str(path))
    if any(opset.domain in ("", "ai.onnx") and opset.version < 13 for opset in model.opset_import):
        model = tools.onnx.version_converter.convert_version(model, OPSET)
        tools.onnx.save(model, str(path))
    return model


def _measure_ranges(network: Path, batches: Sequence[runtime.Batch], method: str, tools: Any) -> Any:
    """Measure the ranges of the activations; the calibrator's data of a batch are dropped before the next batch."""
    calibrator = tools.create_calibrator(
        network,
        list(OPERATORS),
        augmented_model_path=str(network.with_name("augmented.onnx")),
        calibrate_method=tools.CalibrationMethod[METHODS[method]],
    )
    name = runtime.Session(network).input.name
    for batch in batches:
        calibrator.collect_data(_SingleBatch({name: batch}))
    return calibrator.compute_data()


class _SingleBatch:
    """Data of a calibrator: a single batch."""

    def __init__(self, feed: dict[str, runtime.Batch]) -> None:
        self._feed: dict[str, runtime.Batch] | None = feed

    def get_next(self) -> dict[str, runtime.Batch] | None:
        """Return the batch, then nothing."""
        feed, self._feed = self._feed, None
        return feed


def _load_tools() -> Any:
    """Return ONNX Runtime's tools for quantization, which need the package onnx."""
    try:
        import onnx
        import onnx.version_converter
    except ImportError as error:
        raise MissingExtraError(
            "to quantize networks takes the package onnx: pip install 'visavis[quantize]'."
        ) from error
    runtime.prepare()
    from onnxruntime import quantization
    from onnxruntime.quantization import calibrate, qdq_quantizer, shape_inference

    return SimpleNamespace(
        onnx=onnx,
        QuantType=quantization.QuantType,
        CalibrationMethod=calibrate.CalibrationMethod,
        create_calibrator=calibrate.create_calibrator,
        QDQQuantizer=qdq_quantizer.QDQQuantizer,
        with_shapes=shape_inference.save_and_reload_model_with_shape_infer,
    )
