"""What the stages of video pass on: frames of a source, faces of tracks, and events.

Times within a file are seconds by its presentation time stamps, from the beginning of the file as players count (its
first frame is later than 0 where the sound begins first); times of cameras are UTC.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

import numpy as np

from visavis._show import Shown
from visavis.plain import Plain
from visavis.types import RGB, Face, Floats

EventKind = Literal["recognized", "updated", "ended"]
CameraState = Literal["starting", "running", "silent", "ended", "failed"]
"""A camera that sent no frame yet, sends frames, sends none for a while, was a file to its end, cannot be read."""


class UnconvertedPicture(Protocol):
    """A picture as it was decoded. Its ``pixels`` are made when they are first asked for, and kept.

    ``small (18, 32)`` is a gray copy, for :class:`visavis.videos.scenes.SceneChanges`; ``nbytes`` is the memory taken.
    """

    small: Floats

    @property
    def pixels(self) -> RGB:
        """RGB uint8 ``(h, w, 3)``, upright; raises VideoError where they cannot be made."""

    @property
    def nbytes(self) -> int:
        """Bytes of memory."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Frame(Shown):
    """One picture of a video; ``pixels`` are RGB uint8 ``(h, w, 3)``, upright.

    ``picture`` is the pixels, or what they are made of when they are first asked for.

    ``seconds`` is the presentation time from the beginning of the file, or from the first frame of a camera, never less
    than that of the frame before; ``number`` counts all frames of the source from 0, dropped frames too. ``captured``
    is when a camera's frame arrived, aware and in UTC; None for files. ``source`` is the name of the file or camera.
    """

    picture: RGB | UnconvertedPicture
    seconds: float
    number: int
    source: str
    captured: datetime | None = None

    @property
    def pixels(self) -> RGB:
        """RGB uint8 ``(h, w, 3)``, upright."""
        return self.picture if isinstance(self.picture, np.ndarray) else self.picture.pixels


@dataclass(frozen=True, slots=True)
class SourceCounts(Plain):
    """What a source has delivered: frames ``read`` and ``dropped`` (late), and how often it was ``reopened``.

    ``notes`` say what was wrong with it: garbage skipped, a stream that went silent.
    """

    read: int = 0
    dropped: int = 0
    reopened: int = 0
    notes: tuple[str, ...] = ()


class FrameSource(Protocol):
    """A file, a folder of frames, a device or a network camera: iterate it once, then close it.

    ``live`` sources drop frames when late; other sources deliver all their frames. ``rate`` is the number of frames
    per second, and ``duration`` the length in seconds, as far as the source states them.
    """

    name: str
    live: bool
    rate: float | None
    duration: float | None

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames in order of time."""

    def counts(self) -> SourceCounts:
        """Return what was delivered so far."""

    def close(self) -> None:
        """Release the file or the camera; end its process. May be called twice."""


@dataclass(frozen=True, slots=True, eq=False)
class TrackedFace:
    """A face of a track in one frame: ``detected``, or predicted between two detections (landmarks moved with the box).

    ``track`` is the number of the track, from 1, never given twice in a run. ``name`` is that of the person that the
    track was identified as so far; None: unknown, or not yet decided.
    ``confirmed`` is False while too few detections support the track, which is then blurred but not drawn; ``decided``
    is False until the track was identified for the first time, with a name or as unknown. ``uncertainty`` is the
    standard deviation of the center in each direction, in pixels. ``stranger`` is the number of an unknown person who
    was seen before.
    """

    track: int
    face: Face
    detected: bool
    name: str | None = None
    person_id: int | None = None
    confirmed: bool = True
    decided: bool = True
    uncertainty: float = 0.0
    stranger: int | None = None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FaceView(Shown):
    """A face of a track that was worth keeping: when, where, how good, and its embedding ``(d,)``, if it has one.

    ``crop`` is RGB of the face's box with a margin of .3, at most 160 pixels high.
    """

    seconds: float
    face: Face
    quality: float
    crop: RGB = field(repr=False)
    embedding: Floats | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class VideoEvent(Plain):
    """A track was recognized, its answer changed, or it ended: a line of ``--events``.

    ``id`` is unique over all runs. ``start`` and ``end`` (``from`` and ``to`` in JSON) are when the track was first and
    last detected: seconds of the file, or UTC for cameras. ``person_id`` and ``name`` are None for a person who is
    unknown. ``best_face`` is the file of the track's best face, if faces are written. ``distance`` is the cosine
    distance of the track's template, ``probability`` how sure the answer is (None: nothing supports one), ``liveness``
    the probability that the face is real (None: not measured). ``stranger`` is the number of an unknown person, if
    strangers are remembered. With several cameras, ``sighting`` is the id of the sighting that the events of one person
    in any of them share. Both are left out where they are None.
    """

    id: str
    event: EventKind
    track: int
    person_id: int | None
    name: str | None
    start: float | datetime
    end: float | datetime
    camera: str
    best_face: str | None = None
    distance: float | None = None
    probability: float | None = None
    liveness: float | None = None
    stranger: int | None = None
    sighting: str | None = None

    def to_dict(self) -> dict[str, object]:
        """Return the line as the command prints it."""
        line = Plain.to_dict(self)
        for key in ("stranger", "sighting"):
            if line[key] is None:
                del line[key]
        return {{"start": "from", "end": "to"}.get(key, key): value for key, value in line.items()}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FrameResult(Shown):
    """A frame with the faces of all tracks in it, and the events that became known with it.

    ``detected`` is whether faces were detected in this frame; else all ``faces`` are predicted.
    """

    frame: Frame
    faces: tuple[TrackedFace, ...]
    events: tuple[VideoEvent, ...] = ()
    detected: bool = False


@dataclass(frozen=True, slots=True)
class CameraStatus:
    """How a camera of a group is doing.

    ``message`` is a sentence on why it is silent or has failed, else empty. ``quiet`` is the number of seconds since
    its last frame, or since it was opened. ``frames`` were looked at, ``dropped`` ones came too fast for that;
    ``reopened`` counts how often it was opened again.
    """

    name: str
    state: CameraState
    message: str
    quiet: float
    frames: int
    dropped: int
    reopened: int
