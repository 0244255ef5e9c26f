"""Why a face was recognized or not: cases computed by hand, the decisions of ``identify``, real photos made worse."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from faultless import FAULTLESS
from visavis import compare
from visavis.errors import MissingImageError, UnknownNameError, UsageError
from visavis.gallery import Gallery, Template
from visavis.gallery.why import find_passing_fpir
from visavis.pipeline import Recognizer
from visavis.types import Face, Floats, Photo, PhotoFaces

from .faces import MODEL, digest

TABLE = {"model": MODEL, "far_threshold": [[0.1, 0.5], [0.001, 0.3]], "logistic": [-20, 8]}
ANN, BEN = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)


def direction(to_ann: float, to_ben: float) -> Floats:
    """Return the embedding at these cosine distances of Ann's and Ben's only templates."""
    x, y = 1 - to_ann, 1 - to_ben
    return np.array([x, y, math.sqrt(max(1 - x * x - y * y, 0))], np.float32)


class Album:
    """Stands in for a recognizer: a source is a text of "distance to Ann:distance to Ben" a face."""

    embedder = SimpleNamespace(name=MODEL)

    def represent(self, sources: Iterable[str], *, min_face: float = 20) -> Iterator[PhotoFaces]:
        for source in sources:
            if source == "missing":
                yield PhotoFaces(source, "missing", message="missing cannot be read.")
                continue
            rows = [direction(*map(float, text.split(":"))) for text in source.split()]
            faces = tuple(
                Face(np.array([40 * i, 0, 40 * i + 30, 40], np.float32), 0.9, np.zeros((5, 2), np.float32))
                for i in range(len(rows))
            )
            pixels = np.full((60, 200, 3), 128, np.uint8)
            yield PhotoFaces(
                source,
                "ok" if rows else "no_face",
                Photo(pixels, source, digest(hash(source))),
                faces,
                tuple(replace(FAULTLESS) for _ in rows),
                np.array(rows, np.float32).reshape(-1, 3),
            )

    def detect(self, sources: Iterable[Photo], *, min_face: float = 20) -> Iterator[PhotoFaces]:
        for photo in sources:
            yield PhotoFaces(photo.name, "no_face", photo)


@pytest.fixture
def album(path: Path) -> Iterator[Gallery]:
    with Gallery(path, recognizer=cast(Recognizer, Album())) as opened:
        for name, embedding in (("Ann", ANN), ("Ben", BEN)):
            opened.add(name, [Template(np.array(embedding, np.float32), photo=f"{name}.jpg")])
        opened.calibrate(compare.parse_calibration(TABLE))
        yield opened


def test_a_face_beyond_the_threshold_would_pass_at_a_rate_computed_by_hand(album: Gallery) -> None:
    """At .4, half way between .5 (FAR .1) and .3 (.001), the FAR is .01: among two people an FPIR of 1 - .99^2."""
    answer = album.why("0.4:0.9", "Ann", fpir=0.002)
    assert (bool(answer), answer.reason, answer.person_id, answer.name) == (False, "too_far", 1, "Ann")
    (face,) = answer.faces
    assert face.fpir == pytest.approx(1 - 0.99**2, abs=1e-6)
    assert (face.distance, face.threshold) == (pytest.approx(0.4), pytest.approx(0.3, abs=1e-3))
    assert (face.nearest.template_id, face.nearest.photo, face.nearest.distance) == (1, "Ann.jpg", pytest.approx(0.4))
    assert face.nearest_other is not None
    assert (face.nearest_other.name, face.nearest_other.distance) == ("Ben", pytest.approx(0.9))
    assert answer.message == f"the distance to Ann is 0.4000, the threshold {face.threshold:.4f}."
    assert answer.advice == "If this is Ann, enroll this photo, or one taken like it (light, age, pose)."


@pytest.mark.parametrize("distance", [0.31, 0.35, 0.4, 0.45, 0.49])
def test_identify_names_the_face_from_that_rate_on(album: Gallery, distance: float) -> None:
    photo = f"{distance}:0.95"
    (face,) = album.why(photo, "Ann").faces
    assert face.fpir is not None
    assert album.identify(photo, fpir=face.fpir * 1.01)[0].name == "Ann"
    assert album.identify(photo, fpir=face.fpir * 0.99)[0].name is None
    assert album.why(photo, "Ann", fpir=face.fpir * 1.01)
    assert not album.why(photo, "Ann", fpir=face.fpir * 0.99)


def test_beyond_the_table_no_rate_is_invented() -> None:
    table = compare.parse_calibration(TABLE)
    assert find_passing_fpir(table, 0.51, 1.0, 10) is None
    assert find_passing_fpir(table, 0.26, 0.5, 10) is None  # as far as .52 of good photos
    assert find_passing_fpir(table, 0.4, None, 10) is None
    assert find_passing_fpir(None, 0.4, 1.0, 10) is None
    assert find_passing_fpir(table, 0.5, 1.0, 10**6) is None  # an FPIR of 1
    assert find_passing_fpir(table, 0.1, 1.0, 1) == pytest.approx(0.001)  # the lowest that was measured


def test_a_recognized_face_needs_no_advice(album: Gallery) -> None:
    answer = album.why("0.1:0.9", "Ann", fpir=0.01)
    (face,) = answer.faces
    assert (answer.recognized, answer.reason, answer.advice, face.name) == (True, "recognized", "", "Ann")
    assert face.fpir == pytest.approx(1 - 0.999**2)


def test_another_person_is_nearer(album: Gallery) -> None:
    answer = album.why("0.45:0.2", "Ann", fpir=0.1)
    (face,) = answer.faces
    assert (answer.reason, face.name, face.fpir) == ("other_person", "Ben", None)
    assert answer.message == "Ben is nearer (0.2000) than Ann (0.4500)."
    assert "Compare the enrolled photos of both people" in answer.advice


def test_a_person_is_in_a_photo_once(album: Gallery) -> None:
    answer = album.why("0.25:0.9 0.2:0.9", "Ann", fpir=0.1)
    assert [(face.reason, face.name) for face in answer.faces] == [("named_already", None), ("recognized", "Ann")]
    assert (answer.recognized, answer.faces[0].fpir) == (True, None)


def test_the_explanation_is_that_of_identify(album: Gallery) -> None:
    """Over distances at random, the names are those of ``identify`` with the same options."""
    rng = np.random.default_rng(5)
    for _ in range(40):
        photo = " ".join(f"{a:.3f}:{b:.3f}" for a, b in rng.uniform(0.3, 0.8, (rng.integers(1, 4), 2)))
        for fpir in (0.01, 0.1):
            faces = album.why(photo, "Ben", fpir=fpir).faces
            answers = album.identify(photo, fpir=fpir)
            assert [face.name for face in faces] == [answer.name for answer in answers]
            assert [face.recognized for face in faces] == [answer.name == "Ben" for answer in answers]


def test_poor_photos_make_the_threshold_stricter(album: Gallery) -> None:
    """At a share of one half the threshold is halved, and the rate is that of twice the distance."""
    poor = {"useless": 0.1, "direction": [0, 0, 1.0], "axes": [], "likeness": [[9.0, 0.5]], "parts": {}}
    album.calibrate(compare.parse_calibration({**TABLE, "poor_photos": poor}))
    answer = album.why("0.22:0.9", "Ann", fpir=0.1)
    (face,) = answer.faces
    assert face.reason == "recognized"
    answer = album.why("0.24:0.9", "Ann", fpir=0.01)
    (face,) = answer.faces
    assert answer.reason == "poor_photo"
    assert face.threshold == pytest.approx(album.threshold(fpir=0.01).distance / 2)
    assert face.fpir == pytest.approx(find_passing_fpir(compare.parse_calibration(TABLE), 0.48, 1.0, 2), rel=1e-3)
    assert "Enroll better photos of Ann" in answer.advice


def test_without_a_table_a_threshold_is_needed(album: Gallery) -> None:
    album.calibrate(None)
    with pytest.raises(UsageError, match="test-model is uncalibrated"):
        album.why("0.4:0.9", "Ann")
    (face,) = album.why("0.4:0.9", "Ann", threshold=0.5).faces
    assert (face.recognized, face.threshold, face.fpir) == (True, 0.5, None)


def test_what_cannot_be_explained_is_an_error(album: Gallery) -> None:
    with pytest.raises(UnknownNameError, match="Anna"):
        album.why("0.4:0.9", "Anna")
    with pytest.raises(MissingImageError, match="cannot be read"):
        album.why("missing", "Ann")
    answer = album.why("", "Ann")
    assert (answer.reason, answer.faces, answer.recognized) == ("no_face", (), False)


# Photos


@pytest.fixture(scope="module")
def presidents(sample_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    with Gallery(tmp_path_factory.mktemp("why") / "faces.db") as opened:
        opened.enroll("Obama", [sample_photos / "obama.jpg", sample_photos / "obama2.jpg"])
        opened.enroll("Biden", sample_photos / "biden.jpg")
        yield opened


def worsen(path: Path, how: str) -> Image.Image:
    """Return obama3.jpg made worse; the face is 641 257 912 609."""
    image = Image.open(path).convert("RGB")
    if how == "blurred":
        return image.filter(ImageFilter.GaussianBlur(22))
    if how == "small":
        canvas = Image.new("RGB", (800, 600), (128, 128, 128))
        canvas.paste(image.resize((image.width // 20, image.height // 20), Image.Resampling.LANCZOS), (300, 200))
        return canvas
    if how == "cut":
        return image.crop((760, 0, image.width, image.height))
    if how == "covered":
        ImageDraw.Draw(image).rectangle((670, 365, 890, 430), fill=(8, 8, 8))
        return image
    return image.resize((image.width * 9 // 20, image.height))  # the nose of a narrow face is far from its middle


@pytest.mark.parametrize("kind", ["blurred", "small", "cut", "covered", "turned"])
def test_the_fault_of_a_photo_is_named(presidents: Gallery, sample_photos: Path, kind: str) -> None:
    pixels = np.asarray(worsen(sample_photos / "obama3.jpg", kind))
    answer = presidents.why(pixels, "Obama", min_face=12)
    face = min(answer.faces, key=lambda face: face.distance)
    assert kind in {fault.kind for fault in face.faults}, face
    clean = presidents.why(sample_photos / "obama3.jpg", "Obama")
    assert (clean.recognized, clean.faces[0].faults) == (True, ())
    assert clean.faces[0].distance < face.distance


def test_a_face_below_the_smallest_is_too_small_and_not_missing(presidents: Gallery, sample_photos: Path) -> None:
    pixels = np.asarray(worsen(sample_photos / "obama3.jpg", "small"))
    answer = presidents.why(pixels, "Obama", min_face=40)
    assert (answer.reason, answer.faces) == ("too_small", ())
    assert "faces are looked for from 40 pixels" in answer.message
    gray = presidents.why(np.full((90, 90, 3), 128, np.uint8), "Obama")
    assert gray.reason == "no_face"


def test_a_stranger_is_far_from_the_person(presidents: Gallery, sample_photos: Path) -> None:
    answer = presidents.why(sample_photos / "biden.jpg", "Obama")
    (face,) = answer.faces
    assert (answer.reason, face.name, face.fpir) == ("other_person", "Biden", None)
    assert face.nearest_other is not None
    assert (face.nearest_other.name, face.nearest_other.distance) == ("Biden", pytest.approx(0, abs=1e-6))
