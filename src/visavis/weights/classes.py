"""Names of the people that closed-set networks were trained to distinguish, in the order of their outputs."""

from __future__ import annotations

import re

from visavis.errors import WeightsError
from visavis.weights import store
from visavis.weights.readers import npy
from visavis.weights.row import WeightSpec

BYTES = re.compile(r"""^b(?P<quote>['"])(?P<name>.*)(?P=quote)$""", re.DOTALL)
"""Text of printed Python bytes, which keras-vggface's own decode_predictions returns."""


def class_names(row: WeightSpec, *, count: int) -> tuple[str, ...]:
    """Return clean names, one per output of the network; WeightsError unless the list has ``count`` names."""
    path = store.find(row)
    names = npy.read(path)
    if names.shape != (count,) or names.dtype.kind != "U":
        raise WeightsError(f"{path} is no list of {count:,} names: it holds {names.dtype} of shape {names.shape}.")
    return tuple(clean(str(name)) for name in names)


def clean(name: str) -> str:
    """Remove what is not part of a name: surrounding blanks, quotes, and the b of printed bytes."""
    name = name.strip()
    if printed := BYTES.match(name):
        name = printed["name"].strip()
    while len(name) > 1 and name[0] == name[-1] and name[0] in "'\"":
        name = name[1:-1].strip()
    return name
