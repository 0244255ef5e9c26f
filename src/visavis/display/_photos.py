"""Photos with the boxes of their faces, and clusters as rows of thumbnails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

import numpy as np

from visavis import align, defaults, images
from visavis._show import percent
from visavis.clustering.pictures import of_photos, plain_faces
from visavis.clustering.types import Cluster, Clustering
from visavis.display import parts
from visavis.types import RGB, Face, Identification, Photo, PhotoFaces

MOST_FACES = 30
"""Rows of the table of a photo's faces."""
MOST_CLUSTERS, MOST_IN_ROW, MOST_THUMBNAILS = 20, 8, 60
THUMBNAIL_SIDE, THUMBNAIL_SHOWN = 96, 72


def show_photo(photo: Photo) -> str:
    """Return the photo, at most ``parts.SIDE`` pixels wide and high, and its name and size."""
    when = "" if photo.captured is None else f", taken {photo.captured:%Y-%m-%d %H:%M}"
    size = f"{photo.width} x {photo.height} pixels"
    return parts.box(
        parts.picture(photo.pixels, alt=photo.name),
        parts.line(f"{photo.name}, {size}{when}"),
        parts.notes(photo.notes),
    )


def show_photo_faces(answer: PhotoFaces) -> str:
    """Return the photo with numbered boxes, and a table of the faces; without a face, the reason."""
    numbers = [str(number) for number in range(1, len(answer.faces) + 1)]
    quality = [f"{quality.score:.2f}" for quality in answer.quality] or ["-"] * len(numbers)
    rows = [
        (number, box_text(face), f"{face.score:.3f}", score)
        for number, face, score in zip(numbers, answer.faces, quality, strict=True)
    ]
    return parts.box(
        _draw(answer, numbers),
        _head(answer),
        _table_of(("face", "box", "score", "quality"), rows),
        parts.notes(answer.notes),
    )


def show_identified_photo(photo: PhotoFaces, answers: Sequence[Identification]) -> str:
    """Return the photo with a name at each face, and a table of the answers."""
    from visavis.draw import BLUE, ORANGE

    names = [str(answer.name) if answer.known else "unknown" for answer in answers]
    rows = [
        (
            number,
            name,
            "-" if answer.distance is None else f"{answer.distance:.4f}",
            f"{answer.threshold:.4f}",
            percent(answer.probability),
        )
        for number, (name, answer) in enumerate(zip(names, answers, strict=True), 1)
    ]
    return parts.box(
        _draw(photo, names, [BLUE if answer.known else ORANGE for answer in answers]),
        _head(photo),
        _table_of(("face", "who", "distance", "threshold", "probability"), rows),
        parts.notes([*photo.notes, *(note for answer in answers for note in answer.notes)]),
    )


def show_clustering(clustering: Clustering) -> str:
    """Return a row of thumbnails for each of the largest clusters; photos are read again for them.

    A face whose photo cannot be read any more is shown as the name of its photo.
    """
    chosen = _choose_rows(clustering.clusters)
    thumbnails = dict(_thumbnails(clustering, [row for rows in chosen for row in rows]))
    names = clustering.faces.photos
    lines = []
    for cluster, rows in zip(clustering.clusters, chosen, strict=False):
        pictures = "".join(thumbnails.get(row) or parts.line(names[row]) for row in rows)
        more = f", {len(cluster) - len(rows)} not shown" if len(cluster) > len(rows) else ""
        lines += [
            parts.line(f"cluster {cluster.id}: {parts.count(len(cluster), 'face')}{more}"),
            f"<div>{pictures}</div>",
        ]
    hidden = len(clustering.clusters) - len(chosen)
    faces = parts.count(len(clustering.faces), "face")
    summary = f"{parts.count(len(clustering.clusters), 'cluster')} of {faces}"
    rate = "" if clustering.far is None else f" (strangers pass at a rate of {clustering.far:.2g})"
    return parts.box(
        parts.line(f"{summary}, threshold {clustering.threshold:.4f}{rate}", strong=True),
        *lines,
        parts.line(f"{parts.count(hidden, 'smaller cluster')} not shown") if hidden else "",
        parts.notes(f"{photo.name}: {photo.message}" for photo in clustering.skipped[:MOST_CLUSTERS]),
    )


def box_text(face: Face) -> str:
    """Return the corners of a box in whole pixels."""
    return " ".join(str(round(value)) for value in face.box.tolist())


def _choose_rows(clusters: Sequence[Cluster]) -> list[list[int]]:
    """Return the rows to show of the first clusters, the representative first."""
    chosen: list[list[int]] = []
    left = MOST_THUMBNAILS
    for cluster in islice(clusters, MOST_CLUSTERS):
        others = [row for row in cluster.rows.tolist() if row != cluster.representative]
        rows = [cluster.representative, *others][: min(MOST_IN_ROW, left)]
        if not rows:
            break
        left -= len(rows)
        chosen.append(rows)
    return chosen


def _thumbnails(clustering: Clustering, rows: Sequence[int]) -> list[tuple[int, str]]:
    """Return an ``<img>`` for each row whose photo can be read."""
    thumbnails = []
    for photo, of_photo in of_photos(clustering.faces, rows):
        faces = plain_faces(clustering.faces, of_photo)
        crops = align.square_crops(photo.pixels, faces, size=THUMBNAIL_SIDE, margin=defaults.CROP_MARGIN)
        thumbnails += [(row, _thumbnail(crop, photo.name)) for row, crop in zip(of_photo, crops, strict=True)]
    return thumbnails


def _thumbnail(crop: RGB, name: str) -> str:
    return parts.picture(crop, alt=name, side=THUMBNAIL_SIDE, most=parts.CROP_BYTES, shown=THUMBNAIL_SHOWN)


def _draw(answer: PhotoFaces, labels: Sequence[str], colors: Sequence[tuple[int, int, int]] = ()) -> str:
    """Return the photo with boxes and labels, drawn at the size of the page; "" for a photo that was not read."""
    from visavis.draw import annotate

    if answer.photo is None:
        return ""
    small = images.shrink(answer.photo.pixels, parts.SIDE)
    factor = np.float32(small.shape[1] / answer.photo.width)
    faces = [replace(face, box=face.box * factor, landmarks=face.landmarks * factor) for face in answer.faces]
    return parts.picture(annotate(small, faces, labels, colors=colors), alt=answer.name, side=2 * parts.SIDE)


def _head(answer: PhotoFaces) -> str:
    """Return the name of the photo and the number of its faces, or why there are none."""
    if not answer.faces:
        return parts.line(answer.name) + parts.line(answer.message or answer.status, strong=True)
    return parts.line(f"{answer.name}: {parts.count(len(answer.faces), 'face')}")


def _table_of(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table of the first rows, and how many follow."""
    if not rows:
        return ""
    hidden = len(rows) - MOST_FACES
    return parts.table(heads, rows[:MOST_FACES]) + (parts.line(parts.count(hidden, "more face")) if hidden > 0 else "")
