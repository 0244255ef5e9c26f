"""Text files that users write: read at once, with errors that name the file and its line, and the photos in them.

The text is UTF-8, or UTF-16 with a byte order mark, as spreadsheets write it. A photo is named as seen from a folder,
and is found also where the name has backslashes or another form of Unicode than the file.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from visavis import input_files
from visavis.errors import UsageError
from visavis.images import shown
from visavis.images.photo_files import nfc
from visavis.structured_text import parse_json

LONGEST_LINE = 1 << 20
"""Characters of a line of JSON; what it becomes takes twenty times as much memory."""
UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def read_text(path: Path, *, most: int = input_files.LISTS) -> str:
    """Return the text without a byte order mark; UsageError where the file cannot be read or is no such text.

    A file of more than ``most`` bytes cannot be read.
    """
    data = read_data(path, most=most)
    try:
        return decode(data)
    except UnicodeDecodeError as error:
        raise UsageError(f"{shown(str(path))} is no text in UTF-8.") from error


def read_data(path: Path, *, most: int = input_files.LISTS) -> bytes:
    """Return the bytes of a file; UsageError where it cannot be read, or has more than ``most`` bytes."""
    try:
        return input_files.read_file(path, most=most)
    except OSError as error:
        raise UsageError(f"{shown(str(path))} cannot be read: {error.strerror or error}.") from error


def decode(data: bytes) -> str:
    """Return the text of bytes, without a byte order mark; UnicodeDecodeError where they are no text."""
    return data.decode("utf-16" if data.startswith(UTF_16_MARKS) else "utf-8-sig")


def malformed(number: int, what: str) -> UsageError:
    """Return the error of a line, counted from 1."""
    return UsageError(f"line {number}: {what}")


@contextmanager
def errors_in(path: Path) -> Iterator[None]:
    """Put the name of the file before the messages of the errors that are raised in the block."""
    try:
        yield
    except UsageError as error:
        raise UsageError(f"{shown(str(path))}, {error}") from error


def find_photo(folder: Path, name: str) -> Path:
    """Return the path of a photo that a file names as seen from ``folder``; as it is written if there is no such file.

    A name with backslashes is tried with slashes too, and every name in Unicode's forms NFC and NFD. Raises UsageError
    for standard input and other files that are open already: a list of others would wait for what is typed.
    """
    if input_files.is_stream(str(folder / name)):
        raise UsageError(f"{shown(name)} is no photo in a file: put the photo into a file, and name that.")
    for spelled in dict.fromkeys((name, name.replace("\\", "/"))):
        for form in dict.fromkeys((spelled, nfc(spelled), unicodedata.normalize("NFD", spelled))):
            try:
                if (folder / form).exists():
                    return folder / form
            except (OSError, ValueError):  # not a valid file name
                continue
    return folder / name


def json_lines(text: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    """Yield number and object of each non-empty line; UsageError for a line without an object."""
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        if len(line) > LONGEST_LINE:
            raise malformed(number, f"a line has {LONGEST_LINE:,} characters at most.")
        try:
            value = parse_json(line)
        except ValueError as error:
            raise malformed(number, f"this is no JSON: {shown(line)}.") from error
        if not isinstance(value, dict):
            raise malformed(number, f"expected an object with photo and cluster, got {shown(line)}.")
        yield number, value
