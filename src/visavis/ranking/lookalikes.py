"""Who looks most like somebody: faces of photos ranked by their distance from one face, near or not."""

from __future__ import annotations

from collections.abc import Iterable

from visavis import compare, images
from visavis._checks import checked_whole
from visavis.defaults import EMBEDDER
from visavis.errors import NoFaceError
from visavis.images import Source
from visavis.pipeline import Recognizer, shared
from visavis.types import Face, Floats, Lookalike, Photo, PhotoFaces
from visavis.verification import error_of

TOP = 10


def similar(
    photo: Source,
    others: Source | Iterable[Source],
    *,
    top: int = TOP,
    model: str = EMBEDDER,
    min_face: float = 20,
) -> list[Lookalike]:
    """Rank photos by how much a face in them is like the largest one of ``photo``, the ``top`` nearest first.

    Of each photo the nearest face counts. ``photo`` itself, told by its bytes, is passed over, and so are photos that
    cannot be read or show no face. One source is one photo; a folder stands for the photos in it and below it. There is
    no threshold: look-alikes are mostly other people. Raises ImageError where ``photo`` cannot be read or none of the
    others can, NoFaceError where ``photo`` shows no face.
    """
    top = checked_top(top)
    recognizer = shared(embedder=model)
    embedding, own, _ = probe(recognizer, photo, min_face=min_face)
    answers = recognizer.represent(others, min_face=min_face)
    found: list[Lookalike] = []
    unreadable: list[PhotoFaces] = []
    readable = 0
    for answer in answers:
        if answer.photo is None:
            unreadable.append(answer)
            continue
        readable += 1
        near = None if answer.photo.sha256 == own.sha256 else nearest_face(embedding, answer)
        found += [near] if near else []
    if unreadable and not readable:
        raise error_of(unreadable[0])
    return best(found, top=top)


def checked_top(top: object) -> int:
    """Return how many are wanted; UsageError for what is no whole number of 1 or more."""
    return checked_whole(top, "top is a whole number", least=1)


def probe(recognizer: Recognizer, source: Source, *, min_face: float = 20) -> tuple[Floats, Photo, Face]:
    """Return the embedding ``(d,)`` of the largest face of a photo, the photo and the face; ImageError, NoFaceError."""
    photo = images.read(source)
    (one,) = recognizer.represent([photo.pixels], min_face=min_face)
    if one.embeddings is None or not one.faces:
        raise NoFaceError(f"no face was found in {images.shown(photo.name)}.")
    embedding: Floats = one.embeddings[one.largest]
    return embedding, photo, one.faces[one.largest]


def nearest_face(embedding: Floats, one: PhotoFaces) -> Lookalike | None:
    """Return the face of a photo that is nearest to ``embedding (d,)``; None where it shows none."""
    if one.embeddings is None or not one.faces:
        return None
    distances = compare.cosine_distances(embedding[None], one.embeddings)[0]
    row = int(distances.argmin())
    quality = one.quality[row].score if one.quality else 1.0
    sha256 = None if one.photo is None else one.photo.sha256
    return Lookalike(one.name, row + 1, one.faces[row].box, float(distances[row]), quality, sha256, one.captured)


def best(found: Iterable[Lookalike], *, top: int = TOP) -> list[Lookalike]:
    """Return the ``top`` nearest, nearest first, those of equal distance by name; UsageError for none."""
    top = checked_top(top)
    return sorted(found, key=lambda one: (one.distance, one.photo))[:top]
