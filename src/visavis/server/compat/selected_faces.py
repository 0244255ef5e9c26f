"""Faces of a photo as the other servers' requests ask for them: the largest first, embedded, and the time it took."""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import perf_counter

from visavis import compare
from visavis.gallery.gallery import Gallery
from visavis.gallery.kept_crops import make_crop
from visavis.gallery.types import Template
from visavis.images import Source, strip_folders
from visavis.pipeline import Recognizer
from visavis.types import Face, Floats, Identification, Photo, PhotoFaces
from visavis.verification import require_photo


@dataclass(frozen=True, slots=True)
class SelectedFaces:
    """The chosen ``faces`` of a photo, largest first, with quality and, where asked for, embeddings.

    ``detection_ms`` and ``embedding_ms`` are milliseconds, with the time that the request waited for the networks.
    """

    answer: PhotoFaces
    photo: Photo
    detection_ms: float
    embedding_ms: float

    def box(self, index: int) -> dict[str, int]:
        """Return the box of a face in whole pixels within the picture."""
        face = self.answer.faces[index].clipped(self.photo.width, self.photo.height)
        x_min, y_min, x_max, y_max = (round(float(side)) for side in face.box)
        return {"x_max": x_max, "y_max": y_max, "x_min": x_min, "y_min": y_min}

    def templates(self, *, keep_crops: bool = False) -> list[Template]:
        """Return all faces as templates."""
        return [self.template(index, keep_crop=keep_crops) for index in range(len(self.answer.faces))]

    def template(self, index: int, *, keep_crop: bool = False) -> Template:
        """Return a face as a template to store, with its crop if it is kept; ValueError without an embedding."""
        if self.answer.embeddings is None:
            raise ValueError("these faces were not embedded")
        return Template(
            embedding=self.answer.embeddings[index],
            photo_sha256=self.photo.sha256,
            photo=strip_folders(self.answer.name),
            box=self.answer.faces[index].box,
            quality=self.answer.quality[index].score,
            crop=make_crop(self.photo, self.answer.faces[index]) if keep_crop else None,
        )


def find_faces(
    recognizer: Recognizer, source: Source, *, min_score: float = 0.0, limit: int = 0, embed: bool = True
) -> SelectedFaces:
    """Find the ``limit`` largest faces (0: all) with a score of the detector of at least ``min_score``.

    Raises ImageError for a photo that cannot be used; one without a face has no faces.
    """
    started = perf_counter()
    (answer,) = recognizer.detect([source])
    photo = require_photo(answer)
    chosen = [index for index, face in enumerate(answer.faces) if face.score >= min_score]
    chosen.sort(key=lambda index: -answer.faces[index].area)
    chosen = chosen[:limit] if limit else chosen
    faces = tuple(answer.faces[index] for index in chosen)
    detected = perf_counter()
    embeddings = _embed(recognizer, photo, faces) if embed and faces else None
    embedded = perf_counter()
    return SelectedFaces(
        replace(answer, faces=faces, quality=tuple(answer.quality[index] for index in chosen), embeddings=embeddings),
        photo,
        detection_ms=round(1000 * (detected - started), 1),
        embedding_ms=round(1000 * (embedded - detected), 1),
    )


def identify_faces(gallery: Gallery, selected: SelectedFaces, *, fpir: float, top: int) -> list[Identification]:
    """Return for each face, embedded before, who it is at the rate ``fpir``, with ``top`` candidates."""
    if selected.answer.embeddings is None or not selected.answer.faces:
        return []
    return gallery.identify_embeddings(
        selected.answer.embeddings, fpir=fpir, top=top, qualities=selected.answer.quality
    )


def _embed(recognizer: Recognizer, photo: Photo, faces: tuple[Face, ...]) -> Floats:
    embedder = recognizer.embedder
    return compare.check_computed(embedder.embed(embedder.crops(photo.pixels, faces)), embedder.name)
