"""What is kept of a run, and several videos as one."""

from __future__ import annotations

import numpy as np

from visavis.evaluate.data.video_truth import Presence
from visavis.evaluate.track_people import SeenFace
from visavis.evaluate.video import TrackNames
from visavis.evaluate.watched_video import WatchedVideo, join_videos, measure_watched, watch
from visavis.types import Face
from visavis.videos.types import EventKind, Frame, FrameResult, TrackedFace, VideoEvent

PIXELS = np.zeros((4, 4, 3), np.uint8)
BOX = (10.0, 10.0, 50.0, 60.0)


def result(number: int, *tracks: int, detected: bool = True, events: tuple[VideoEvent, ...] = ()) -> FrameResult:
    face = Face(np.array(BOX, np.float32), 0.9, np.zeros((5, 2), np.float32))
    faces = tuple(TrackedFace(track, face, detected=detected) for track in tracks)
    return FrameResult(Frame(PIXELS, number / 10, number, "clip"), faces, events, detected=detected)


def event(kind: EventKind, track: int, name: str | None) -> VideoEvent:
    return VideoEvent(f"{kind}{track}", kind, track, None, name, 0.0, 1.0, "clip")


def test_detected_faces_of_confirmed_tracks_and_all_their_names() -> None:
    watched = watch(
        [
            result(0, 1, 2),
            result(1, 1, 2, detected=False),
            result(2, 1, events=(event("recognized", 1, "Ann"),)),
            result(3, events=(event("updated", 1, None), event("recognized", 3, "Bob"))),
            result(4, 3, events=(event("ended", 1, None), event("ended", 3, "Bob"))),
        ]
    )
    assert watched.faces == (SeenFace(1, 0, BOX), SeenFace(1, 0.2, BOX), SeenFace(3, 0.4, BOX))
    assert watched.names == {1: TrackNames(None, frozenset({"Ann"})), 3: TrackNames("Bob", frozenset({"Bob"}))}
    assert (watched.times, watched.frames, watched.seconds) == ((0, 0.2, 0.3, 0.4), 5, 0.4)


def test_several_videos_are_measured_as_one() -> None:
    first = WatchedVideo((SeenFace(1, 0, BOX),), {1: TrackNames("Ann", frozenset({"Ann"}))}, (0,), 1, 0)
    second = WatchedVideo((SeenFace(1, 0, BOX), SeenFace(2, 1, BOX)), {1: TrackNames(), 2: TrackNames()}, (0, 1), 2, 1)
    rows = [Presence("Ann", 0, 0, BOX)], [Presence("Sue", 0, 1, BOX)]
    watched, truth = join_videos([(first, rows[0]), (second, rows[1])])
    assert [face.track for face in watched.faces] == [1, 2, 3]
    assert watched.times == (0, 60, 61)
    assert truth == [Presence("Ann", 0, 0, BOX), Presence("Sue", 60, 61, BOX)]
    measured = measure_watched(watched, truth, enrolled={"Ann"})
    assert (measured.tracks, measured.switches, measured.identified.part, measured.false_alarms.whole) == (3, 1, 1, 2)
