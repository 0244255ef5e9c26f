"""Who acts on a gallery: the name that the audit log records while a block runs, in this thread or task alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from visavis.gallery.check_text import NAME_LENGTH, check_text

_ACTOR: ContextVar[str | None] = ContextVar("visavis_actor", default=None)


@contextmanager
def acting_as(actor: str) -> Iterator[None]:
    """Let the audit log of every gallery name ``actor`` for the changes of this block, instead of the gallery's own.

    A server that keeps a gallery open for many users says so for each request. Raises UsageError for a name that is
    no line of text.
    """
    token = _ACTOR.set(check_text(actor, "an actor", most=NAME_LENGTH, one_line=True))
    try:
        yield
    finally:
        _ACTOR.reset(token)


def current_actor() -> str | None:
    """Return the actor of the running block; None outside of any."""
    return _ACTOR.get()
