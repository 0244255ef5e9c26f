"""Pickles as data: a small machine that builds plain values and calls only the functions that the caller passes.

A pickle is a program for a stack machine. This machine knows the instructions that state dicts and arrays need, of
protocols 2 to 5, and keeps a global name as a name: a reader maps each name to a function of visavis. Any other name,
and any other instruction, is an error. Python's instructions: ``pickletools``.

Python's own unpickler, even with a closed ``find_class``, allocates its memo up to the largest index that the pickle
names: gigabytes for a file of 20 bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from mmap import mmap
from typing import Any

MAX_STEPS = 2**18
"""Instructions; a state dict of a thousand tensors takes fewer than fifty thousand."""
MAX_INTEGER = 16
"""Bytes of an integer: torch's magic number has ten, a size eight."""
MAX_ARGUMENTS = 16


class PickleError(Exception):
    """The fault in the pickle, to be reported with the file's name."""


@dataclass(frozen=True, slots=True)
class Name:
    """A global name, never the object of that name."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"[:200]


Call = Callable[..., Any]


def load(
    data: bytes | mmap, at: int, end: int, calls: Mapping[str, Call | None], persistent: Call | None = None
) -> tuple[Any, int]:
    """Return the value of the pickle that begins at ``at`` and lies before ``end``, and where it ends.

    ``calls`` maps each permitted name (``module.name``) to the function that is called in its place, or to None where
    the name may only be mentioned. ``persistent`` is called with each persistent id. Raises PickleError; errors of the
    functions are passed on.
    """
    machine = _Machine(data, at, end, calls)
    machine.persistent = persistent
    return machine.run(), machine.at


class _Machine:
    persistent: Call | None = None

    def __init__(self, data: bytes | mmap, at: int, end: int, calls: Mapping[str, Call | None]) -> None:
        self._data, self.at, self._end, self._calls = data, at, end, calls
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}

    def run(self) -> Any:
        if self.take(1) != b"\x80" or not 2 <= self.integer(1) <= 5:
            raise PickleError("it is no pickle of protocol 2 to 5")
        for _ in range(MAX_STEPS):
            code = self.take(1)[0]
            if code == STOP:
                return self.pop()
            if code not in INSTRUCTIONS:
                raise PickleError(f"it holds the instruction {code:#04x}, which no weights need")
            INSTRUCTIONS[code](self)
        raise PickleError(f"it holds more than {MAX_STEPS} instructions")

    # --- bytes

    def take(self, count: int) -> bytes:
        self.at += count
        if self.at > self._end:
            raise PickleError("it ends early")
        return self._data[self.at - count : self.at]

    def integer(self, size: int) -> int:
        return int.from_bytes(self.take(size), "little")

    def sized(self, width: int) -> bytes:
        return self.take(self.integer(width))

    def line(self) -> str:
        end = self._data.find(b"\n", self.at, self.at + 200)
        if end < 0:
            raise PickleError("it holds a name that does not end")
        return _decode_text(self.take(end + 1 - self.at)[:-1])

    def long(self, width: int) -> int:
        size = self.integer(width)
        if size > MAX_INTEGER:
            raise PickleError(f"it holds an integer of {size} bytes")
        return int.from_bytes(self.take(size), "little", signed=True)

    # --- the stack

    def push(self, value: Any) -> None:
        self._stack.append(value)

    def pop(self, kind: type | tuple[type, ...] = object) -> Any:
        if len(self._stack) <= (self._marks[-1] if self._marks else 0):
            raise PickleError("it takes more from the stack than is there")
        value = self._stack.pop()
        if not isinstance(value, kind):
            raise PickleError(f"it uses a {type(value).__name__} where that makes no sense")
        return value

    def top(self, kind: type) -> Any:
        self.push(value := self.pop(kind))
        return value

    def several(self, count: int) -> tuple[Any, ...]:
        return tuple([self.pop() for _ in range(count)][::-1])

    def mark(self) -> None:
        self._marks.append(len(self._stack))

    def since(self) -> list[Any]:
        if not self._marks:
            raise PickleError("it closes what it has not opened")
        at = self._marks.pop()
        values = self._stack[at:]
        del self._stack[at:]
        return values

    def put(self, number: int) -> None:
        self._memo[number] = self.top(object)

    def get(self, number: int) -> None:
        if number not in self._memo:
            raise PickleError("it recalls what it has not remembered")
        self.push(self._memo[number])

    # --- built values

    def items(self, pairs: list[Any]) -> None:
        into = self.top(dict)
        if len(pairs) % 2 or not all(isinstance(key, str | int) for key in pairs[::2]):
            raise PickleError("it holds a dict with keys that are neither text nor numbers")
        into.update(zip(pairs[::2], pairs[1::2], strict=True))

    def name(self, module: Any, name: Any) -> None:
        if not isinstance(module, str) or not isinstance(name, str):
            raise PickleError("it asks for a name that is no text")
        requested = Name(module, name)
        if str(requested) not in self._calls:
            raise PickleError(f"it asks for {requested}")
        self.push(requested)

    def call(self) -> None:
        arguments, name = self.pop(tuple), self.pop(Name)
        function = self._calls[str(name)]
        if function is None or len(arguments) > MAX_ARGUMENTS:
            raise PickleError(f"it calls {name}")
        self.push(self._call_guarded(function, arguments, str(name)))

    def _call_guarded(self, function: Call, arguments: tuple[Any, ...], name: str) -> Any:
        """Call a function of visavis; PickleError if it cannot use the arguments."""
        try:
            return function(*arguments)
        except (TypeError, ValueError, AttributeError, LookupError, OverflowError) as error:
            raise PickleError(f"it gives {name} what makes no sense to it") from error

    def build(self) -> None:
        """Give an object its state: only a Stateful object or a dict takes one."""
        state, into = self.pop(), self.top(object)
        if isinstance(into, Stateful):
            self._call_guarded(into.set_state, (state,), type(into).__name__)
        elif not isinstance(into, dict):
            raise PickleError(f"it gives a state to a {type(into).__name__}")

    def named_id(self) -> None:
        if self.persistent is None:
            raise PickleError("it points to what lies outside")
        self.push(self.persistent(self.pop()))


class Stateful:
    """Base class of objects that take the state that a pickle gives after the call."""

    def set_state(self, state: Any) -> None:
        """Take the state; PickleError where it is not valid."""
        raise NotImplementedError


def _decode_text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise PickleError("it holds text that is not UTF-8") from error


def _decode_latin(data: bytes) -> str:
    """Decode Python 2's str, which is bytes or ASCII."""
    return data.decode("latin-1")


STOP = ord(".")
INSTRUCTIONS: dict[int, Callable[[_Machine], None]] = {
    ord("("): _Machine.mark,
    ord("0"): lambda m: (m.pop(), None)[1],
    ord("1"): lambda m: (m.since(), None)[1],
    ord("2"): lambda m: m.push(m.top(object)),
    ord("N"): lambda m: m.push(None),
    0x88: lambda m: m.push(True),
    0x89: lambda m: m.push(False),
    ord("K"): lambda m: m.push(m.integer(1)),
    ord("M"): lambda m: m.push(m.integer(2)),
    ord("J"): lambda m: m.push(int.from_bytes(m.take(4), "little", signed=True)),
    0x8A: lambda m: m.push(m.long(1)),
    0x8B: lambda m: m.push(m.long(4)),
    ord("G"): lambda m: m.push(struct.unpack(">d", m.take(8))[0]),
    ord("U"): lambda m: m.push(_decode_latin(m.sized(1))),
    ord("T"): lambda m: m.push(_decode_latin(m.sized(4))),
    ord("C"): lambda m: m.push(m.sized(1)),
    ord("B"): lambda m: m.push(m.sized(4)),
    0x8E: lambda m: m.push(m.sized(8)),
    0x8C: lambda m: m.push(_decode_text(m.sized(1))),
    ord("X"): lambda m: m.push(_decode_text(m.sized(4))),
    0x8D: lambda m: m.push(_decode_text(m.sized(8))),
    ord(")"): lambda m: m.push(()),
    0x85: lambda m: m.push(m.several(1)),
    0x86: lambda m: m.push(m.several(2)),
    0x87: lambda m: m.push(m.several(3)),
    ord("t"): lambda m: m.push(tuple(m.since())),
    ord("]"): lambda m: m.push([]),
    ord("l"): lambda m: m.push(m.since()),
    ord("a"): lambda m: (value := m.pop(), m.top(list).append(value))[1],
    ord("e"): lambda m: (values := m.since(), m.top(list).extend(values))[1],
    ord("}"): lambda m: m.push({}),
    ord("s"): lambda m: m.items(list(m.several(2))),
    ord("u"): lambda m: m.items(m.since()),
    ord("q"): lambda m: m.put(m.integer(1)),
    ord("r"): lambda m: m.put(m.integer(4)),
    0x94: lambda m: m.put(len(m._memo)),
    ord("h"): lambda m: m.get(m.integer(1)),
    ord("j"): lambda m: m.get(m.integer(4)),
    ord("c"): lambda m: m.name(m.line(), m.line()),
    0x93: lambda m: m.name(*(m.several(2))),
    ord("R"): _Machine.call,
    0x81: _Machine.call,
    ord("b"): _Machine.build,
    ord("Q"): _Machine.named_id,
    0x95: lambda m: (m.take(8), None)[1],
}
