"""What the commands that take a video share: a gallery that need not exist."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli._galleries import next_steps, open_gallery
from visavis.cli._networks import Networks
from visavis.cli._options import GALLERY, maybe_gallery_url
from visavis.cli._output import note

if TYPE_CHECKING:
    from visavis.gallery import Gallery

VideoGallery = Annotated[
    str | None,
    typer.Option(
        "--gallery",
        envvar="VISAVIS_GALLERY",
        metavar="URL",
        callback=maybe_gallery_url,
        help="Gallery of the people to recognize, as for identify.",
        show_default="faces.db, if it exists",
    ),
]


def open_video_gallery(
    stack: ExitStack, url: str | None, networks: Networks, *, create: bool = False
) -> Gallery | None:
    """Open the gallery, or return None: without --gallery, and without the file of the default gallery.

    ``create`` also makes the gallery that --gallery names.
    """
    if url is None and not Path(GALLERY.removeprefix("sqlite:///")).exists():
        note(f"there is no gallery ({GALLERY}): faces are tracked, and all people are unknown.")
        return None
    store = stack.enter_context(open_gallery(GALLERY if url is None else url, networks, create=create))
    if not len(store):
        for text in next_steps(0, store.stats().unassigned, store.url):
            note(text)
    return store


def format_moment(moment: float | datetime) -> str:
    """Format seconds of a file as 0:00:04.20, the time of a camera without a part of a second."""
    if isinstance(moment, datetime):
        return moment.astimezone().isoformat(" ", "seconds")
    minutes, seconds = divmod(moment, 60)
    return f"{int(minutes) // 60}:{int(minutes) % 60:02}:{seconds:05.2f}"
