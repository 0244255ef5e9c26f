"""What ``mtcnn`` 0.1 raises."""

from __future__ import annotations

from visavis.errors import UsageError


class InvalidImage(UsageError):  # noqa: N818 -- the name is theirs
    """What was given is no picture: mostly the None of an ``imread`` that found no file."""
