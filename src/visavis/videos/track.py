"""A track: a face that is followed through the frames, how it moves, and what it is compared by."""

from __future__ import annotations

from dataclasses import dataclass, field

from visavis.types import RGB, Face, Floats, Quality
from visavis.videos.motion import Motion

LEAST_DETECTIONS = 3
"""Detections that make a track: fewer may be a false detection."""
TENTATIVE_S = 1.0
"""Seconds for which a new track may still turn out to be the rest of a lost one."""
MEMORY = 12
"""Embeddings that a track is compared by."""
LOOKS = 8
"""Different looks that a track keeps the faces of."""
SAME_PICTURE = 0.7
"""Correlation of two small pictures of a face from which they show about the same."""


@dataclass(slots=True, eq=False)
class DetectedFace:
    """A face of one frame with its quality; ``look (n,)`` is a small picture of it, of mean 0 and length 1.

    ``embedding (d,)`` is computed only where it is needed; ``aligned (1, s, s, 3)`` is the crop for it, also when the
    frame is gone. ``share`` is that of the threshold for a face as poor as this (None: too poor for an answer).
    """

    face: Face
    quality: Quality
    look: Floats
    embedding: Floats | None = None
    share: float | None = 1.0
    aligned: RGB | None = None


@dataclass(frozen=True, slots=True)
class TrackLimits:
    """Greatest cosine distances of one person's faces in a track.

    ``same`` applies where the boxes agree, ``rejoined`` where they say nothing, and ``hidden`` where a face appears at
    the place where one that was hidden shortly is expected, and no other face or track may be meant.
    """

    same: float
    rejoined: float
    hidden: float


@dataclass(slots=True, eq=False)
class Track:
    """A face that is followed: how it moves, its last detection, and embeddings to compare it by.

    ``number`` counts from 1; ``first`` and ``last`` are seconds of the first and the last detection. ``together`` are
    the numbers of the tracks that were detected in one frame with it: other people. ``origins`` are the lost tracks
    that it may be the rest of, by number, with the greatest distance for that; without one it is a track of its own.
    ``looks`` are small pictures of faces that differ, ``waiting`` those of these faces that are not embedded yet.
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
    origins: dict[int, float] = field(default_factory=dict)
    looks: list[Floats] = field(default_factory=list)
    waiting: list[DetectedFace] = field(default_factory=list)

    @property
    def lasting(self) -> bool:
        """Whether it was detected often enough to be a face."""
        return self.detections >= LEAST_DETECTIONS

    @property
    def confirmed(self) -> bool:
        """Whether it is a face, and a track of its own."""
        return self.lasting and not self.origins

    def remember(self, embedding: Floats) -> None:
        """Compare the track by this embedding too; the first one stays, and the newest ones."""
        if any(kept is embedding for kept in self.memory):
            return
        self.memory.append(embedding)
        if len(self.memory) > MEMORY:
            del self.memory[1]

    def take(self, face: DetectedFace) -> None:
        """Remember the embedding of a face, or keep a face without one that looks like none of those kept."""
        if face.embedding is not None:
            self.remember(face.embedding)
        if all(float(look @ face.look) < SAME_PICTURE for look in self.looks):
            self.looks = [*self.looks, face.look][-LOOKS:]
            if face.embedding is None:
                self.waiting = [*self.waiting, face][-LOOKS:]

    def recall(self) -> None:
        """Remember the waiting faces, which have embeddings now."""
        for face in self.waiting:
            if face.embedding is not None:
                self.remember(face.embedding)
        self.waiting = []

    def absorb(self, rest: Track) -> None:
        """Go on as a track that turned out to be the rest of this one."""
        self.motion, self.latest, self.last, self.cut = rest.motion, rest.latest, rest.last, False
        self.detections += rest.detections
        for embedding in rest.memory:
            self.remember(embedding)
        self.looks = [*self.looks, *rest.looks][-LOOKS:]
        self.waiting = [*self.waiting, *rest.waiting][-LOOKS:]
        self.together |= rest.together
