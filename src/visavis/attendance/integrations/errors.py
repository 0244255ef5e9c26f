"""How a delivery fails; caught by the push, which reports it."""

from __future__ import annotations


class DelayedError(Exception):
    """The same request may succeed later. ``answered`` is whether the target gave an answer, such as 500."""

    def __init__(self, message: str, *, answered: bool = False) -> None:
        super().__init__(message)
        self.answered = answered


class RejectedError(Exception):
    """Nothing can be delivered until a person mends it: a wrong key, another server at the address."""


class RefusedRecordError(Exception):
    """The target does not take this record.

    ``is_repeated`` is whether the request was sent before and got no answer: then it may have been done.
    """

    def __init__(self, message: str, *, is_repeated: bool = False) -> None:
        super().__init__(message)
        self.is_repeated = is_repeated
