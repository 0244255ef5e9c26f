"""Which tracks are real faces: their detected faces are judged, and averaged over the track.

``observe`` states the liveness in the events; ``require`` also withholds the name of a track that is not real, or not
yet known to be.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Literal, get_args

from visavis.errors import UsageError
from visavis.liveness import LivenessCheck, TrackLiveness
from visavis.types import RGB
from visavis.videos.track import DetectedFace

LivenessMode = Literal["off", "observe", "require"]

WITHHELD = "the face is not, or not yet, known to be real."


def check_mode(mode: str) -> None:
    """Raise UsageError for anything but a mode."""
    if mode not in get_args(LivenessMode):
        raise UsageError(f"liveness is one of {', '.join(get_args(LivenessMode))}, got {mode!r}.")


def open_check(mode: LivenessMode, *, threads: int | None = None) -> LivenessCheck | None:
    """Return what judges faces, which tracks of several cameras may share; None for "off"."""
    check_mode(mode)
    return None if mode == "off" else LivenessCheck(threads=threads)


class RealTracks:
    """The liveness of each track. Off, nothing is loaded and every track may have a name."""

    def __init__(self, mode: LivenessMode, check: LivenessCheck | None = None, *, threads: int | None = None) -> None:
        self._mode = mode
        self._check = open_check(mode, threads=threads) if check is None or mode == "off" else check
        self._tracks: dict[int, TrackLiveness] = {}
        self._allowed: dict[int, bool] = {}

    def look_at(self, pixels: RGB, faces: Mapping[int, DetectedFace]) -> None:
        """Judge the detected faces of a frame, by the numbers of their tracks."""
        if self._check is None or not faces:
            return
        qualities = [face.quality for face in faces.values()]
        judged = self._check.judge(pixels, [face.face for face in faces.values()], qualities)
        for number, answer in zip(faces, judged, strict=True):
            self._tracks.setdefault(number, self._check.track()).add(answer)

    def join(self, rest: int, number: int) -> None:
        """Count the faces of a track for another track, of which it turned out to be the rest."""
        track = self._tracks.pop(rest, None)
        if track is not None and self._check is not None:
            self._tracks.setdefault(number, self._check.track()).extend(track)

    def score(self, number: int) -> float | None:
        """Return the probability that a track is real; None where none of its faces was judged without a doubt."""
        track = self._tracks.get(number)
        answer = None if track is None else track.result()
        return None if answer is None or not answer.views else answer.score

    def allows(self, number: int) -> bool:
        """Return whether a track may have a name."""
        if self._mode != "require":
            return True
        track = self._tracks.get(number)
        return track is not None and bool(track.result())

    def changed(self) -> bool:
        """Return whether a track has become real, or is so no longer, since this was last asked."""
        if self._mode != "require":
            return False
        before, self._allowed = self._allowed, {number: self.allows(number) for number in self._tracks}
        return any(allowed != before.get(number, False) for number, allowed in self._allowed.items())

    def keep(self, numbers: Container[int]) -> None:
        """Forget all other tracks."""
        self._tracks = {number: track for number, track in self._tracks.items() if number in numbers}
