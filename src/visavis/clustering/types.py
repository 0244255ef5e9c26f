"""Faces of many photos, the clusters that they form, and the plain forms of both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visavis._show import Shown
from visavis.plain import Plain, flat, plain
from visavis.types import Floats, PhotoFaces


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Faces(Shown):
    """Faces of many photos, one per row: the input of clustering and ranking.

    ``photos`` names the photo of each face: faces of one photo are never one person. ``numbers (n,)`` count the faces
    of a photo from 1, ``boxes`` are ``(n, 4)``, ``embeddings (n, d)`` of unit length, ``quality (n,)`` in 0..1.
    ``clusters (n,)`` are the clusters that hold the faces already, -1 for a new face. ``sha256`` holds the hash of each
    face's photo (None: not known), to recognize the file when it is read again; empty: no hash is known.
    """

    photos: tuple[str, ...]
    numbers: NDArray[np.int64]
    boxes: Floats
    embeddings: Floats
    quality: Floats
    clusters: NDArray[np.int64]
    sha256: tuple[str | None, ...] = ()

    def __post_init__(self) -> None:
        n = len(self.photos)
        if len(self.sha256) not in {0, n}:
            raise ValueError(f"{n} faces have as many hashes of photos, or none, got {len(self.sha256)}")
        fields = {"numbers": (n,), "boxes": (n, 4), "quality": (n,), "clusters": (n,)}
        wrong = {name: actual for name, shape in fields.items() if (actual := getattr(self, name).shape) != shape}
        if wrong or self.embeddings.ndim != 2 or len(self.embeddings) != n:
            raise ValueError(f"{n} faces have arrays of as many rows, got {wrong or self.embeddings.shape}")

    def __len__(self) -> int:
        return len(self.photos)

    def photo_hash(self, row: int) -> str | None:
        """Return the SHA-256 of the photo of a face; None where it is not known."""
        return self.sha256[row] if self.sha256 else None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Cluster(Shown):
    """Faces taken for one person: their rows ``(k,)`` in ``Clustering.faces``, and the row of the representative."""

    id: int
    rows: NDArray[np.int64]
    representative: int

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Clustering(Plain):
    """Clusters of ``faces``, the largest first, those of poor faces last; each face is in one cluster, maybe alone.

    ``threshold`` is the cosine distance up to which faces were joined, ``far`` its rate of false accepts (None:
    uncalibrated). ``ties`` are pairs of ids of older clusters that now lie as near to each other as faces of one person
    do: they are reported, and never merged. ``skipped`` are the answers for photos without a usable face. The truth
    value is whether there are clusters.
    """

    faces: Faces
    clusters: tuple[Cluster, ...]
    threshold: float
    far: float | None
    model: str
    ties: tuple[tuple[int, int], ...] = ()
    skipped: tuple[PhotoFaces, ...] = ()

    def __bool__(self) -> bool:
        return len(self.clusters) > 0

    @property
    def labels(self) -> NDArray[np.int64]:
        """Id of the cluster of each face ``(n,)``."""
        labels = np.full(len(self.faces), -1, np.int64)
        for cluster in self.clusters:
            labels[cluster.rows] = cluster.id
        return labels

    def to_dict(self) -> dict[str, Any]:
        """Return model, threshold and rate, a dictionary per face, and the photos without a face."""
        return {
            "model": self.model,
            "threshold": self.threshold,
            "far": self.far,
            "faces": list(_cluster_rows(self)),
            "ties": plain(self.ties),
            "skipped": [photo.to_dict() for photo in self.skipped],
        }

    def rows(self) -> list[dict[str, Any]]:
        """Return a flat row per face, cluster by cluster, then a row per photo without a face."""
        skipped = ({"photo": photo.name, "status": photo.status, "message": photo.message} for photo in self.skipped)
        return [*map(flat, _cluster_rows(self)), *skipped]


def _cluster_rows(clustering: Clustering) -> Iterator[dict[str, Any]]:
    faces = clustering.faces
    for cluster in clustering.clusters:
        for row in cluster.rows.tolist():
            yield {
                "cluster": cluster.id,
                "size": len(cluster),
                "photo": faces.photos[row],
                "sha256": faces.photo_hash(row),
                "face": int(faces.numbers[row]),
                "box": plain(faces.boxes[row]),
                "representative": row == cluster.representative,
                "quality": float(faces.quality[row]),
            }
