"""Faces of frames -> tracks: constant velocity, then two stages of association, by overlap and by embedding.

A face that overlaps the predicted box of one track alone, soon after its last detection, continues it. Wherever that is
doubtful (boxes cross, the track was not detected for a while, the scene was cut, the face looks different at once) the
embeddings decide, so that no track goes on with another person. Tracks that remain, and faces that remain, are then
compared by embedding alone: a face that was hidden for a second gets its track back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

import numpy as np

from visavis.boxes import overlaps
from visavis.types import Doubles, Face, Floats, Mask, Quality
from visavis.videos import motion
from visavis.videos.association import assign, contested, nearest_distance
from visavis.videos.motion import Motion
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
LEAST_DETECTIONS = 3
"""Detections that make a track: fewer may be a false detection."""
SAME_LOOK, NEAR_LOOK = 0.3, 0.6
"""Least correlation of two small pictures of a face, in consecutive detections, that are one person without doubt:
where the boxes overlap, and where they are only near."""
NEAR, FAST = 0.6, 6.0
"""Sides of the face between centers up to which a face is near: at once, and within a second."""
MEMORY = 6
"""Embeddings that a track is compared by."""
NEUTRAL = 0.5
"""Cosine distance that stands for an unknown one, where boxes decide between contested pairs."""


@dataclass(slots=True, eq=False)
class DetectedFace:
    """A face of one frame with its quality; ``look (n,)`` is a small picture of it, of mean 0 and length 1.

    ``embedding (d,)`` is computed only where it is needed; ``share`` is that of the threshold for a face as poor as
    this (None: too poor for an answer).
    """

    face: Face
    quality: Quality
    look: Floats
    embedding: Floats | None = None
    share: float | None = 1.0


Embed = Callable[[Sequence[DetectedFace]], None]
"""Sets the embedding, and the share, of faces of the current frame."""


@dataclass(frozen=True, slots=True)
class TrackLimits:
    """Greatest cosine distances of one person's faces in a track: where the boxes agree, and where they say nothing."""

    same: float
    rejoined: float


@dataclass(slots=True, eq=False)
class Track:
    """A face that is followed: how it moves, its last detection, and embeddings to compare it by.

    ``number`` counts from 1; ``first`` and ``last`` are seconds of the first and the last detection. ``together`` are
    the numbers of the tracks that were detected in one frame with it: other people.
    """

    number: int
    motion: Motion
    latest: DetectedFace
    first: float
    last: float
    detections: int = 1
    cut: bool = False
    memory: list[Floats] = field(default_factory=list)
    together: set[int] = field(default_factory=set)

    @property
    def confirmed(self) -> bool:
        """Whether it was detected often enough to be a face."""
        return self.detections >= LEAST_DETECTIONS

    def remember(self, embedding: Floats) -> None:
        """Compare the track by this embedding too; the first one stays, and the newest ones."""
        self.memory.append(embedding)
        if len(self.memory) > MEMORY:
            del self.memory[1]


class Tracker:
    """Tracks of one source; ``limits`` None: no distance is known to mean one person, so doubtful tracks end.

    ``numbers`` gives the tracks their numbers, for sources that are followed together.
    """

    def __init__(
        self, *, limits: TrackLimits | None, kept_s: float = KEPT_S, numbers: Iterator[int] | None = None
    ) -> None:
        self.tracks: list[Track] = []
        self._limits = limits
        self._kept_s = kept_s
        self._numbers = count(1) if numbers is None else numbers

    def update(
        self, seconds: float, faces: Sequence[DetectedFace], embed: Embed, *, cut: bool = False
    ) -> tuple[dict[int, Track], list[Track]]:
        """Continue and begin tracks with all faces of a frame at ``seconds``.

        ``cut`` says that the scene changed since the last detection: no box says anything about another. Returns the
        track of each face, by the number of the face, and the tracks that ended.
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
        owners |= {number: self._begin(face, seconds) for number, face in enumerate(faces) if number not in owners}
        _note_together(list(owners.values()))
        return owners, self._end(seconds, set(map(id, owners.values())))

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
        return [track for track in ended if track.confirmed]

    def _match_boxes(self, seconds: float, faces: Sequence[DetectedFace], embed: Embed) -> dict[int, Track]:
        """Match faces to the tracks whose predicted boxes they overlap."""
        tracks = [track for track in self.tracks if not track.cut]
        if not tracks or not faces:
            return {}
        boxes, detected = _boxes_of(tracks), _boxes_of(faces)
        overlap = overlaps(boxes, detected).astype(np.float64)
        allowed = (overlap >= LEAST_OVERLAP) & (_size_ratios(boxes, detected) <= SIZE_RATIO)
        in_doubt = self._find_doubts(seconds, tracks, faces, allowed)
        embed([face for number, face in enumerate(faces) if in_doubt[:, number].any()])
        distances = _measure_distances(tracks, faces, in_doubt)
        allowed &= ~in_doubt | self._pass(tracks, faces, distances, seconds)
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
        ways = _measure_ways(tracks, remaining)
        reach = np.array([NEAR + FAST * (seconds - track.last) for track in tracks])
        ratios = _size_ratios(_boxes_of(tracks), _boxes_of(remaining))
        allowed = (ways <= reach[:, None]) & (ratios <= SIZE_RATIO)
        allowed &= ~contested(allowed) & (_compare_looks(tracks, remaining) >= NEAR_LOOK)
        return {numbers[face]: tracks[track] for track, face in assign(ways, allowed)}

    def _find_doubts(
        self, seconds: float, tracks: Sequence[Track], faces: Sequence[DetectedFace], allowed: Mask
    ) -> Mask:
        """Return the pairs ``(n, m)`` that overlap alone must not decide."""
        late = np.array([seconds - track.last > CONTINUED_S for track in tracks])
        return contested(allowed) | (allowed & (late[:, None] | (_compare_looks(tracks, faces) < SAME_LOOK)))

    def _pass(self, tracks: Sequence[Track], faces: Sequence[DetectedFace], distances: Doubles, seconds: float) -> Mask:
        """Return the doubtful pairs whose embeddings are of one person.

        A track without embeddings is new: it goes on if it was just detected, and the face does not look different.
        """
        result = np.zeros(distances.shape, bool)
        for row, track in enumerate(tracks):
            for column, face in enumerate(faces):
                if not np.isnan(distances[row, column]):
                    limit = self._limit("same", face)
                    result[row, column] = limit is not None and distances[row, column] <= limit
                elif not track.memory:
                    alike = float(track.latest.look @ face.look) >= SAME_LOOK
                    result[row, column] = alike and seconds - track.last <= CONTINUED_S
        return result

    def _limit(self, kind: str, face: DetectedFace) -> float | None:
        if self._limits is None:
            return None
        limit = self._limits.same if kind == "same" else self._limits.rejoined
        return limit * (0.0 if face.share is None else face.share)

    def _match_embeddings(
        self, faces: Sequence[DetectedFace], pairs: dict[int, Track], embed: Embed
    ) -> dict[int, Track]:
        """Match the remaining faces to confirmed tracks that were lost, by embedding."""
        matched = set(map(id, pairs.values()))
        lost = [track for track in self.tracks if id(track) not in matched and track.confirmed and track.memory]
        numbers = [number for number in range(len(faces)) if number not in pairs]
        if not lost or not numbers or self._limits is None:
            return {}
        remaining = [faces[number] for number in numbers]
        embed(remaining)
        distances = _measure_distances(lost, remaining, np.ones((len(lost), len(remaining)), bool))
        limits = np.array([self._limit("rejoined", face) or 0.0 for face in remaining])
        allowed = (distances <= limits) & _reachable(lost, remaining)
        costs = np.nan_to_num(distances, nan=NEUTRAL)
        return {numbers[face]: lost[track] for track, face in assign(costs, allowed)}

    def _continue(self, track: Track, face: DetectedFace, seconds: float) -> Track:
        lost = track.cut or seconds - track.last > CONTINUED_S
        track.motion = motion.start(face.face.box, seconds) if lost else motion.correct(track.motion, face.face.box)
        track.latest, track.last, track.cut = face, seconds, False
        track.detections += 1
        if face.embedding is not None:
            track.remember(face.embedding)
        return track

    def _begin(self, face: DetectedFace, seconds: float) -> Track:
        track = Track(next(self._numbers), motion.start(face.face.box, seconds), face, seconds, seconds)
        if face.embedding is not None:
            track.remember(face.embedding)
        self.tracks.append(track)
        return track

    def _end(self, seconds: float, detected: set[int]) -> list[Track]:
        """Remove tracks that were not detected for long, at once if they are new; return the confirmed ones."""
        ended = [
            track
            for track in self.tracks
            if id(track) not in detected and seconds - track.last > (self._kept_s if track.confirmed else CONTINUED_S)
        ]
        gone = set(map(id, ended))
        self.tracks = [track for track in self.tracks if id(track) not in gone]
        numbers = {track.number for track in self.tracks}
        for track in self.tracks:
            track.together &= numbers
        return [track for track in ended if track.confirmed]


def _note_together(tracks: Sequence[Track]) -> None:
    numbers = {track.number for track in tracks}
    for track in tracks:
        track.together |= numbers - {track.number}


def _size_ratios(a: Floats, b: Floats) -> Doubles:
    """Return the ratios ``(n, m)``, 1 or more, of the mean sides of boxes ``(n, 4)`` and ``(m, 4)``."""
    first, second = ((boxes[:, 2:] - boxes[:, :2]).mean(axis=1).astype(np.float64) for boxes in (a, b))
    ratios = np.maximum(first, 1)[:, None] / np.maximum(second, 1)
    result: Doubles = np.maximum(ratios, 1 / ratios)
    return result


def _measure_distances(tracks: Sequence[Track], faces: Sequence[DetectedFace], wanted: Mask) -> Doubles:
    """Return the distances ``(n, m)`` of wanted pairs; NaN where one of both has no embedding, and for other pairs."""
    distances = np.full(wanted.shape, np.nan)
    for row, track in enumerate(tracks):
        memory = np.stack(track.memory) if track.memory else None
        for column, face in enumerate(faces):
            if wanted[row, column] and memory is not None and face.embedding is not None:
                distances[row, column] = nearest_distance(memory, face.embedding)
    return distances


def _boxes_of(items: Sequence[Track] | Sequence[DetectedFace]) -> Floats:
    """Return the predicted boxes of tracks, or those of faces, ``(n, 4)``."""
    return np.stack([item.motion.box if isinstance(item, Track) else item.face.box for item in items])


def _compare_looks(tracks: Sequence[Track], faces: Sequence[DetectedFace]) -> Floats:
    """Return the correlations ``(n, m)`` of the small pictures."""
    looks: Floats = np.stack([track.latest.look for track in tracks]) @ np.stack([face.look for face in faces]).T
    return looks


def _measure_ways(tracks: Sequence[Track], faces: Sequence[DetectedFace]) -> Doubles:
    """Return the distances ``(n, m)`` from predicted centers to those of faces, in sides of the tracks' faces."""
    boxes = _boxes_of(faces)
    centers = (boxes[:, :2] + boxes[:, 2:]) / 2
    predicted = np.stack([track.motion.position[:2] for track in tracks])
    sides = np.array([track.motion.side for track in tracks])
    ways: Doubles = np.linalg.norm(predicted[:, None] - centers[None], axis=2) / sides[:, None]
    return ways


def _reachable(tracks: Sequence[Track], faces: Sequence[DetectedFace]) -> Mask:
    """Return the pairs ``(n, m)`` of a track and a face that a person can have moved between; all after a cut."""
    reach = [np.inf if track.cut else FAST * (1 + track.motion.seconds - track.last) for track in tracks]
    result: Mask = _measure_ways(tracks, faces) <= np.array(reach)[:, None]
    return result
