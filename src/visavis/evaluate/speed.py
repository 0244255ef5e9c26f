"""Speed of a model on this machine, measured on the photos of an evaluation."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np

from visavis import defaults
from visavis.errors import UsageError
from visavis.evaluate.data.templates import subject
from visavis.evaluate.results import PhotoSpeed
from visavis.images.photo_files import check_list
from visavis.pipeline import BATCH_PHOTOS, Recognizer
from visavis.types import Face, Photo


def measure(
    photos: Sequence[str], recognizer: Recognizer, *, count: int = 48, min_face: float = defaults.MIN_FACE
) -> PhotoSpeed:
    """Time up to ``count`` photos, spread evenly over the list, in the batches of ordinary work.

    Cached results are not used; one batch runs before the clock starts. The results are medians over the batches, so a
    short load on the machine does not count. Detection includes reading and quality. Raises UsageError if no photo can
    be read, or none shows a face.
    """
    if count < 1:
        raise UsageError(f"count must be at least 1, got {count}.")
    check_list(photos)
    chosen = spread(photos, count)
    batches = [chosen[start : start + BATCH_PHOTOS] for start in range(0, len(chosen), BATCH_PHOTOS)]
    detected: list[float] = []
    embedded: list[float] = []
    read = 0
    for number, batch in enumerate([*batches[:1], *batches]):
        start = time.perf_counter()
        answers = [answer for answer in recognizer.detect(map(Path, batch), min_face=min_face) if answer.photo]
        middle = time.perf_counter()
        faces = _embed_subjects(
            recognizer, [(answer.photo, answer.faces) for answer in answers if answer.photo and answer.faces]
        )
        end = time.perf_counter()
        if number and answers:
            read += len(answers)
            detected.append((middle - start) / len(answers))
        if number and faces:
            embedded.append((end - middle) / faces)
    if not embedded:
        raise UsageError(f"the speed cannot be measured: no face was found in any of {len(chosen)} photos.")
    return PhotoSpeed(1000 * median(detected), 1000 * median(embedded), read, recognizer.threads)


def spread(photos: Sequence[str], count: int) -> list[str]:
    """Choose up to ``count`` photos at equal steps of the list."""
    if len(photos) <= count:
        return list(photos)
    return [photos[i * len(photos) // count] for i in range(count)]


def _embed_subjects(recognizer: Recognizer, photos: Sequence[tuple[Photo, Sequence[Face]]]) -> int:
    """Embed the subject of each photo; return the number of faces."""
    if not photos:
        return 0
    chosen = [faces[subject(faces, width=photo.width, height=photo.height)] for photo, faces in photos]
    crops = [recognizer.embedder.crops(photo.pixels, [face]) for (photo, _), face in zip(photos, chosen, strict=True)]
    return len(recognizer.embedder.embed(np.concatenate(crops)))
