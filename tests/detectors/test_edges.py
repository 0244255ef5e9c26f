"""Faces that the edge of the picture cuts: landmarks stay where they are, and strangers stay strangers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from visavis import compare, images
from visavis.detectors import Detector
from visavis.pipeline import Recognizer
from visavis.types import Face

from . import drawn

CUTS = ("top", "bottom", "left", "right", "tight")
PEOPLE = 300
CLOSE = 0.1
"""Error of the landmarks, in parts of the distance of the eyes."""


def cut(picture: np.ndarray, face: Face, where: str) -> tuple[np.ndarray, np.ndarray]:
    """Cut a picture at the brows, below the mouth, beside an eye, or to the face's box; also its new origin (x, y)."""
    eyes, mouth = face.landmarks[:2].mean(axis=0), face.landmarks[3:].mean(axis=0)
    apart = float(np.linalg.norm(face.landmarks[1] - face.landmarks[0]))
    height, width = picture.shape[:2]
    left, top, right, bottom = 0, 0, width, height
    match where:
        case "top":
            top = round(float(eyes[1] - 0.35 * apart))
        case "bottom":
            bottom = round(float(mouth[1] + 0.25 * apart))
        case "left":
            left = round(float(face.landmarks[0, 0] - 0.3 * apart))
        case "right":
            right = round(float(face.landmarks[1, 0] + 0.3 * apart))
        case "tight":
            left, top, right, bottom = (round(float(side)) for side in face.box)
    left, top = max(left, 0), max(top, 0)
    return np.ascontiguousarray(picture[top:bottom, left:right]), np.array((left, top), np.float32)


def error(face: Face, truth: Face, origin: np.ndarray) -> float:
    """Mean distance of the five landmarks from the true ones, over the distance of the eyes."""
    apart = np.linalg.norm(truth.landmarks[1] - truth.landmarks[0])
    return float(np.linalg.norm(face.landmarks + origin - truth.landmarks, axis=1).mean() / apart)


@pytest.mark.parametrize("where", CUTS[:-1])  # a drawing without a head around it is no face to the networks
def test_landmarks_of_a_cut_drawn_face(mtcnn: Detector, where: str) -> None:
    picture = drawn.picture(400, 400, (100, 100, 200))
    ((whole,),) = mtcnn.detect([picture])
    assert np.abs(whole.landmarks - drawn.landmarks(100, 100, 200)).max() <= 0.2 * 200 * 324 / 1024
    part, origin = cut(picture, whole, where)
    ((face,),) = mtcnn.detect([part])
    assert error(face, whole, origin) <= CLOSE


@pytest.mark.parametrize("where", CUTS)
@pytest.mark.parametrize("name", ["obama.jpg", "obama2.jpg", "biden.jpg"])
def test_landmarks_of_cut_photographs(sample_photos: Path, mtcnn: Detector, name: str, where: str) -> None:
    picture = images.read(sample_photos / name).pixels
    (faces,) = mtcnn.detect([picture])
    part, origin = cut(picture, faces[0], where)
    (found,) = mtcnn.detect([part])
    assert min(error(face, faces[0], origin) for face in found) <= CLOSE


@pytest.fixture(scope="module")
def portraits(data: Path) -> list[tuple[np.ndarray, Face]]:
    """A photo of each of ``PEOPLE`` people with the face in its middle."""
    folders = sorted(path for path in (data / "lfw" / "images").iterdir() if path.is_dir())
    chosen = np.random.default_rng(0).permutation(len(folders))[:PEOPLE]
    pictures = [images.read(min(folders[i].iterdir())).pixels for i in sorted(chosen)]
    answers = list(Recognizer().detect(pictures))
    return [
        (picture, min(answer.faces, key=lambda face: float(np.linalg.norm(face.landmarks.mean(axis=0) - 125))))
        for picture, answer in zip(pictures, answers, strict=True)
        if answer.faces
    ]


@pytest.mark.slow
@pytest.mark.parametrize("where", CUTS)
def test_cut_strangers_stay_strangers(portraits: list[tuple[np.ndarray, Face]], where: str) -> None:
    """At the threshold that promises .001, at most .003 of the pairs pass; nearly all landmarks are close."""
    parts = [cut(picture, face, where) for picture, face in portraits]
    answers = list(Recognizer().represent([part for part, _ in parts]))
    rows = [
        (answer.embeddings[answer.largest], error(answer.faces[answer.largest], truth, origin))
        for answer, (_, truth), (_, origin) in zip(answers, portraits, parts, strict=True)
        if answer.embeddings is not None and answer.faces
    ]
    assert len(rows) >= 0.95 * len(portraits)
    embeddings, errors = np.array([embedding for embedding, _ in rows]), np.array([error for _, error in rows])
    table = compare.calibration("dlib-resnet")
    assert table is not None
    distances = compare.cosine_distances(embeddings, embeddings)[np.triu_indices(len(embeddings), 1)]
    assert np.mean(distances <= table.threshold(1e-3)) <= 0.003
    assert np.median(errors) <= CLOSE / 2
    assert np.mean(errors <= CLOSE) >= 0.95
