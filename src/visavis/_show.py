"""How results show themselves: a short ``repr``, and HTML in Jupyter.

The HTML is made in :mod:`visavis.display`, which needs most of the package. It is named here, not imported, and loaded
when a notebook asks for the first picture.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from importlib import import_module
from typing import Any

DISPLAY = "visavis.display"
SHOWN_NUMBERS = 4
HASH_DIGITS = 64


class Shown:
    """Base class of results that show themselves. With ``@dataclass(repr=False)`` the ``repr`` is short."""

    __slots__ = ()

    def __repr__(self) -> str:
        item: Any = self
        values = [(field.name, getattr(self, field.name), field.default) for field in fields(item) if field.repr]
        shown = [f"{name}={brief(value)}" for name, value, default in values if value is not default]
        return f"{type(self).__name__}({', '.join(shown)})"

    def _repr_html_(self) -> str | None:
        html: str | None = import_module(DISPLAY).html(self)
        return html


def brief(value: Any) -> str:
    """Return the text of a value of any size: of long arrays and tuples, their shape or number."""
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        return _brief_array(value)
    if isinstance(value, tuple):
        return _brief_tuple(value)
    if is_dataclass(value):
        return f"<{type(value).__name__}>"
    if isinstance(value, str) and len(value) == HASH_DIGITS:
        return repr(value[:12] + "...")
    return f"{value:.4g}" if isinstance(value, float) else repr(value)


def _brief_array(array: Any) -> str:
    if array.size > SHOWN_NUMBERS or not array.shape:
        return f"<{array.dtype} {array.shape}>"
    return "[" + ", ".join(f"{number:g}" for number in array.ravel().round(2).tolist()) + "]"


def _brief_tuple(values: tuple[Any, ...]) -> str:
    if len(values) > SHOWN_NUMBERS or any(map(is_dataclass, values)):
        return f"<{len(values)} {type(values[0]).__name__}>"
    return f"({', '.join(map(brief, values))})"


def percent(value: float | None) -> str:
    """Format a probability: "97.3%", beyond 0.1% and 99.9% as "<0.1%" and ">99.9%", and None as "-"."""
    if value is None:
        return "-"
    return ">99.9%" if value > 0.999 else "<0.1%" if value < 0.001 else f"{value:.1%}"
