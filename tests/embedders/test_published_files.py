"""The files as their authors published them, on photographs whose answers are known.

They are too large to come with the tests: whoever has them in the cache, or in a folder of VISAVIS_WEIGHTS, proves by
them the preprocessing, the padding, the order of the classes and all the rest together. The figures are those of the
authors' own tests and tutorials.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
from PIL import Image

from visavis import embedders
from visavis.classify import CLASSIFIERS
from visavis.detectors import DETECTORS
from visavis.errors import WeightsError

T = TypeVar("T")


def have(create: Callable[[], T]) -> T:
    """What was asked for; where its files are not on this machine, the test is skipped and says which."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VISAVIS_OFFLINE", "1")
        try:
            return create()
        except WeightsError as error:
            pytest.skip(str(error))


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as file:
        return np.asarray(file.convert("RGB"))


@pytest.mark.parametrize(
    ("model", "name", "probability"),
    [
        ("vggface-vgg16", "A.J._Buckley", 0.9790116),
        ("vggface2-resnet50", "A._J._Buckley", 0.91819614),
        ("vggface2-senet50", "A._J._Buckley", 0.9993529),
    ],
)
def test_the_picture_that_keras_vggface_tests_by(data: Path, model: str, name: str, probability: float) -> None:
    """``image/ajb.jpg``, 224 pixels already: only decoding and preprocessing come before the network."""
    classifier = have(lambda: CLASSIFIERS.create(model))
    (found,) = classifier.classify(pixels(data / "photos" / "keras_vggface" / "ajb.jpg")[None])
    assert found.names[0][0] == name
    assert found.names[0][1] == pytest.approx(probability, abs=1e-3)
    assert found.known


PEOPLE = ("angelina_jolie", "bradley_cooper", "kate_siegel", "paul_rudd", "shea_whigham")
DISTANCES = {
    "facenet-vggface2": (
        *(1.482895, 0.886342, 1.438450, 1.437583),
        *(1.345686, 1.029880, 1.061939),
        *(1.363125, 1.338803),
        1.066040,
    ),
    "facenet-casia": (
        *(1.430769, 0.992931, 1.414197, 1.329544),
        *(1.253911, 1.144899, 1.079755),
        *(1.358875, 1.337322),
        1.204118,
    ),
}
"""L2 between unit vectors, the upper triangle (facenet-pytorch, ``tests/actions_test.py``)."""


@pytest.mark.parametrize("model", DISTANCES)
def test_the_five_people_that_facenet_pytorch_tests_by(data: Path, model: str) -> None:
    """From its aligned crops. Its own test makes them anew and allows .01; those that it keeps may be a little off."""
    embedder = have(lambda: embedders.create(f"{model}@1"))
    folder = data / "photos" / "facenet_pytorch" / "test_images_aligned"
    embeddings = embedder.embed(np.stack([pixels(folder / person / "1.png") for person in PEOPLE]))
    distances = np.linalg.norm(embeddings[:, None] - embeddings[None], axis=-1)
    found = distances[np.triu_indices(5, 1)]
    assert np.linalg.norm(found - DISTANCES[model]) < 0.05


# The tutorial: MTCNN, first box, cut out without a margin, resized by Pillow to 224 pixels, version 2 of preprocessing


def tutorial_crop(data: Path, name: str) -> np.ndarray:
    picture = pixels(data / "photos" / "tutorial" / name)
    ((face, *_),) = DETECTORS.create("mtcnn").detect([picture])
    x1, y1, x2, y2 = (max(0, round(float(side))) for side in face.box)
    return np.asarray(Image.fromarray(picture[y1:y2, x1:x2]).resize((224, 224)))


@pytest.mark.parametrize(
    ("photo", "name", "probability"),
    [("sharon_stone1.jpg", "Sharon_Stone", 0.99642), ("channing_tatum.jpg", "Channing_Tatum", 0.94432)],
)
def test_the_people_of_the_tutorial(data: Path, photo: str, name: str, probability: float) -> None:
    """Its boxes are another MTCNN's by a pixel or two, hence the room."""
    classifier = have(lambda: CLASSIFIERS.create("vggface2-resnet50"))
    (found,) = classifier.classify(tutorial_crop(data, photo)[None])
    assert found.names[0][0] == name
    assert found.names[0][1] == pytest.approx(probability, abs=0.05)


def test_the_distances_of_the_tutorial(data: Path) -> None:
    """.418, .295, .709 in one author's run, .460, .311, .701 in another's."""
    embedder: Any = have(lambda: embedders.create("vggface2-resnet50@1"))
    names = ("sharon_stone1.jpg", "sharon_stone2.jpg", "sharon_stone3.jpg", "channing_tatum.jpg")
    embeddings = embedder.embed(np.stack([tutorial_crop(data, name) for name in names]))
    second, third, tatum = 1 - embeddings[1:] @ embeddings[0]
    assert second == pytest.approx(0.44, abs=0.06)
    assert third == pytest.approx(0.30, abs=0.06)
    assert tatum == pytest.approx(0.705, abs=0.06)
