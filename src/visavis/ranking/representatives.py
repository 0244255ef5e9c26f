"""Find the most characteristic face in the photos of one person, and average the faces."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visavis import align, compare, defaults, embedders, images
from visavis.defaults import EMBEDDER
from visavis.errors import ImageError, NoFaceError
from visavis.images import Source
from visavis.pipeline import shared_recognizer
from visavis.types import RGB, Characteristic, Face, Floats, PhotoFaces

FAR = 1e-3
"""Faces farther from the mean than the threshold at this false accept rate are outliers."""

ROUNDS = 10

SIDE = 256
PLACES = np.array([(0.387, 0.421), (0.613, 0.421), (0.5, 0.556), (0.402, 0.668), (0.598, 0.668)], np.float32)
"""Places of eyes, nose and corners of the mouth in the average face, as shares of its side, so that the whole head is
shown."""


@dataclass(frozen=True, slots=True, eq=False)
class PersonFaces:
    """Faces in the photos of one person, a row each; ``photos (n,)`` are the numbers of their photos."""

    names: tuple[str, ...]
    photos: NDArray[np.int64]
    faces: tuple[Face, ...]
    numbers: tuple[int, ...]
    embeddings: Floats
    quality: Floats
    largest: NDArray[np.bool_]
    sha256: tuple[str | None, ...] = ()


def representative(
    photos: Source | Iterable[Source], *, model: str = EMBEDDER, min_face: float = defaults.MIN_FACE
) -> list[Characteristic]:
    """Rank the faces of one person by distance from their mean, weighted by quality, the most characteristic first.

    See :func:`rank_faces`. One source is one photo; a folder stands for the photos in it and below it. Photos that
    cannot be read or show no face are skipped; raises NoFaceError if no face remains.
    """
    return rank_faces(
        collect_faces(shared_recognizer(embedder=model).represent(photos, min_face=min_face)), model=model
    )


def collect_faces(answers: Iterable[PhotoFaces]) -> PersonFaces:
    """Collect the faces of photos, without the photos. Raises NoFaceError if there is no face."""
    records = [
        (
            number,
            answer.name,
            row,
            face,
            answer.embeddings[row],
            answer.quality[row].score if answer.quality else 1.0,
            row == answer.largest,
            None if answer.photo is None else answer.photo.sha256,
        )
        for number, answer in enumerate(answers)
        if answer.embeddings is not None
        for row, face in enumerate(answer.faces)
    ]
    if not records:
        raise NoFaceError("no face was found in any of the photos.")
    places, names, rows, faces, embeddings, quality, largest, sha256 = zip(*records, strict=True)
    return PersonFaces(
        names,
        np.array(places),
        faces,
        tuple(row + 1 for row in rows),
        np.array(embeddings, np.float32),
        np.array(quality, np.float32),
        np.array(largest),
        sha256,
    )


def rank_faces(rows: PersonFaces, *, model: str) -> list[Characteristic]:
    """Select the face of each photo that is nearest to the mean, and rank these faces by distance from the mean.

    The mean is first that of the largest faces, then that of the selected faces that are not outliers: those within the
    threshold at ``FAR`` of the mean of the others (all, for a model without a table). Outliers come last.
    """
    table = compare.calibration(embedders.model_id(model))
    limit = np.inf if table is None else table.threshold(min(max(FAR, table.lowest_far), table.far[0]))
    weights = np.maximum(rows.quality, defaults.LEAST_QUALITY)
    kept = rows.largest
    chosen, distances, from_others = _select_nearest(rows, weights, kept)
    for _ in range(ROUNDS):
        near = np.zeros(len(weights), np.bool_)
        near[chosen[from_others[chosen] <= limit]] = True
        if not near.any() or np.array_equal(near, kept):
            break
        kept = near
        chosen, distances, from_others = _select_nearest(rows, weights, kept)
    order = chosen[np.lexsort((distances[chosen], from_others[chosen] > limit))]
    return [
        Characteristic(
            rows.names[row],
            rows.numbers[row],
            rows.faces[row],
            float(distances[row]),
            float(rows.quality[row]),
            bool(from_others[row] > limit),
            rows.sha256[row] if rows.sha256 else None,
        )
        for row in order.tolist()
    ]


def _select_nearest(
    rows: PersonFaces, weights: Floats, kept: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Return the row of each photo that is nearest to the mean of the kept rows, and all distances ``(n,)`` from it.

    The third result is the distance of each row from the mean of the other kept rows, since the mean of a few faces is
    near even to a stranger among them. It is 0 if there are no others.
    """
    total = weights[kept] @ rows.embeddings[kept]
    distances = compare.cosine_distances(compare.unit(total[None]), rows.embeddings)[0]
    others = (total - np.where(kept, weights, 0)[:, None] * rows.embeddings).astype(np.float32)
    alone = kept & (kept.sum() == 1)
    from_others = np.where(alone, 0, 1 - (compare.unit(others) * rows.embeddings).sum(axis=1))
    order = np.lexsort((distances, rows.photos))
    return order[np.diff(rows.photos[order], prepend=-1) > 0], distances, from_others.astype(np.float32)


def average_face(
    characteristics: Sequence[Characteristic], *, size: int = SIDE, skipped: list[str] | None = None
) -> RGB:
    """Align faces by their landmarks and return their mean ``(size, size, 3)``.

    Outliers are left out; better faces weigh more. Photos are read again by their names. A photo that cannot be read
    any more, or has changed, is left out, and a message is appended to ``skipped``. A pixel is the mean over the photos
    that cover it. Raises ImageError if no photo can be read, NoFaceError if there is no face.
    """
    kept = [characteristic for characteristic in characteristics if not characteristic.outlier]
    if not kept:
        raise NoFaceError("there is no face to take the average of.")
    points = np.array([characteristic.face.landmarks for characteristic in kept])
    matrices = align.similarity(points, _average_landmarks(points) * size)
    total, reached = np.zeros((size, size, 3)), np.zeros((size, size, 1))
    errors: list[ImageError] = []
    for characteristic, matrix in zip(kept, matrices, strict=True):
        try:
            pixels = images.read_again(characteristic.photo, characteristic.sha256).pixels
        except ImageError as error:
            errors.append(error)
            continue
        inside = align.warp(np.full_like(pixels, 255), matrix[None], size=size)[0, :, :, :1] / 255
        weight = max(characteristic.quality, defaults.LEAST_QUALITY) * (inside > 0.999)
        total += weight * align.warp(pixels, matrix[None], size=size)[0]
        reached += weight
    if len(errors) == len(kept):
        raise errors[0]
    if skipped is not None:
        skipped += map(str, errors)
    mean = np.divide(total, reached, out=np.full_like(total, 255), where=reached > 0)
    return mean.round().astype(np.uint8)


def _average_landmarks(points: Floats) -> Floats:
    """Align each face to ``PLACES``; return the mean of the landmarks ``(n, 5, 2)``: the proportions of the person."""
    matrices = align.similarity(points, PLACES)
    aligned = np.einsum("nij,nkj->nki", matrices[:, :, :2], points) + matrices[:, None, :, 2]
    average: Floats = aligned.mean(axis=0).astype(np.float32)
    return average
