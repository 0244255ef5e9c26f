"""Several cameras instead of one source of ``visavis video``."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from visavis.errors import UsageError

if TYPE_CHECKING:
    from visavis.gallery import Gallery
    from visavis.pipeline import Recognizer
    from visavis.videos.cameras import CameraGroup
    from visavis.videos.faces_folder import FacesFolder
    from visavis.videos.recognize import VideoOptions, VideoRecognizer
    from visavis.videos.strangers import Strangers
    from visavis.videos.types import FrameSource

Cameras = Annotated[
    Path | None,
    typer.Option("--cameras", metavar="FILE.toml", help="Watch all cameras of this file, in place of SOURCE."),
]


class RunParts(NamedTuple):
    """What faces are tracked with."""

    recognizer: Recognizer
    gallery: Gallery | None
    options: VideoOptions
    faces: FacesFolder | None
    strangers: Strangers | None


def check_cameras(
    sources: Sequence[str] | None, cameras: Path | None, *, every: int, pictures: bool, find: bool
) -> list[str]:
    """Return the sources; UsageError where there is none, or where an option is not for several cameras."""
    if not sources and cameras is None:
        raise UsageError("a source is needed: give SOURCE, or --cameras FILE.toml.")
    if cameras is None:
        return list(sources or ())
    if sources or find:
        raise UsageError("--cameras takes the place of SOURCE, and is not for --find.")
    if every > 1:
        raise UsageError("--every is not for --cameras: write every = N for each camera into the file.")
    if pictures:
        raise UsageError("--cameras has the pictures of several cameras: --out and --live take one SOURCE.")
    return [str(cameras)]


def open_frames(
    stack: ExitStack, source: str, cameras: Path | None, every: int, parts: RunParts
) -> tuple[FrameSource, VideoRecognizer | CameraGroup]:
    """Return the frames, which ``stack`` closes, and what tracks the faces in them; several cameras are both."""
    recognizer, gallery, options, faces, strangers = parts
    if cameras is not None:
        from visavis.videos.camera_file import read_camera_file
        from visavis.videos.cameras import CameraGroup

        file = read_camera_file(cameras)
        group = CameraGroup(file, recognizer, gallery, options=options, faces=faces, strangers=strangers)
        stack.callback(group.close)
        return group, group
    from visavis.videos.recognize import VideoRecognizer
    from visavis.videos.source import open_source

    frames = open_source(source, every=every)
    stack.callback(frames.close)
    return frames, VideoRecognizer(recognizer, gallery, options=options, faces=faces, strangers=strangers)
