"""Detect the faces of frames, and embed those that are asked for, a batch a frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from visavis import compare
from visavis.detectors import certain_score
from visavis.quality import gray_crop, measure
from visavis.types import RGB, Face, Floats
from visavis.videos.person import KeptFace, crop_view, set_embedding
from visavis.videos.track import DetectedFace
from visavis.videos.types import FaceView, Frame

if TYPE_CHECKING:
    from visavis.pipeline import Recognizer

LOOK = 12
"""Side of the small picture by which a face is compared with the one before."""


class FaceReader:
    """Reads the faces of frames with a recognizer; ``table`` is the calibration of its model, or None."""

    def __init__(self, recognizer: Recognizer, table: compare.Calibration | None, *, min_face: float) -> None:
        self._recognizer = recognizer
        self._table = table
        self._min_face = min_face

    def detect(self, frame: Frame) -> list[Face]:
        """Return the faces of a frame."""
        (faces,) = self._recognizer.detector.detect([frame.pixels], min_face=self._min_face)
        return faces

    def measure(self, frame: Frame, faces: Sequence[Face]) -> list[DetectedFace]:
        """Return faces of a frame with their quality and look."""
        certain = certain_score(self._recognizer.detector)
        return [
            DetectedFace(face, measure(frame.pixels, face, certain=certain), make_look(frame.pixels, face))
            for face in faces
        ]

    def embed(self, pixels: RGB, faces: Sequence[DetectedFace]) -> None:
        """Set the embeddings of faces that have none yet: faces of a frame, or with a crop."""
        wanted = [face for face in faces if face.embedding is None]
        if not wanted:
            return
        self.align(pixels, wanted)
        crops = np.concatenate([face.aligned for face in wanted if face.aligned is not None])
        for face, embedding in zip(wanted, self._embed_crops(crops), strict=True):
            face.embedding, face.aligned = embedding, None
            face.share = 1.0 if self._table is None else self._table.threshold_share(embedding, face.quality)

    def align(self, pixels: RGB, faces: Sequence[DetectedFace]) -> None:
        """Set the crops of faces of a frame that have neither a crop nor an embedding."""
        wanted = [face for face in faces if face.embedding is None and face.aligned is None]
        if wanted:
            crops = self._recognizer.embedder.crops(pixels, [face.face for face in wanted])
            for number, face in enumerate(wanted):
                face.aligned = crops[number : number + 1]

    def keep(self, face: DetectedFace, frame: Frame) -> KeptFace:
        """Return what a track keeps of a face: the view, and the crop for its embedding, if it has none yet."""
        self.align(frame.pixels, [face])
        crop = crop_view(frame.pixels, face.face)
        view = FaceView(frame.seconds, face.face, face.quality.score, crop, face.embedding)
        return KeptFace(view, face.quality, face.aligned)

    def embed_kept(self, faces: Sequence[KeptFace]) -> None:
        """Set the embeddings of kept faces that have none yet."""
        wanted = [face for face in faces if face.aligned is not None]
        crops = [face.aligned for face in wanted if face.aligned is not None]
        if crops:
            for face, embedding in zip(wanted, self._embed_crops(np.concatenate(crops)), strict=True):
                set_embedding(face, embedding)

    def _embed_crops(self, crops: RGB) -> Floats:
        embedder = self._recognizer.embedder
        return compare.check_computed(embedder.embed(crops), embedder.name)


def make_look(pixels: RGB, face: Face) -> Floats:
    """Return a small picture of a face ``(n,)``, of length 1: its product with another is a correlation.

    A face of one color is like any other face of one color.
    """
    from visavis.opencv import cv2

    small = cv2.resize(gray_crop(pixels, face.box), (LOOK, LOOK), interpolation=cv2.INTER_AREA)
    flat = small.astype(np.float32).ravel()
    apart = flat - flat.mean()
    look: Floats = compare.unit((apart if apart.any() else apart + 1)[None])[0]
    return look
