"""Calls about photos, without a gallery: faces, embeddings, comparisons, quality, points, liveness, rankings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from visavis import defaults
from visavis.classify import FaceNames
from visavis.client._photos import make_form, read_upload
from visavis.client._requests import GalleryRequests, require_readable, require_uploads
from visavis.client.parse import parse, parse_characteristic, parse_lookalike, parse_photo
from visavis.images import Source
from visavis.liveness import Liveness
from visavis.types import Characteristic, Face, Floats, Lookalike, PhotoFaces, Verification


class PhotoCalls(GalleryRequests):
    """Methods of :class:`visavis.Client` about photos."""

    def detect(self, source: Source, *, min_face: float = defaults.MIN_FACE) -> list[Face]:
        """Return the faces of one photo: see :func:`visavis.detect`."""
        return list(self._ask_photo("/detect", source, min_face=min_face)[0].faces)

    def embed(self, source: Source, *, min_face: float = defaults.MIN_FACE) -> Floats:
        """Return unit embeddings ``(n, d)`` of all faces of one photo: see :func:`visavis.embed`."""
        photo, _ = self._ask_photo("/detect", source, min_face=min_face, embeddings=True)
        return np.empty((0, 0), np.float32) if photo.embeddings is None or not photo else photo.embeddings

    def represent(
        self, sources: Source | Iterable[Source], *, min_face: float = defaults.MIN_FACE
    ) -> Iterator[PhotoFaces]:
        """Yield each photo with its faces and their embeddings: see :meth:`visavis.Recognizer.represent`."""
        for photo, _ in self._read_photos("/detect", sources, min_face=min_face, embeddings=True):
            yield photo

    def verify(
        self,
        a: Source,
        b: Source,
        *,
        far: float = defaults.FAR,
        threshold: float | None = None,
        min_face: float = defaults.MIN_FACE,
        any_face: bool = False,
    ) -> Verification:
        """Decide whether the largest faces of two photos are one person: see :func:`visavis.verify`."""
        files = [read_upload(a).part("a"), read_upload(b).part("b")]
        options = {"far": far, "threshold": threshold, "min_face": min_face, "any_face": any_face}
        return parse(Verification, self._connection.send("POST", "/verify", files=files, params=options))

    def quality(
        self, sources: Source | Iterable[Source], *, min_face: float = defaults.MIN_FACE
    ) -> Iterator[tuple[PhotoFaces, list[tuple[str, ...]]]]:
        """Yield each photo with the quality of its faces, and why each is low, the worst reason first."""
        for photo, lines in self._read_photos("/quality", sources, min_face=min_face):
            yield photo, [tuple(line["reasons"]) for line in lines]

    def classify(
        self,
        sources: Source | Iterable[Source],
        *,
        model: str = defaults.CLASSIFIER,
        top: int = defaults.TOP_NAMES,
        min_probability: float | None = None,
        min_face: float = defaults.MIN_FACE,
    ) -> Iterator[tuple[PhotoFaces, list[FaceNames]]]:
        """Yield each photo with the people of a network or of a classifier of the server: see ``visavis.classify``."""
        options = {"model": model, "top": top, "min_probability": min_probability, "min_face": min_face}
        for photo, lines in self._read_photos("/classify", sources, **options):
            yield photo, [parse(FaceNames, line) for line in lines]

    def landmarks(self, source: Source, *, points: int = 68, min_face: float = defaults.MIN_FACE) -> Floats:
        """Return 68 or 5 points of each face of one photo, ``(n, points, 2)`` in pixels."""
        _, lines = self._ask_photo("/landmarks", source, points=points, min_face=min_face)
        return np.array([line["points"] for line in lines], np.float32).reshape(-1, points, 2)

    def check_liveness(
        self, source: Source, *, threshold: float = defaults.REAL_FROM, min_face: float = defaults.MIN_FACE
    ) -> list[Liveness]:
        """Judge whether each face of one photo is real: see :func:`visavis.check_liveness`."""
        upload = read_upload(source)
        options = {"threshold": threshold, "min_face": min_face}
        answer = self._connection.send("POST", "/liveness", files=[upload.part("photo")], params=options)
        (line,) = answer["photos"]
        require_readable(line["status"], line.get("message", ""))
        return [parse(Liveness, face) for face in line["faces"]]

    def similar(
        self,
        photo: Source,
        others: Source | Iterable[Source] | None = None,
        *,
        top: int = defaults.TOP_LOOKALIKES,
        min_face: float = defaults.MIN_FACE,
    ) -> list[Lookalike]:
        """Return the look-alikes of the largest face of a photo: see :func:`visavis.similar`.

        They are sought among the photos ``others``, without these among all faces of the gallery.
        """
        files = [read_upload(photo).part("photo")]
        options: dict[str, Any] = {"top": top, "min_face": min_face}
        if others is None:
            answer = self._ask_gallery("POST", "/gallery/similar", files=files, params=options)
        else:
            files += make_form("others", require_uploads(others)[0])
            answer = self._connection.send("POST", "/similar", files=files, params=options)
        return [parse_lookalike(line) for line in answer["faces"]]

    def representative(
        self, photos: Source | Iterable[Source], *, min_face: float = defaults.MIN_FACE
    ) -> list[Characteristic]:
        """Rank the faces of one person by how characteristic they are: see :func:`visavis.representative`."""
        files = make_form("photo", require_uploads(photos)[0])
        answer = self._connection.send("POST", "/representative", files=files, params={"min_face": min_face})
        return [parse_characteristic(line) for line in answer["faces"]]

    def _read_photos(
        self, path: str, sources: Source | Iterable[Source], **options: Any
    ) -> Iterator[tuple[PhotoFaces, list[dict[str, Any]]]]:
        """Yield the answers for photos, in order, also for those that cannot be read, with the lines of their faces."""
        for item, line in self._ask_photos(path, sources, **options):
            if isinstance(item, PhotoFaces):
                yield item, []
            else:
                yield parse_photo(line, name=item.name, embedded="embeddings" in options), line["faces"]
