"""Results as dictionaries that JSON can hold, and as flat rows."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import numpy as np
import pytest

from visavis.gallery import IdentifiedPhoto, Person, StoredTemplate
from visavis.plain import flat, plain
from visavis.types import Candidate, Face, Identification, PhotoFaces, Verification

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
