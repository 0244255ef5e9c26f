"""A challenge before a camera: each frame's faces are shown to it, and each new instruction is passed on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from visavis.challenge import GAP, Challenge, ChallengeState
from visavis.detectors import Detector
from visavis.videos.silence import Silence, frames_or_none
from visavis.videos.types import FrameSource

NO_PICTURES = "The camera sends no pictures."
ENDED = "The pictures ended before the challenge did."


def follow_challenge(
    source: FrameSource, detector: Detector, challenge: Challenge, *, min_face: float
) -> Iterator[tuple[float, ChallengeState]]:
    """Yield the seconds and the state at first and at each change; the last state is passed or failed.

    Closes the source. A challenge fails where the frames end before it, or a camera falls silent. Raises VideoError.
    """
    silence, state, seconds = Silence(GAP), challenge.state, 0.0
    yield seconds, state
    for frame in frames_or_none(source):
        if frame is None:
            if silence.begins():
                yield seconds, _fail(state, NO_PICTURES)
                return
            continue
        silence.hear(frame)
        before, seconds = state, frame.seconds
        (faces,) = detector.detect([frame.pixels], min_face=min_face)
        state = challenge.update(seconds, faces, frame.pixels.shape[1])
        if state != before:
            yield seconds, state
        if state.status != "running":
            source.close()
            return
    yield seconds, _fail(state, ENDED)


def _fail(state: ChallengeState, reason: str) -> ChallengeState:
    return replace(state, status="failed", instruction=reason, movement=None, reason=reason)
