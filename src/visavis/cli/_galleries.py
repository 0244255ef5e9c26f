"""Opening of galleries, and what to do next with an empty one."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from visavis.cli._networks import Networks
from visavis.cli._options import GALLERY, INDEX
from visavis.cli._output import counted

if TYPE_CHECKING:
    from visavis.gallery import Gallery


@contextmanager
def open_gallery(url: str, networks: Networks, *, create: bool = False, index: str = INDEX) -> Iterator[Gallery]:
    """Open a gallery with a recognizer of its model, which is known only after a first opening.

    Raise GalleryError if ``networks`` names another model.
    """
    from visavis.gallery import Gallery

    with Gallery(url, model=networks.model, index=index, create=create) as store:
        recognizer = networks.recognizer(store.model)
    with Gallery(url, recognizer=recognizer, index=index, create=False) as store:
        yield store


def open_existing(url: str, index: str = INDEX) -> Gallery:
    """Open an existing gallery; never create one."""
    from visavis.gallery import Gallery

    return Gallery(url, index=index, create=False)


def next_steps(people: int, unassigned: int, gallery: str) -> Iterator[str]:
    """Yield what to do next if a gallery has no people, or has unassigned faces."""
    option = f" --gallery {shlex.quote(gallery)}"
    where = "" if gallery == GALLERY else option
    if unassigned:
        verb = "is" if unassigned == 1 else "are"
        yield (
            f"{counted(unassigned, 'indexed face')} {verb} unassigned: visavis cluster{option} "
            f"shows which look alike, visavis gallery name NAME TEMPLATE...{where} assigns them."
        )
    elif not people:
        yield f"the gallery has no people yet: visavis enroll NAME PHOTO...{where} adds a person."
