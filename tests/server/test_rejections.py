"""Faces that are not a person, by REST."""

from __future__ import annotations

from pathlib import Path

from visavis import Gallery

from .running_server import RunningServer, photos
from .test_people import enroll


def test_show_the_effect_reject_list_and_undo(server: RunningServer, sample_photos: Path, spare_gallery: str) -> None:
    person = enroll(server, spare_gallery, "Barack", sample_photos / "obama.jpg", sample_photos / "obama2.jpg")
    query = {"gallery": spare_gallery}
    probe = photos("photo", sample_photos / "obama3.jpg")

    def name() -> str | None:
        (answer,) = server.post("/v1/identify", params=query, files=probe).json()["photos"]
        found: str | None = answer["faces"][0]["name"]
        return found

    path = f"/v1/people/{person}/rejections"
    effect = server.post(f"{path}/effect", params=query, files=probe)
    assert effect.status_code == 200, effect.text
    assert (effect.json()["name"], effect.json()["compared"]) == ("Barack", 2)
    assert server.get(path, params=query).json() == {"rejections": []}
    assert name() == "Barack"

    stored = server.post(path, params={**query, "days": 30}, files=probe)
    assert stored.status_code == 201, stored.text
    assert server.get(path, params=query).json() == {"rejections": [stored.json()]}
    assert (stored.json()["photo"], name()) == ("obama3.jpg", None)

    undo = f"/v1/rejections/{stored.json()['id']}"
    undone = server.request("DELETE", undo, params=query)
    assert (undone.status_code, undone.json()) == (200, stored.json())
    gone = server.request("DELETE", undo, params=query)
    assert (gone.status_code, gone.json()["code"]) == (404, "unknown_name")
    assert name() == "Barack"


def test_all_rejections_are_listed_without_folders(
    server: RunningServer, sample_photos: Path, spare_gallery: str
) -> None:
    enroll(server, spare_gallery, "Barack", sample_photos / "obama.jpg")
    with Gallery(server.folder / f"{spare_gallery}.db") as gallery:
        gallery.reject(sample_photos / "obama3.jpg", "Barack")
    answer = server.get("/v1/rejections", params={"gallery": spare_gallery})
    (line,) = answer.json()["rejections"]
    assert (line["name"], line["photo"]) == ("Barack", "obama3.jpg")


def test_an_enrolled_face_and_a_wrong_number_of_days_are_refused(
    server: RunningServer, sample_photos: Path, spare_gallery: str
) -> None:
    person = enroll(server, spare_gallery, "Joe", sample_photos / "biden.jpg")
    path = f"/v1/people/{person}/rejections"
    files = photos("photo", sample_photos / "biden.jpg")
    answer = server.post(path, params={"gallery": spare_gallery}, files=files)
    assert (answer.status_code, answer.json()["code"]) == (400, "usage")
    assert "enrolled as template" in answer.json()["detail"]
    days = server.post(path, params={"gallery": spare_gallery, "days": 0}, files=files)
    assert days.status_code == 422
