from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from visavis.pipeline import Recognizer
from visavis.types import RGB, Face, Floats
from visavis.videos.blur import blur_boxes

PHOTOS = 8
"""Photos of each of ten people: every second one is enrolled by the attacker."""
PLACES = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]], np.float32)
"""Landmarks that the attacker assumes within a box: no detector finds any in what is blurred."""


def assumed(face: Face) -> Face:
    center, side = (face.box[:2] + face.box[2:]) / 2, max(face.width, face.height)
    box = np.concatenate([center - side / 2, center + side / 2]).astype(np.float32)
    return Face(box, 1.0, (box[:2] + PLACES * side).astype(np.float32))


def share_identified(embeddings: Floats, people: list[int]) -> float:
    """How many of the probes are nearest to the mean of the right person's enrolled photos."""
    labels = np.array(people)
    enrolled = np.arange(len(labels)) % 2 == 0
    means = np.stack([embeddings[enrolled & (labels == person)].mean(axis=0) for person in np.unique(labels)])
    distances = ((embeddings[~enrolled][:, None] - means[None]) ** 2).sum(axis=2)
    return float((distances.argmin(axis=1) == labels[~enrolled]).mean())


@pytest.mark.slow(seconds=5)
def test_who_enrolls_blurred_photos_identifies_at_most_twice_as_many_as_by_chance(data: Path) -> None:
    recognizer = Recognizer()
    photos, people = [], []
    for person, folder in enumerate(sorted((data / "celebrities").iterdir())):
        photos += sorted(map(str, folder.iterdir()))[:PHOTOS]
        people += [person] * PHOTOS
    clear: list[Floats] = []
    blurred: list[Floats] = []
    shown: list[int] = []
    for person, answer in zip(people, recognizer.detect(photos), strict=True):
        if not answer.faces or answer.photo is None:
            continue
        shown.append(person)
        face = answer.faces[answer.largest]
        pixels = answer.photo.pixels
        clear.append(_embed(recognizer, pixels, face))
        blurred.append(_embed(recognizer, blur_boxes(pixels, face.box[None]), face))
    chance = 1 / len(set(shown))
    assert len(shown) >= 75
    assert share_identified(np.stack(clear), shown) >= 0.95
    assert share_identified(np.stack(blurred), shown) <= 2 * chance


def _embed(recognizer: Recognizer, pixels: RGB, face: Face) -> Floats:
    embedding: Floats = recognizer.embedder.embed(recognizer.embedder.crops(pixels, [assumed(face)]))[0]
    return embedding
