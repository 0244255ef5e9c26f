"""Find where a person appears in hours of video files; what was searched is remembered, so a run can be continued."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from visavis import input_files, permissions
from visavis.atomic import temporary_folder
from visavis.errors import NoFaceError, UnknownNameError, UsageError, VideoError, fault_of, reason_of
from visavis.images import shown
from visavis.plain import Plain
from visavis.printable import dump_json
from visavis.structured_text import parse_json
from visavis.videos.clips import describe_content
from visavis.videos.events import refuse_other_file
from visavis.videos.recognize import VideoOptions, VideoRecognizer
from visavis.videos.source import open_source

if TYPE_CHECKING:
    from visavis.gallery import Gallery, Person
    from visavis.pipeline import Recognizer

BEGINNING = b'{"key": '
"""Of each line that is written; a last line without it is not cut off."""
JOIN_S = 2.0
"""Seconds between two appearances up to which they are one."""


@dataclass(frozen=True, slots=True)
class Appearance(Plain):
    """The person appears in a file from ``start`` to ``end``, in seconds; ``distance`` is that of the nearest track."""

    start: float
    end: float
    distance: float | None


@dataclass(frozen=True, slots=True)
class SearchedFile(Plain):
    """The appearances in one file, or the ``message`` why it could not be searched."""

    file: str
    appearances: tuple[Appearance, ...] = ()
    message: str = ""


@contextmanager
def wanted_person(who: str, gallery: Gallery | None, recognizer: Recognizer) -> Iterator[tuple[Gallery, Person]]:
    """Yield a gallery and the person in it to find: the one called ``who``, or the one in the photo ``who``.

    A photo is enrolled in a gallery of its own for the time of the block. Raises UnknownNameError where ``who`` is
    neither, and NoFaceError for a photo without a face.
    """
    from visavis.gallery import Gallery

    if gallery is not None and who in gallery:
        yield gallery, gallery.find(who)
        return
    if not os.path.isfile(who):  # noqa: PTH113 - it may be a name of any length
        raise UnknownNameError(
            f"{shown(who)} is neither a photo nor a person of the gallery. Add --gallery URL for a name."
        )
    with (
        temporary_folder("find") as folder,
        Gallery(f"sqlite:///{folder / 'wanted.db'}", recognizer=recognizer) as wanted,
    ):
        enrollment = wanted.enroll(who, [who])
        if not enrollment:
            raise NoFaceError(f"{shown(who)}: no face to find. Try a larger photo, or --min-face 12.")
        yield wanted, wanted.person(enrollment.person_id)


def find_person(
    files: Sequence[str],
    person: Person,
    gallery: Gallery,
    *,
    options: VideoOptions,
    every: int = 1,
    memory: SearchMemory | None = None,
) -> Generator[SearchedFile, None, None]:
    """Yield where a person of the gallery appears in each file, in order.

    A file that ``memory`` has searched for this person, with these options, is not read again.
    """
    detector = gallery.recognizer.detector.name
    settings = f"{_identity(person)} {options} {every} {gallery.model} {detector}"
    for file in files:
        key = search_key(file, settings)  # before the search: a file that is still recorded is searched again
        searched = None if memory is None else memory.get(file, key)
        if searched is None:
            try:
                searched = SearchedFile(file, _search(file, person, gallery, options, every))
            except VideoError as error:
                yield SearchedFile(file, message=str(error))
                continue
            if memory is not None:
                memory.add(searched, key)
        yield searched


class SearchMemory:
    """A file of JSON Lines with a line for each file searched; UsageError where it cannot be read or written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            permissions.create_file(path)
            refuse_other_file(path)
            whole = input_files.read_file(path, most=input_files.LISTS).rpartition(b"\n")
            lines = [parse_json(line) for line in whole[0].decode().split("\n")] if whole[0] else []
            self._searched = {str(line["key"]): _read_appearances(line["appearances"]) for line in lines}
            if whole[2] and not BEGINNING.startswith(whole[2][: len(BEGINNING)]):
                raise ValueError("its last line is of something else")
            if whole[2]:
                os.truncate(path, len(whole[0] + whole[1]))  # a line that a killed run has not finished
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror}. Give another --resume.") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UsageError(
                f"{path} does not hold what was searched: {fault_of(error)}. Give another --resume."
            ) from error

    def get(self, file: str, key: str) -> SearchedFile | None:
        """Return what was found in a file whose search had this :func:`search_key`."""
        appearances = self._searched.get(key)
        if appearances is None:
            return None
        return SearchedFile(file, appearances)

    def add(self, searched: SearchedFile, key: str) -> None:
        """Add a file; the line is written at once. UsageError where the disk is full."""
        appearances = [asdict(appearance) for appearance in searched.appearances]
        self._searched[key] = searched.appearances
        try:
            with open(self._path, "a", encoding="utf-8", opener=permissions.open_without_link) as file:
                file.write(dump_json({"key": key, "file": searched.file, "appearances": appearances}) + "\n")
        except OSError as error:
            raise UsageError(f"{self._path} cannot be written: {reason_of(error)}.") from error


def _read_appearances(content: object) -> tuple[Appearance, ...]:
    """Return the appearances of one line of a :class:`SearchMemory`; ValueError for other content."""
    if not isinstance(content, list):
        raise ValueError("appearances are a list")
    appearances = tuple(Appearance(**entry) for entry in content)
    for each in appearances:
        if not all(type(value) in (int, float) for value in (each.start, each.end, each.distance or 0)):
            raise ValueError("an appearance has numbers for start and end")
    return appearances


def join_appearances(appearances: Sequence[Appearance]) -> tuple[Appearance, ...]:
    """Return the appearances in order of time, those at most :data:`JOIN_S` apart as one."""
    joined: list[Appearance] = []
    for item in sorted(appearances, key=lambda item: item.start):
        if joined and item.start - joined[-1].end <= JOIN_S:
            distances = [part for part in (joined[-1].distance, item.distance) if part is not None]
            end = max(joined[-1].end, item.end)
            joined[-1] = Appearance(joined[-1].start, end, min(distances, default=None))
        else:
            joined.append(item)
    return tuple(joined)


def _search(file: str, person: Person, gallery: Gallery, options: VideoOptions, every: int) -> tuple[Appearance, ...]:
    tracking = VideoRecognizer(gallery.recognizer, gallery, options=options)
    appearances = []
    for result in tracking.run(open_source(file, every=every)):
        for event in result.events:
            if event.event != "ended" or event.person_id != person.id:
                continue
            if isinstance(event.start, float | int) and isinstance(event.end, float | int):
                appearances.append(Appearance(float(event.start), float(event.end), event.distance))
    return join_appearances(appearances)


def _identity(person: Person) -> str:
    """Return a hash of what the person is found by: faces of photos, of which a group photo has several."""
    faces = sorted(
        f"{template.photo_sha256} {template.box}" if template.photo_sha256 else f"{template.id} {template.created}"
        for template in person.templates
    )
    return hashlib.sha256(json.dumps(faces).encode()).hexdigest()


def search_key(file: str, settings: str) -> str:
    """Return a hash of a file as it is now, and of what it is searched for."""
    return hashlib.sha256(describe_content(file) + f" {settings}".encode("utf-8", "surrogatepass")).hexdigest()
