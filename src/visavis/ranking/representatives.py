"""One person's photos: which face is the most characteristic, and what they look like on average."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visavis import align, compare, embedders, images
from visavis.defaults import EMBEDDER
from visavis.errors import ImageError, NoFaceError
from visavis.images import Source
from visavis.pipeline import shared
from visavis.types import RGB, Characteristic, Face, Floats, PhotoFaces

FAR = 1e-3
"""Faces farther from the mean than strangers are at this rate are outliers."""

ROUNDS = 10
LEAST_QUALITY = 0.05
"""Weight of the worst face in the mean; that of the best is 1."""

SIDE = 256
PLACES = np.array([(0.387, 0.421), (0.613, 0.421), (0.5, 0.556), (0.402, 0.668), (0.598, 0.668)], np.float32)
"""Where eyes, nose and corners of the mouth come to lie in the average face, as parts of its side: the whole head."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Faces of one person's photos, a row each, with the number of their photo ``photos (n,)``."""

    names: tuple[str, ...]
    photos: NDArray[np.int64]
    faces: tuple[Face, ...]
    numbers: tuple[int, ...]
    embeddings: Floats
    quality: Floats
    largest: NDArray[np.bool_]
    sha256: tuple[str | None, ...] = ()


def representative(
    photos: Source | Iterable[Source], *, model: str = EMBEDDER, min_face: float = 20
) -> list[Characteristic]:
    """Rank one person's faces, the most characteristic first: the nearest to their mean, weighted by quality.

    See :func:`ranked`. One source is one photo; a folder stands for the photos in it and below it. Photos that cannot
    be read or show no face are passed over; NoFaceError where none is left.
    """
    return ranked(gathered(shared(embedder=model).represent(photos, min_face=min_face)), model=model)


def gathered(answers: Iterable[PhotoFaces]) -> Rows:
    """Gather the faces of photos, without the photos. Raises NoFaceError where there is none."""
    found = [
        (
            place,
            one.name,
            row,
            face,
            one.embeddings[row],
            one.quality[row].score if one.quality else 1.0,
            row == one.largest,
            None if one.photo is None else one.photo.sha256,
        )
        for place, one in enumerate(answers)
        if one.embeddings is not None
        for row, face in enumerate(one.faces)
    ]
    if not found:
        raise NoFaceError("no face was found in any of the photos.")
    places, names, rows, faces, embeddings, quality, largest, sha256 = zip(*found, strict=True)
    return Rows(
        names,
        np.array(places),
        faces,
        tuple(row + 1 for row in rows),
        np.array(embeddings, np.float32),
        np.array(quality, np.float32),
        np.array(largest),
        sha256,
    )


def ranked(rows: Rows, *, model: str) -> list[Characteristic]:
    """Take the face of each photo that is nearest to the mean of all, and rank them by that distance.

    The mean begins as that of the largest faces and is then taken over the faces that are not outliers: those within
    the distance of a FAR of ``FAR`` of the mean of the others (all, for a model without a table). Outliers come last.
    """
    table = compare.calibration(embedders.model_id(model))
    limit = np.inf if table is None else table.threshold(min(max(FAR, table.lowest_far), table.far[0]))
    weights = np.maximum(rows.quality, LEAST_QUALITY)
    kept = rows.largest
    chosen, distances, from_others = _nearest(rows, weights, kept)
    for _ in range(ROUNDS):
        near = np.zeros(len(weights), np.bool_)
        near[chosen[from_others[chosen] <= limit]] = True
        if not near.any() or np.array_equal(near, kept):
            break
        kept = near
        chosen, distances, from_others = _nearest(rows, weights, kept)
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


def _nearest(rows: Rows, weights: Floats, kept: NDArray[np.bool_]) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Return the row of each photo that is nearest to the mean of those kept, and all distances ``(n,)`` from it.

    The third is each row's distance from the mean of the others that are kept: of few faces, the mean of all is near
    even to a stranger among them. It is 0 where there are no others.
    """
    total = weights[kept] @ rows.embeddings[kept]
    distances = compare.cosine_distances(compare.unit(total[None]), rows.embeddings)[0]
    others = (total - np.where(kept, weights, 0)[:, None] * rows.embeddings).astype(np.float32)
    alone = kept & (kept.sum() == 1)
    from_others = np.where(alone, 0, 1 - (compare.unit(others) * rows.embeddings).sum(axis=1))
    order = np.lexsort((distances, rows.photos))
    return order[np.diff(rows.photos[order], prepend=-1) > 0], distances, from_others.astype(np.float32)


def average_face(found: Sequence[Characteristic], *, size: int = SIDE, skipped: list[str] | None = None) -> RGB:
    """Lay faces over each other, eyes on eyes and mouth on mouth, and return their mean ``(size, size, 3)``.

    Outliers are left out; better faces weigh more. Photos are read again by their names. One that cannot be read any
    more, or is another photo by now, is left out, and ``skipped`` takes a sentence; ImageError where that leaves none,
    NoFaceError where there is no face. A pixel is the mean over the photos that reach so far.
    """
    used = [one for one in found if not one.outlier]
    if not used:
        raise NoFaceError("there is no face to take the average of.")
    points = np.array([one.face.landmarks for one in used])
    matrices = align.similarity(points, _common(points) * size)
    total, reached = np.zeros((size, size, 3)), np.zeros((size, size, 1))
    wrong: list[ImageError] = []
    for one, matrix in zip(used, matrices, strict=True):
        try:
            pixels = images.read_again(one.photo, one.sha256).pixels
        except ImageError as error:
            wrong.append(error)
            continue
        inside = align.warp(np.full_like(pixels, 255), matrix[None], size=size)[0, :, :, :1] / 255
        weight = max(one.quality, LEAST_QUALITY) * (inside > 0.999)
        total += weight * align.warp(pixels, matrix[None], size=size)[0]
        reached += weight
    if len(wrong) == len(used):
        raise wrong[0]
    if skipped is not None:
        skipped += map(str, wrong)
    mean = np.divide(total, reached, out=np.full_like(total, 255), where=reached > 0)
    return mean.round().astype(np.uint8)


def _common(points: Floats) -> Floats:
    """Mean of the landmarks ``(n, 5, 2)`` once each face is laid over ``PLACES``: the person's own proportions."""
    matrices = align.similarity(points, PLACES)
    laid = np.einsum("nij,nkj->nki", matrices[:, :, :2], points) + matrices[:, None, :, 2]
    common: Floats = laid.mean(axis=0).astype(np.float32)
    return common
