"""Find look-alikes: rank the faces of photos by their distance from one face, without a threshold."""

from __future__ import annotations

from collections.abc import Iterable

from visavis import compare, defaults, images
from visavis._checks import check_whole
from visavis.defaults import EMBEDDER
from visavis.errors import NoFaceError
from visavis.images import Source
from visavis.pipeline import Recognizer, shared_recognizer
from visavis.types import Face, Floats, Lookalike, Photo, PhotoFaces
from visavis.verification import error_of


def similar(
    photo: Source,
    others: Source | Iterable[Source],
    *,
    top: int = defaults.TOP_LOOKALIKES,
    model: str = EMBEDDER,
    min_face: float = defaults.MIN_FACE,
) -> list[Lookalike]:
    """Return the ``top`` photos with the faces nearest to the largest face of ``photo``, the nearest first.

    Only the nearest face of each photo is used. Photos with the same bytes as ``photo`` are skipped, and so are photos
    that cannot be read or show no face. One source is one photo; a folder stands for the photos in it and below it.
    There is no threshold: look-alikes are mostly other people. Raises ImageError if ``photo`` or all of the others
    cannot be read, NoFaceError if ``photo`` shows no face.
    """
    return rank_photos(shared_recognizer(embedder=model), photo, others, top=top, min_face=min_face)


def rank_photos(
    recognizer: Recognizer,
    photo: Source,
    others: Source | Iterable[Source],
    *,
    top: int = defaults.TOP_LOOKALIKES,
    min_face: float = defaults.MIN_FACE,
) -> list[Lookalike]:
    """Do as :func:`similar`, with a recognizer."""
    top = check_top(top)
    embedding, own, _ = probe(recognizer, photo, min_face=min_face)
    answers = recognizer.represent(others, min_face=min_face)
    nearest: list[Lookalike] = []
    unreadable: list[PhotoFaces] = []
    readable = 0
    for answer in answers:
        if answer.photo is None:
            unreadable.append(answer)
            continue
        readable += 1
        near = None if answer.photo.sha256 == own.sha256 else nearest_face(embedding, answer)
        nearest += [near] if near else []
    if unreadable and not readable:
        raise error_of(unreadable[0])
    return select_best(nearest, top=top)


def check_top(top: object) -> int:
    """Return ``top``; raise UsageError if it is not a whole number of 1 or more."""
    return check_whole(top, "top is a whole number", least=1)


def probe(recognizer: Recognizer, source: Source, *, min_face: float = defaults.MIN_FACE) -> tuple[Floats, Photo, Face]:
    """Return the embedding ``(d,)`` of the largest face of a photo, the photo and the face.

    Raises ImageError if the photo cannot be read, NoFaceError if it shows no face.
    """
    photo = images.read(source)
    (answer,) = recognizer.represent([photo], min_face=min_face)
    if answer.embeddings is None or not answer.faces:
        raise NoFaceError(f"no face was found in {images.shown(photo.name)}.")
    embedding: Floats = answer.embeddings[answer.largest]
    return embedding, photo, answer.faces[answer.largest]


def nearest_face(embedding: Floats, answer: PhotoFaces) -> Lookalike | None:
    """Return the face of a photo that is nearest to ``embedding (d,)``; None if the photo shows no face."""
    if answer.embeddings is None or not answer.faces:
        return None
    distances = compare.cosine_distances(embedding[None], answer.embeddings)[0]
    row = int(distances.argmin())
    quality = answer.quality[row].score if answer.quality else None
    sha256 = None if answer.photo is None else answer.photo.sha256
    return Lookalike(
        answer.name, row + 1, answer.faces[row].box, float(distances[row]), quality, sha256, answer.captured
    )


def select_best(lookalikes: Iterable[Lookalike], *, top: int = defaults.TOP_LOOKALIKES) -> list[Lookalike]:
    """Return the ``top`` nearest look-alikes, the nearest first, sorted by name at equal distance.

    Raises UsageError if ``top`` is below 1.
    """
    top = check_top(top)
    return sorted(lookalikes, key=lambda lookalike: (lookalike.distance, lookalike.photo))[:top]
