"""Features of the faces in labeled photos: of each photo the largest face, as an embedding or as geometry."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visavis import defaults, landmarks
from visavis.embedding_cache.photo_cache import EmbeddingCache
from visavis.evaluate.data.templates import ShowProgress, every_face
from visavis.pipeline import Recognizer
from visavis.train.classifier_landmarks import DIMENSION, measure_geometry
from visavis.train.labeled_photos import LabeledPhotos, list_few
from visavis.types import RGB, Face, Floats, PhotoFaces


class FeatureKind(StrEnum):
    """What a face is described by."""

    embeddings = "embeddings"
    landmarks = "landmarks"


@dataclass(frozen=True, slots=True, eq=False)
class PhotoFeatures:
    """Features of photos, a row a photo: ``values (n, d)``, zeros where ``status`` is not "ok".

    ``boxes (n, 4)`` are those of the largest faces, ``faces (n,)`` counts all faces, ``sha256`` is empty for a file
    that cannot be read.
    """

    photos: tuple[str, ...]
    status: tuple[str, ...]
    values: Floats
    boxes: Floats
    faces: NDArray[np.int64]
    sha256: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Return which photos have features ``(n,)``."""
        return np.array([status == "ok" for status in self.status], np.bool_)


def extract_features(
    photos: Sequence[str],
    kind: FeatureKind,
    recognizer: Recognizer,
    *,
    min_face: float = defaults.MIN_FACE,
    progress: ShowProgress | None = None,
) -> PhotoFeatures:
    """Describe the largest face of each photo (a path); embeddings come from the cache if they are in it.

    Raises WeightsError where landmarks are wanted, and the license of their file was not accepted or it is missing.
    """
    notes: list[str] = []
    if kind is FeatureKind.embeddings:
        with EmbeddingCache(recognizer, min_face=min_face) as cache:
            answers = every_face(photos, recognizer, min_face=min_face, cache=cache)
            rows = [_embedding_row(answer) for answer in (progress(answers, len(photos)) if progress else answers)]
        notes += cache.notes
    else:
        predictor = landmarks.load_predictor()
        answers = recognizer.detect(photos, min_face=min_face)
        rows = [
            _geometry_row(answer, predictor) for answer in (progress(answers, len(photos)) if progress else answers)
        ]
    dimension = max((len(row.values) for row in rows), default=0)
    return PhotoFeatures(
        photos=tuple(photos),
        status=tuple(row.status for row in rows),
        values=np.array([np.resize(row.values, dimension) if len(row.values) else np.zeros(dimension) for row in rows],
                        np.float32).reshape(len(rows), dimension),
        boxes=np.array([row.box for row in rows], np.float32).reshape(-1, 4),
        faces=np.array([row.faces for row in rows], np.int64),
        sha256=tuple(map(_hash_file, photos)),
        notes=tuple(notes),
    )  # fmt: skip


def describe_faces(kind: FeatureKind, recognizer: Recognizer, picture: RGB, faces: Sequence[Face]) -> Floats:
    """Return the features ``(n, d)`` of detected faces of one picture."""
    if kind is FeatureKind.embeddings:
        return recognizer.embedder.embed(recognizer.embedder.crops(picture, faces))
    predictor = landmarks.load_predictor()
    return _measure_faces(predictor, picture, faces)


@dataclass(frozen=True, slots=True, eq=False)
class _Row:
    status: str
    values: Floats
    box: Floats
    faces: int


def _embedding_row(answer: PhotoFaces) -> _Row:
    if not answer.faces or answer.embeddings is None:
        return _empty_row(answer)
    largest = answer.largest
    return _Row("ok", answer.embeddings[largest], answer.faces[largest].box, len(answer.faces))


def _geometry_row(answer: PhotoFaces, predictor: landmarks.Predictor) -> _Row:
    if not answer.faces or answer.photo is None:
        return _empty_row(answer)
    face = answer.faces[answer.largest]
    values = _measure_faces(predictor, answer.photo.pixels, [face])[0]
    return _Row("ok", values, face.box, len(answer.faces))


def _measure_faces(predictor: landmarks.Predictor, picture: RGB, faces: Sequence[Face]) -> Floats:
    if not faces:
        return np.empty((0, DIMENSION), np.float32)
    return measure_geometry(predictor.predict(picture, landmarks.dlib_boxes(faces)))


def _empty_row(answer: PhotoFaces) -> _Row:
    return _Row(answer.status, np.zeros(0, np.float32), np.zeros(4, np.float32), 0)


def _hash_file(photo: str) -> str:
    try:
        with Path(photo).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError):
        return ""


# --------------------------------------------------------------------------------------------------- bad data


@dataclass(frozen=True, slots=True, eq=False)
class Screening:
    """Which photos are used ``(n,)``, and sentences with counts on the others."""

    used: NDArray[np.bool_]
    notes: tuple[str, ...]


def screen_photos(labeled: LabeledPhotos, features: PhotoFeatures) -> Screening:
    """Leave out photos without a face, unreadable ones, and copies of the same picture.

    Of copies in one person's folder the first is used. Copies in the folders of two people are left out: one of the
    labels is wrong, and which one cannot be known.
    """
    used = features.usable.copy()
    notes = [*_describe_failures(features), *_describe_crowds(features)]
    repeated, contradicting = 0, []
    for rows in group_copies(features.sha256, used):
        if len(set(labeled.labels[rows].tolist())) > 1:
            used[rows] = False
            names = [_show(labeled, row) for row in rows]
            contradicting.append(" = ".join(names))
        else:
            used[rows[1:]] = False
            repeated += len(rows) - 1
    if contradicting:
        count = "1 picture is" if len(contradicting) == 1 else f"{len(contradicting):,} pictures are"
        notes.append(f"{count} in the folders of several people, and left out: {list_few(contradicting)}.")
    if repeated:
        notes.append(f"{repeated:,} photos are copies of another photo of the same person, and left out.")
    return Screening(used, tuple(notes))


def group_copies(sha256: Sequence[str], used: NDArray[np.bool_]) -> Iterator[list[int]]:
    """Yield the rows of each picture that comes several times among the used ones."""
    rows: dict[str, list[int]] = defaultdict(list)
    for row in np.flatnonzero(used).tolist():
        if sha256[row]:
            rows[sha256[row]].append(row)
    return (same for same in rows.values() if len(same) > 1)


def _describe_failures(features: PhotoFeatures) -> Iterator[str]:
    words = {"no_face": "show no face", "missing": "are missing", "unreadable": "cannot be read"}
    for status, count in sorted(Counter(features.status).items()):
        if status != "ok":
            names = [Path(name).name for name, of in zip(features.photos, features.status, strict=True) if of == status]
            what = words.get(status, f"cannot be used ({status})")
            yield f"{count:,} of {len(features.photos):,} photos {what}, and are left out: {list_few(names)}."


def _describe_crowds(features: PhotoFeatures) -> Iterator[str]:
    crowds = [Path(name).name for name, faces in zip(features.photos, features.faces, strict=True) if faces > 1]
    if crowds:
        yield f"{len(crowds):,} photos show several faces, of which the largest is used: {list_few(crowds)}."


def _show(labeled: LabeledPhotos, row: int) -> str:
    return f"{labeled.people[labeled.labels[row]]}/{Path(labeled.photos[row]).name}"
