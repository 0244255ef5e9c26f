"""Dictionaries and flat rows of photos with faces, clusters and ranked faces: base classes of their types."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from visavis.plain import Plain, flat, plain

if TYPE_CHECKING:
    from visavis.types import Clustering, PhotoFaces, PhotoVerification


class PlainPhotoFaces(Plain):
    """The plain forms of :class:`~visavis.types.PhotoFaces`."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Return what ``visavis detect --json`` prints, with all digits, and the ``embedding`` of each face."""
        photo = cast("PhotoFaces", self)
        size = (None, None) if photo.photo is None else (photo.photo.width, photo.photo.height)
        line: dict[str, Any] = {"photo": photo.name, "status": photo.status, "captured": plain(photo.captured)}
        line |= {"width": size[0], "height": size[1], "faces": list(_face_rows(photo))}
        if photo.notes:
            line["notes"] = list(photo.notes)
        return line if photo.status == "ok" else {**line, "message": photo.message}

    def rows(self) -> list[dict[str, Any]]:
        """Return a flat row per face, without landmarks and embedding; one row without a face where there is none."""
        line = self.to_dict()
        faces = line.pop("faces")
        shared = flat(line)
        return [{**shared, "face": number, **flat(face)} for number, face in enumerate(faces, 1)] or [shared]


class PlainPhotoVerification(Plain):
    """The plain forms of :class:`~visavis.types.PhotoVerification`."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Return photo, status and box of the compared face, with the fields of the verification, if any."""
        answer = cast("PhotoVerification", self)
        box = None if answer.face is None else plain(answer.face.box)
        line: dict[str, Any] = {"photo": answer.photo, "status": answer.status, "box": box}
        if answer.verification is None:
            return {**line, "same": answer.same, "distance": None, "message": answer.message}
        return {**line, **answer.verification.to_dict()}


class PlainClustering(Plain):
    """The plain forms of :class:`~visavis.types.Clustering`."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Return model, threshold and rate, a dictionary per face, and the photos without a face."""
        clustering = cast("Clustering", self)
        return {
            "model": clustering.model,
            "threshold": clustering.threshold,
            "far": clustering.far,
            "faces": list(_cluster_rows(clustering)),
            "ties": plain(clustering.ties),
            "skipped": [photo.to_dict() for photo in clustering.skipped],
        }

    def rows(self) -> list[dict[str, Any]]:
        """Return a flat row per face, cluster by cluster, then a row per photo without a face."""
        clustering = cast("Clustering", self)
        skipped = (
            {"photo": photo.name, "status": photo.status, "message": photo.message} for photo in clustering.skipped
        )
        return [*map(flat, _cluster_rows(clustering)), *skipped]


class PlainLookalike(Plain):
    """The plain forms of :class:`~visavis.types.Lookalike`."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the fields in values that JSON can hold, without those of galleries for a face of a photo.

        The number of a face in its photo is ``face``; a face of a gallery has none.
        """
        line = super().to_dict()
        stored = {key: line.pop(key) for key in ("template_id", "person_id", "name")}
        number = line.pop("number")
        return {**line, "face": number} if stored["template_id"] is None else {**line, **stored}


class PlainCharacteristic(Plain):
    """The plain forms of :class:`~visavis.types.Characteristic`."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the fields in values that JSON can hold: the box of the face, and its number as ``face``."""
        line = super().to_dict()
        number = line.pop("number")
        return {**line, "box": line["face"]["box"], "face": number}


def _face_rows(photo: PhotoFaces) -> Iterator[dict[str, Any]]:
    for row, face in enumerate(photo.faces):
        line = {"box": plain(face.box), "score": float(face.score), "landmarks": plain(face.landmarks)}
        if photo.quality:
            parts = plain(photo.quality[row])
            line |= {"quality": parts.pop("score"), "quality_parts": parts}
        yield line if photo.embeddings is None else {**line, "embedding": plain(photo.embeddings[row])}


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
