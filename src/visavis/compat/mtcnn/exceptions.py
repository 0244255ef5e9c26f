"""The exception of ``mtcnn`` 0.1."""

from __future__ import annotations

from visavis.errors import UsageError


class InvalidImage(UsageError):  # noqa: N818 -- the original's name
    """The argument is not a picture: mostly None from an ``imread`` of a missing file."""
