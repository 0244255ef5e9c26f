"""What a track knows about its person: its best faces, their merged template, and the answer so far.

A face is kept if it is among the best by quality, with some time between the kept ones. Faces are embedded when an
answer is due: when the track is confirmed, and again only when its faces have become clearly better.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np

from visavis._pixels import whole_pixels
from visavis.compare import unit
from visavis.gallery.types import FaceCrop
from visavis.types import RGB, Face, Floats, Identification, Quality
from visavis.videos.types import FaceView

VIEWS = 5
"""Faces that are kept of a track."""
APART_S = 0.5
"""Seconds between two kept faces: nearer ones show the same."""
BETTER = 0.1
"""Difference in quality from which a face is clearly better than another."""
DOUBLED = 2.0
"""Growth of the sum of the qualities since the last answer from which the template is clearly better."""
ATTEMPTS = 4
"""Searches of one track for its person."""
FIRST_S = 0.3
"""Seconds after the first detection for which a better face is waited for, unless one is good already."""
GOOD = 0.8
"""Quality of a face that needs no better one for a first answer."""


@dataclass(slots=True, eq=False)
class KeptFace:
    """A face of a track: the view, its quality in parts, and the crop ``(1, s, s, 3)`` that the embedder takes.

    ``crop`` is the picture that a gallery may keep of the face.
    """

    view: FaceView
    quality: Quality
    aligned: RGB | None
    crop: FaceCrop | None = None


@dataclass(slots=True, eq=False)
class TrackedPerson:
    """Best faces and answer of one track.

    ``best`` is the best face of all. ``searched`` holds the sum of the qualities, and the best quality, of each search
    so far; ``template`` and ``fpir`` are those of the last one, ``answer`` its answer (None before the first),
    ``shown`` the answer among all tracks of its time, and ``stranger`` the number of an unknown person.
    ``recognized`` is whether an event has named the person. ``start`` and ``end`` are the first and the last detection,
    in seconds of a file or UTC. Of tracks of the same time that have ended, ``given_away`` are the people, and
    ``strangers_together`` the strangers.
    """

    kept: list[KeptFace] = field(default_factory=list)
    best: KeptFace | None = None
    searched: list[tuple[float, float]] = field(default_factory=list)
    answer: Identification | None = None
    shown: Identification | None = None
    template: Floats | None = None
    fpir: float = 0.0
    recognized: bool = False
    stranger: int | None = None
    start: float | datetime = 0.0
    end: float | datetime = 0.0
    given_away: set[int] = field(default_factory=set)
    strangers_together: set[int] = field(default_factory=set)

    @property
    def views(self) -> tuple[FaceView, ...]:
        """The kept faces, in order of time."""
        return tuple(face.view for face in self.kept_in_time())

    @property
    def named(self) -> bool:
        """Whether the last answer names a person."""
        return self.answer is not None and self.answer.person_id is not None

    def kept_in_time(self) -> list[KeptFace]:
        """Return the kept faces, in order of time."""
        return sorted(self.kept, key=lambda face: face.view.seconds)

    def nearness(self) -> float:
        """Return the distance of the answer as a share of its threshold: the least is the surest."""
        if self.answer is None or self.answer.distance is None:
            return math.inf
        return self.answer.distance / max(self.answer.threshold, 1e-6)

    def wants(self, seconds: float, quality: float) -> bool:
        """Return whether a face of this quality at ``seconds`` would be kept."""
        return self._find_place(seconds, quality) is not None

    def keep(self, face: KeptFace) -> None:
        """Keep a face, in place of one that is worse, if it earns a place."""
        place = self._find_place(face.view.seconds, face.view.quality)
        if place is None:
            return
        if place == len(self.kept):
            self.kept.append(face)
        else:
            self.kept[place] = face
        self.best = max((*self.kept, *((self.best,) if self.best else ())), key=lambda item: item.view.quality)

    def absorb(self, rest: TrackedPerson) -> None:
        """Keep the best faces of a track that turned out to be the rest of this one."""
        for face in rest.kept_in_time():
            self.keep(face)
        self.end = rest.end
        self.given_away |= rest.given_away
        self.strangers_together |= rest.strangers_together

    def _find_place(self, seconds: float, quality: float) -> int | None:
        """Return the index at which a face belongs: of one near in time or of the worst, if it is better than that."""
        near = [place for place, face in enumerate(self.kept) if abs(face.view.seconds - seconds) < APART_S]
        if not near and len(self.kept) < VIEWS:
            return len(self.kept)
        place = min(near or range(len(self.kept)), key=lambda index: self.kept[index].view.quality)
        return place if quality > self.kept[place].view.quality else None

    def due(self, age_s: float) -> bool:
        """Return whether the person is to be searched for, ``age_s`` after the first detection of the track."""
        if not self.kept or len(self.searched) >= ATTEMPTS:
            return False
        total, best = self._weigh()
        if not self.searched:
            return best >= GOOD or age_s >= FIRST_S
        last_total, last_best = self.searched[-1]
        return total >= DOUBLED * last_total or best >= last_best + BETTER

    def _weigh(self) -> tuple[float, float]:
        qualities = [face.view.quality for face in self.kept]
        return sum(qualities), max(qualities)

    def unembedded(self) -> list[KeptFace]:
        """Return the kept faces without an embedding."""
        return [face for face in self.kept if face.view.embedding is None]

    def merge(self) -> Floats:
        """Merge the kept faces, all of them embedded, to the template ``(d,)`` of length 1 of the next search."""
        self.searched.append(self._weigh())
        self.template = merge_views(self.views)
        return self.template

    def quality(self) -> Quality:
        """Return the quality of the best kept face."""
        return max(self.kept, key=lambda face: face.view.quality).quality


def merge_views(views: Sequence[FaceView]) -> Floats:
    """Return the template ``(d,)`` of length 1 of views with embeddings, weighted by their quality."""
    weights = np.array([max(view.quality, 0.05) for view in views], np.float32)
    embeddings = np.stack([view.embedding for view in views if view.embedding is not None])
    template: Floats = unit((weights[:, None] * embeddings).sum(axis=0)[None])[0]
    return template


def set_embedding(face: KeptFace, embedding: Floats) -> None:
    """Store the embedding of a kept face; its crop is not needed any more."""
    face.view, face.aligned = replace(face.view, embedding=embedding), None


CROP_MARGIN, CROP_HEIGHT = 0.3, 160
"""Margin of the crop of a view, as a share of the box's sides in all, and its greatest height in pixels."""


def crop_view(pixels: RGB, face: Face) -> RGB:
    """Return the picture of a face for a view: see :class:`visavis.videos.types.FaceView`; never without a pixel."""
    from visavis.opencv import cv2

    grown = face.box + np.array([-1, -1, 1, 1]) * np.array([face.width, face.height] * 2) * (CROP_MARGIN / 2)
    height, width = pixels.shape[:2]
    x1, y1, x2, y2 = whole_pixels(grown, width, height)
    if x1 >= x2 or y1 >= y2:
        return np.zeros((1, 1, 3), np.uint8)
    crop = pixels[y1:y2, x1:x2]
    if crop.shape[0] <= CROP_HEIGHT:
        return crop.copy()
    size = (max(round(crop.shape[1] * CROP_HEIGHT / crop.shape[0]), 1), CROP_HEIGHT)
    return np.asarray(cv2.resize(crop, size, interpolation=cv2.INTER_AREA), np.uint8)
