"""Results as IPython shows them: pictures, tables and scales, of bounded size, with all text from outside escaped."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter
from PIL import Image

import pictures
import visavis
from cli.fakes import BLUE, DARK_RED, GRAY, RED, Colors, Squares, photo
from visavis import display
from visavis.clustering import cluster_faces
from visavis.clustering.faces import gather_faces
from visavis.clustering.types import Clustering
from visavis.display import parts
from visavis.gallery import Gallery
from visavis.pipeline import Recognizer
from visavis.printable import make_printable
from visavis.types import Candidate, Face, Identification, Photo, PhotoFaces, PhotoVerification

EVIL = '<script>alert("1")</script>'
ESCAPED = "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;"


def shown(result: Any) -> str:
    """The HTML that a notebook gets from IPython for the last value of a cell."""
    bundle, _ = DisplayFormatter().format(result)
    assert set(bundle) == {"text/plain", "text/html"}
    assert bundle["text/plain"] == repr(result)
    html: str = bundle["text/html"]
    return html


def images_of(html: str) -> list[np.ndarray]:
    data = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', html)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(one)))) for one in data]


def cells(html: str) -> list[list[str]]:
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in re.findall(r"<tr>(.*?)</tr>", html)]
    return [row for row in rows if row]


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).strip()


def recognizer() -> Recognizer:
    return Recognizer(detector=Squares(), embedder=Colors())


@pytest.fixture
def photos(tmp_path: Path) -> list[str]:
    """One person twice, and another person once."""
    squares = [(RED, 20, 20, 80), (DARK_RED, 100, 60, 60), (BLUE, 150, 100, 70)]
    return [str(photo(tmp_path / f"{number}.png", one)) for number, one in enumerate(squares)]


def test_a_photo_is_a_picture_with_its_name_and_size() -> None:
    picture = Photo(pictures.scene(1200, 800), "ann.jpg", "0" * 64, ("the file lacks its end.",))
    html = shown(picture)
    (image,) = images_of(html)
    assert image.shape == (400, 600, 3)
    assert words(html) == "ann.jpg, 1200 x 800 pixels the file lacks its end."
    np.testing.assert_allclose(image.mean(axis=(0, 1)), picture.pixels.mean(axis=(0, 1)), atol=2)
    (small,) = images_of(shown(Photo(pictures.scene(), "small", "0" * 64)))
    assert small.shape == (48, 64, 3)


def test_faces_have_numbers_in_the_photo_and_rows_in_a_table(photos: list[str]) -> None:
    (answer,) = recognizer().detect(photos[0])
    html = shown(answer)
    (image,) = images_of(html)
    assert image.shape[:2] == (240, 320)
    assert words(html).startswith(f"{photos[0]}: 1 face face box score quality 1 20 20 100 100 0.990 ")
    assert cells(html)[1][:3] == ["1", "20 20 100 100", "0.990"]
    box = image[60, 15:26].astype(int)
    assert (box[:, 2] - box[:, 0]).max() > 60  # a blue line on the left side of the box, between gray and red
    assert np.abs(image[220, 300].astype(int) - GRAY[0]).max() < 4


def test_boxes_follow_the_size_of_the_picture() -> None:
    """A photo of 1,200 pixels is shown with 600; the box of its face too."""
    pixels = np.full((1200, 1200, 3), 128, np.uint8)
    face = Face(np.array([400, 400, 800, 800], np.float32), 0.9, np.full((5, 2), 600, np.float32))
    (image,) = images_of(shown(PhotoFaces("a", "ok", Photo(pixels, "a", ""), (face,))))
    changed = np.abs(image.astype(int) - 128).max(axis=2) > 40
    rows, columns = np.nonzero(changed)
    assert image.shape == (600, 600, 3)
    assert np.abs(np.array([columns.min(), columns.max(), rows.max()]) - [200, 400, 400]).max() <= 6


def test_many_faces_are_counted() -> None:
    face = Face(np.array([10, 10, 30, 30], np.float32), 0.9, np.full((5, 2), 20, np.float32))
    html = shown(PhotoFaces("a", "ok", Photo(pictures.scene(), "a", ""), (face,) * 40))
    assert len(cells(html)) == 1 + 30
    assert "10 more faces" in html


@pytest.mark.parametrize(("status", "message"), [("no_face", "no face was found."), ("missing", "'a' does not exist.")])
def test_a_photo_without_faces_says_why(status: str, message: str) -> None:
    read = Photo(pictures.scene(), "a", "") if status == "no_face" else None
    html = shown(PhotoFaces("a", status, read, message=message))
    assert words(html) == f"a {message}".replace("'", "&#x27;")
    assert len(images_of(html)) == (read is not None)


def test_a_verification_has_both_faces_the_words_and_a_scale(photos: list[str]) -> None:
    same = recognizer().verify(photos[0], photos[1], threshold=0.4)
    html = shown(same)
    first, second = images_of(html)
    assert first.shape == second.shape == (112, 112, 3)
    assert np.abs(first[56, 56].astype(int) - RED).max() < 12
    assert np.abs(second[56, 56].astype(int) - DARK_RED).max() < 12
    assert "the same person" in words(html)
    assert f"cosine distance {same.distance:.4f}" in words(html)
    assert "threshold 0.4000" in words(html)
    assert position(html) < limit(html)
    other = shown(recognizer().verify(photos[0], photos[2], threshold=0.4))
    assert "different people" in words(other)
    assert position(other) > limit(other)


def position(html: str) -> float:
    return float(re.findall(r'<circle cx="([\d.]+)"', html)[0])


def limit(html: str) -> float:
    return float(re.findall(r'<rect x="([\d.]+)"', html)[0])


def test_crops_are_no_plain_values_and_leave_answers_equal(photos: list[str]) -> None:
    answer = recognizer().verify(photos[0], photos[1], threshold=0.4)
    assert "crops" not in answer.to_dict()
    assert "crops=" not in repr(answer)
    assert answer == replace(answer, crops=())
    assert [crop.shape for crop in answer.crops] == [(112, 112, 3)] * 2


def test_too_poor_photos_have_the_reason_and_no_scale(photos: list[str]) -> None:
    answer = replace(
        recognizer().verify(photos[0], photos[1], threshold=0.4),
        same=False,
        threshold=0.0,
        reason="a is too poor to say.",
    )
    html = shown(answer)
    assert "a is too poor to say." in words(html)
    assert "<svg" not in html


def test_an_answer_of_several_photos(photos: list[str], tmp_path: Path) -> None:
    gray = str(photo(tmp_path / "gray.png"))
    user = recognizer()
    rule = user.rule(threshold=0.4)
    answers = [answer for *_, answer in user.verify_each(photos[0], [photos[1], gray, "gone.png"], rule=rule)]
    assert words(shown(answers[0])).startswith(f"{photos[1]} the same person cosine distance")
    assert words(shown(answers[1])) == f"{gray} no face: not this person no face was found."
    assert words(shown(answers[2])).startswith("gone.png no answer &#x27;gone.png&#x27; does not exist")


def test_an_identification_lists_the_candidates() -> None:
    candidates = (Candidate(7, "Ann", 0.2, 0.9999), Candidate(9, "Ben", 0.7))
    known = Identification("Ann", 7, 0.2, 0.4, 0.9999, candidates, 0.5, ("a note.",))
    html = shown(known)
    assert words(html).startswith("Ann distance 0.2000")
    assert cells(html)[1:] == [["1", "Ann", "7", "0.2000", "&gt;99.9%"], ["2", "Ben", "9", "0.7000", "-"]]
    assert "a note." in html
    assert position(html) < limit(html)


def test_unknown_is_said_plainly() -> None:
    far = Identification(None, None, 0.7, 0.4, None, (Candidate(9, "Ben", 0.7),))
    assert words(shown(far)).startswith("unknown: no person of the gallery is near enough distance 0.7000")
    empty = Identification(None, None, None, 0.4, None)
    assert words(shown(empty)) == "unknown: the gallery is empty"


def test_an_identified_photo_has_names_in_the_picture(photos: list[str], tmp_path: Path) -> None:
    with Gallery(tmp_path / "faces.db", model=Colors.name, recognizer=recognizer()) as gallery:
        gallery.enroll(EVIL, photos[0])
        both = [next(gallery.identify_photos(one, threshold=0.3)) for one in (photos[1], photos[2])]
    known, unknown = map(shown, both)
    assert cells(known)[1][:2] == ["1", ESCAPED]
    assert cells(unknown)[1][:2] == ["1", "unknown"]
    assert "<script" not in known
    assert images_of(known)[0].shape == (240, 320, 3)


def grouped(photos: list[str]) -> Clustering:
    faces, skipped = gather_faces(recognizer().represent([*photos, "gone.png"]))
    return replace(cluster_faces(faces, threshold=0.3, model="test-colors"), skipped=skipped)


def test_clusters_are_rows_of_faces(photos: list[str]) -> None:
    html = shown(grouped(photos))
    assert words(html).startswith(
        "2 clusters of 3 faces, threshold 0.3000 cluster 1: 2 faces cluster 2: 1 face gone.png:"
    )
    colors = [image[48, 48].astype(int) for image in images_of(html)]
    assert [np.abs(color - expected).max() < 12 for color, expected in zip(colors, (RED, DARK_RED, BLUE), strict=True)]


def test_faces_of_photos_that_are_gone_are_names(photos: list[str]) -> None:
    clustering = grouped(photos)
    Path(photos[0]).unlink()
    photo(Path(photos[2]), (RED, 20, 20, 80))  # another photo by now
    html = shown(clustering)
    assert len(images_of(html)) == 1
    assert photos[0] in html
    assert photos[2] in html


def test_large_clusterings_show_their_beginning() -> None:
    faces = visavis.Faces(
        tuple(f"gone{row}" for row in range(400)),
        np.ones(400, np.int64),
        np.tile(np.array([0, 0, 9, 9], np.float32), (400, 1)),
        np.eye(400, 400, dtype=np.float32),
        np.ones(400, np.float32),
        np.repeat(np.arange(40), 10),
    )
    clusters = tuple(visavis.Cluster(id, np.arange(10 * id, 10 * id + 10), 10 * id) for id in range(40))
    html = shown(Clustering(faces, clusters, 0.3, None, "test-colors"))
    assert html.count("gone") == 60
    assert "cluster 0: 10 faces, 2 not shown" in html
    assert "32 smaller clusters not shown" in html
    assert len(html) < 20_000


def test_text_from_outside_is_escaped() -> None:
    foreign = f"{EVIL}\u202e\x1b[31m"
    evil = Photo(pictures.scene(), foreign, "", (foreign,))
    candidates = (Candidate(7, foreign, 0.2, 0.9),)
    verification = visavis.Verification(True, 0.1, foreign, 0.4, None, None, foreign, foreign, 1, 1, (foreign,))
    results = [
        evil,
        PhotoFaces(foreign, "missing", message=foreign),
        verification,
        replace(verification, same=False, threshold=0.0, reason=foreign),
        PhotoVerification(foreign, "missing", message=foreign),
        Identification(foreign, 7, 0.2, 0.4, 0.9, candidates, None, (foreign,)),
        Clustering(
            visavis.Faces((foreign,), np.ones(1, np.int64), np.zeros((1, 4), np.float32), np.ones((1, 1), np.float32),
                          np.ones(1, np.float32), -np.ones(1, np.int64)),
            (visavis.Cluster(1, np.zeros(1, np.int64), 0),), 0.4, None, foreign,
        ),
    ]  # fmt: skip
    for result in results:
        html = shown(result)
        assert "<script" not in html
        assert f"{ESCAPED}\\u202e\\x1b[31m" in html
        assert make_printable(html, keep="\n") == html


def test_a_picture_needs_no_more_bytes_than_allowed() -> None:
    """Noise compresses worst."""
    noise = pictures.noise(1500, 1500)
    html = shown(Photo(noise, "noise", "0" * 64))
    assert len(html) < parts.PHOTO_BYTES + 600
    (image,) = images_of(html)
    assert 200 < image.shape[0] < 600
    crop = parts.picture(noise[:112, :112], alt="", side=112, most=parts.CROP_BYTES)
    assert len(crop) < parts.CROP_BYTES + 200


def test_the_color_of_text_is_that_of_the_page(photos: list[str]) -> None:
    html = shown(recognizer().verify(photos[0], photos[1], threshold=0.4))
    assert 'fill="currentColor"' in html
    assert "color:inherit" in html
    assert not re.search(r"background|(?<![-\w])color:#", html)


@pytest.mark.parametrize("result", [3, "text", None, Candidate(1, "Ann", 0.1)])
def test_others_are_shown_as_text(result: object) -> None:
    assert display.html(result) is None
