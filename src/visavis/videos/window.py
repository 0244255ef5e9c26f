"""Show frames in a window, by Tk, which comes with Python: OpenCV is installed without windows."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import numpy as np

from visavis.errors import MissingExtraError, UsageError
from visavis.types import RGB

LARGEST = (1280, 720)
"""Width and height in pixels within which frames are shown."""


class PreviewWindow:
    """A window with the newest frame; ``closed`` once the user has closed it or pressed Escape or q.

    Use it in a ``with`` block, in the main thread. Raises UsageError where there is no display.
    """

    def __init__(self, title: str) -> None:
        try:
            import tkinter
        except ImportError:
            raise MissingExtraError(
                "a live preview needs Tk: install python3-tk from your system, or write a video with --out."
            ) from None
        try:
            self._root = tkinter.Tk()
        except tkinter.TclError:
            raise UsageError(
                "a live preview needs a display, and this machine has none: write a video with --out instead."
            ) from None
        self.closed = False
        self._tk = tkinter
        self._root.title(title)
        self._root.protocol("WM_DELETE_WINDOW", self._close)
        for key in ("<Escape>", "q"):
            self._root.bind(key, lambda _: self._close())
        self._label = tkinter.Label(self._root, borderwidth=0)
        self._label.pack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._root.destroy()

    def show(self, pixels: RGB) -> None:
        """Show a frame ``(h, w, 3)``, reduced to :data:`LARGEST`; nothing happens once the window is closed."""
        from visavis.opencv import cv2

        if self.closed:
            return
        height, width = pixels.shape[:2]
        scale = min(1.0, LARGEST[0] / width, LARGEST[1] / height)
        if scale < 1:
            size = (max(1, round(scale * width)), max(1, round(scale * height)))
            pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
        header = b"P6 %d %d 255\n" % (pixels.shape[1], pixels.shape[0])
        self._picture = self._tk.PhotoImage(master=self._root, data=header + pixels.tobytes(), format="PPM")
        self._label.configure(image=self._picture)
        self._root.update()

    def _close(self) -> None:
        self.closed = True
