"""People who are colors, for the detector and embedder without weights: photos of squares, and made-up features."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cli.fakes import DETECTOR, MODEL, photo
from visavis.compare import unit
from visavis.pipeline import Recognizer
from visavis.train.classifier_data import LabeledFaces

PEOPLE = {
    "Red": (255, 0, 0),
    "Orange": (255, 130, 0),
    "Green": (0, 255, 0),
    "Cyan": (0, 255, 255),
    "Blue": (0, 0, 255),
    "Pink": (255, 0, 200),
}


def recognizer() -> Recognizer:
    return Recognizer(detector=DETECTOR, embedder=MODEL)


def write_photo(path: Path, person: str, number: int = 0, *, side: int = 100) -> Path:
    """Write a photo of a person; each number is another shade."""
    rng = np.random.default_rng(number)
    shade = np.clip(np.array(PEOPLE[person]) + rng.integers(-24, 25, 3), 0, 255)
    return photo(path, ((int(shade[0]), int(shade[1]), int(shade[2])), 40 + number % 60, 30, side))


def write_people(folder: Path, photos: int = 12, *, people: int = 6) -> Path:
    """Write a folder a person."""
    for place, person in enumerate([*PEOPLE][:people]):
        for number in range(1, photos + 1):
            write_photo(folder / person / f"{number}.png", person, 100 * place + number)
    return folder


def made_up_faces(
    people: int, photos: int, *, dimension: int = 16, spread: float = 0.12, seed: int = 0
) -> LabeledFaces:
    """Return embeddings of made-up people around random means."""
    rng = np.random.default_rng(seed)
    means = unit(rng.normal(size=(people, dimension)).astype(np.float32))
    labels = np.repeat(np.arange(people), photos).astype(np.int64)
    values = unit((means[labels] + spread * rng.normal(size=(len(labels), dimension))).astype(np.float32))
    names = tuple(f"P{n:05d}" for n in range(people))
    hashes = tuple(f"{row:064x}" for row in range(1, len(labels) + 1))
    paths = tuple(f"{names[label]}/{row}.jpg" for row, label in enumerate(labels))
    return LabeledFaces(names, labels, values, paths, np.zeros((len(labels), 4), np.float32), hashes)
