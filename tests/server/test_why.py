"""Explanations by REST."""

from __future__ import annotations

from pathlib import Path

from visavis.gallery import Gallery

from .running_server import RunningServer, photos


def test_the_answer_is_that_of_the_library(
    server: RunningServer, enrolled: dict[str, int], sample_photos: Path
) -> None:
    answer = server.post("/v1/why", params={"person": "Obama"}, files=photos("photo", sample_photos / "obama3.jpg"))
    assert answer.status_code == 200, answer.text
    with Gallery(server.folder / "faces.db", create=False) as gallery:
        expected = gallery.why(sample_photos / "obama3.jpg", "Obama").to_dict()
    assert {**answer.json(), "photo": ""} == {**expected, "photo": ""}
    assert answer.json()["recognized"] is True
    stranger = server.post(
        "/v1/why", params={"person": enrolled["Obama"]}, files=photos("photo", sample_photos / "biden.jpg")
    ).json()
    assert (stranger["recognized"], stranger["reason"]) == (False, "other_person")
    assert str(server.folder) not in str(stranger)


def test_a_photo_without_a_face_and_an_unknown_person(
    server: RunningServer, enrolled: dict[str, int], sample_photos: Path
) -> None:
    gray = b"P5 64 64 255\n" + bytes([128]) * 64 * 64
    answer = server.post("/v1/why", params={"person": "Biden"}, files=[("photo", ("gray.pgm", gray))])
    assert (answer.status_code, answer.json()["reason"], answer.json()["faces"]) == (200, "no_face", [])
    unknown = server.post("/v1/why", params={"person": "Nixon"}, files=photos("photo", sample_photos / "biden.jpg"))
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_name")
    missing = server.post("/v1/why", params={"person": "Biden"}, json={})
    assert (missing.status_code, missing.json()["code"]) == (422, "photo_missing")


def test_the_coach_of_a_gallery(server: RunningServer, enrolled: dict[str, int]) -> None:
    answer = server.get("/v1/galleries/default/coach")
    assert answer.status_code == 200, answer.text
    report = answer.json()
    assert (report["people"], report["templates"], report["harmful"], report["same"]) == (2, 3, [], [])
    assert {person["person_id"] for person in report["thin"]} == set(enrolled.values())
    assert server.get("/v1/galleries/nowhere/coach").status_code == 404
