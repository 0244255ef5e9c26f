"""HDF5 as Keras and h5py write it: objects, groups and the attributes that are strings.

Groups are kept as symbol tables (B-tree, local heap) or as link messages. Written with ``libver="latest"``, a large
group or many attributes lie in a fractal heap; Keras never asks for that, and such a file is refused. Layout facts:
HDF5 File Format Specification 3.0. Addresses and lengths of 8 bytes only, as everywhere today.
"""

from __future__ import annotations

from dataclasses import dataclass

from visavis.types import Floats
from visavis.weights.readers import _hdf5_data
from visavis.weights.readers._file_bytes import FileBytes

UNDEFINED = 2**64 - 1
MAX_NAME = 4096
MAX_DEPTH = 64
"""Levels of a B-tree, and parts of a path."""

DATASPACE, LINK_INFO, DATATYPE, LINK, LAYOUT, FILTERS = 0x01, 0x02, 0x03, 0x06, 0x08, 0x0B
ATTRIBUTE, CONTINUATION, SYMBOL_TABLE, ATTRIBUTE_INFO = 0x0C, 0x10, 0x11, 0x15


@dataclass(frozen=True, slots=True)
class Message:
    """One message of an object's header: its kind, where its data lies, and whether that only points elsewhere."""

    kind: int
    at: int
    size: int
    shared: bool


class Hdf5:
    """The objects of one file, by the address of their headers; ``root`` is the uppermost group."""

    def __init__(self, file: FileBytes) -> None:
        self.file = file
        self._headers: dict[int, list[Message]] = {}
        self._groups: dict[int, dict[str, int]] = {}
        self._heaps: dict[int, dict[int, tuple[int, int]]] = {}
        self.root = self._superblock()

    def _superblock(self) -> int:
        if self.file.take(0, 8) != b"\x89HDF\r\n\x1a\n":
            raise self.file.fail("it does not begin as HDF5 does", 0)
        version = self.file.integer(8, 1)
        if version > 3:
            raise self.file.fail(f"superblock version {version}", 8)
        sizes, base = ((13, 24 if version == 0 else 28), (9, 12))[version > 1]
        root = base + (40 if version < 2 else 24)
        if self.file.take(sizes, 2) != b"\x08\x08" or self.file.integer(base, 8):
            raise self.file.fail("addresses of other than 8 bytes, or a block before the file", sizes)
        return self.file.integer(root, 8)

    # --- headers

    def messages(self, address: int, kind: int) -> list[Message]:
        """Messages of one kind in an object's header."""
        if address not in self._headers:
            self._headers[address] = self._header(address)
        found = [message for message in self._headers[address] if message.kind == kind]
        if any(message.shared for message in found):
            raise self.file.fail("a header that shares its parts with others", address)
        return found

    def _header(self, address: int) -> list[Message]:
        second = self.file.take(address, 4) == b"OHDR"
        if second:
            at, size, head = self._second_header(address)
        elif self.file.integer(address, 1) == 1:
            at, size, head = address + 16, self.file.integer(address + 8, 4), 8
        else:
            raise self.file.fail("no object header", address)
        blocks, seen, found = [(at, size)], {at}, []
        for at, size in blocks:
            for message in self._block(at, size, head):
                found.append(message)
                if message.kind == CONTINUATION:
                    start, length = self._pair(message.at)
                    if second:
                        self._expect(start, b"OCHK")
                        start, length = start + 4, length - 8  # without the mark and the checksum
                    if start in seen:
                        raise self.file.fail("a header that goes on within itself", start)
                    seen.add(start)
                    blocks.append((start, length))
        return found

    def _second_header(self, address: int) -> tuple[int, int, int]:
        """Where the messages of a version 2 header begin, how long they are, and the size of each one's head."""
        version, flags = self.file.take(address + 4, 2)
        if version != 2:
            raise self.file.fail(f"an object header of version {version}", address)
        at = address + 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
        width = 1 << (flags & 3)
        return at + width, self.file.integer(at, width), 6 if flags & 0x04 else 4

    def _block(self, at: int, size: int, head: int) -> list[Message]:
        self.file.check(at, size)
        end, found = at + size, []
        while at + head <= end:
            start = self.file.take(at, head)
            kind = int.from_bytes(start[:2], "little") if head == 8 else start[0]
            length, flags = (start[2:4], start[4]) if head == 8 else (start[1:3], start[3])
            message = Message(kind, at + head, int.from_bytes(length, "little"), bool(flags & 0x02))
            at = message.at + message.size
            if at > end:
                raise self.file.fail("a message that is longer than its header", message.at)
            found.append(message)
        return found

    # --- groups

    def find(self, address: int, path: str) -> int:
        """The address of an object below a group; a name may go through several groups."""
        for name in path.split("/", MAX_DEPTH):
            links = self.links(address)
            if name not in links:
                raise self.file.fail(f"there is no {path[:100]!r}", address)
            address = links[name]
        return address

    def links(self, address: int) -> dict[str, int]:
        """What a group holds: name -> address of its header."""
        if address not in self._groups:
            links: dict[str, int] = {}
            for message in self.messages(address, SYMBOL_TABLE):
                tree, heap = self._pair(message.at)
                links.update(self._symbols(tree, heap))
            for message in self.messages(address, LINK):
                links.update(self._link(message))
            for message in self.messages(address, LINK_INFO):
                counted = 8 if self.file.integer(message.at + 1, 1) & 1 else 0
                self._in_the_header(message.at + 2 + counted)
            self._groups[address] = links
        return self._groups[address]

    def _in_the_header(self, at: int) -> None:
        if self.file.integer(at, 8) != UNDEFINED:
            raise self.file.fail(
                "links or attributes in a fractal heap (h5py's libver='latest'), which Keras avoids", at
            )

    def _link(self, message: Message) -> dict[str, int]:
        version, flags = self.file.take(message.at, 2)
        at = message.at + 2
        hard = not flags & 0x08 or self.file.integer(at, 1) == 0
        at += bool(flags & 0x08) + (8 if flags & 0x04 else 0) + bool(flags & 0x10)
        width = 1 << (flags & 3)
        length = self.file.integer(at, width)
        if version != 1 or length > MAX_NAME:
            raise self.file.fail(f"a link of version {version} with a name of {length} bytes", at)
        name = self._text(self.file.take(at + width, length), at)
        return {name: self.file.integer(at + width + length, 8)} if hard else {}

    def _symbols(self, tree: int, heap: int) -> dict[str, int]:
        self._expect(heap, b"HEAP")
        size, _ = self._pair(heap + 8)
        names = self.file.integer(heap + 24, 8)
        self.file.check(names, size)
        links = {}
        for _, node in self.tree(tree, 0, 8):
            self._expect(node, b"SNOD")
            for index in range(self.file.integer(node + 6, 2)):
                name, address = self._pair(node + 8 + 40 * index)
                if name >= size:
                    raise self.file.fail("a name outside its heap", names + name)
                end = self.file.data.find(b"\0", names + name, names + min(name + MAX_NAME, size))
                if end < 0:
                    raise self.file.fail("a name that does not end", names + name)
                links[self._text(self.file.take(names + name, end - names - name), names)] = address
        return links

    def tree(self, address: int, kind: int, key: int) -> list[tuple[int, int]]:
        """The leaves of a version 1 B-tree as (where the key lies, where it points); ``key`` is a key's size."""
        nodes, seen, leaves = [(address, -1)], {address}, []
        for node, level in nodes:
            self._expect(node, b"TREE")
            found, below = self.file.take(node + 4, 2)
            if found != kind or (below != level and level >= 0) or below > MAX_DEPTH:
                raise self.file.fail("a tree whose levels do not follow one another", node)
            for index in range(self.file.integer(node + 6, 2)):
                at = node + 24 + index * (key + 8)
                child = self.file.integer(at + key, 8)
                if below == 0:
                    leaves.append((at, child))
                elif child in seen:
                    raise self.file.fail("a tree that goes on within itself", at)
                else:
                    seen.add(child)
                    nodes.append((child, below - 1))
        return leaves

    # --- contents

    def strings(self, address: int, name: str) -> list[str] | None:
        """An attribute that holds strings, or None where the object has none of that name."""
        for message in self.messages(address, ATTRIBUTE):
            version, _, *sizes = self.file.take(message.at, 8)
            if not 1 <= version <= 3:
                raise self.file.fail(f"an attribute of version {version}", message.at)
            lengths = [int.from_bytes(sizes[i : i + 2], "little") for i in (0, 2, 4)]
            at, places = message.at + (9 if version == 3 else 8), []
            for length in lengths:
                places.append(at)
                at += -(-length // 8) * 8 if version == 1 else length
            if self.file.take(places[0], lengths[0]).rstrip(b"\0") == name.encode():
                return self._values(places[1], places[2], at)
        for message in self.messages(address, ATTRIBUTE_INFO):
            counted = 2 if self.file.integer(message.at + 1, 1) & 1 else 0
            self._in_the_header(message.at + 2 + counted)
        return None

    def _values(self, kind: int, space: int, at: int) -> list[str]:
        count = self.file.elements(_hdf5_data.shape(self.file, space))
        if count == 0:  # of whatever: an empty list has no type, and h5py writes floats
            return []
        size, variable = _hdf5_data.string_type(self.file, kind)
        self.file.check(at, count * size)
        starts = range(at, at + count * size, size)
        return [self._text(self._heap_object(one) if variable else self.file.take(one, size), one) for one in starts]

    def _heap_object(self, at: int) -> bytes:
        """A string of any length: its length, the address of a heap and its number there."""
        length, heap, number = self.file.integer(at, 4), self.file.integer(at + 4, 8), self.file.integer(at + 12, 4)
        if length == 0:
            return b""
        if heap not in self._heaps:
            self._heaps[heap] = self._heap(heap)
        start, size = self._heaps[heap].get(number, (0, 0))
        if not 0 < length <= min(size, MAX_NAME):
            raise self.file.fail(f"a string of {length} bytes that is not there", at)
        return self.file.take(start, length)

    def _heap(self, address: int) -> dict[int, tuple[int, int]]:
        self._expect(address, b"GCOL")
        end = address + self.file.integer(address + 8, 8)
        at, found = address + 16, {}
        while at + 16 <= end and (number := self.file.integer(at, 2)):  # object 0 is the free rest
            size = self.file.integer(at + 8, 8)
            self.file.check(at + 16, size)
            found[number] = (at + 16, size)
            at += 16 + -(-size // 8) * 8
        return found

    def dataset(self, address: int) -> Floats:
        """The values of a dataset of floats, rows first."""
        parts = [self.messages(address, kind) for kind in (DATASPACE, DATATYPE, LAYOUT)]
        if not all(parts):
            raise self.file.fail("an object that is no dataset", address)
        space, kind, layout = (messages[0].at for messages in parts)
        filters = [message.at for message in self.messages(address, FILTERS)]
        return _hdf5_data.read(self, space=space, kind=kind, layout=layout, filters=filters)

    # --- small things

    def _pair(self, at: int) -> tuple[int, int]:
        return self.file.integer(at, 8), self.file.integer(at + 8, 8)

    def _expect(self, at: int, mark: bytes) -> None:
        if self.file.take(at, 4) != mark:
            raise self.file.fail(f"no {mark.decode()}", at)

    def _text(self, data: bytes, at: int) -> str:
        try:
            return data.rstrip(b"\0").decode()
        except UnicodeDecodeError as error:
            raise self.file.fail("a name that is not UTF-8", at) from error
