"""The process in which h5py reads a file of Keras; it writes the arrays to its output, as ``h5.receive`` expects them.

The attribute ``layer_names`` names a group per layer, and the group's attribute ``weight_names`` names its datasets. A
slash in either name leads through nested groups. An attribute larger than 64 kB is split into ``weight_names0``,
``...1``. No other file is read: soft and external links, virtual datasets and external storage are refused.
"""

from __future__ import annotations

import codecs
import itertools
import json
import os
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from h5py import h5a, h5d, h5g, h5l, h5o, h5s, h5t

from visavis.confined import limit
from visavis.errors import WeightsError
from visavis.types import Floats
from visavis.weights.readers._file_bytes import FileBytes
from visavis.weights.readers.h5 import KIND

MAX_DEPTH = 64
DENSEST = 8
"""How many times larger than the file (and a few megabytes) the arrays of a compressed file may be."""
SPARE = 2**26
"""Bytes of memory beyond those of the arrays."""
FLOATS = [getattr(h5t, f"IEEE_F{kind}") for kind in ("16LE", "16BE", "32LE", "32BE", "64LE", "64BE")]
DEFLATE, SHUFFLE, FLETCHER32 = 1, 2, 3


def main(path: Path) -> None:
    """Write the arrays of a file, then null or an error."""
    file, end = FileBytes(path, KIND), None
    output = os.fdopen(sys.stdout.fileno(), "wb", closefd=False)  # with PYTHONUNBUFFERED sys.stdout may lose bytes
    try:
        for name, values in _read_weights(file):
            output.write(json.dumps([name, values.itemsize, values.shape]).encode() + b"\n")
            output.write(values.data)
    except WeightsError as error:
        end = str(error)
    except (OSError, LookupError, RuntimeError, ValueError, TypeError, MemoryError) as error:
        end = str(file.fail(" ".join(str(error).split())[:300]))
    output.write(json.dumps(end).encode() + b"\n")
    output.flush()


def _read_weights(file: FileBytes) -> Iterator[tuple[str, Floats]]:
    if sys.platform == "linux":
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit("RLIMIT_AS", pages * os.sysconf("SC_PAGESIZE") + 2 * DENSEST * file.size + SPARE)
    top = h5g.open(h5py.File(file.path, "r", locking=False).id, b"/")
    codecs.lookup("ascii")  # h5py needs it, and Python would open a file for it
    limit("RLIMIT_NOFILE", 0)  # no other file can be opened, whatever this file refers to
    if top.links.exists(b"model_weights"):
        top = _find(file, top, "model_weights")
    names = set()
    for layer in _read_names(file, top, b"layer_names"):
        group = _find(file, top, layer)
        for name in _read_names(file, group, b"weight_names"):
            if name in names:
                raise file.fail(f"two weights are called {name[:100]!r}")
            names.add(name)
            yield name, _read_dataset(file, _find(file, group, name))
    if not names:
        raise file.fail("no layer has weights")


def _find(file: FileBytes, place: Any, path: str) -> Any:
    """Return the object below a group; its name may lead through several groups."""
    for name in path.encode().split(b"/", MAX_DEPTH):
        named = isinstance(place, h5g.GroupID) and name not in (b"", b".") and b"/" not in name
        if not named or not place.links.exists(name) or place.links.get_info(name).type != h5l.TYPE_HARD:
            raise file.fail(f"there is no {path[:100]!r}")
        place = h5o.open(place, name)
    return place


def _read_names(file: FileBytes, group: Any, attribute: bytes) -> list[str]:
    exists = partial(h5a.exists, group)
    parts = (attribute + b"%d" % part for part in itertools.count())
    present = [attribute] if exists(attribute) else list(itertools.takewhile(exists, parts))
    if not present:
        raise file.fail(f"a group without {attribute.decode()}")
    return [name for part in present for name in _read_strings(file, h5a.open(group, part))]


def _read_strings(file: FileBytes, attribute: Any) -> list[str]:
    if file.elements(attribute.shape) == 0:  # of any type: an empty list has none, and h5py writes floats
        return []
    if not isinstance(attribute.get_type(), h5t.TypeStringID):
        raise file.fail("an attribute of other things than strings")
    file.spend(attribute.get_storage_size())
    values = np.empty(attribute.shape, attribute.dtype)
    attribute.read(values)
    return [value.decode() for value in values.ravel().tolist()]


def _read_dataset(file: FileBytes, data: Any) -> Floats:
    """Return the values of a dataset of floats, rows first; an error unless all of them are in the file."""
    if not isinstance(data, h5d.DatasetID):
        raise file.fail("an object that is no dataset")
    if data.get_type() not in FLOATS:
        raise file.fail("numbers that are not float16, float32 or float64")
    plan, kind = data.get_create_plist(), data.dtype.newbyteorder("=")
    if plan.get_external_count() or plan.get_layout() == h5d.VIRTUAL:
        raise file.fail("a dataset whose values lie in other files")
    size = file.elements(data.shape) * kind.itemsize
    if plan.get_layout() == h5d.CHUNKED:
        _check_chunks(file, data, plan, size)
    else:
        if data.get_storage_size() != size:
            raise file.fail("a dataset whose values were never written")
        file.spend(size)
    values = np.empty(data.shape, kind)
    data.read(h5s.ALL, h5s.ALL, values)
    return values


def _check_chunks(file: FileBytes, data: Any, plan: Any, size: int) -> None:
    filters = {plan.get_filter(index)[0] for index in range(plan.get_nfilters())}
    if other := filters - {DEFLATE, SHUFFLE, FLETCHER32}:
        raise file.fail(f"a dataset packed with filter {min(other)}; gzip and shuffle are read")
    packed, chunk = DENSEST if DEFLATE in filters else 1, plan.get_chunk()
    file.spend(size // packed)
    file.spend(file.elements(chunk) * data.dtype.itemsize // packed)
    for start in itertools.product(*map(range, [0] * len(chunk), data.shape, chunk)) if size else ():
        data.read_direct_chunk(start)  # raises an error for a missing chunk, for which h5py would give 0


if __name__ == "__main__":
    main(Path(sys.argv[1]))
