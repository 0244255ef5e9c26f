"""Faces of frames -> tracks: constant velocity, then two stages of association, by overlap and by embedding.

A face that overlaps the predicted box of one track alone, soon after its last detection, continues it. Wherever that is
doubtful (boxes cross, the track was not detected for a while, the scene was cut, the face looks different at once) the
embeddings decide, so that no track goes on with another person. Tracks that remain, and faces that remain, are then
compared by embedding alone: a face that was hidden for a second gets its track back. Where the first faces of a new
track do not say whether it is the rest of a lost one, the next ones may: until then it is not confirmed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np

from visavis.boxes import overlaps
from visavis.types import Doubles, Mask
from visavis.videos import motion, track_pairs
from visavis.videos.association import assign, contested
from visavis.videos.track import TENTATIVE_S, DetectedFace, Track, TrackLimits
from visavis.videos.types import TrackedFace

LEAST_OVERLAP = 0.2
"""Least intersection over union of a face and a predicted box of one track."""
SIZE_RATIO = 1.8
"""Greatest ratio of the sides of a face and of a predicted box of one track."""
CONTINUED_S = 0.4
"""Seconds without a detection up to which overlap alone continues a track."""
SHOWN_S = 0.5
"""Seconds for which a face that is not detected is predicted."""
KEPT_S = 2.5
"""Seconds after the last detection at which a track ends: until then its face may reappear."""
SAME_LOOK, NEAR_LOOK = 0.3, 0.6
"""Least correlation of two small pictures of a face, in consecutive detections, that are one person without doubt:
where the boxes overlap, and where they are only near."""
NEAR = 0.6
"""Sides of the face between centers up to which a face is near at once; see :data:`visavis.videos.track_pairs.FAST`."""
HIDDEN_S = 1.3
"""Seconds without a detection up to which a face is expected where it was going to."""
EXPECTED, AROUND = 1.5, 2.5
"""Sides between centers up to which a hidden face is where it was expected, and up to which another is a rival."""
RIVAL = 1.2
"""Sides between centers up to which a track and a face may be one, where faces are to be distinguished."""
STEADY_OVERLAP = 0.5
"""Least intersection over union of a face and the predicted box of a track that just stays in place."""
NEUTRAL = 0.5
"""Cosine distance that stands for an unknown one, where boxes decide between contested pairs."""

Embed = Callable[[Sequence[DetectedFace]], None]
"""Sets the embedding, and the share, of faces of the current frame or of faces with a crop."""


@dataclass(frozen=True, slots=True, eq=False)
class TrackUpdate:
    """What the faces of a frame have changed.

    ``owners`` are the tracks of the faces, by the number of the face. ``joined`` are the numbers of tracks that turned
    out to be the rest of a lost track, and the number of that. ``ended`` tracks are gone.
    """

    owners: dict[int, Track]
    joined: dict[int, int]
    ended: list[Track]


class Tracker:
    """Tracks of one source.

    ``limits`` None: no distance is known to mean one person, so lost tracks do not return, and of rivals the nearest
    goes on.

    ``numbers`` gives the tracks their numbers, for sources that are followed together.
    """

    def __init__(
        self, *, limits: TrackLimits | None, kept_s: float = KEPT_S, numbers: Iterator[int] | None = None
    ) -> None:
        self.tracks: list[Track] = []
        self._limits = limits
        self._kept_s = kept_s
        self._numbers = count(1) if numbers is None else numbers

    def update(self, seconds: float, faces: Sequence[DetectedFace], embed: Embed, *, cut: bool = False) -> TrackUpdate:
        """Continue, begin, join and end tracks with all faces of a frame at ``seconds``.

        ``cut`` says that the scene changed since the last detection: no box says anything about another.
        """
        if cut:
            for track in self.tracks:
                track.cut = True
        for track in self.tracks:
            track.motion = motion.predict(track.motion, seconds)
        pairs = self._match_boxes(seconds, faces, embed)
        pairs |= self._match_near(seconds, faces, pairs)
        pairs |= self._match_embeddings(faces, pairs, embed)
        owners = {face: self._continue(track, faces[face], seconds) for face, track in pairs.items()}
        owners |= self._begin_all([number for number in range(len(faces)) if number not in owners], faces, seconds)
        _note_together(list(owners.values()))
        joined = self._join_tentative(owners, embed)
        return TrackUpdate(owners, joined, self._end(seconds, set(map(id, owners.values()))))

    def predict(self, seconds: float) -> list[TrackedFace]:
        """Return where the faces are at ``seconds``, for tracks that were detected shortly before."""
        shown = []
        for track in self.tracks:
            if not track.cut and seconds - track.last <= SHOWN_S:
                moved = motion.predict(track.motion, seconds)
                face = motion.move_face(track.latest.face, moved.box)
                shown.append(TrackedFace(track.number, face, detected=False, uncertainty=moved.uncertainty))
        return shown

    def end_all(self) -> list[Track]:
        """End all tracks and return those that are confirmed."""
        ended, self.tracks = self.tracks, []
        return _settle(ended)

    def _match_boxes(self, seconds: float, faces: Sequence[DetectedFace], embed: Embed) -> dict[int, Track]:
        """Match faces to the tracks whose predicted boxes they overlap."""
        tracks = [track for track in self.tracks if not track.cut and self._may_go_on(track, seconds)]
        if not tracks or not faces:
            return {}
        boxes, detected = track_pairs.boxes_of(tracks), track_pairs.boxes_of(faces)
        overlap = overlaps(boxes, detected).astype(np.float64)
        allowed = (overlap >= LEAST_OVERLAP) & (track_pairs.size_ratios(boxes, detected) <= SIZE_RATIO)
        near = track_pairs.measure_ways(tracks, faces) <= RIVAL
        late = np.array([seconds - track.last > CONTINUED_S for track in tracks])[:, None]
        rivals = contested(allowed | near) & allowed
        alike = track_pairs.compare_looks(tracks, faces) >= SAME_LOOK
        in_doubt = rivals | (allowed & (late | ~alike))
        doubtful = [face for number, face in enumerate(faces) if in_doubt[:, number].any()]
        _embed_all(doubtful, [track for row, track in enumerate(tracks) if in_doubt[row].any()], embed)
        distances = track_pairs.measure_distances(tracks, faces, in_doubt | near)
        steady = ~rivals & ~late & (overlap >= STEADY_OVERLAP)
        near_enough = alike if self._limits is None else distances <= self._limits_of_boxes(faces, steady, self._limits)
        allowed &= ~in_doubt | (near_enough & track_pairs.find_nearest(distances))
        costs = (1 - overlap) / 2 + np.where(np.isnan(distances), NEUTRAL, distances)
        return {face: tracks[track] for track, face in assign(costs, allowed)}

    def _match_near(self, seconds: float, faces: Sequence[DetectedFace], pairs: dict[int, Track]) -> dict[int, Track]:
        """Match the remaining faces to tracks just detected that moved too fast to overlap, where none is contested."""
        matched = set(map(id, pairs.values()))
        tracks = [
            track
            for track in self.tracks
            if id(track) not in matched and not track.cut and seconds - track.last <= CONTINUED_S
        ]
        numbers = [number for number in range(len(faces)) if number not in pairs]
        if not tracks or not numbers:
            return {}
        remaining = [faces[number] for number in numbers]
        ways = track_pairs.measure_ways(tracks, remaining)
        reach = np.array([NEAR + track_pairs.FAST * (seconds - track.last) for track in tracks])
        ratios = track_pairs.size_ratios(track_pairs.boxes_of(tracks), track_pairs.boxes_of(remaining))
        allowed = (ways <= reach[:, None]) & (ratios <= SIZE_RATIO)
        hidden = [track for track in self._find_lost(pairs.values()) if track not in tracks]
        if hidden:
            allowed &= ~(track_pairs.measure_ways(hidden, remaining) <= AROUND).any(axis=0)
        allowed &= ~contested(allowed) & (track_pairs.compare_looks(tracks, remaining) >= NEAR_LOOK)
        return {numbers[face]: tracks[track] for track, face in assign(ways, allowed)}

    def _may_go_on(self, track: Track, seconds: float) -> bool:
        """Return whether a face may continue a track: without limits, only soon after its last detection."""
        return self._limits is not None or seconds - track.last <= CONTINUED_S

    def _limits_of_boxes(self, faces: Sequence[DetectedFace], steady: Mask, limits: TrackLimits) -> Doubles:
        """Return the greatest distances ``(n, m)`` where boxes agree; faces that just stay in place may look worse."""
        shares = np.array([0.0 if face.share is None else face.share for face in faces])
        return np.where(steady, limits.hidden, limits.same * shares)

    def _match_embeddings(
        self, faces: Sequence[DetectedFace], pairs: dict[int, Track], embed: Embed
    ) -> dict[int, Track]:
        """Match the remaining faces to lasting tracks that were lost, by embedding."""
        lost = self._find_lost(pairs.values())
        numbers = [number for number in range(len(faces)) if number not in pairs]
        if self._limits is None or not lost or not numbers:
            return {}
        remaining = [faces[number] for number in numbers]
        _embed_all(remaining, lost, embed)
        limits = _limits_of_lost(lost, remaining, self._limits)
        return {numbers[face]: lost[track] for track, face in _assign_lost(lost, remaining, limits)}

    def _find_lost(self, detected: Iterable[Track]) -> list[Track]:
        """Return the lasting tracks that are not among those detected in this frame; none that cannot return."""
        if self._limits is None:
            return []
        numbers = {track.number for track in detected}
        return [track for track in self.tracks if track.lasting and track.number not in numbers]

    def _begin_all(self, numbers: Sequence[int], faces: Sequence[DetectedFace], seconds: float) -> dict[int, Track]:
        """Begin a track with each of these faces; it is tentative while it may be the rest of a lost one."""
        lost = self._find_lost([])
        remaining = [faces[number] for number in numbers]
        limits = np.zeros((0, len(numbers)))
        if self._limits is not None and lost and remaining:
            limits = _limits_of_lost(lost, remaining, self._limits)
        begun = {}
        for column, number in enumerate(numbers):
            begun[number] = self._begin(faces[number], seconds)
            begun[number].origins = {
                track.number: float(limit) for track, limit in zip(lost, limits[:, column], strict=True) if limit > 0
            }
        return begun

    def _join_tentative(self, owners: dict[int, Track], embed: Embed) -> dict[int, int]:
        """Join tentative tracks of this frame to the lost ones that they are the rest of; return their numbers."""
        lost = {track.number: track for track in self._find_lost(owners.values())}
        for track in self.tracks:
            track.origins = {number: limit for number, limit in track.origins.items() if number in lost}
        tentative = [track for track in owners.values() if track.origins]
        candidates = [track for number, track in lost.items() if any(number in item.origins for item in tentative)]
        if not candidates:
            return {}
        faces = [track.latest for track in tentative]
        _embed_all(faces, candidates, embed)
        limits = np.array([[item.origins.get(track.number, 0.0) for item in tentative] for track in candidates])
        joined = {}
        for row, column in _assign_lost(candidates, faces, limits):
            joined[tentative[column].number] = candidates[row].number
            self._absorb(candidates[row], tentative[column], owners)
        for track in tentative:
            track.origins = self._keep_origins(track, lost)
        return joined

    def _keep_origins(self, track: Track, lost: Mapping[int, Track]) -> dict[int, float]:
        """Return the lost tracks that a tentative one may still be the rest of: for a second, those that are near."""
        if self._limits is None or track.last - track.first > TENTATIVE_S:
            return {}
        if not track.lasting:
            return track.origins
        farthest = self._limits.hidden
        return {
            number: limit
            for number, limit in track.origins.items()
            if track_pairs.measure_distance(track, lost[number]) <= farthest
        }

    def _absorb(self, track: Track, rest: Track, owners: dict[int, Track]) -> None:
        """Go on with a lost track where a tentative one was."""
        track.absorb(rest)
        self.tracks.remove(rest)
        for other in self.tracks:
            if rest.number in other.together:
                other.together.add(track.number)
        for face, owner in owners.items():
            if owner is rest:
                owners[face] = track

    def _continue(self, track: Track, face: DetectedFace, seconds: float) -> Track:
        lost = track.cut or seconds - track.last > CONTINUED_S
        track.motion = motion.start(face.face.box, seconds) if lost else motion.correct(track.motion, face.face.box)
        track.latest, track.last, track.cut = face, seconds, False
        track.detections += 1
        track.take(face)
        return track

    def _begin(self, face: DetectedFace, seconds: float) -> Track:
        track = Track(next(self._numbers), motion.start(face.face.box, seconds), face, seconds, seconds)
        track.take(face)
        self.tracks.append(track)
        return track

    def _end(self, seconds: float, detected: set[int]) -> list[Track]:
        """Remove tracks that were not detected for long, at once if they are new; return those that were tracks."""
        ended = [
            track
            for track in self.tracks
            if id(track) not in detected and seconds - track.last > (self._kept_s if track.lasting else CONTINUED_S)
        ]
        gone = set(map(id, ended))
        self.tracks = [track for track in self.tracks if id(track) not in gone]
        numbers = {track.number for track in self.tracks}
        for track in self.tracks:
            track.together &= numbers
        return _settle(ended)


def _embed_all(faces: Sequence[DetectedFace], tracks: Sequence[Track], embed: Embed) -> None:
    """Embed faces, and those of tracks that wait for it, in one batch."""
    embed([*faces, *(face for track in tracks for face in track.waiting)])
    for track in tracks:
        track.recall()


def _limits_of_lost(lost: Sequence[Track], faces: Sequence[DetectedFace], limits: TrackLimits) -> Doubles:
    """Return the greatest distances ``(n, m)`` between lost tracks and good faces; 0 out of reach.

    They are wider where a hidden face was expected, and no other one may be it: a track that was hidden shortly and a
    face near its predicted place, each without a rival, are one person unless the face is clearly another's. With a
    rival, or somewhat farther, the embeddings must agree as where boxes do.
    """
    ways = track_pairs.measure_ways(lost, faces)
    hidden = np.array([not track.cut and track.motion.seconds - track.last <= HIDDEN_S for track in lost])[:, None]
    around = hidden & (ways <= AROUND)
    expected = hidden & (ways <= EXPECTED) & ~contested(around)
    greatest = np.where(around, limits.same, limits.rejoined)
    greatest = np.where(expected, limits.hidden, greatest)
    return np.where(track_pairs.find_reachable(lost, faces), greatest, 0.0)


def _assign_lost(lost: Sequence[Track], faces: Sequence[DetectedFace], limits: Doubles) -> list[tuple[int, int]]:
    """Return the pairs (track, face) that are one person by embedding, with greatest distances for good faces."""
    distances = track_pairs.measure_distances(lost, faces, limits > 0)
    shares = np.array([0.0 if face.share is None else face.share for face in faces])
    return assign(np.nan_to_num(distances, nan=NEUTRAL), distances <= limits * shares)


def _settle(ended: Sequence[Track]) -> list[Track]:
    """Return the tracks that were detected often enough, each as a track of its own."""
    lasting = [track for track in ended if track.lasting]
    for track in lasting:
        track.origins = {}
    return lasting


def _note_together(tracks: Sequence[Track]) -> None:
    numbers = {track.number for track in tracks}
    for track in tracks:
        track.together |= numbers - {track.number}
