"""What becomes of the frames of a run: an MP4 file, a window, or both, with boxes and names, or blurred faces."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING

from visavis.errors import UsageError
from visavis.videos.blur import EVERYONE, UNKNOWN, BlurChoice
from visavis.videos.render import Renderer
from visavis.videos.source import name_of
from visavis.videos.types import Frame, FrameResult
from visavis.videos.window import PreviewWindow
from visavis.videos.writer import UnwritableVideoError, VideoWriter

if TYPE_CHECKING:
    from visavis.gallery import Gallery

TITLE = "visavis: {} (q closes)"


@contextmanager
def open_pictures(
    out: Path | None, *, source: object, blur: BlurChoice | None = None, live: bool = False
) -> Iterator[PictureOutput]:
    """Yield what writes the frames of a run to the file ``out``, and shows them in a window where ``live``.

    At the end of the block the file is complete, also after Ctrl-C. Its sound is that of ``source``, if it is a file.
    Raises UsageError where the output cannot be written or shown, and for ``blur`` without an output.
    """
    if blur is not None and out is None and not live:
        raise UsageError("blurred faces are to be written or shown: add --out FILE.mp4 or --live.")
    with ExitStack() as stack:
        window = stack.enter_context(PreviewWindow(TITLE.format(name_of(source)))) if live else None
        writer = None if out is None else stack.enter_context(VideoWriter(out, sound=_file_of(source)))
        pictures = PictureOutput(Renderer(blur=blur), writer, window)
        try:
            yield pictures
        except UnwritableVideoError:
            raise
        except BaseException:
            pictures.finish()
            raise
        pictures.finish()


class PictureOutput:
    """Writes frames to a file and shows them in a window, as far as there are any."""

    def __init__(self, renderer: Renderer, writer: VideoWriter | None, window: PreviewWindow | None) -> None:
        self._renderer, self._writer, self._window = renderer, writer, window

    @property
    def closed(self) -> bool:
        """Whether the user has closed the window."""
        return self._window is not None and self._window.closed

    @property
    def notes(self) -> list[str]:
        """What the file lacks, and what may not be blurred."""
        return [*self._renderer.notes, *([] if self._writer is None else self._writer.notes)]

    def add(self, result: FrameResult) -> None:
        """Take the result of the next frame; raises VisavisError where the file cannot be written."""
        if self._writer is not None or self._window is not None:
            self._put(self._renderer.add(result.frame, result.faces))

    def finish(self) -> None:
        """Write the frames that are held back to blur them."""
        self._put(self._renderer.finish())

    def _put(self, frames: Iterator[Frame]) -> None:
        for frame in frames:
            if self._writer is not None:
                self._writer.write(frame.pixels, frame.seconds)
            if self._window is not None:
                self._window.show(frame.pixels)


def choose_blur(words: Sequence[str], gallery: Gallery | None) -> BlurChoice | None:
    """Return whose faces are blurred by the words of ``--blur``, or None where there are none.

    Raises UsageError for names without a gallery, and UnknownNameError for those that the gallery does not have.
    """
    words = [words] if isinstance(words, str) else words
    if not words:
        return None
    choice = BlurChoice.parse(words)
    if choice.names and gallery is None:
        names = ", ".join(sorted(choice.names))
        raise UsageError(f"--blur {names}: people are recognized by a gallery. Add --gallery URL, or blur {EVERYONE}.")
    if choice.unknown and gallery is None:
        raise UsageError(
            f"--blur {UNKNOWN}: people are recognized by a gallery. Add --gallery URL, or blur {EVERYONE}."
        )
    if gallery is None:
        return choice
    return replace(choice, names=frozenset(gallery.find(name).name for name in choice.names))


def _file_of(source: object) -> Path | None:
    """Return the path of a source that is a file on this machine."""
    if not isinstance(source, str | os.PathLike):
        return None
    path = Path(os.fsdecode(source))
    try:
        return path if S_ISREG(path.stat().st_mode) else None
    except OSError:
        return None
