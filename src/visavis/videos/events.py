"""Events of tracks, and the file of events: a line each, written and flushed at once."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from visavis import input_files, permissions
from visavis._closing import Closing
from visavis.errors import UsageError, reason_of
from visavis.printable import dump_json
from visavis.types import Identification
from visavis.videos.types import EventKind, VideoEvent


def make_event(  # noqa: PLR0913 - the fields of an event
    kind: EventKind,
    track: int,
    answer: Identification | None,
    *,
    start: float | datetime,
    end: float | datetime,
    camera: str,
    best_face: str | None = None,
    liveness: float | None = None,
    stranger: int | None = None,
) -> VideoEvent:
    """Return an event with an id of its own; ``answer`` None: nothing was searched, which is unknown."""
    return VideoEvent(
        id=uuid4().hex,
        event=kind,
        track=track,
        person_id=None if answer is None else answer.person_id,
        name=None if answer is None else answer.name,
        start=start,
        end=end,
        camera=camera,
        best_face=best_face,
        distance=None if answer is None else answer.distance,
        probability=None if answer is None else answer.probability,
        liveness=liveness,
        stranger=stranger,
    )


def refuse_other_file(path: Path) -> None:
    """Raise OSError for a regular file with anything but JSON Lines at its beginning: nothing is added to a video."""
    try:
        with input_files.open_file(path) as file:
            if file.read(1) not in {b"", b"{"}:
                raise OSError(errno.EEXIST, "it holds something other than lines of JSON", str(path))
    except input_files.SpecialFileError:
        return


def _lacks_line_end(path: Path) -> bool:
    """Return whether the last line of a regular file has no end: what is added would continue it."""
    try:
        with input_files.open_file(path) as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - 1, 0))
            return file.read(1) not in {b"", b"\n"}
    except input_files.SpecialFileError:
        return False


class EventFile(Closing):
    """A file of JSON Lines; events are added to what it holds. A new file is readable by its user alone."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Open the file; UsageError where that fails, before any frame is read."""
        self._path = Path(path)
        try:
            permissions.create_file(self._path)
            refuse_other_file(self._path)
            continues = _lacks_line_end(self._path)
            self._file = open(self._path, "ab", buffering=0, opener=permissions.open_without_link)  # noqa: SIM115
            if continues:
                self._file.write(b"\n")
        except OSError as error:
            raise self._refuse(error) from error

    def write(self, event: VideoEvent) -> None:
        """Write an event as one line, or nothing of it; UsageError where the disk is full."""
        line = (dump_json(event.to_dict()) + "\n").encode()
        written = 0
        try:
            while written < len(line):
                written += self._file.write(line[written:])
        except OSError as error:
            with suppress(OSError):  # the next line would continue this one
                self._file.truncate(self._file.tell() - written)
            raise self._refuse(error) from error

    def _refuse(self, error: OSError) -> UsageError:
        return UsageError(f"events cannot be written to {self._path}: {reason_of(error)}.")

    def close(self) -> None:
        """Close the file."""
        self._file.close()
