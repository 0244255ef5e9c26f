"""Find labels that look wrong: photos that are far from their person's other photos, or nearer to another person.

The rule and its limits are those of galleries, see :mod:`visavis.gallery.misplaced_photos`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visavis import compare, defaults, images
from visavis.errors import ImageError, UsageError
from visavis.evaluate.data.templates import ShowProgress
from visavis.evaluate.report.page import Page, Picture, Section, Table, Words
from visavis.evaluate.report.thumbnails import face_picture
from visavis.gallery.misplaced_photos import Limits, PhotoDistances, compute_limits, compute_own_distances, judge_photo
from visavis.gallery.types import Doubt
from visavis.pipeline import Recognizer
from visavis.train.classifier_features import FeatureKind, PhotoFeatures, extract_features, hash_file, screen_photos
from visavis.train.labeled_photos import LabeledPhotos, Labels
from visavis.types import Candidate, Face, Floats
from visavis.weights.model_row import ARCFACE

SHOWN = 200
"""Most suspects on a page."""
BLOCK = 1024
"""Photos that are compared with all people at a time."""
UNLIMITED = Limits(math.inf, math.inf)
"""Limits of an uncalibrated model: only the order of distances counts."""
WORDS = {
    "Distance": "Cosine distance of embeddings: 0 for equal ones, 2 at most. To the own person: the median over the "
    "person's other photos; to another person: to the mean of that person's photos.",
    "Suspect": "A photo whose label looks wrong. Of a few thousand right labels some are suspects too: look at each.",
}


@dataclass(frozen=True, slots=True, eq=False)
class Suspect:
    """A photo whose label looks wrong.

    ``distance`` is that to its ``person`` (None: there is no other photo), ``other`` another person who is nearer
    (None: there is none) at ``other_distance``; ``box (4,)`` is the face in the photo.
    """

    photo: str
    person: str
    distance: float | None
    other: str | None
    other_distance: float | None
    box: Floats

    @property
    def message(self) -> str:
        """What looks wrong, in words."""
        if self.other is None:
            return f"is far from the other photos of {self.person} (distance {self.distance:.3f})"
        if self.distance is None:
            return f"looks like {self.other} (distance {self.other_distance:.3f}); {self.person} has no other photo"
        return f"looks more like {self.other} ({self.other_distance:.3f}) than like {self.person} ({self.distance:.3f})"


@dataclass(frozen=True, slots=True, eq=False)
class LabelCheck:
    """The suspects among ``photos`` of ``people``, the surest first; ``notes`` are sentences about the data."""

    suspects: tuple[Suspect, ...]
    photos: int
    people: int
    model: str
    notes: tuple[str, ...]

    def page(self) -> Page:
        """Return a page with the faces of the suspects; reads their photos."""
        shown = self.suspects[:SHOWN]
        text = f"{len(self.suspects):,} of {self.photos:,} photos of {self.people:,} people, the surest first."
        if len(self.suspects) > SHOWN:
            text += f" {SHOWN} are shown."
        pictures = [Picture(face_picture(s.photo, s.box), [s.person, Path(s.photo).name, s.message]) for s in shown]
        notes = [Table([[str(n), Words(note)] for n, note in enumerate(self.notes, 1)])] if self.notes else []
        sections = [Section("Suspects", text, pictures=pictures), *[Section("Notes", tables=notes)] * bool(notes)]
        return Page("Labels that look wrong", f"Which photos show another person? ({self.model})", sections, WORDS)


def check_labels(
    labeled: LabeledPhotos,
    recognizer: Recognizer,
    *,
    aligned: bool = False,
    min_face: float = defaults.MIN_FACE,
    progress: ShowProgress | None = None,
) -> LabelCheck:
    """Return the photos whose labels look wrong, by the embeddings of their largest faces.

    With ``aligned`` the photos are crops of faces already. Photos without a usable face and copies take no part.
    UsageError where fewer than two people are left.
    """
    if aligned:
        features = _embed_whole(labeled, recognizer)
    else:
        features = extract_features(
            labeled.photos, FeatureKind.embeddings, recognizer, min_face=min_face, progress=progress
        )
    screening = screen_photos(labeled, features)
    table = compare.calibration(recognizer.embedder.name)
    rows = np.flatnonzero(screening.used)
    if table is not None and len(rows):
        rows = rows[table.usable(features.values[rows], [None] * len(rows))]
    people = len(np.unique(labeled.labels[rows]))
    if people < 2:
        raise UsageError(f"labels are compared between people: there are usable photos of {people}.")
    limits = UNLIMITED if table is None else compute_limits(table, people)
    doubts = list(_judge(labeled, features.values[rows], rows, limits))
    suspects = [
        Suspect(
            doubt.photo, labeled.people[labeled.labels[row]], doubt.distance, doubt.name, doubt.other_distance,
            features.boxes[row],
        )
        for row, doubt in doubts
    ]  # fmt: skip
    suspects.sort(key=_margin)
    notes = (*labeled.notes, *features.notes, *screening.notes)
    return LabelCheck(tuple(suspects), len(rows), people, recognizer.embedder.name, notes)


def _margin(suspect: Suspect) -> tuple[bool, float]:
    """Return the key that sorts the surest suspects first: those much nearer to another person than to their own."""
    if suspect.distance is None or suspect.other_distance is None:
        return True, -(suspect.distance or 0.0)
    return False, suspect.other_distance - suspect.distance


def _judge(
    labeled: LabeledPhotos, embeddings: Floats, rows: NDArray[np.intp], limits: Limits
) -> Iterator[tuple[int, Doubt]]:
    """Yield the rows of doubtful photos, with the doubt; ``embeddings (n, d)`` are those of ``rows (n,)``."""
    labels = labeled.labels[rows]
    own = _own_distances(embeddings, labels, calibrated=limits is not UNLIMITED)
    for place, other, distance in _nearest_others(embeddings, labels):
        mine, person = own[place], labeled.people[labels[place]]
        near = Candidate(other, labeled.people[other], distance)
        if mine is None and limits is UNLIMITED:
            continue
        photo = PhotoDistances(labeled.photos[rows[place]], person, mine, near)
        if doubt := judge_photo(photo, limits):
            yield int(rows[place]), doubt


def _own_distances(embeddings: Floats, labels: Labels, *, calibrated: bool) -> list[float | None]:
    """Return for each photo the distance to its person's other photos; None where there are none.

    It is the rule's median where the model is calibrated; else that to their mean, as the distance to others is.
    """
    own: list[float | None] = [None] * len(labels)
    for person in np.unique(labels):
        places = np.flatnonzero(labels == person)
        photos = embeddings[places]
        distances: list[float | None]
        if calibrated or len(places) == 1:
            distances = compute_own_distances(photos, photos[:0])
        else:
            others = compare.unit(photos.sum(axis=0) - photos)
            distances = [float(value) for value in 1 - (photos * others).sum(axis=1)]
        for place, distance in zip(places.tolist(), distances, strict=True):
            own[place] = distance
    return own


def _nearest_others(embeddings: Floats, labels: Labels) -> Iterator[tuple[int, int, float]]:
    """Yield each place with the label of the nearest other person, and the distance to that person's mean."""
    people, columns = np.unique(labels, return_inverse=True)
    means = np.array([compare.person_embedding(embeddings[columns == n]) for n in range(len(people))], np.float32)
    for start in range(0, len(labels), BLOCK):
        apart = 1 - embeddings[start : start + BLOCK] @ means.T
        apart[np.arange(len(apart)), columns[start : start + BLOCK]] = np.inf
        nearest = apart.argmin(axis=1)
        for row, column in enumerate(nearest.tolist()):
            yield start + row, int(people[column]), max(float(apart[row, column]), 0.0)


def _embed_whole(labeled: LabeledPhotos, recognizer: Recognizer) -> PhotoFeatures:
    """Embed photos that are crops of faces: landmarks lie where aligned crops have them."""
    count = len(labeled)
    values, boxes = np.zeros((count, recognizer.embedder.dimension), np.float32), np.zeros((count, 4), np.float32)
    status = ["ok"] * count
    for row, photo in enumerate(labeled.photos):
        try:
            pixels = images.read(photo).pixels
        except ImageError as error:
            status[row] = error.status
            continue
        height, width = pixels.shape[:2]
        boxes[row] = 0, 0, width, height
        points = np.array(ARCFACE, np.float32) * (np.array([width, height]) / 112).astype(np.float32)
        values[row] = recognizer.embedder.embed(recognizer.embedder.crops(pixels, [Face(boxes[row], 1.0, points)]))[0]
    return PhotoFeatures(
        labeled.photos, tuple(status), values, boxes, np.ones(count, np.int64), tuple(map(hash_file, labeled.photos))
    )
