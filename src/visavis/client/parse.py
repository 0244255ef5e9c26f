"""Results of the library from their plain values in JSON: the way back from ``to_dict``."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import numpy as np

from visavis.types import Characteristic, Face, Lookalike, PhotoFaces, Quality

T = TypeVar("T")


def parse(kind: type[T], line: Mapping[str, Any]) -> T:
    """Return a result dataclass from a dictionary with a value for each field; missing ones keep their default."""
    hints = _read_hints(cast(Any, kind))
    return kind(**{name: _parse(hints[name], value) for name, value in line.items() if name in hints})


def parse_face(line: Mapping[str, Any]) -> Face:
    """Return a face from a line with its box, score and landmarks."""
    return parse(Face, {name: line[name] for name in ("box", "score", "landmarks")})


def parse_photo(line: Mapping[str, Any], *, name: str, embedded: bool = False) -> PhotoFaces:
    """Return a photo with its faces, without its pixels; ``name`` is what the caller calls it.

    ``embedded`` is whether the faces have embeddings.
    """
    rows: Sequence[Mapping[str, Any]] = line["faces"]
    return PhotoFaces(
        name=name,
        status=line["status"],
        faces=tuple(parse_face(row) for row in rows),
        quality=tuple(parse(Quality, {"score": row["quality"], **row["quality_parts"]}) for row in rows),
        embeddings=np.array([row["embedding"] for row in rows], np.float32) if embedded else None,
        message=line.get("message", ""),
        captured=_parse(datetime | None, line.get("captured")),
    )


def parse_lookalike(line: Mapping[str, Any]) -> Lookalike:
    """Return a look-alike; ``face`` is the number in its photo."""
    return parse(Lookalike, {"number": line.get("face"), **line})


def parse_characteristic(line: Mapping[str, Any]) -> Characteristic:
    """Return a characteristic face; ``face`` is the number in its photo."""
    values = {name: line[name] for name in ("photo", "distance", "quality", "outlier", "sha256")}
    return Characteristic(number=line["face"], face=parse_face(line), **values)


@cache
def _read_hints(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {item.name: hints[item.name] for item in fields(cast(Any, kind)) if item.init}


def _parse(hint: Any, value: Any) -> Any:
    """Return a value of JSON as the type of a field."""
    origin = get_origin(hint) or hint
    arguments = get_args(hint)
    if value is None or not (isinstance(origin, type) or origin is Union):
        return value
    if origin in (Union, types.UnionType):
        return _parse(next(argument for argument in arguments if argument is not type(None)), value)
    if origin is tuple:
        kinds = [arguments[0]] * len(value) if arguments[1:] == (Ellipsis,) else arguments
        return tuple(_parse(kind, item) for kind, item in zip(kinds, value, strict=True))
    return _convert(cast(Any, origin), arguments, value)


def _convert(kind: type, arguments: tuple[Any, ...], value: Any) -> Any:
    if is_dataclass(kind):
        return parse(kind, value)
    convert = next((convert for base, convert in _CONVERTERS.items() if issubclass(kind, base)), _keep)
    return convert(kind, arguments, value)


def _keep(_kind: type, _arguments: tuple[Any, ...], value: Any) -> Any:
    return value


_CONVERTERS: Mapping[type, Callable[[Any, tuple[Any, ...], Any], Any]] = {
    np.ndarray: lambda _, arguments, value: np.array(value, get_args(arguments[1])[0]),
    date: lambda kind, _, value: kind.fromisoformat(value),  # a datetime is a date too
    float: lambda _kind, _arguments, value: float(value),
}
