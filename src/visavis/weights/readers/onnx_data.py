"""Which other files an ONNX file reads its weights from: the format lets any tensor name one, with any path.

Field numbers are those of ``onnx.proto`` (version 1.16). Nothing but the names is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from visavis.weights.readers._file_bytes import FileBytes
from visavis.weights.readers._protobuf import Message

MODEL = {7: "graph", 25: "function"}
INSIDE: dict[str, dict[int, str]] = {
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
"""What each message may hold that leads to a tensor: kinds by field number."""
EXTERNAL_DATA, DATA_LOCATION = 13, 14
KEY, VALUE = 1, 2
DEPTH = 50
"""Graphs within graphs; real ones hold a few."""


def external_files(path: Path) -> tuple[str, ...]:
    """Names of the files, as written in the ONNX file; WeightsError where it is none."""
    file = FileBytes(path, "an ONNX file")
    model = Message(file, (0, file.size))
    found = set(_named(file, model, MODEL, DEPTH))
    return tuple(sorted(found))


def _named(file: FileBytes, message: Message, parts: dict[int, str], depth: int) -> Iterator[str]:
    if depth == 0:
        raise file.fail("graphs within graphs without end")
    for number, kind in parts.items():
        for part in message.messages(number):
            if kind == "tensor" and (part.integer(DATA_LOCATION) or part.fields.get(EXTERNAL_DATA)):
                yield _location(part)
            yield from _named(file, part, INSIDE[kind], depth - 1)


def _location(tensor: Message) -> str:
    entries = {entry.text(KEY): entry.text(VALUE) for entry in tensor.messages(EXTERNAL_DATA)}
    return entries.get("location", "")
