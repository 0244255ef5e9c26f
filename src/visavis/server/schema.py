"""Schemas of the answers, made of the library's own result types: what ``to_dict`` returns is what clients get."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import date
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np
from pydantic import BaseModel, ConfigDict, create_model

from visavis.plain import PICTURES


@cache
def model_of(kind: type) -> type[BaseModel]:
    """Return the pydantic model of a result dataclass: a field each, arrays as lists of numbers, without pictures."""
    hints = get_type_hints(kind)
    values: dict[str, Any] = {}
    for item in fields(kind):
        if item.name != PICTURES:
            optional = item.default is not MISSING or item.default_factory is not MISSING
            values[item.name] = (_translate(hints[item.name]), None if optional else ...)
    description = (kind.__doc__ or "").partition("\n")[0]
    config = ConfigDict(json_schema_extra={"description": description}, extra="forbid")
    return create_model(kind.__name__, __config__=config, **values)


def _translate(hint: Any) -> Any:
    """Return the type of a value in JSON."""
    origin, arguments = get_origin(hint) or hint, get_args(hint)
    if origin in (Union, types.UnionType):
        return Union[tuple(_translate(argument) for argument in arguments)]  # noqa: UP007 - made at run time
    if origin is tuple:
        return list[_translate(arguments[0])] if arguments[1:] == (Ellipsis,) else list[Any]  # type: ignore[misc]
    if not isinstance(origin, type):
        return hint
    if is_dataclass(origin):
        return model_of(origin)
    return next((kind for base, kind in _IN_JSON.items() if issubclass(origin, base)), hint)


_IN_JSON = {np.ndarray: list[Any], Mapping: dict[str, Any], date: str}
"""Types whose values become others; a datetime is a date too."""
