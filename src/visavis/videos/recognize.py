"""Frames -> tracks -> people: detection every n-th frame, few embeddings a track, one search a track.

Between two detections the faces are predicted. What is embedded: faces where a track is in doubt, and the best faces of
a track when its person is searched for; all of a frame in one batch.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from visavis import compare, defaults
from visavis._checks import check_number
from visavis.detectors import certain_score
from visavis.errors import VisavisError
from visavis.quality import gray_crop, measure
from visavis.types import RGB, Face, Floats, Identification
from visavis.videos import answers
from visavis.videos.events import make_event
from visavis.videos.faces_folder import FacesFolder
from visavis.videos.person import KeptFace, TrackedPerson, crop_view, set_embedding
from visavis.videos.real_tracks import WITHHELD, LivenessMode, RealTracks, check_mode
from visavis.videos.scenes import SceneChanges
from visavis.videos.tracker import DetectedFace, Track, Tracker, TrackLimits
from visavis.videos.types import EventKind, FaceView, Frame, FrameResult, FrameSource, TrackedFace, VideoEvent

if TYPE_CHECKING:
    from visavis.gallery import Gallery
    from visavis.pipeline import Recognizer

INTERVAL_S = 0.15
"""Seconds of video between two detections: faces move by less than their size, and detection takes most of the time."""
SEARCH_AGAIN_S = 2.0
"""Seconds after which the people of all tracks are searched again, in case the gallery has changed."""
SAME_FAR, REJOINED_FAR = 1e-2, 1e-4
"""Rates of false accepts of the distances within a track: where the boxes agree too, and where they say nothing."""
LOOK = 12
"""Side of the small picture by which a face is compared with the one before."""


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


class VideoRecognizer:
    """Tracks and recognizes the faces of one source. ``gallery`` None: tracks without names.

    ``numbers`` gives the tracks their numbers, for sources that are followed together.
    """

    def __init__(
        self,
        recognizer: Recognizer,
        gallery: Gallery | None = None,
        *,
        options: VideoOptions | None = None,
        faces: FacesFolder | None = None,
        real: RealTracks | None = None,
        numbers: Iterator[int] | None = None,
    ) -> None:
        self.options = VideoOptions() if options is None else options
        self.people: dict[int, TrackedPerson] = {}
        self.detections = 0
        self._recognizer = recognizer
        self._gallery = gallery
        self._faces = faces
        self._real = RealTracks(self.options.liveness, threads=recognizer.threads) if real is None else real
        table = compare.calibration(recognizer.model) if gallery is None else gallery.calibration
        self._table = table
        self.tracker = Tracker(limits=_choose_limits(table), numbers=numbers)
        self._scenes = SceneChanges()
        self._camera = ""
        self._cut = False
        self._before: float | None = None
        self._detected: float | None = None
        self._searched = 0.0

    def run(self, source: FrameSource) -> Generator[FrameResult, None, None]:
        """Yield a result for each frame of a source, one frame late; the last one has the ends of all tracks.

        Closes the source. After Ctrl-C, and after an error of the source, the last frame with the ends of all tracks
        comes before the exception.
        """
        held: FrameResult | None = None
        try:
            for frame in source:
                before, held = held, self.process(frame)
                if before is not None:
                    yield before
        except (KeyboardInterrupt, VisavisError):
            if held is not None:
                yield self.finish(held)
            raise
        finally:
            source.close()
        if held is not None:
            yield self.finish(held)

    def process(self, frame: Frame) -> FrameResult:
        """Return the result of the next frame."""
        return self.follow(frame, self._detect(frame) if self.is_due(frame) else None)

    def is_due(self, frame: Frame) -> bool:
        """Return whether faces are to be detected in the next frame; call it once for each frame."""
        self._cut = self._scenes.is_cut(frame.pixels)
        due = self._is_due(frame.seconds)
        return self._cut or due

    def follow(self, frame: Frame, detected_faces: Sequence[Face] | None) -> FrameResult:
        """Return the result of the next frame with the faces detected in it; None: they are predicted."""
        self._camera = frame.source
        if detected_faces is None:
            return FrameResult(frame, self._name_faces(self.tracker.predict(frame.seconds)))
        self._detected = frame.seconds
        self.detections += 1
        faces = self._measure(frame, detected_faces)
        owners, ended = self.tracker.update(
            frame.seconds, faces, lambda wanted: self._embed(frame.pixels, wanted), cut=self._cut
        )
        for number, track in owners.items():
            self._look_at(track, faces[number], frame)
        self._real.look_at(frame.pixels, {track.number: faces[number] for number, track in owners.items()})
        events = [*self._search(frame.seconds), *map(self._end_track, ended)]
        self.people = {track.number: self.people[track.number] for track in self.tracker.tracks}
        self._real.keep(self.people)
        detected = [TrackedFace(track.number, track.latest.face, detected=True) for track in owners.values()]
        hidden = [face for face in self.tracker.predict(frame.seconds) if face.track not in _numbers(detected)]
        return FrameResult(frame, self._name_faces([*detected, *hidden]), tuple(events), detected=True)

    def finish(self, result: FrameResult) -> FrameResult:
        """End all tracks; return the result of the last frame with their events."""
        ending = self.tracker.end_all()
        events = [*self._search(result.frame.seconds, ending), *map(self._end_track, ending)]
        return replace(result, events=(*result.events, *events))

    def _is_due(self, seconds: float) -> bool:
        """Return whether faces are to be detected in the frame at ``seconds``: the one nearest to the interval."""
        step = 0.0 if self._before is None else seconds - self._before
        self._before = seconds
        return self._detected is None or seconds + step / 2 - self._detected > self.options.interval - 1e-6

    def _detect(self, frame: Frame) -> list[Face]:
        (faces,) = self._recognizer.detector.detect([frame.pixels], min_face=self.options.min_face)
        return faces

    def _measure(self, frame: Frame, faces: Sequence[Face]) -> list[DetectedFace]:
        certain = certain_score(self._recognizer.detector)
        return [
            DetectedFace(face, measure(frame.pixels, face, certain=certain), _make_look(frame.pixels, face))
            for face in faces
        ]

    def _embed(self, pixels: RGB, faces: Sequence[DetectedFace]) -> None:
        """Set the embeddings of faces of a frame that have none yet."""
        wanted = [face for face in faces if face.embedding is None]
        if not wanted:
            return
        crops = self._recognizer.embedder.crops(pixels, [face.face for face in wanted])
        for face, embedding in zip(wanted, self._embed_crops(crops), strict=True):
            face.embedding = embedding
            face.share = 1.0 if self._table is None else self._table.threshold_share(embedding, face.quality)

    def _embed_crops(self, crops: RGB) -> Floats:
        embedder = self._recognizer.embedder
        return compare.check_computed(embedder.embed(crops), embedder.name)

    def _look_at(self, track: Track, face: DetectedFace, frame: Frame) -> None:
        """Note a detection of a track: when, and its face, if it is among the best."""
        moment = frame.seconds if frame.captured is None else frame.captured
        person = self.people.setdefault(track.number, TrackedPerson(start=moment))
        person.end = moment
        if person.wants(frame.seconds, face.quality.score):
            aligned = None
            if face.embedding is None:
                aligned = self._recognizer.embedder.crops(frame.pixels, [face.face])
            crop = crop_view(frame.pixels, face.face)
            view = FaceView(frame.seconds, face.face, face.quality.score, crop, face.embedding)
            person.keep(KeptFace(view, face.quality, aligned))

    def _search(self, seconds: float, ending: Sequence[Track] = ()) -> list[VideoEvent]:
        """Search for the people of tracks that are due, and of all tracks from time to time; return what changed."""
        tracks = [track for track in (*self.tracker.tracks, *ending) if track.confirmed]
        due = [track for track in tracks if self._is_search_due(track, seconds, ends=track in ending)]
        self._embed_kept([face for track in due for face in self.people[track.number].unembedded()])
        for track in due:
            self._merge(track)
        again = self._gallery is not None and seconds - self._searched >= SEARCH_AGAIN_S
        changed = self._real.changed()
        if self._gallery is None or not (due or again or changed):
            return []
        for track in tracks if again else due:
            self._answer(self.people[track.number], self._gallery)
        if again:
            self._searched = seconds
        return self._show(tracks)

    def _is_search_due(self, track: Track, seconds: float, *, ends: bool) -> bool:
        person = self.people[track.number]
        return person.due(seconds - track.first) or (ends and not person.searched and bool(person.kept))

    def _embed_kept(self, faces: Sequence[KeptFace]) -> None:
        crops = [face.aligned for face in faces if face.aligned is not None]
        if crops:
            for face, embedding in zip(faces, self._embed_crops(np.concatenate(crops)), strict=True):
                set_embedding(face, embedding)

    def _merge(self, track: Track) -> None:
        person = self.people[track.number]
        person.fpir = answers.search_fpir(self.options.fpir, len(person.searched), len(person.kept))
        track.remember(person.merge())

    def _answer(self, person: TrackedPerson, gallery: Gallery) -> None:
        """Search for a person by the last template."""
        if person.template is not None:
            answer = answers.search_person(
                gallery, person, person.template, fpir=person.fpir, threshold=self.options.threshold
            )
            person.answer = answers.keep_or_replace(person.answer, answer)

    def _show(self, tracks: Sequence[Track]) -> list[VideoEvent]:
        """Decide among all tracks who they are; return an event for each answer that changed."""
        events = []
        allowed = [track for track in tracks if self._real.allows(track.number)]
        withheld = {track.number: self._withhold(track.number) for track in tracks if track not in allowed}
        for number, answer in (answers.name_each_person_once(allowed, self.people) | withheld).items():
            person = self.people[number]
            before, person.shown = person.shown, answer
            if _name_of(before) != _name_of(answer):
                events.append(self._make_event("updated" if person.recognized else "recognized", number))
                person.recognized = True
        return events

    def _withhold(self, number: int) -> Identification | None:
        answer = self.people[number].answer
        return None if answer is None else answers.make_unknown(answer, WITHHELD)

    def _end_track(self, track: Track) -> VideoEvent:
        person = self.people[track.number]
        if person.shown is not None and person.shown.person_id is not None:
            for number in track.together & self.people.keys():
                self.people[number].given_away.add(person.shown.person_id)
        return self._make_event("ended", track.number)

    def _make_event(self, kind: EventKind, number: int) -> VideoEvent:
        person = self.people[number]
        face = None
        if self._faces is not None and person.best is not None:
            face = self._faces.save(number, person.best.view.crop)
        return make_event(
            kind,
            number,
            person.shown,
            start=person.start,
            end=person.end,
            camera=self._camera,
            best_face=face,
            liveness=self._real.score(number),
        )

    def _name_faces(self, faces: Sequence[TrackedFace]) -> tuple[TrackedFace, ...]:
        """Return the faces with what is known of their tracks."""
        confirmed = {track.number for track in self.tracker.tracks if track.confirmed}
        return tuple(self._name_face(face, confirmed=face.track in confirmed) for face in faces)

    def _name_face(self, face: TrackedFace, *, confirmed: bool) -> TrackedFace:
        answer = self.people[face.track].shown
        if answer is None:
            return replace(face, confirmed=confirmed, decided=False)
        return replace(face, confirmed=confirmed, name=answer.name, person_id=answer.person_id)


def _choose_limits(table: compare.Calibration | None) -> TrackLimits | None:
    """Return the distances of one person's faces in a track; None where the model is uncalibrated."""
    if table is None:
        return None
    same, rejoined = (min(max(far, table.far[-1]), table.far[0]) for far in (SAME_FAR, REJOINED_FAR))
    return TrackLimits(table.threshold(same), table.threshold(rejoined))


def _make_look(pixels: RGB, face: Face) -> Floats:
    """Return a small picture of a face ``(n,)``, of length 1: its product with another is a correlation.

    A face of one color is like any other face of one color.
    """
    from visavis.opencv import cv2

    small = cv2.resize(gray_crop(pixels, face.box), (LOOK, LOOK), interpolation=cv2.INTER_AREA)
    flat = small.astype(np.float32).ravel()
    apart = flat - flat.mean()
    look: Floats = compare.unit((apart if apart.any() else apart + 1)[None])[0]
    return look


def _numbers(faces: Sequence[TrackedFace]) -> set[int]:
    return {face.track for face in faces}


def _name_of(answer: object) -> tuple[object, object]:
    return getattr(answer, "person_id", None), getattr(answer, "name", None)
