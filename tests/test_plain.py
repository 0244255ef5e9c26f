"""Results as dictionaries that JSON can hold, and as flat rows."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from visavis.classify import FaceNames
from visavis.clustering import cluster_faces
from visavis.clustering.types import Clustering, Faces
from visavis.gallery import ClusteredFaces, Enrollment, IdentifiedPhoto, Person, StoredTemplate
from visavis.plain import flat, plain
from visavis.types import (
    Candidate,
    Characteristic,
    Face,
    Identification,
    Lookalike,
    Photo,
    PhotoFaces,
    PhotoVerification,
    Quality,
    Verification,
)

ANN = Identification(
    "Ann", 1, 0.02, 0.08, 0.9, (Candidate(1, "Ann", 0.02, 0.9),), notes=("a.", "b."), box=(1.0, 2.0, 3.0, 4.0)
)
UNKNOWN = Identification(None, None, 0.3, 0.08, None, box=(5.0, 6.0, 7.0, 8.0))


def face(box: tuple[float, ...]) -> Face:
    return Face(np.array(box, np.float32), 0.9, np.zeros((5, 2), np.float32))


def test_a_verification_is_a_dictionary_and_a_row() -> None:
    answer = Verification(True, 0.1, "cosine", 0.2, None, None, "m", "d", 1, 2, ("x.", "y."))
    line = answer.to_dict()
    assert line["notes"] == ["x.", "y."]
    assert answer.rows() == [{**line, "notes": "x. y."}]
    assert Verification(**{**json.loads(json.dumps(line)), "notes": ("x.", "y.")}) == answer


def test_a_photo_has_its_faces_and_names_together() -> None:
    at = datetime(2026, 11, 22, 8, tzinfo=UTC)
    photo = PhotoFaces("a.jpg", "ok", faces=(face((1, 2, 3, 4)), face((5, 6, 7, 8))), captured=at)
    found = IdentifiedPhoto(photo, (ANN, UNKNOWN))
    assert found.names == ("Ann", None)
    assert [(tuple(one.box.tolist()), answer.name) for one, answer in found] == [
        ((1, 2, 3, 4), "Ann"),
        ((5, 6, 7, 8), None),
    ]
    line = json.loads(json.dumps(found.to_dict()))
    assert (line["photo"], line["status"], [one["box"] for one in line["faces"]]) == (
        "a.jpg",
        "ok",
        [[1, 2, 3, 4], [5, 6, 7, 8]],
    )
    first, second = found.rows()
    assert first == {
        "photo": "a.jpg", "status": "ok", "captured": "2026-11-22T08:00:00+00:00", "face": 1, "name": "Ann",
        "person_id": 1, "distance": 0.02, "threshold": 0.08, "probability": 0.9, "margin": None, "notes": "a. b.",
        "x1": 1, "y1": 2, "x2": 3, "y2": 4,
    }  # fmt: skip
    assert (second["face"], second["name"], second["x1"]) == (2, None, 5)


def test_a_photo_without_a_face_is_one_row() -> None:
    found = IdentifiedPhoto(PhotoFaces("b.jpg", "missing", message="gone."), ())
    assert found.rows() == [{"photo": "b.jpg", "status": "missing", "captured": None, "message": "gone."}]


def test_a_person_with_times_and_templates() -> None:
    at = datetime(2026, 11, 22, 8, tzinfo=UTC)
    template = StoredTemplate(3, "a.jpg", None, (1.0, 2.0, 3.0, 4.0), 0.5, at)
    line = Person(1, "Ann", "", None, at, (template,), metadata={"desk": 4}).to_dict()
    assert json.loads(json.dumps(line))["templates"][0]["created"] == "2026-11-22T08:00:00+00:00"
    assert flat(line)["metadata_desk"] == 4


def test_arrays_and_numbers_of_numpy_become_plain() -> None:
    assert plain({"a": np.float32(0.5), "c": (np.int64(1),)}) == {"a": 0.5, "c": [1]}
    assert plain(np.eye(2)) == [[1, 0], [0, 1]]


def test_pandas_takes_the_rows() -> None:
    pandas = pytest.importorskip("pandas")
    photo = PhotoFaces("a.jpg", "ok", faces=(face((1, 2, 3, 4)), face((5, 6, 7, 8))))
    frame = pandas.DataFrame(IdentifiedPhoto(photo, (ANN, UNKNOWN)).rows())
    assert frame.shape == (2, 15)
    assert frame["name"].tolist()[0] == "Ann"


QUALITY = Quality(0.7, 1, 1, 0.7, 1, 1, 0.9, 1, 1, 1, 0.5)
SIDES = {"x1": 1, "y1": 2, "x2": 3, "y2": 4}


def photo_faces() -> PhotoFaces:
    picture = Photo(np.zeros((20, 30, 3), np.uint8), "a.jpg", "5" * 64, ("lacks its end.",))
    embeddings = np.array([[1, 0], [0, 1]], np.float32)
    faces = (face((1, 2, 3, 4)), face((5, 6, 7, 8)))
    return PhotoFaces("a.jpg", "ok", picture, faces, (QUALITY, QUALITY), embeddings)


def clustering(photos: tuple[str, ...] = ("a.jpg", "b.jpg")) -> Clustering:
    n = len(photos)
    faces = Faces(
        photos, np.ones(n, np.int64), np.tile(np.array([1, 2, 3, 4], np.float32), (n, 1)), np.ones((n, 1), np.float32),
        np.full(n, 0.5, np.float32), np.full(n, -1), ("5" * 64,) * n,
    )  # fmt: skip
    return replace(cluster_faces(faces, threshold=0.1), skipped=(PhotoFaces("c.jpg", "missing", message="gone."),))


def test_faces_of_a_photo_without_its_pixels() -> None:
    line = json.loads(json.dumps(photo_faces().to_dict()))
    assert (line["photo"], line["width"], line["height"], line["notes"]) == ("a.jpg", 30, 20, ["lacks its end."])
    assert [one["embedding"] for one in line["faces"]] == [[1, 0], [0, 1]]
    assert line["faces"][0]["quality_parts"]["brightness"] == 0.5
    first, second = photo_faces().rows()
    assert (first["face"], first["quality"], first["notes"], second["x1"]) == (1, 0.7, "lacks its end.", 5)
    assert not any(isinstance(value, list | dict) for value in first.values())
    assert PhotoFaces("b.jpg", "missing", message="gone.").rows() == [
        {"photo": "b.jpg", "status": "missing", "captured": None, "width": None, "height": None, "message": "gone."}
    ]


def test_a_clustering_has_a_row_a_face_and_a_photo_without_one() -> None:
    first, second, skipped = clustering().rows()
    shared = {"cluster": 1, "size": 2, "sha256": "5" * 64, "face": 1, **SIDES, "quality": 0.5}
    assert first == {**shared, "photo": "a.jpg", "representative": first["representative"]}
    assert (second["photo"], first["representative"] + second["representative"]) == ("b.jpg", 1)
    assert skipped == {"photo": "c.jpg", "status": "missing", "message": "gone."}
    line = json.loads(json.dumps(clustering().to_dict()))
    assert (line["faces"][0]["box"], line["skipped"][0]["status"]) == ([1, 2, 3, 4], "missing")


def test_look_alikes_and_characteristic_faces_and_compared_photos() -> None:
    near = Lookalike("a.jpg", 2, np.array([1, 2, 3, 4], np.float32), 0.25, 0.5)
    assert near.rows() == [
        {"photo": "a.jpg", "face": 2, **SIDES, "distance": 0.25, "quality": 0.5, "sha256": None, "captured": None}
    ]
    stored = Lookalike("a.jpg", None, None, 0.25, None, template_id=7)
    assert stored.to_dict() == {
        "photo": "a.jpg", "box": None, "distance": 0.25, "quality": None, "sha256": None, "captured": None,
        "template_id": 7, "person_id": None, "name": None,
    }  # fmt: skip
    assert stored.rows()[0]["x1"] is None
    best = Characteristic("a.jpg", 2, face((1, 2, 3, 4)), 0.25, 0.5, outlier=False)
    assert best.rows() == [
        {"photo": "a.jpg", "face": 2, **SIDES, "distance": 0.25, "quality": 0.5, "outlier": False, "sha256": None}
    ]
    answer = Verification(True, 0.1, "cosine", 0.2, None, None, "m", "d", 1, 2, ("x.", "y."))
    (row,) = PhotoVerification("a.jpg", "ok", answer, face((1, 2, 3, 4))).rows()
    assert row == {"photo": "a.jpg", "status": "ok", **SIDES, **answer.rows()[0]}
    (row,) = PhotoVerification("b.jpg", "no_face", message="no face was found.").rows()
    assert (row["same"], row["x1"], row["message"]) == (False, None, "no face was found.")


def test_names_of_a_network() -> None:
    names = FaceNames((("Ann", 0.4), ("Bea", 0.3)), known=False)
    assert names.to_dict() == {"names": [["Ann", 0.4], ["Bea", 0.3]], "known": False}
    assert names.rows() == [{"known": False, "name": None, "likeliest": "Ann", "probability": 0.4}]


def test_pandas_takes_the_rows_of_photos_and_clusters() -> None:
    pandas = pytest.importorskip("pandas")
    assert pandas.DataFrame(photo_faces().rows())["face"].tolist() == [1, 2]
    assert pandas.DataFrame(clustering().rows())["photo"].tolist() == ["a.jpg", "b.jpg", "c.jpg"]


@pytest.mark.parametrize(
    ("yes", "no"),
    [
        (IdentifiedPhoto(photo_faces(), (UNKNOWN, ANN)), IdentifiedPhoto(photo_faces(), (UNKNOWN, UNKNOWN))),
        (Enrollment(1, "Ann", False, (3,)), Enrollment(1, "Ann", False, ())),
        (ClusteredFaces(clustering(), np.ones(2, np.int64), (None, None)),
         ClusteredFaces(clustering(()), np.empty(0, np.int64), ())),
        (FaceNames((("Ann", 0.9),), known=True), FaceNames((("Ann", 0.4),), known=False)),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_the_truth_of_an_answer_is_what_it_says(yes: object, no: object) -> None:
    assert (bool(yes), bool(no)) == (True, False)
