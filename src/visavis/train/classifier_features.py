"""Features of the faces in labeled photos: of each photo the largest face, as an embedding or as geometry."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visavis import compare, defaults, input_files, landmarks
from visavis.embedding_cache.photo_cache import EmbeddingCache
from visavis.evaluate.data.templates import ShowProgress, every_face
from visavis.pipeline import Recognizer
from visavis.train.classifier_landmarks import DIMENSION, measure_geometry
from visavis.train.copies import Screening, screen_copies
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
        sha256=tuple(map(hash_file, photos)),
        notes=tuple(notes),
    )  # fmt: skip


def describe_faces(kind: FeatureKind, recognizer: Recognizer, picture: RGB, faces: Sequence[Face]) -> Floats:
    """Return the features ``(n, d)`` of detected faces of one picture."""
    if kind is FeatureKind.embeddings:
        embedder = recognizer.embedder
        return compare.check_computed(embedder.embed(embedder.crops(picture, faces)), embedder.name)
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


def hash_file(photo: str) -> str:
    """Return the SHA-256 of a file; "" where it cannot be read."""
    try:
        with input_files.open_file(photo) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError):
        return ""


# --------------------------------------------------------------------------------------------------- bad data


def screen_photos(labeled: LabeledPhotos, features: PhotoFeatures) -> Screening:
    """Leave out photos without a face, unreadable ones, and copies; see :mod:`visavis.train.copies`."""
    copies = screen_copies(features.sha256, labeled.labels, features.usable, labeled.show)
    return Screening(copies.used, (*_describe_failures(features), *_describe_crowds(features), *copies.notes))


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
