"""Rows that a classifier is trained and tested on: features with labels, after bad photos were left out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visavis.errors import UsageError
from visavis.evaluate.data.templates import ShowProgress
from visavis.images.photo_files import by_folder, sort_naturally, walk
from visavis.pipeline import Recognizer
from visavis.train.classifier_features import FeatureKind, PhotoFeatures, extract_features, screen_photos
from visavis.train.classifier_model import TrainingPhotos
from visavis.train.labeled_photos import LabeledPhotos, Labels, list_few, read_labeled_photos
from visavis.types import Floats


@dataclass(frozen=True, slots=True, eq=False)
class LabeledFaces:
    """Features ``(n, d)`` of faces with labels ``(n,)``, rows of ``people``; ``boxes (n, 4)`` in the photos."""

    people: tuple[str, ...]
    labels: Labels
    values: Floats
    photos: tuple[str, ...]
    boxes: Floats
    sha256: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)

    def select(self, rows: NDArray[np.bool_]) -> LabeledFaces:
        """Return the faces of a mask; all people remain."""
        chosen = np.flatnonzero(rows).tolist()
        return LabeledFaces(
            self.people, self.labels[rows], self.values[rows], tuple(self.photos[row] for row in chosen),
            self.boxes[rows], tuple(self.sha256[row] for row in chosen),
        )  # fmt: skip

    def training(self) -> TrainingPhotos:
        """Return what a classifier keeps of these faces."""
        return TrainingPhotos(self.values, self.labels, self.sha256)


def read_faces(
    labeled: LabeledPhotos,
    kind: FeatureKind,
    recognizer: Recognizer,
    *,
    min_face: float,
    progress: ShowProgress | None,
) -> tuple[LabeledFaces, NDArray[np.bool_], tuple[str, ...]]:
    """Return the faces of all photos, which of them are usable ``(n,)``, and notes on the others."""
    features = extract_features(labeled.photos, kind, recognizer, min_face=min_face, progress=progress)
    screening = screen_photos(labeled, features)
    return _join(labeled, features), screening.used, (*labeled.notes, *features.notes, *screening.notes)


def _join(labeled: LabeledPhotos, features: PhotoFeatures) -> LabeledFaces:
    return LabeledFaces(
        labeled.people, labeled.labels, features.values, labeled.photos, features.boxes, features.sha256
    )


def read_people_to_add(source: str | os.PathLike[str], *, exclude: Sequence[str] = ()) -> LabeledPhotos:
    """Read people as :func:`read_labeled_photos`; a folder of photos alone is one person, called as the folder."""
    path = Path(source)
    if path.is_dir() and not any(photos for _, photos, _ in by_folder(path, recursive=True, exclude=exclude)):
        loose = sort_naturally(
            [entry for entry in walk(path, recursive=False, exclude=exclude) if isinstance(entry, str)]
        )
        if loose:
            name = path.resolve().name
            return LabeledPhotos((name,), tuple(loose), np.zeros(len(loose), np.int64))
    return read_labeled_photos(source, exclude=exclude)


def map_people(faces: LabeledFaces, people: Sequence[str]) -> Labels:
    """Return the label of each face ``(n,)`` as a row of ``people``, by name; -1 for other people."""
    rows = {name: row for row, name in enumerate(people)}
    mapped: Labels = np.array([rows.get(name, -1) for name in faces.people], np.int64)[faces.labels]
    return mapped


def merge_faces(training: TrainingPhotos, people: Sequence[str], added: LabeledFaces) -> LabeledFaces:
    """Return the stored faces with added ones; new people are sorted in by name.

    Photos that are stored already are not added again. Stored faces have the first digits of their hash in place of a
    path, and no box. Raises UsageError if nothing is added, or a stored photo comes under another name.
    """
    names = tuple(sorted({*people, *added.people}))
    rows = {name: row for row, name in enumerate(names)}
    old = np.array([rows[name] for name in people], np.int64)[training.labels]
    stored = {sha256: int(label) for sha256, label in zip(training.sha256, old, strict=True) if sha256}
    labels = map_people(added, names)
    fresh = np.array([sha256 not in stored for sha256 in added.sha256], np.bool_)
    wrong = [Path(photo).name for photo, sha256, label in zip(added.photos, added.sha256, labels, strict=True)
             if stored.get(sha256, label) != label]  # fmt: skip
    if wrong:
        raise UsageError(f"the classifier holds photos of these under another name: {list_few(wrong)}.")
    if not fresh.any():
        raise UsageError("nothing was added: the classifier holds these photos already.")
    if added.values.shape[1] != training.values.shape[1]:
        raise UsageError(f"features of {added.values.shape[1]} numbers do not fit to {training.values.shape[1]}.")
    new = added.select(fresh)
    merged = LabeledFaces(
        names,
        np.concatenate([old, labels[fresh]]),
        np.concatenate([training.values, new.values]),
        (*(f"photo {sha256[:8]}" for sha256 in training.sha256), *new.photos),
        np.concatenate([np.zeros((len(training), 4), np.float32), new.boxes]),
        (*training.sha256, *new.sha256),
    )
    order = np.argsort(merged.labels, kind="stable")
    return LabeledFaces(
        names, merged.labels[order], merged.values[order], tuple(merged.photos[row] for row in order),
        merged.boxes[order], tuple(merged.sha256[row] for row in order),
    )  # fmt: skip
