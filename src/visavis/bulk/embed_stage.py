"""The stage that every engine runs: a photo's bytes -> its faces with their embeddings."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from visavis.bulk import sources
from visavis.bulk.types import Answer, Failure, Task
from visavis.defaults import DETECTOR
from visavis.errors import ImageError
from visavis.gallery.types import IndexedPhoto, Template

if TYPE_CHECKING:
    from visavis.pipeline import Recognizer
    from visavis.types import PhotoFaces


@dataclass(frozen=True, slots=True)
class Stage:
    """What is to be done, in words that another process understands: names, no loaded networks.

    ``min_face`` is the side in pixels of the smallest face looked for.
    """

    model: str
    detector: str = DETECTOR
    min_face: float = 20

    def check(self) -> None:
        """Raise UnknownNameError where a name means nothing, before anything is started or made."""
        from visavis.detectors import DETECTORS
        from visavis.embedders import EMBEDDERS, model_id

        DETECTORS.factory(self.detector)
        EMBEDDERS.factory(self.model.partition("@")[0])
        model_id(self.model)

    def prepare(self) -> None:
        """Import all that is imported for loading, which takes longer than loading."""
        import cv2  # noqa: F401 - importing it is the purpose

        from visavis import pipeline, runtime  # noqa: F401

        runtime.prepare()
        self.check()

    def load(self, *, threads: int) -> Recognizer:
        """Load both networks now, OpenCV held to as many threads; raises WeightsError, UnknownNameError."""
        import cv2

        from visavis.pipeline import Recognizer

        cv2.setNumThreads(threads)
        recognizer = Recognizer(detector=self.detector, embedder=self.model, threads=threads)
        recognizer.detector, recognizer.embedder  # noqa: B018 - loaded when first asked for
        return recognizer

    def answers(self, recognizer: Recognizer, photos: Sequence[tuple[Task, bytes]]) -> Iterator[Answer]:
        """Detect and embed photos, of which the encoded bytes are given, in order."""
        named = [_named(task.photo, data) for task, data in photos]
        for (task, _), one in zip(photos, recognizer.represent(named, min_face=self.min_face), strict=True):
            yield Answer(task, _result(one))


def read(task: Task) -> bytes | Failure:
    """Read the encoded bytes of a photo, or say why they cannot be read."""
    try:
        return sources.read(task.photo)
    except ImageError as error:
        return Failure(error.status, str(error))


def _result(one: PhotoFaces) -> IndexedPhoto | Failure:
    """Turn what was found in a photo into what the gallery takes, with a template a face; or why there is nothing."""
    if one.photo is None:
        return Failure(one.status, one.message)
    sha256 = one.photo.sha256
    embeddings = () if one.embeddings is None else one.embeddings
    faces = tuple(
        Template(embedding, photo_sha256=sha256, photo=one.name, box=face.box, quality=quality.score)
        for embedding, face, quality in zip(embeddings, one.faces, one.quality, strict=True)
    )
    return IndexedPhoto(one.name, sha256, one.status, faces)


class _Named(io.BytesIO):
    """Bytes that know what photo they are, so that errors name it."""

    name: str


def _named(name: str, data: bytes) -> _Named:
    stream = _Named(data)
    stream.name = name
    return stream
