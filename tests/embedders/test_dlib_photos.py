"""The whole way on photographs against dlib's: its own detector, points, chip and network."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from detectors.drawn import overlap
from visavis import images
from visavis.detectors import DETECTORS
from visavis.embedders import EMBEDDERS
from visavis.embedders.trained import Trained

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "dlib_photos.json").read_text(encoding="utf-8"))["photos"]
SAME_PERSON = 0.6
"""dlib's own threshold between its descriptors."""


@pytest.fixture(scope="module")
def descriptors(data: Path) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Each face that dlib finds: the photo, dlib's descriptor and ours, not mirrored."""
    detector, embedder = DETECTORS.create("mtcnn"), EMBEDDERS.create("dlib-resnet")
    assert isinstance(embedder, Trained)
    pairs = []
    for name, entry in GOLDEN.items():
        picture = images.read(data / "photos" / name).pixels
        assert list(picture.shape[1::-1]) == entry["size"]
        (found,) = detector.detect([picture])
        for theirs in entry["faces"]:
            rectangle = np.array(theirs["rect"])
            ours = max(found, key=lambda face: overlap(face.box, rectangle))
            assert overlap(ours.box, rectangle) > 0.3, name
            embedding = embedder.raw(embedder.crops(picture, [ours]))[0]
            pairs.append((name, np.array(theirs["descriptor"]), embedding))
    return pairs


def test_every_face_is_the_same_person_to_dlib(descriptors: list[tuple[str, np.ndarray, np.ndarray]]) -> None:
    assert len(descriptors) >= 31
    assert [name for name, theirs, ours in descriptors if np.linalg.norm(theirs - ours) >= SAME_PERSON] == []


def test_chips_are_cut_as_dlib_cuts_them(descriptors: list[tuple[str, np.ndarray, np.ndarray]]) -> None:
    distances = [np.linalg.norm(theirs - ours) for _, theirs, ours in descriptors]
    assert np.median(distances) <= 0.18  # .22 where one eye is looked for ten pixels too low


def test_each_face_is_nearest_to_itself(descriptors: list[tuple[str, np.ndarray, np.ndarray]]) -> None:
    theirs, ours = (np.stack([pair[k] for pair in descriptors]) for k in (1, 2))
    nearest = np.linalg.norm(ours[:, None] - theirs[None], axis=2).argmin(axis=1)
    # Two photos show the same portraits as two others.
    assert np.count_nonzero(nearest != np.arange(len(descriptors))) <= 2
