"""Read the output of an earlier ``visavis cluster --json``, so that faces keep their clusters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np

from visavis import input_files
from visavis.boxes import SAME_FACE, overlaps
from visavis.clustering.types import Faces
from visavis.images import shown
from visavis.text_files import errors_in, json_lines, malformed, read_text
from visavis.types import Floats

LARGEST = 1 << 31
"""Largest number of a cluster and largest coordinate of a box in pixels, above those of all photos."""


@dataclass(frozen=True, slots=True, eq=False)
class PreviousFaces:
    """Faces of one photo from an earlier clustering: ``boxes (n, 4)`` and the ids of their clusters."""

    boxes: Floats
    ids: tuple[int, ...]


def read_previous(path: Path) -> dict[str, PreviousFaces]:
    """Read the faces of each photo from JSON Lines; skip lines without a face.

    Raises UsageError, which names the line, if a face lacks its photo, box or cluster number.
    """
    text = read_text(path)
    with errors_in(path):
        return _collect_faces(json_lines(text))


def _collect_faces(lines: Iterable[tuple[int, Mapping[str, object]]]) -> dict[str, PreviousFaces]:
    faces: dict[str, list[tuple[list[float], int]]] = {}
    for number, line in lines:
        if line.get("status", "ok") != "ok":
            continue
        photo, box, cluster = line.get("photo"), line.get("box"), line.get("cluster")
        if not isinstance(photo, str) or type(cluster) is not int or not 0 <= cluster <= LARGEST or not _is_box(box):
            raise malformed(
                number, "a face has photo, box (four numbers) and cluster (a number), as cluster --json prints them."
            )
        if input_files.is_stream(photo):
            raise malformed(number, f"{shown(photo)} is no photo in a file: it cannot be read again.")
        faces.setdefault(photo, []).append((cast("list[float]", box), cluster))
    return {
        photo: PreviousFaces(np.array([box for box, _ in rows], np.float32), tuple(cluster for _, cluster in rows))
        for photo, rows in faces.items()
    }


def _is_box(value: object) -> bool:
    return isinstance(value, list) and len(value) == 4 and all(map(_is_side, value))


def _is_side(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST  # NaN is not


def with_clusters(faces: Faces, previous: PreviousFaces) -> Faces:
    """Give each face of one photo the cluster of the earlier box that it overlaps most, if at least by ``SAME_FACE``.

    Each earlier box is used once, the largest overlap first.
    """
    shares = overlaps(faces.boxes, previous.boxes)
    clusters = faces.clusters.copy()
    while shares.size and shares.max() >= SAME_FACE:
        face, box = np.unravel_index(shares.argmax(), shares.shape)
        clusters[face] = previous.ids[box]
        shares[face], shares[:, box] = 0, 0
    return replace(faces, clusters=clusters)
