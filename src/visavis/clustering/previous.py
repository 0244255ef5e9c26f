"""What ``visavis cluster --json`` printed before -> the clusters that faces are in already."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np

from visavis.clustering.faces import SAME_FACE, overlaps
from visavis.errors import UsageError
from visavis.images import shown
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
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{shown(str(path))} is no text in UTF-8.") from error
    faces: dict[str, list[tuple[list[float], int]]] = {}
    for number, line in _lines(path, text):
        if line.get("status", "ok") != "ok":
            continue
        photo, box, cluster = line.get("photo"), line.get("box"), line.get("cluster")
        if not isinstance(photo, str) or type(cluster) is not int or cluster < 0 or not _is_box(box):
            raise UsageError(
                f"{shown(str(path))}, line {number}: a face has photo, box (four numbers) and cluster (a number), as "
                "cluster --json prints them."
            )
        faces.setdefault(photo, []).append((cast("list[float]", box), cluster))
    return {
        photo: Known(np.array([box for box, _ in some], np.float32), tuple(cluster for _, cluster in some))
        for photo, some in faces.items()
    }


def _lines(path: Path, text: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise UsageError(f"{shown(str(path))}, line {number}: this is no JSON: {shown(line)}.") from error
        if not isinstance(value, dict):
            raise UsageError(f"{shown(str(path))}, line {number}: expected an object, got {shown(line)}.")
        yield number, value


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
