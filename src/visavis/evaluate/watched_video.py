"""What the recognizer says about a video, as far as error rates need it: faces and names of tracks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from visavis.evaluate.data.video_truth import Presence
from visavis.evaluate.track_people import SeenFace, judge_faces
from visavis.evaluate.video import TrackNames, VideoResult, measure_video
from visavis.videos.types import FrameResult


@dataclass(frozen=True, slots=True)
class WatchedVideo:
    """Detected ``faces`` of all tracks that were confirmed, the ``names`` of these tracks, and the searched frames.

    ``times`` are the seconds of the frames that faces were searched in, ``frames`` counts all, ``seconds`` is the time
    of the last one.
    """

    faces: tuple[SeenFace, ...]
    names: dict[int, TrackNames]
    times: tuple[float, ...]
    frames: int
    seconds: float


def watch(results: Iterable[FrameResult]) -> WatchedVideo:
    """Collect the results of a run of :class:`visavis.videos.recognize.VideoRecognizer`, to its end.

    Tracks that end without an event were too short to be confirmed: they are left out.
    """
    faces: list[SeenFace] = []
    times: list[float] = []
    ever: dict[int, set[str]] = defaultdict(set)
    last: dict[int, str | None] = {}
    frames, seconds = 0, 0.0
    for result in results:
        frames, seconds = frames + 1, result.frame.seconds
        if result.detected:
            times.append(seconds)
            faces += [_make_face(item.track, seconds, item.face.box.tolist()) for item in result.faces if item.detected]
        for event in result.events:
            if event.name is not None:
                ever[event.track].add(event.name)
            if event.event == "ended":
                last[event.track] = event.name
    names = {track: TrackNames(name, frozenset(ever[track])) for track, name in last.items()}
    return WatchedVideo(tuple(face for face in faces if face.track in names), names, tuple(times), frames, seconds)


def _make_face(track: int, seconds: float, box: Sequence[float]) -> SeenFace:
    x1, y1, x2, y2 = box
    return SeenFace(track, seconds, (x1, y1, x2, y2))


def measure_watched(watched: WatchedVideo, truth: Sequence[Presence], *, enrolled: Collection[str]) -> VideoResult:
    """Measure a video whose truth is known; ``enrolled`` are the names of the people in its gallery."""
    last = {track: name.last for track, name in watched.names.items() if name.last is not None}
    judged = judge_faces(watched.faces, truth, last)
    return measure_video(judged, truth, names=watched.names, enrolled=enrolled, times=watched.times)


def join_videos(videos: Sequence[tuple[WatchedVideo, Sequence[Presence]]]) -> tuple[WatchedVideo, list[Presence]]:
    """Return several videos as one: each begins a minute behind the end of the one before, with tracks of its own."""
    faces: list[SeenFace] = []
    names: dict[int, TrackNames] = {}
    times: list[float] = []
    truth: list[Presence] = []
    begin, first, frames = 0.0, 0, 0
    for video, rows in videos:
        faces += [SeenFace(first + face.track, begin + face.seconds, face.box) for face in video.faces]
        names |= {first + track: name for track, name in video.names.items()}
        times += [begin + seconds for seconds in video.times]
        truth += [Presence(row.person, begin + row.start, begin + row.end, row.box) for row in rows]
        frames += video.frames
        begin += max([video.seconds, *(row.end for row in rows)]) + 60
        first = max([first, *names])
    return WatchedVideo(tuple(faces), names, tuple(times), frames, begin), truth
