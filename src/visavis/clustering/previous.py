"""What ``visavis cluster --json`` printed before -> the clusters that faces are in already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np

from visavis.clustering.faces import SAME_FACE, overlaps
from visavis.errors import UsageError
from visavis.images import shown
from visavis.text_files import json_lines, malformed, read_text
from visavis.types import Faces, Floats


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """Faces of one photo that were clustered before: ``boxes (n, 4)``, and the ids of their clusters."""

    boxes: Floats
    ids: tuple[int, ...]


def read_previous(path: Path) -> dict[str, Known]:
    """Read the faces of each photo off the JSON Lines; lines without a face are left out.

    Raises UsageError, which names the line, where a face lacks photo, box or the number of a cluster.
    """
    text = read_text(path)
    try:
        return _faces(json_lines(text))
    except UsageError as error:
        raise UsageError(f"{shown(str(path))}, {error}") from error


def _faces(lines: Iterable[tuple[int, Mapping[str, object]]]) -> dict[str, Known]:
    faces: dict[str, list[tuple[list[float], int]]] = {}
    for number, line in lines:
        if line.get("status", "ok") != "ok":
            continue
        photo, box, cluster = line.get("photo"), line.get("box"), line.get("cluster")
        if not isinstance(photo, str) or type(cluster) is not int or cluster < 0 or not _is_box(box):
            raise malformed(
                number, "a face has photo, box (four numbers) and cluster (a number), as cluster --json prints them."
            )
        faces.setdefault(photo, []).append((cast("list[float]", box), cluster))
    return {
        photo: Known(np.array([box for box, _ in some], np.float32), tuple(cluster for _, cluster in some))
        for photo, some in faces.items()
    }


def _is_box(value: object) -> bool:
    return isinstance(value, list) and len(value) == 4 and all(type(one) in (int, float) for one in value)


def with_clusters(faces: Faces, known: Known) -> Faces:
    """Give the faces of one photo the clusters of the boxes that they overlap most, if by half; each box once."""
    shares = np.array([overlaps(box, known.boxes) for box in faces.boxes], np.float32).reshape(len(faces), -1)
    clusters = faces.clusters.copy()
    while shares.size and shares.max() >= SAME_FACE:
        face, box = np.unravel_index(shares.argmax(), shares.shape)
        clusters[face] = known.ids[box]
        shares[face], shares[:, box] = 0, 0
    return replace(faces, clusters=clusters)
