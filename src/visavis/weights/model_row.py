"""A user's network as a row of data: a small TOML file beside an ONNX file. Nothing in it is run.

::

    name = "mobilefacenet"
    file = "mobilefacenet.onnx"          # beside this file
    sha256 = "..."                       # may be left out: pinned when the model is imported
    license = "MIT"
    trained_on = "MS1M"
    [input]                              # the network takes (pixel - mean) * scale
    size = 112
    channels = "RGB"                     # or "BGR"
    layout = "NCHW"                      # or "NHWC"
    mean = [127.5, 127.5, 127.5]         # in the order of channels
    scale = 0.0078125
    [face]                               # how a face is cropped, in one of three ways
    template = "arcface-112"             # or points = [[x, y], ...]: five; or crop = "box" and margin = 0.3
    [output]
    dimension = 128
    metric = "cosine"
    name = "output"                      # or index = 0, the default
    views = 1                            # views of a crop that are summed if the id has no number: 1, 2 or 4
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import cast

from visavis import input_files
from visavis.errors import UsageError
from visavis.structured_text import parse_toml

MAX_BYTES = 100_000
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
SHA256 = re.compile(r"[0-9a-f]{64}")

ARCFACE = ((38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041))
"""Places of ArcFace's five points in its crop of 112 pixels (InsightFace)."""

CROPS = ("box", "middle", "stretched")
"""Crops by the box: made square by its longer side, or by its shorter side, or stretched to a square."""

CropPoints = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One embedder in an ONNX file.

    ``points`` are the places of the five landmarks in a crop of ``size`` pixels; None for a crop by the box: ``crop``
    is its kind, and ``margin`` the part of its sides by which it is extended. ``mean`` is in the order of ``channels``.
    ``output`` is a name or an index. ``data`` are files that the network's own file reads, with their hashes.
    ``quantized_from`` is the original of a model in another precision.
    """

    name: str
    file: str
    sha256: str | None
    license: str
    trained_on: str
    size: int
    channels: str
    layout: str
    mean: tuple[float, float, float]
    scale: float
    points: CropPoints | None
    crop: str
    margin: float
    output: int | str
    dimension: int
    views: int = 1
    precision: str = "float32"
    quantized_from: str | None = None
    data: tuple[tuple[str, str], ...] = ()

    @property
    def geometry(self) -> str:
        """How faces are cropped, in words."""
        if self.points is None:
            shape = {"box": "the box made square", "middle": "the square of the box's shorter side"}
            wider = f", extended by {self.margin:g} of its sides" if self.margin else ""
            return f"{shape.get(self.crop, 'the box stretched to a square')}{wider}, {self.size} pixels"
        points = "ArcFace's five points" if self.points == arcface_points(self.size) else "five points"
        return f"{points}, {self.size} pixels"

    def text(self) -> str:
        """Return the content of this row's TOML file, as :func:`read_row` reads it."""
        box: dict[str, object] = {"crop": self.crop, "margin": self.margin}
        output = {"index" if isinstance(self.output, int) else "name": self.output}
        tables: dict[str, dict[str, object]] = {
            "": {key: getattr(self, key) for key in ("name", "file", "sha256", "license", "trained_on", "precision")}
            | {"quantized_from": self.quantized_from},
            "input": {key: getattr(self, key) for key in ("size", "channels", "layout", "mean", "scale")},
            "face": box if self.points is None else {"points": self.points},
            "output": {**output, "dimension": self.dimension, "metric": "cosine", "views": self.views},
            "data": dict(self.data),
        }
        return "\n".join(line for name, table in tables.items() for line in _format_table(name, table)) + "\n"


def _format_table(name: str, table: dict[str, object]) -> list[str]:
    """Return the lines of one TOML table: strings, numbers and lists are written as in JSON."""
    present = {key: value for key, value in table.items() if value is not None}
    head = [f"\n[{name}]"] if name and present else []
    return head + [f"{json.dumps(key)} = {json.dumps(value, ensure_ascii=False)}" for key, value in present.items()]


def is_inside(name: str) -> bool:
    """Return whether a relative path, read as on Windows or as elsewhere, stays below its folder; links aside."""
    path = PureWindowsPath(name)  # both kinds of slashes separate folders
    return bool(path.parts) and not (path.anchor or ".." in path.parts or "\0" in name)


def arcface_points(size: int) -> CropPoints | None:
    """Return ArcFace's points in a crop of ``size`` pixels; None for sizes without such a crop.

    Crops of 128 pixels and its multiples show 8 more of these at the left and at the right (InsightFace's norm_crop).
    """
    if size % 112 == 0:
        ratio, shift = size / 112, 0.0
    elif size % 128 == 0:
        ratio, shift = size / 128, 8 * size / 128
    else:
        return None
    return tuple((round(x * ratio + shift, 4), round(y * ratio, 4)) for x, y in ARCFACE)


def read_row(path: Path) -> ModelRow:
    """Read and check the row of a TOML file; UsageError with one sentence about what is wrong."""
    try:
        with input_files.open_stream(path) as file:
            raw = file.read(MAX_BYTES + 1) or b""
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from error
    if len(raw) > MAX_BYTES:
        raise UsageError(f"{path} is no row of a model: it has more than {MAX_BYTES:,} bytes.")
    try:
        content = parse_toml(raw.decode())
    except ValueError as error:
        what = str(error).partition("\n")[0] if not isinstance(error, UnicodeDecodeError) else "it is not text"
        raise UsageError(f"{path} is not TOML: {what}.") from error
    return _Table(str(path), "", content).row()


OLDER_KEYS = {"licence": "license"}
"""Former spellings of keys, which are still read."""


class _Table:
    """A table of the file; each getter raises an error that names the key with an invalid value."""

    def __init__(self, file: str, name: str, content: dict[str, object]) -> None:
        self._file, self._name = file, name
        self._content = {OLDER_KEYS.get(key, key): value for key, value in content.items()}

    def fail(self, key: str, why: str) -> UsageError:
        place = f"{self._name}.{key}" if self._name else key
        return UsageError(f"{self._file}: {place} {why}.")

    def row(self) -> ModelRow:
        """Return the row of the whole file."""
        picture, face, output = (self.table(name) for name in ("input", "face", "output"))
        size = picture.whole("size", 8, 1024)
        points, crop, margin = face.face(size)
        row = ModelRow(
            name=self._model_name(),
            file=self.file("file"),
            sha256=self._sha256(),
            license=self.text("license"),
            trained_on=self.text("trained_on"),
            size=size,
            channels=picture.choice("channels", ("RGB", "BGR")),
            layout=picture.choice("layout", ("NCHW", "NHWC"), "NCHW"),
            mean=cast("tuple[float, float, float]", picture.numbers("mean", 3)),
            scale=picture.number("scale"),
            points=points,
            crop=crop,
            margin=margin,
            output=output.which(),
            dimension=output.whole("dimension", 2, 65_536),
            views=output.whole("views", 1, 4, 1),
            precision=self.choice("precision", ("float32", "int8"), "float32"),
            quantized_from=self.text("quantized_from", "") or None,
            data=self.table("data", {}).hashes(),
        )
        output.choice("metric", ("cosine",), "cosine")
        if row.scale == 0:
            raise picture.fail("scale", "is 0: every picture would look the same")
        for table in (self, picture, face, output):
            table.finish()
        return row

    def table(self, key: str, default: dict[str, object] | None = None) -> _Table:
        value = self._take(key, default)
        if not isinstance(value, dict):
            raise self.fail(key, f"must be a table, [{key}]")
        return _Table(self._file, key, value)

    def text(self, key: str, default: str | None = None) -> str:
        value = self._take(key, default)
        if not isinstance(value, str) or not value.isprintable() or len(value) > 1000:
            raise self.fail(key, "must be a line of text")
        if not value.strip() and default is None:
            raise self.fail(key, "says nothing")
        return value

    def file(self, key: str) -> str:
        """Return the path of a file below the folder of the row."""
        value = self.text(key)
        if not is_inside(value):
            raise self.fail(key, f"must be a file below the folder of this row, got {_abbreviate(value)}")
        return value

    def choice(self, key: str, values: tuple[str, ...], default: str | None = None) -> str:
        value = self._take(key, default)
        if value not in values:
            raise self.fail(key, f"must be {' or '.join(values)}, got {_abbreviate(value)}")
        return str(value)

    def number(self, key: str, default: float | None = None) -> float:
        value = self._take(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not -1e6 <= value <= 1e6:
            raise self.fail(key, f"must be a number up to a million, got {_abbreviate(value)}")
        return float(value)

    def numbers(self, key: str, count: int) -> tuple[float, ...]:
        value = self._take(key)
        if not isinstance(value, list) or len(value) != count:
            raise self.fail(key, f"must be {count} numbers, got {_abbreviate(value)}")
        return tuple(_Table(self._file, self._name, {key: item}).number(key) for item in value)

    def whole(self, key: str, low: int, high: int, default: int | None = None) -> int:
        value = self._take(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self.fail(key, f"must be a whole number from {low} to {high}, got {_abbreviate(value)}")
        return value

    def face(self, size: int) -> tuple[CropPoints | None, str, float]:
        """Return five points or None, the kind of crop by the box, and its margin."""
        ways = {"template", "points", "crop"} & self._content.keys()
        if len(ways) != 1:
            raise UsageError(f"{self._file}: [face] must tell one of template, points and crop.")
        if "crop" in ways:
            crop, margin = self.choice("crop", CROPS), self.number("margin", 0)
            if not -1 < margin <= 4 or (margin and crop == "stretched"):
                raise self.fail("margin", f"must lie between -1 and 4, and be 0 for stretched boxes, got {margin:g}")
            return None, crop, margin
        if "points" in ways:
            return self._points(size), "points", 0.0
        self.choice("template", ("arcface-112",))
        points = arcface_points(size)
        if points is None:
            raise self.fail("template", f"is for sizes that are multiples of 112 or 128, not for {size}")
        return points, "points", 0.0

    def which(self) -> int | str:
        """Return the name or the index of the output to use."""
        if {"name", "index"} <= self._content.keys():
            raise self.fail("index", "and output.name exclude each other")
        return self.text("name") if "name" in self._content else self.whole("index", 0, 1000, 0)

    def hashes(self) -> tuple[tuple[str, str], ...]:
        for key, value in self._content.items():
            if not isinstance(value, str) or not SHA256.fullmatch(value):
                raise self.fail(key, "must be a SHA-256: 64 digits 0-9a-f")
            if not is_inside(key):
                raise self.fail(_abbreviate(key), "must be a file below the model's own folder")
        return tuple(sorted((key, str(value)) for key, value in self._content.items()))

    def finish(self) -> None:
        """Raise an error for an unknown key: a misspelled key would otherwise become a default."""
        for key in self._content:
            raise self.fail(_abbreviate(key) if not key.isidentifier() else key, "is no key of a model's row")

    def _points(self, size: int) -> CropPoints:
        value = self._take("points")
        rows = value if isinstance(value, list) else []
        if len(rows) != 5:
            raise self.fail("points", "must be five pairs of numbers")
        points = [_Table(self._file, self._name, {"points": row}).numbers("points", 2) for row in rows]
        if len(set(points)) < 5 or not all(-size < value < 2 * size for point in points for value in point):
            raise self.fail("points", "must be five different places in or near the crop")
        return cast("CropPoints", tuple(points))

    def _model_name(self) -> str:
        name = self.text("name")
        if not NAME.fullmatch(name):
            raise self.fail("name", f"must be of a-z, 0-9, dots, hyphens and underscores, got {_abbreviate(name)}")
        return name

    def _sha256(self) -> str | None:
        value = self.text("sha256", "").lower()
        if value and not SHA256.fullmatch(value):
            raise self.fail("sha256", "must be 64 digits 0-9a-f")
        return value or None

    def _take(self, key: str, default: object = None) -> object:
        value = self._content.pop(key, default)
        if value is None:
            raise self.fail(key, "is missing")
        return value


def _abbreviate(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
