"""Draw boxes and names into the frames of a video, and blur faces.

To blur, frames are held back for about a second, in bounded number: a face is blurred also in the frames before it was
first detected, and its place between two detections is known from both.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

import numpy as np

from visavis.printable import make_printable
from visavis.types import RGB
from visavis.videos.blur import BlurChoice, blur_boxes
from visavis.videos.face_paths import BEFORE_S, FacePaths
from visavis.videos.types import Frame, TrackedFace

HELD_S = BEFORE_S + 0.25
"""Seconds for which frames are held back: a track's second detection, which gives its velocity, is known too."""
HELD_FRAMES = 256
"""Most frames that are held back: 1 s of slow motion at 240 frames per second."""
HELD_BYTES = 1 << 30
"""Most bytes of frames that are held back: 43 frames of 3840 x 2160."""
UNKNOWN_LABEL = "unknown"


class Renderer:
    """Turns frames with tracked faces into pictures: blurs those of ``blur``, and draws boxes and names of the others.

    Without ``blur`` a frame comes back at once. ``draw`` is False for pictures without boxes and names.
    """

    def __init__(self, *, blur: BlurChoice | None = None, draw: bool = True) -> None:
        self._blur = blur
        self._draw = draw
        self._paths = FacePaths()
        self._held: deque[tuple[Frame, tuple[TrackedFace, ...]]] = deque()
        self._least_held = BEFORE_S

    @property
    def notes(self) -> list[str]:
        """Say where frames were too large, or too many in a second, to be held back long enough."""
        if self._least_held >= BEFORE_S:
            return []
        return [
            f"frames were held back for {self._least_held:.2f} s only, since they are large or many in a second: a "
            f"face may be visible in the {BEFORE_S:g} s before it is first detected. Blur a smaller copy of the video."
        ]

    def add(self, frame: Frame, faces: Sequence[TrackedFace]) -> Iterator[Frame]:
        """Take a frame with the faces of all tracks in it, and yield the frames that are ready."""
        if self._blur is None:
            yield self._with_pixels(frame, draw_faces(frame.pixels, faces) if self._draw else frame.pixels)
            return
        self._paths.add(frame.seconds, tuple(faces))
        self._held.append((frame, tuple(faces)))
        most = max(1, min(HELD_FRAMES, HELD_BYTES // frame.pixels.nbytes))
        while (held := frame.seconds - self._held[0][0].seconds) > HELD_S or len(self._held) > most:
            self._least_held = min(self._least_held, held)
            yield self._release(self._blur)

    def finish(self) -> Iterator[Frame]:
        """Yield the frames that are held back, at the end of the video."""
        while self._held and self._blur is not None:
            yield self._release(self._blur)

    def _release(self, blur: BlurChoice) -> Frame:
        frame, faces = self._held.popleft()
        places = self._paths.at(frame.seconds)
        hidden = {face.track for face, _ in places if blur.covers(face)}
        boxes = [box for face, box in places if face.track in hidden]
        pixels = blur_boxes(frame.pixels, np.array(boxes, np.float32).reshape(-1, 4)) if boxes else frame.pixels
        if self._draw:
            pixels = draw_faces(pixels, [face for face in faces if face.track not in hidden])
        self._paths.forget_before(frame.seconds)
        return self._with_pixels(frame, pixels)

    @staticmethod
    def _with_pixels(frame: Frame, pixels: RGB) -> Frame:
        return Frame(pixels, frame.seconds, frame.number, frame.source, frame.captured)


def draw_faces(pixels: RGB, faces: Sequence[TrackedFace]) -> RGB:
    """Return a copy of ``pixels (h, w, 3)`` of the same size with box and name of each face of a confirmed track."""
    from visavis.draw import BLUE, ORANGE, annotate

    faces = [face for face in faces if face.confirmed]
    if not faces:
        return pixels
    labels = [_label(face) for face in faces]
    colors = [ORANGE if face.name is None else BLUE for face in faces]
    drawn = annotate(pixels, [face.face for face in faces], labels, colors=colors)
    if drawn.shape != pixels.shape:  # a legend below the picture, for labels that have no room
        drawn = annotate(pixels, [face.face for face in faces], colors=colors)
    return drawn


def _label(face: TrackedFace) -> str:
    if face.name is not None:
        return make_printable(face.name)
    return UNKNOWN_LABEL if face.decided else ""
