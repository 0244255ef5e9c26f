"""How long a model takes on this machine, measured on the photos that it is evaluated on."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np

from visavis.errors import UsageError
from visavis.evaluate.data.templates import subject
from visavis.evaluate.results import Speed
from visavis.images.photo_files import check_list
from visavis.pipeline import BATCH_PHOTOS, Recognizer
from visavis.types import Face, Photo


def measure(photos: Sequence[str], recognizer: Recognizer, *, count: int = 48, min_face: float = 20) -> Speed:
    """Time up to ``count`` photos, spread evenly over the list, in batches as all work is done.

    Nothing remembered is used; a batch goes through before the clock starts. Given are medians of the batches: others
    who use the machine for a moment do not count. Detection holds reading and quality. UsageError where no photo
    could be read, or none shows a face.
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
        answers = [one for one in recognizer.detect(map(Path, batch), min_face=min_face) if one.photo]
        between = time.perf_counter()
        faces = _embed(recognizer, [(one.photo, one.faces) for one in answers if one.photo and one.faces])
        end = time.perf_counter()
        if number and answers:
            read += len(answers)
            detected.append((between - start) / len(answers))
        if number and faces:
            embedded.append((end - between) / faces)
    if not embedded:
        raise UsageError(f"the speed cannot be measured: no face was found in any of {len(chosen)} photos.")
    return Speed(1000 * median(detected), 1000 * median(embedded), read, recognizer.threads)


def spread(photos: Sequence[str], count: int) -> list[str]:
    """Choose up to ``count`` photos at equal distances."""
    if len(photos) <= count:
        return list(photos)
    return [photos[i * len(photos) // count] for i in range(count)]


def _embed(recognizer: Recognizer, photos: Sequence[tuple[Photo, Sequence[Face]]]) -> int:
    """Embed the face that each photo is about; returns how many there were."""
    if not photos:
        return 0
    chosen = [faces[subject(faces, width=photo.width, height=photo.height)] for photo, faces in photos]
    crops = [recognizer.embedder.crops(photo.pixels, [face]) for (photo, _), face in zip(photos, chosen, strict=True)]
    return len(recognizer.embedder.embed(np.concatenate(crops)))
