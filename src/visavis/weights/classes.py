"""Names of the people that closed-set networks were trained to tell apart, in the order of their outputs."""

from __future__ import annotations

import re

from visavis.errors import WeightsError
from visavis.weights import store
from visavis.weights.readers import npy
from visavis.weights.row import WeightSpec

BYTES = re.compile(r"""^b(?P<quote>['"])(?P<name>.*)(?P=quote)$""", re.DOTALL)
"""What Python prints of bytes; keras-vggface's own decode_predictions answers with it."""


def class_names(row: WeightSpec, *, count: int) -> tuple[str, ...]:
    """Return clean names, one an output of the network; WeightsError where the list has not ``count`` of them."""
    path = store.find(row)
    found = npy.read(path)
    if found.shape != (count,) or found.dtype.kind != "U":
        raise WeightsError(f"{path} is no list of {count:,} names: it holds {found.dtype} of shape {found.shape}.")
    return tuple(clean(str(name)) for name in found)


def clean(name: str) -> str:
    """Take away what is no part of a name: blanks around it, quotes, and the b of bytes that were printed."""
    name = name.strip()
    if printed := BYTES.match(name):
        name = printed["name"].strip()
    while len(name) > 1 and name[0] == name[-1] and name[0] in "'\"":
        name = name[1:-1].strip()
    return name
