"""DeepStack's requests and answers, as its server and its clients have them."""

from __future__ import annotations

from pathlib import Path

import pytest

import visavis

from .compat_requests import GRAY, CompatClient, make_client, similarity
from .running_server import RunningServer, photos

FACELESS = ("image", ("gray.pgm", GRAY))
FAR_THRESHOLD, SEARCH_THRESHOLD = 0.561283, 0.601865
"""Distances for obama.jpg and obama2.jpg at a FAR of 1e-3, and in a search among two people at an FPIR of 1 %."""


def image(path: Path, name: str = "image") -> tuple[str, tuple[str, bytes]]:
    (part,) = photos(name, path)
    return part


def test_a_tour(client: CompatClient, sample_photos: Path) -> None:
    """Register, list, recognize, delete."""
    stranger = client.ask_deepstack("/recognize", image(sample_photos / "obama2.jpg")).json()
    assert stranger.keys() == {"success", "predictions", "duration"}
    (face,) = stranger["predictions"]
    assert (face["userid"], face["confidence"]) == ("unknown", 0)
    registered = [("Obama", "obama.jpg"), ("Biden", "biden.jpg"), ("obama", "obama.jpg")]
    messages = ["face added", "face added", "face updated"]
    for (name, file), message in zip(registered, messages, strict=True):
        answer = client.ask_deepstack("/register", image(sample_photos / file), userid=name)
        assert answer.status_code == 200, answer.text
        content = answer.json()
        assert (content["success"], content["message"], content.keys()) == (
            True, message, {"success", "message", "duration"}
        )  # fmt: skip
    listed = client.ask_deepstack("/list").json()
    assert (listed["success"], listed["faces"]) == (True, ["Biden", "Obama"])
    (face,) = client.ask_deepstack("/recognize", image(sample_photos / "obama2.jpg")).json()["predictions"]
    assert face.keys() == {"userid", "confidence", "x_min", "y_min", "x_max", "y_max"}
    (expected,) = visavis.detect(sample_photos / "obama2.jpg")
    assert [face[side] for side in ("x_min", "y_min", "x_max", "y_max")] == [
        round(float(side)) for side in expected.box
    ]
    assert face["userid"] == "Obama"
    assert face["confidence"] == pytest.approx(similarity(0.2449, SEARCH_THRESHOLD, 0.67), abs=5e-4)
    assert face["confidence"] == pytest.approx(0.9778, abs=5e-4)
    for name in ("obama", "Eve"):
        removed = client.ask_deepstack("/delete", userid=name)
        assert (removed.status_code, removed.json()["success"]) == (200, True)
    assert client.ask_deepstack("/list").json()["faces"] == ["Biden"]


def test_min_confidence_is_the_least_of_a_name(client: CompatClient, small_photos: Path) -> None:
    client.ask_deepstack("/register", image(small_photos / "obama.jpg"), userid="Obama")

    def recognize(photo: str, **fields: str) -> tuple[str, float]:
        (face,) = client.ask_deepstack("/recognize", image(small_photos / photo), **fields).json()["predictions"]
        return face["userid"], face["confidence"]

    name, confidence = recognize("obama2.jpg")
    assert name == "Obama"
    assert confidence > 0.97
    assert recognize("obama2.jpg", min_confidence=str(confidence)) == (name, confidence)
    assert recognize("obama2.jpg", min_confidence="0.99") == ("unknown", 0)
    assert recognize("biden.jpg") == ("unknown", 0)
    name, confidence = recognize("biden.jpg", min_confidence="0")
    assert name == "Obama"
    assert 0 < confidence < 0.67


def test_all_photos_of_a_form_are_registered(client: CompatClient, small_photos: Path) -> None:
    """The SDK names each "image" and a UUID; one without a face costs the others nothing."""
    parts = [image(small_photos / "obama.jpg", "image1"), image(small_photos / "obama2.jpg", "image2"), FACELESS]
    assert client.ask_deepstack("/register", *parts, userid="Obama").json()["success"]
    (person,) = client.server.get(f"/v1/people?gallery={client.gallery}").json()["people"]
    assert (person["name"], len(person["templates"])) == ("Obama", 2)


def test_a_face_is_registered_for_one_person(client: CompatClient, small_photos: Path) -> None:
    for name in ("obama", "biden"):
        client.ask_deepstack("/register", image(small_photos / f"{name}.jpg"), userid=name)
    for name in ("biden", "eve"):
        answer = client.ask_deepstack("/register", image(small_photos / "obama.jpg"), userid=name)
        assert (answer.status_code, answer.json()["success"]) == (400, False)
    assert client.ask_deepstack("/list").json()["faces"] == ["biden", "obama"]


def test_detect_answers_boxes(client: CompatClient, data: Path) -> None:
    group = data / "photos" / "groups" / "016_8.jpg"
    content = client.ask_deepstack("", image(group)).json()
    assert content["success"] is True
    scores = sorted(face["confidence"] for face in content["predictions"])
    assert len(scores) == 8
    assert all(face.keys() == {"confidence", "x_min", "y_min", "x_max", "y_max"} for face in content["predictions"])
    surest = client.ask_deepstack("", image(group), min_confidence=str(scores[2] - 1e-6)).json()["predictions"]
    assert len(surest) == sum(score >= scores[2] for score in scores)
    assert client.ask_deepstack("", FACELESS).json()["predictions"] == []
    assert client.ask_deepstack("/recognize", FACELESS).json()["predictions"] == []


def test_match_compares_two_photos(client: CompatClient, sample_photos: Path) -> None:
    pair = [image(sample_photos / "obama.jpg", "image1"), image(sample_photos / "obama2.jpg", "image2")]
    content = client.ask_deepstack("/match", *pair).json()
    assert content.keys() == {"success", "similarity", "duration"}
    assert content["similarity"] == pytest.approx(similarity(0.2449, FAR_THRESHOLD, 0.67), abs=5e-4)
    assert content["similarity"] == pytest.approx(0.9726, abs=5e-4)
    others = client.ask_deepstack("/match", pair[0], image(sample_photos / "biden.jpg", "image2")).json()
    assert others["similarity"] < 0.67


def test_errors_have_the_form_of_deepstack(client: CompatClient, small_photos: Path) -> None:
    def fail(path: str, *files: tuple[str, tuple[str, bytes]], **fields: str) -> tuple[int, str]:
        answer = client.ask_deepstack(path, *files, **fields)
        assert (answer.json()["success"], answer.json().keys()) == (False, {"success", "error", "duration"})
        return answer.status_code, answer.json()["error"]

    obama, letter = image(small_photos / "obama.jpg"), ("image", ("letter.jpg", b"Dear Ann,"))
    assert fail("/recognize") == (400, "No valid image file found")
    assert fail("/recognize", letter) == (400, "invalid image")
    assert fail("/recognize", obama, min_confidence="much") == (400, "Invalid value for min_confidence")
    assert fail("/recognize", obama, min_confidence="nan") == (400, "Invalid value for min_confidence")
    assert fail("/recognize", obama, min_confidence="1.1") == (400, "min_confidence cannot be greater than 1")
    assert fail("/register", obama) == (400, "userid not specified")
    assert fail("/register", userid="Ann") == (400, "No valid image file found")
    assert fail("/register", FACELESS, userid="Ann") == (400, "no face detected")
    assert fail("/delete") == (400, "userid not specified")
    assert fail("/match", obama) == (400, "expected two image files, got 1")
    assert fail("/match", obama, FACELESS) == (400, "no face found")
    assert fail("/nothing")[0] == 404
    assert fail("/recognize", obama, api_key="vv_0_wrong") == (401, "Incorrect api key")
    without = client.server.post("/v1/vision/face/list", key=None)
    assert (without.status_code, without.json()["error"]) == (401, "Incorrect api key")


def test_the_key_may_be_in_a_header_and_needs_its_rights(server: RunningServer, client: CompatClient) -> None:
    assert server.post("/v1/vision/face/list", key=client.key).json()["faces"] == []
    reader = make_client(server, client.gallery, role="read")
    assert reader.ask_deepstack("/list").status_code == 200
    refused = reader.ask_deepstack("/delete", userid="Ann")
    assert (refused.status_code, refused.json()["success"]) == (403, False)
