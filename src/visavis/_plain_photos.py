"""Photos with faces, and clusters, as dictionaries and flat rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from visavis.plain import flat, plain

if TYPE_CHECKING:
    from visavis.types import Clustering, PhotoFaces


def photo_dict(photo: PhotoFaces) -> dict[str, Any]:
    """Return what ``visavis detect --json`` prints, with all digits, and the ``vector`` of each embedded face."""
    size = (None, None) if photo.photo is None else (photo.photo.width, photo.photo.height)
    line: dict[str, Any] = {"photo": photo.name, "status": photo.status, "captured": plain(photo.captured)}
    line |= {"width": size[0], "height": size[1], "faces": list(_faces(photo))}
    if photo.notes:
        line["notes"] = list(photo.notes)
    return line if photo.status == "ok" else {**line, "message": photo.message}


def photo_rows(photo: PhotoFaces) -> list[dict[str, Any]]:
    """Return a flat row a face, without landmarks and vector; one without a face where there is none."""
    line = photo_dict(photo)
    faces = line.pop("faces")
    shared = flat(line)
    return [{**shared, "face": number, **flat(face)} for number, face in enumerate(faces, 1)] or [shared]


def clustering_dict(clustering: Clustering) -> dict[str, Any]:
    """Return model, threshold and rate, a dictionary a face, and the photos that gave none."""
    return {
        "model": clustering.model,
        "threshold": clustering.threshold,
        "far": clustering.far,
        "faces": list(_clustered(clustering)),
        "ties": plain(clustering.ties),
        "skipped": [photo_dict(photo) for photo in clustering.skipped],
    }


def clustering_rows(clustering: Clustering) -> list[dict[str, Any]]:
    """Return a flat row a face, cluster by cluster, then a row a photo that gave no face."""
    skipped = ({"photo": one.name, "status": one.status, "message": one.message} for one in clustering.skipped)
    return [*map(flat, _clustered(clustering)), *skipped]


def _faces(photo: PhotoFaces) -> Iterator[dict[str, Any]]:
    for row, face in enumerate(photo.faces):
        line = {"box": plain(face.box), "score": float(face.score), "landmarks": plain(face.landmarks)}
        if photo.quality:
            parts = plain(photo.quality[row])
            line |= {"quality": parts.pop("score"), "quality_parts": parts}
        yield line if photo.vectors is None else {**line, "vector": plain(photo.vectors[row])}


def _clustered(clustering: Clustering) -> Iterator[dict[str, Any]]:
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
