"""Recognition of published weight files, under any name: by the SHA-256, else by the arrays in the file.

A row of ``weights/spec.py`` with a known hash is recognized by the hash alone. Other files are read, and their arrays
compared with the definitions in ``nets/``: every array has to be there, in its shape, and no other. Of ONNX files the
inputs, outputs and the size of the constants are compared. Nothing in a file is run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from visavis.embedders import facenet, vggface
from visavis.errors import UsageError, WeightsError
from visavis.nets import resnet50, senet50, vgg16
from visavis.nets.inception_resnet_v1 import SIDE, inception_resnet_v1, inception_resnet_v1_top
from visavis.nets.ops import Net
from visavis.types import Floats
from visavis.weights import spec, store
from visavis.weights.catalog import classic as rows
from visavis.weights.catalog import modern
from visavis.weights.readers import kind_of, npy, onnx_outline
from visavis.weights.row import WeightSpec

SpecRows = tuple[WeightSpec, ...]
Read = Callable[[Path], Mapping[str, Floats]]

CASIA_PEOPLE = 10575
NEAR = 0.1
"""Part by which the size of an ONNX file's constants may differ from the size of the file in its row."""


@dataclass(frozen=True, slots=True)
class Published:
    """A recognized file: its row, its SHA-256, and whether the hash or the arrays identified it."""

    row: WeightSpec
    sha256: str
    by: Literal["hash", "structure"]


@dataclass(frozen=True, slots=True)
class _Layout:
    """Arrays in files of ``rows``: those of a definition, for pictures of ``side`` pixels."""

    rows: SpecRows
    net: Net
    side: int


LAYOUTS: dict[str, tuple[tuple[Read, tuple[_Layout, ...]], ...]] = {
    "keras": (
        (
            vggface.read,
            (
                _Layout((rows.VGG16,), vgg16.vgg16_top, vggface.SIDE),
                _Layout((rows.VGG16_NOTOP,), vgg16.vgg16, vggface.SIDE),
                _Layout((rows.RESNET50,), resnet50.resnet50_top, vggface.SIDE),
                _Layout((rows.RESNET50_NOTOP,), resnet50.resnet50, vggface.SIDE),
                _Layout((rows.SENET50,), senet50.senet50_top, vggface.SIDE),
                _Layout((rows.SENET50_NOTOP,), senet50.senet50, vggface.SIDE),
            ),
        ),
        (
            facenet.read,
            (_Layout((rows.FACENET_VGGFACE2_KERAS, rows.FACENET_CASIA_KERAS), inception_resnet_v1, SIDE),),
        ),
    ),
    "torch": (
        (
            facenet.read,
            (
                _Layout((rows.FACENET_VGGFACE2,), inception_resnet_v1_top, SIDE),
                _Layout((rows.FACENET_CASIA,), partial(inception_resnet_v1_top, people=CASIA_PEOPLE), SIDE),
                _Layout((rows.FACENET_VGGFACE2, rows.FACENET_CASIA), inception_resnet_v1, SIDE),
            ),
        ),
    ),
    "tensorflow": (
        (
            facenet.read,
            (_Layout((rows.FACENET_VGGFACE2_GRAPH, rows.FACENET_CASIA_GRAPH), inception_resnet_v1, SIDE),),
        ),
    ),
}
"""Readers, and the possible layouts of their arrays, by the format of the file."""

LABELS = {vgg16.PEOPLE: rows.VGGFACE_LABELS, resnet50.PEOPLE: rows.VGGFACE2_LABELS}
"""Lists of names by their length."""

ONNX: dict[WeightSpec, tuple[int, tuple[int, ...]]] = {
    **dict.fromkeys((spec.YUNET, spec.YUNET_FLOAT), (640, (1,) * 6 + (4,) * 3 + (10,) * 3)),
    **dict.fromkeys((spec.SCRFD_500M, spec.SCRFD_2500M), (640, (1,) * 3 + (4,) * 3 + (10,) * 3)),
    **dict.fromkeys((modern.SFACE, modern.SFACE_FLOAT), (112, (128,))),
    **dict.fromkeys((modern.ARCFACE_R50, modern.ARCFACE_MOBILEFACE), (112, (512,))),
}
"""Side of the picture, and the last side of each output."""


def recognize_file(path: Path, *, called: str | None = None) -> Published:
    """Return the row of a file; ``called`` is the row's name, to choose between rows with the same arrays.

    Raises WeightsError where the file is not a published one, is damaged, or has the arrays of a published file without
    its hash; UsageError where several rows fit, and where the file is not that of ``called``.
    """
    requested = None if called is None else spec.spec(called)
    try:
        sha256 = store.sha256(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from error
    for row in spec.all_specs():
        if sha256 == row.sha256:
            if requested not in (None, row):
                raise UsageError(f"{path} is the published {row.name}, not {called}.")
            return Published(row, sha256, "hash")
    return Published(_recognize_arrays(path, sha256, requested), sha256, "structure")


def _recognize_arrays(path: Path, sha256: str, requested: WeightSpec | None) -> WeightSpec:
    candidates = _find_candidates(path)
    if not candidates:
        raise _unrecognized_error(path, sha256, requested)
    if requested is not None and requested not in candidates:
        raise UsageError(
            f"{path} is not a file of {requested.name}: its arrays are those of {_join_names(candidates)}."
        )
    chosen = [requested] if requested else candidates
    unpinned = [row for row in chosen if not row.pinned]
    if not unpinned:
        raise _contradicted_error(path, sha256, chosen)
    if len(unpinned) > 1:
        unpinned = [row for row in unpinned if Path(row.file).stem in path.name] or unpinned
    if len(unpinned) > 1:
        raise UsageError(
            f"{path} may be {_join_names(unpinned, 'or')}, whose files hold the same arrays: say which, as in "
            f"--as {unpinned[0].name}."
        )
    return unpinned[0]


def _unrecognized_error(path: Path, sha256: str, requested: WeightSpec | None) -> WeightsError:
    """Return the error for a file that has the arrays of no published one."""
    likely = [row for row in spec.all_specs() if row.pinned and (row == requested or row.file == path.name)]
    if likely:
        return _contradicted_error(path, sha256, likely)
    return WeightsError(
        f"{path} is no published weight file that visavis knows: neither its SHA-256 ({sha256}) nor its arrays are "
        "those of any that models list names; a network of your own takes a TOML file that describes it."
    )


def _contradicted_error(path: Path, sha256: str, expected: Sequence[WeightSpec]) -> WeightsError:
    hashes = " or ".join(row.sha256 for row in expected)
    return WeightsError(
        f"{path} is not the published {_join_names(expected, 'or')}: its SHA-256 is {sha256}, not {hashes}."
    )


def _join_names(selected: Sequence[WeightSpec], word: str = "and") -> str:
    return f" {word} ".join(row.name for row in selected)


# --- contents of a file


def _find_candidates(path: Path) -> SpecRows:
    """Return the rows with exactly these arrays; none where the format of the file is not supported."""
    kind = kind_of(path)
    if kind == "numpy":
        return _match_labels(path)
    if kind == "onnx":
        return tuple(_match_outline(onnx_outline.read(path)))
    for read, layouts in LAYOUTS.get(kind, ()):
        arrays = read(path)
        for layout in layouts:
            if _has_arrays(arrays, layout):
                return layout.rows
    return ()


def _has_arrays(arrays: Mapping[str, Floats], layout: _Layout) -> bool:
    """Return whether all arrays are there and no others; a gamma may be missing where all of it is 1."""
    from visavis.nets.shapes import shapes

    expected = shapes(layout.net, side=layout.side)
    missing = [name for name in expected if name not in arrays and not name.endswith(".gamma")]
    return not missing and all(
        array.dtype.kind == "f" and array.shape == expected.get(name) for name, array in arrays.items()
    )


def _match_labels(path: Path) -> SpecRows:
    names: Any = npy.read(path)
    row = LABELS.get(names.size) if names.ndim == 1 and names.dtype.kind == "U" else None
    return () if row is None else (row,)


def _match_outline(outline: onnx_outline.Outline) -> Iterator[WeightSpec]:
    for row, (side, lasts) in ONNX.items():
        pictures = [shape for shape in outline.inputs if len(shape) == 4]
        if (
            len(outline.inputs) == len(pictures) == 1
            and all(
                actual in (None, expected) for actual, expected in zip(pictures[0][1:], (3, side, side), strict=True)
            )
            and tuple(shape[-1] if shape else None for shape in outline.outputs) == lasts
            and abs(outline.constants - row.size) < NEAR * row.size
        ):
            yield row
