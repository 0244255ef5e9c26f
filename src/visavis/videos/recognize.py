"""Frames -> tracks -> people: detection every n-th frame, few embeddings a track, one search a track.

Between two detections the faces are predicted. In files faces are detected ahead, while others are tracked. What is
embedded: faces where a track is in doubt, and the best faces of a track when its person is searched for; all of a frame
in one batch.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from visavis import compare, defaults
from visavis._checks import check_number
from visavis.errors import VisavisError
from visavis.types import Face
from visavis.videos.detect_ahead import DetectionTimes, FrameFaces, detect_ahead
from visavis.videos.detected_faces import FaceReader
from visavis.videos.extra import require_extra
from visavis.videos.faces_folder import FacesFolder
from visavis.videos.person import KeptFace
from visavis.videos.real_tracks import LivenessMode, RealTracks, check_mode
from visavis.videos.silence import Silence, WaitingSource, frames_or_none
from visavis.videos.strangers import Strangers
from visavis.videos.track import Track, TrackLimits
from visavis.videos.track_people import TrackPeople
from visavis.videos.tracker import KEPT_S, Tracker
from visavis.videos.types import Frame, FrameResult, FrameSource, TrackedFace

if TYPE_CHECKING:
    from visavis.gallery import Gallery
    from visavis.pipeline import Recognizer

INTERVAL_S = 0.15
"""Seconds of video between two detections: faces move by less than their size, and detection takes most of the time."""
SAME_FAR, REJOINED_FAR, HIDDEN_FAR = 1e-2, 1e-4, 1e-1
"""Rates of false accepts of the distances within a track: see :class:`visavis.videos.track.TrackLimits`."""


@dataclass(frozen=True, slots=True)
class VideoOptions:
    """How videos are looked at; UsageError for values that are not valid.

    ``min_face`` is the side in pixels of the smallest face, ``fpir`` the rate at which a track of a stranger is given a
    name, ``threshold`` a cosine distance instead of it, ``interval`` the seconds of video between two detections (0:
    each frame). ``liveness`` "observe" states whether tracks are real faces, "require" also gives no others a name.
    """

    min_face: float = defaults.MIN_FACE
    fpir: float = defaults.FPIR
    threshold: float | None = None
    interval: float = INTERVAL_S
    liveness: LivenessMode = "off"

    def __post_init__(self) -> None:
        check_number(self.min_face, "min_face is a side in pixels", least=1)
        compare.check_fpir(self.fpir)
        if self.threshold is not None:
            compare.to_cosine(self.threshold, "cosine")
        check_number(self.interval, "interval is a number of seconds", least=0)
        check_mode(self.liveness)


@dataclass(frozen=True, slots=True, eq=False)
class FollowedFrame:
    """A frame whose faces have tracks: their ``owners``, the tracks that ``ended``, the faces ``wanted`` embedded."""

    frame: Frame
    owners: Mapping[int, Track]
    ended: Sequence[Track]
    wanted: Sequence[KeptFace]


class VideoRecognizer:
    """Tracks and recognizes the faces of one source.

    ``gallery`` None: tracks without names. ``faces`` is where the best face of each track is written, ``strangers``
    what remembers unknown people. ``numbers`` gives the tracks their numbers, for sources that are followed together.
    ``detections`` counts the frames in which faces were detected; ``silence`` notices that a camera sends none.
    """

    def __init__(
        self,
        recognizer: Recognizer,
        gallery: Gallery | None = None,
        *,
        options: VideoOptions | None = None,
        faces: FacesFolder | None = None,
        strangers: Strangers | None = None,
        real: RealTracks | None = None,
        numbers: Iterator[int] | None = None,
    ) -> None:
        require_extra()
        self.options = VideoOptions() if options is None else options
        self.detections = 0
        table = compare.calibration(recognizer.model) if gallery is None else gallery.calibration
        self.tracker = Tracker(limits=_choose_limits(table), numbers=numbers)
        self._reader = FaceReader(recognizer, table, min_face=self.options.min_face)
        self._people = TrackPeople(
            self._reader,
            gallery,
            RealTracks(self.options.liveness, threads=recognizer.threads) if real is None else real,
            fpir=self.options.fpir,
            threshold=self.options.threshold,
            faces=faces,
            strangers=strangers,
        )
        self._times = DetectionTimes(self.options.interval)
        self._parallel = recognizer.threads > 1
        self.silence = Silence(KEPT_S)
        self._cut = False

    def run(
        self, source: FrameSource, *, ended: Callable[[], bool] = lambda: False
    ) -> Generator[FrameResult, None, None]:
        """Yield a result for each frame of a source, one frame late; the last one has the ends of all tracks.

        So has the last one before a camera falls silent. The run ends early where ``ended`` is True. Closes the source.
        After Ctrl-C, and after an error of the source, the last frame with the ends of all tracks comes before the
        exception.
        """
        held: FrameResult | None = None
        try:
            with closing(self._detect_faces(source)) as items:
                for item in items:
                    if item is None:
                        if held is not None and self.silence.begins():
                            last, held = held, None
                            yield self.finish(last)
                    else:
                        self._cut = item.cut
                        before, held = held, self.follow(item.frame, item.faces)
                        if before is not None:
                            yield before
                    if ended():
                        break
        except (KeyboardInterrupt, VisavisError):
            if held is not None:
                yield self.finish(held)
            raise
        finally:
            source.close()
        if held is not None:
            yield self.finish(held)

    def _detect_faces(self, source: FrameSource) -> Generator[FrameFaces | None, None, None]:
        """Yield the frames of a source with their faces, and None while a camera sends none."""
        if self._parallel and not source.live and not isinstance(source, WaitingSource):
            yield from detect_ahead(iter(source), self._times, self._reader.detect)
            return
        for frame in frames_or_none(source):
            if frame is None:
                yield None
            else:
                faces = self._reader.detect(frame) if self.is_due(frame) else None
                yield FrameFaces(frame, self._cut, faces)

    def is_due(self, frame: Frame) -> bool:
        """Return whether faces are to be detected in the next frame; call it once for each frame, as it arrives."""
        self.silence.hear(frame)
        self._cut, due = self._times.look(frame)
        return due

    def detect_again(self) -> None:
        """Let the next frame be due: in the last one that was, no faces could be detected."""
        self._times.detect_again()

    def follow(self, frame: Frame, detected_faces: Sequence[Face] | None) -> FrameResult:
        """Return the result of the next frame with the faces detected in it; None: they are predicted."""
        if detected_faces is None:
            return FrameResult(frame, self._describe(self.tracker.predict(frame.seconds)))
        followed = self.begin(frame, detected_faces)
        self.embed([followed])
        return self.complete(followed)

    def begin(self, frame: Frame, detected_faces: Sequence[Face]) -> FollowedFrame:
        """Continue the tracks with the faces detected in the next frame: the first part of :meth:`follow`."""
        self.detections += 1
        faces = self._reader.measure(frame, detected_faces)
        update = self.tracker.update(
            frame.seconds, faces, lambda wanted: self._reader.embed(frame.pixels, wanted), cut=self._cut
        )
        owners = update.owners
        self._people.join(update.joined)
        self._people.look_at({track.number: (track, faces[number]) for number, track in owners.items()}, frame)
        wanted = self._people.faces_to_embed(frame.seconds, self.tracker.tracks, update.ended)
        return FollowedFrame(frame, owners, update.ended, wanted)

    def embed(self, followed: Sequence[FollowedFrame]) -> None:
        """Embed the faces that frames need, in one batch, also those of other cameras with this recognizer."""
        self._reader.embed_kept([face for frame in followed for face in frame.wanted])

    def complete(self, followed: FollowedFrame) -> FrameResult:
        """Search for people: the last part of :meth:`follow`."""
        frame, owners = followed.frame, followed.owners
        events = self._people.search(frame.seconds, self.tracker.tracks, followed.ended)
        self._people.forget_ended(self.tracker.tracks)
        detected = [TrackedFace(track.number, track.latest.face, detected=True) for track in owners.values()]
        numbers = {face.track for face in detected}
        hidden = [face for face in self.tracker.predict(frame.seconds) if face.track not in numbers]
        return FrameResult(frame, self._describe([*detected, *hidden]), tuple(events), detected=True)

    def finish(self, result: FrameResult) -> FrameResult:
        """End all tracks; return the result of the last frame with their events."""
        events = self._people.search(result.frame.seconds, [], self.tracker.end_all())
        self._people.forget_ended([])
        return replace(result, events=(*result.events, *events))

    def _describe(self, faces: Sequence[TrackedFace]) -> tuple[TrackedFace, ...]:
        """Return the faces with what is known of their tracks."""
        confirmed = {track.number for track in self.tracker.tracks if track.confirmed}
        return tuple(self._people.describe(face, confirmed=face.track in confirmed) for face in faces)


def _choose_limits(table: compare.Calibration | None) -> TrackLimits | None:
    """Return the distances of one person's faces in a track; None where the model is uncalibrated."""
    if table is None:
        return None
    rates = (min(max(far, table.far[-1]), table.far[0]) for far in (SAME_FAR, REJOINED_FAR, HIDDEN_FAR))
    return TrackLimits(*map(table.threshold, rates))
