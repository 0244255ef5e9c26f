"""Every error that visavis raises on purpose.

::

    VisavisError                   exit 2, HTTP 400
    ├── UsageError                 exit 2, HTTP 400   a value or a combination of options that means nothing
    │   ├── UnknownNameError       exit 2, HTTP 404   no such model, detector, person ...; suggests the nearest
    │   ├── SimilarNameError       exit 2, HTTP 409   a new person's name is written like another's
    │   ├── GroupChangedError      exit 2, HTTP 409   a group of faces is not as it was when it was read
    │   ├── SamePhotoError         exit 2, HTTP 409   two faces of one photo would be in one group
    │   └── InvalidTextError       exit 2, HTTP 422   a text that no database holds: with a NUL, or no valid Unicode
    ├── ImageError                 exit 2, HTTP 422   one photo cannot be used; carries a status
    │   ├── MissingImageError                         status "missing"
    │   ├── UnreadableImageError                      status "unreadable"
    │   ├── TooLargeImageError            HTTP 413    status "too_large"
    │   ├── NoFaceError            exit 1             status "no_face"
    │   ├── PoorQualityError                          status "poor_quality"
    │   └── DoubtfulPhotoError                        status "doubtful"
    ├── VideoError                 exit 2, HTTP 422   a video or a camera that cannot be used
    ├── EngineError                exit 3, HTTP 503   worker processes or a cluster that cannot be started or reached
    ├── GalleryError               exit 3, HTTP 503   the store is missing, damaged, of another schema or model
    ├── ServerError                exit 3, HTTP 503   the server's database, port or certificate cannot be used
    │   └── BusyError                                 more requests than the server takes; try again
    ├── AttendanceError            exit 3, HTTP 503   a site of attendance, its database or its key cannot be used
    └── WeightsError               exit 3, HTTP 503   a weight file is missing, wrong or hostile
        ├── MissingWeightsError                       missing weight files; a line per file
        └── MissingExtraError      exit 3, HTTP 501   an optional package is not installed

Raised where the fault is detected, caught only at the edges: the command line prints the message as one line and exits
with ``exit_code``; the server answers ``http_status``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from errno import EDQUOT, ENOSPC
from typing import ClassVar

from visavis.printable import make_printable

_DOUBLE_END = re.compile(r"(?<!\.)([.?!])\.$")


def ended_once(text: str) -> str:
    """Return the text with only the first of two final signs in ``?.``, ``!.`` or ``..``; an ellipsis stays.

    Messages quote other texts, which may end in a sign of their own.
    """
    return _DOUBLE_END.sub(r"\1", text)


def _make_message(text: str) -> str:
    return ended_once(make_printable(text, keep="\n"))


def fault_of(error: Exception) -> str:
    """Describe the fault in a file from the error of reading its content: a missing key, a wrong value."""
    if isinstance(error, KeyError):
        return f"it has no {error.args[0]!r}"
    return str(error) if isinstance(error, ValueError) else "a part of it has another form"


NO_ROOM = {ENOSPC: "the disk is full", EDQUOT: "the disk quota is used up"}
"""By the number of the system's error."""


def reason_of(error: OSError) -> str:
    """Return why the system refused to read or write something, such as "the disk is full"."""
    return NO_ROOM.get(error.errno or 0) or error.strerror or str(error)


class VisavisError(Exception):
    """Root of the tree; the message is one sentence for the user.

    Control, bidi and zero-width characters in what the message quotes are escaped, so that it is safe to print.
    """

    exit_code: ClassVar[int] = 2
    http_status: ClassVar[int] = 400

    def __init__(self, *args: object) -> None:
        super().__init__(*(_make_message(value) if isinstance(value, str) else value for value in args))


class UsageError(VisavisError, ValueError):
    """A value, or a combination of values, that is not valid."""


class UnknownNameError(UsageError):
    """A name that is not registered; the message lists or suggests registered names."""

    http_status = 404


class SimilarNameError(UsageError):
    """A new person's name differs from that of another person in case, spaces or Unicode form only."""

    http_status = 409


class GroupChangedError(UsageError):
    """A group of faces was changed since it was read: read it again."""

    http_status = 409


class SamePhotoError(UsageError):
    """Two faces of one photo would be in one group, although they are two people."""

    http_status = 409


class InvalidTextError(UsageError):
    """A text that no database holds: it has a NUL character, or is not valid Unicode."""

    http_status = 422


class ImageError(VisavisError):
    """One photo that cannot be used; ``status`` is the word for it in reports."""

    status: ClassVar[str] = "unreadable"
    http_status = 422


class MissingImageError(ImageError, FileNotFoundError):
    """There is no file of that name."""

    status = "missing"


class UnreadableImageError(ImageError):
    """The bytes are not a picture that can be decoded (empty, truncated, text, a folder ...)."""


class TooLargeImageError(ImageError):
    """The picture has more pixels, or takes more memory or work, than the limits; raised before decoding."""

    status = "too_large"
    http_status = 413


class NoFaceError(ImageError):
    """A face is needed, and none was found: an answer, not a usage error."""

    status = "no_face"
    exit_code = 1


class PoorQualityError(ImageError):
    """A face was found, and its quality is lower than required."""

    status = "poor_quality"


class DoubtfulPhotoError(ImageError):
    """A photo to be enrolled seems to show another person."""

    status = "doubtful"


def image_error(status: str) -> type[ImageError]:
    """Return the error of a photo with this status; ImageError for any other word."""
    return next((error for error in ImageError.__subclasses__() if error.status == status), ImageError)


def code_of(kind: type[VisavisError]) -> str:
    """Return the word for an error in the answers of a server, such as "unknown_name"; for a photo's, its status."""
    if issubclass(kind, ImageError):
        return kind.status
    name = kind.__name__.removesuffix("Error")
    return "failed" if kind is VisavisError else re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def error_of_code(code: str) -> type[VisavisError] | None:
    """Return the error that :func:`code_of` names so; None for any other word."""
    kinds = [VisavisError]
    while kinds:
        kind = kinds.pop()
        if code_of(kind) == code:
            return kind
        kinds += kind.__subclasses__()
    return None


class VideoError(VisavisError):
    """A video or a camera that cannot be used: missing, silent, damaged, without pictures, or too large."""

    http_status = 422


class EngineError(VisavisError):
    """The engine of bulk work cannot be used: processes that do not start, a cluster that is unreachable or lost."""

    exit_code = 3
    http_status = 503


class GalleryError(VisavisError):
    """The gallery cannot be used: missing, damaged, read-only, of another schema or of another model."""

    exit_code = 3
    http_status = 503


class ServerError(VisavisError):
    """The server cannot work: its database, port or certificate cannot be used."""

    exit_code = 3
    http_status = 503


class BusyError(ServerError):
    """There are more requests than the server takes, or one took too long: try again."""


class AttendanceError(VisavisError):
    """A site of attendance cannot be used: its folder, its database, its rules, or the key of its ledger."""

    exit_code = 3
    http_status = 503


class WeightsError(VisavisError):
    """A weight file is missing, has the wrong hash, or does not have its format."""

    exit_code = 3
    http_status = 503


class MissingWeightsError(WeightsError):
    """Weight files that are not on this machine and could not be downloaded.

    ``sentences`` maps the name of a file, or of an extra with all its files, to a sentence; they are the lines of the
    message.
    """

    def __init__(self, sentences: Mapping[str, str]) -> None:
        self.sentences = dict(sentences)
        super().__init__("\n".join(self.sentences.values()))

    def __reduce__(self) -> tuple[type[MissingWeightsError], tuple[dict[str, str]]]:
        return type(self), (self.sentences,)


class MissingExtraError(WeightsError):
    """An optional package is missing; the message holds the pip command."""

    http_status = 501


class VisavisWarning(UserWarning):
    """A fact that the user should know although work continues; the command line prints it as a note."""

    def __init__(self, *args: object) -> None:
        super().__init__(*(_make_message(value) if isinstance(value, str) else value for value in args))
