"""Short texts of results: whatever the arrays inside, a line or two."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from visavis._show import Shown, brief, percent
from visavis.clustering.types import Cluster, Clustering, Faces
from visavis.types import Face, Photo, PhotoFaces

FACE = Face(np.array([641.06, 257, 911.5, 609], np.float32), 0.99951, np.zeros((5, 2), np.float32))
PHOTO = Photo(np.zeros((40, 30, 3), np.uint8), "ann.jpg", "a1" * 32)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.zeros((12, 128), np.float32), "<float32 (12, 128)>"),
        (np.array([1, 2.5, 1 / 3]), "[1, 2.5, 0.33]"),
        (np.float32(0.5), "<float32 ()>"),
        (("a", "b"), "('a', 'b')"),
        (tuple("abcdef"), "<6 str>"),
        ((FACE,), "<1 Face>"),
        ((), "()"),
        ("f" * 64, "'ffffffffffff...'"),
        (0.123456, "0.1235"),
        (PHOTO, "<Photo>"),
        (None, "None"),
    ],
)
def test_brief(value: object, text: str) -> None:
    assert brief(value) == text


def test_results_are_short() -> None:
    assert repr(FACE) == "Face(box=[641.06, 257, 911.5, 609], score=0.9995, landmarks=<float32 (5, 2)>)"
    assert repr(PHOTO) == "Photo(pixels=<uint8 (40, 30, 3)>, name='ann.jpg', sha256='a1a1a1a1a1a1...')"
    faces = PhotoFaces("ann.jpg", "ok", PHOTO, (FACE,), (), np.zeros((1, 128), np.float32))
    assert repr(faces) == (
        "PhotoFaces(name='ann.jpg', status='ok', photo=<Photo>, faces=<1 Face>, embeddings=<float32 (1, 128)>)"
    )


def test_a_thousand_faces_are_one_line() -> None:
    numbers = np.arange(1000)
    faces = Faces(
        tuple(f"{n}.jpg" for n in numbers),
        numbers,
        np.zeros((1000, 4), np.float32),
        np.zeros((1000, 128), np.float32),
        np.ones(1000, np.float32),
        -np.ones(1000, np.int64),
    )
    clustering = Clustering(faces, (Cluster(1, numbers, 0),), 0.4, 0.001, "sface")
    assert repr(clustering) == (
        "Clustering(faces=<Faces>, clusters=<1 Cluster>, threshold=0.4, far=0.001, model='sface')"
    )
    assert len(repr(faces)) < 250
    assert repr(clustering.clusters[0]) == "Cluster(id=1, rows=<int64 (1000,)>, representative=0)"


def test_fields_of_their_default_and_hidden_ones_are_left_out() -> None:
    @dataclass(repr=False)
    class Thing(Shown):
        a: int
        b: str = ""
        hidden: int = field(default=1, repr=False)

    assert repr(Thing(1)) == "Thing(a=1)"
    assert repr(Thing(1, "x", 2)) == "Thing(a=1, b='x')"


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (0.973, "97.3%"), (0.99951, ">99.9%"), (1.0, ">99.9%"), (0.0, "<0.1%"), (0.001, "0.1%")],
)
def test_percent(value: float | None, text: str) -> None:
    assert percent(value) == text


def test_what_draws_is_loaded_when_a_picture_is_asked_for(tmp_path: Path) -> None:
    program = """
import sys, numpy, visavis
photo = visavis.Photo(numpy.zeros((2, 2, 3), numpy.uint8), "a", "")
repr(photo)
assert not {"visavis.display", "PIL", "cv2", "sqlalchemy"} & set(sys.modules)
assert photo._repr_html_().startswith("<div")
assert "visavis.display" in sys.modules
assert not {"cv2", "sqlalchemy", "onnxruntime"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], cwd=tmp_path, check=True, timeout=60)
