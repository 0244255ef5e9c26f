"""The stage that all engines run: a photo's bytes -> its faces with their embeddings."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from visavis import defaults
from visavis.bulk import sources
from visavis.bulk.types import Answer, Failure, Task
from visavis.defaults import DETECTOR
from visavis.errors import ImageError
from visavis.gallery.kept_crops import make_crop
from visavis.gallery.types import IndexedPhoto, Template

if TYPE_CHECKING:
    from visavis.pipeline import Recognizer
    from visavis.types import PhotoFaces


@dataclass(frozen=True, slots=True)
class EmbedStage:
    """The settings of the stage, which other processes can receive: names, no loaded networks.

    ``min_face`` is the side in pixels of the smallest face to detect; ``keep_crops`` is that of the gallery.
    """

    model: str
    detector: str = DETECTOR
    min_face: float = defaults.MIN_FACE
    keep_crops: bool = False

    def check(self) -> None:
        """Raise UnknownNameError for an unknown name, before anything is started or created."""
        from visavis.detectors import DETECTORS
        from visavis.embedders import EMBEDDERS, model_id

        DETECTORS.factory(self.detector)
        EMBEDDERS.factory(self.model.partition("@")[0])
        model_id(self.model)

    def prepare(self) -> None:
        """Import the modules that loading needs, which takes longer than loading."""
        from visavis import opencv, pipeline, runtime  # noqa: F401 - importing them is the purpose

        runtime.prepare()
        self.check()

    def load(self, *, threads: int) -> Recognizer:
        """Load both networks now, and limit OpenCV to ``threads``; raises WeightsError, UnknownNameError."""
        from visavis.opencv import cv2
        from visavis.pipeline import Recognizer

        cv2.setNumThreads(threads)
        recognizer = Recognizer(detector=self.detector, embedder=self.model, threads=threads)
        recognizer.detector, recognizer.embedder  # noqa: B018 - loaded when first asked for
        return recognizer

    def answers(
        self, recognizer: Recognizer, photos: Sequence[tuple[Task, bytes]], *, begin: Callable[[], None] = lambda: None
    ) -> Iterator[Answer]:
        """Detect and embed the faces of photos, given with their encoded bytes; yield the answers in order.

        ``begin`` is called before each photo is decoded.
        """
        named = _name_each(photos, begin)
        for (task, _), faces in zip(photos, recognizer.represent(named, min_face=self.min_face), strict=True):
            yield Answer(task, _make_record(faces, keep_crops=self.keep_crops))


def read(task: Task) -> bytes | Failure:
    """Return the encoded bytes of a photo, or a Failure where they cannot be read."""
    try:
        return sources.read(task.photo)
    except ImageError as error:
        return Failure(error.status, str(error))


def _make_record(photo_faces: PhotoFaces, *, keep_crops: bool) -> IndexedPhoto | Failure:
    """Return the record of a photo for the gallery, with a template per face, or a Failure."""
    if photo_faces.photo is None:
        return Failure(photo_faces.status, photo_faces.message)
    photo = photo_faces.photo
    embeddings = () if photo_faces.embeddings is None else photo_faces.embeddings
    faces = tuple(
        Template(
            embedding,
            photo_sha256=photo.sha256,
            photo=photo_faces.name,
            box=face.box,
            quality=quality.score,
            crop=make_crop(photo, face) if keep_crops else None,
        )
        for embedding, face, quality in zip(embeddings, photo_faces.faces, photo_faces.quality, strict=True)
    )
    return IndexedPhoto(photo_faces.name, photo.sha256, photo_faces.status, faces)


class _NamedBytes(io.BytesIO):
    """Bytes with the name of their photo, which errors mention."""

    name: str


def _name_each(photos: Sequence[tuple[Task, bytes]], begin: Callable[[], None]) -> Iterator[_NamedBytes]:
    for task, data in photos:
        begin()
        stream = _NamedBytes(data)
        stream.name = task.photo
        yield stream
