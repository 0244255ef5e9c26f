"""Where the members of a zip archive lie, for archives that store them as they are, as torch does."""

from __future__ import annotations

from visavis.weights.readers._file_bytes import FileBytes

END, END64, LOCATOR64, ENTRY, LOCAL = (b"PK" + mark for mark in (b"\5\6", b"\6\6", b"\6\7", b"\1\2", b"\3\4"))
COMMENT = 2**16
MAX_MEMBERS = 2**16
MAX_EXTRA = 256


def members(file: FileBytes) -> dict[str, tuple[int, int]]:
    """Name -> where its bytes begin, and how many they are. WeightsError where one is packed or named twice."""
    at, count = _directory(file)
    found: dict[str, tuple[int, int]] = {}
    for _ in range(count):
        head = file.take(at, 46)
        if head[:4] != ENTRY:
            raise file.fail("no entry of an archive", at)
        method, packed, size = _number(head, 10, 2), _number(head, 20, 4), _number(head, 24, 4)
        lengths = [_number(head, 28 + 2 * i, 2) for i in range(3)]  # name, extra, comment
        if lengths[1] > MAX_EXTRA:
            raise file.fail(f"an entry with {lengths[1]} bytes beside it", at)
        name = _name(file, at + 46, lengths[0])
        extra = file.take(at + 46 + lengths[0], lengths[1])
        packed, size, start = _large([size, packed, _number(head, 42, 4)], extra, file, at)
        if method or packed != size or name in found:
            raise file.fail(f"{name!r} is packed or there twice", at)
        found[name] = (_start(file, start), size)
        file.check(*found[name])
        at += 46 + sum(lengths)
    return found


def _directory(file: FileBytes) -> tuple[int, int]:
    """Where the directory begins, and how many entries it has."""
    at = file.data.rfind(END, max(0, file.size - COMMENT - 22))
    if at < 0:
        raise file.fail("an archive without its end")
    file.check(at, 22)
    count, start = file.integer(at + 10, 2), file.integer(at + 16, 4)
    if at >= 20 and file.take(at - 20, 4) == LOCATOR64 and (count == 0xFFFF or start == 0xFFFFFFFF):
        end = file.integer(at - 12, 8)
        if file.take(end, 4) != END64:
            raise file.fail("an archive without its end", end)
        count, start = file.integer(end + 32, 8), file.integer(end + 48, 8)
    if count > MAX_MEMBERS:
        raise file.fail(f"an archive of {count} members", at)
    return start, count


def _number(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "little")


def _name(file: FileBytes, at: int, size: int) -> str:
    try:
        return file.take(at, size).decode()
    except UnicodeDecodeError as error:
        raise file.fail("a member whose name is not UTF-8", at) from error


def _large(numbers: list[int], extra: bytes, file: FileBytes, at: int) -> tuple[int, int, int]:
    """Packed size, size and start; those that four bytes cannot hold stand in the extra field of kind 1, in order."""
    place = 0
    while place + 4 <= len(extra) and _number(extra, place, 2) != 1:
        place += 4 + _number(extra, place + 2, 2)
    place += 4
    for index, number in enumerate(numbers):
        if number == 0xFFFFFFFF:
            if place + 8 > len(extra):
                raise file.fail("a member without its size", at)
            numbers[index] = _number(extra, place, 8)
            place += 8
    size, packed, start = numbers
    return packed, size, start


def _start(file: FileBytes, at: int) -> int:
    head = file.take(at, 30)
    if head[:4] != LOCAL:
        raise file.fail("no member of an archive", at)
    return at + 30 + _number(head, 26, 2) + _number(head, 28, 2)
