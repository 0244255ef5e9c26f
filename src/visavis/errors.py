"""Every error that visavis raises on purpose.

::

    VisavisError                   exit 2, HTTP 400
    ├── UsageError                 exit 2, HTTP 400   a value or a combination of options that means nothing
    │   ├── UnknownNameError       exit 2, HTTP 404   no such model, detector, person ...; suggests the nearest
    │   └── SimilarNameError       exit 2, HTTP 409   a new person's name is written like another's
    ├── ImageError                 exit 2, HTTP 422   one photo cannot be used; carries a status
    │   ├── MissingImageError                         status "missing"
    │   ├── UnreadableImageError                      status "unreadable"
    │   ├── TooLargeImageError            HTTP 413    status "too_large"
    │   ├── NoFaceError            exit 1             status "no_face"
    │   ├── PoorQualityError                          status "poor_quality"
    │   └── DoubtfulPhotoError                        status "doubtful"
    ├── EngineError                exit 3, HTTP 503   worker processes or a cluster that cannot be started or reached
    ├── GalleryError               exit 3, HTTP 503   the store is missing, damaged, of another schema or model
    └── WeightsError               exit 3, HTTP 503   a weight file is missing, wrong or hostile
        ├── MissingWeightsError                       weight files that are nowhere; a line a file
        └── MissingExtraError      exit 3, HTTP 501   an optional package is not installed

Raised where the fact is known, caught only at the edges: the command line prints the message as one line and exits
with ``exit_code``; the server answers ``http_status``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

_DOUBLE_END = re.compile(r"(?<!\.)([.?!])\.$")


def ended_once(text: str) -> str:
    """Return a text that ends in ``?.``, ``!.`` or ``..`` with the first of the two signs; an ellipsis stays.

    Messages quote what others say, which may be a sentence or a question with an end of its own.
    """
    return _DOUBLE_END.sub(r"\1", text)


def fault_of(error: Exception) -> str:
    """Say what is wrong with what a file holds, by the error of reading it: a key that is missing, a wrong value."""
    if isinstance(error, KeyError):
        return f"it has no {error.args[0]!r}"
    return str(error) if isinstance(error, ValueError) else "a part of it has another form"


class VisavisError(Exception):
    """Root of the tree; the message is one sentence for the user."""

    exit_code: ClassVar[int] = 2
    http_status: ClassVar[int] = 400

    def __init__(self, *args: object) -> None:
        super().__init__(*(ended_once(one) if isinstance(one, str) else one for one in args))


class UsageError(VisavisError, ValueError):
    """A value, or a combination of values, that cannot mean anything."""


class UnknownNameError(UsageError):
    """A name that nothing is registered under; the message lists or suggests what there is."""

    http_status = 404


class SimilarNameError(UsageError):
    """A new person's name differs from that of another person in case, spaces or Unicode form only."""

    http_status = 409


class ImageError(VisavisError):
    """One photo that cannot be used; ``status`` is the word that its line of a report carries."""

    status: ClassVar[str] = "unreadable"
    http_status = 422


class MissingImageError(ImageError, FileNotFoundError):
    """There is no file of that name."""

    status = "missing"


class UnreadableImageError(ImageError):
    """The bytes are not a picture that can be decoded (empty, truncated, text, a folder ...)."""


class TooLargeImageError(ImageError):
    """The picture has more pixels than the limit; found out before decoding."""

    status = "too_large"
    http_status = 413


class NoFaceError(ImageError):
    """A face is needed to go on, and none was found: an answer, not wrong use."""

    status = "no_face"
    exit_code = 1


class PoorQualityError(ImageError):
    """A face was found, and its quality is lower than was asked for."""

    status = "poor_quality"


class DoubtfulPhotoError(ImageError):
    """A photo to be enrolled seems to show somebody else."""

    status = "doubtful"


class EngineError(VisavisError):
    """What bulk work runs on cannot be used: processes that do not start, a cluster out of reach or lost."""

    exit_code = 3
    http_status = 503


class GalleryError(VisavisError):
    """The gallery cannot be used: missing, damaged, read-only, of another schema or of another model."""

    exit_code = 3
    http_status = 503


class WeightsError(VisavisError):
    """A weight file is missing, has the wrong hash, or is not what its format says."""

    exit_code = 3
    http_status = 503


class MissingWeightsError(WeightsError):
    """Weight files that are not on this machine and could not be downloaded.

    ``sentences`` has a sentence for each file, by the file's name, or one for all files of an extra, by the extra's
    name; they are the lines of the message.
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
    """Something that goes on all the same and that the user should know of; the command line prints it as a note."""
