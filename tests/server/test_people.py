"""People by REST: from enrolling to removing them."""

from __future__ import annotations

from pathlib import Path

import pytest

from visavis import Gallery

from .running_server import RunningServer, photos


def enroll(server: RunningServer, gallery: str, name: str, *paths: Path) -> int:
    files = photos("photo", *paths)
    answer = server.post(f"/v1/people?gallery={gallery}", data={"name": name}, files=files)
    assert answer.status_code == 201, answer.text
    person_id: int = answer.json()["person_id"]
    return person_id


def test_round_trip_of_a_person(server: RunningServer, sample_photos: Path, spare_gallery: str) -> None:
    person = enroll(server, spare_gallery, "Barack", sample_photos / "obama.jpg", sample_photos / "obama2.jpg")
    path, query = f"/v1/people/{person}", {"gallery": spare_gallery}
    read = server.get(path, params=query).json()
    assert (read["id"], read["name"], len(read["templates"])) == (person, "Barack", 2)
    assert [template["photo"] for template in read["templates"]] == ["obama.jpg", "obama2.jpg"]

    changes = {"name": "Barack Obama", "note": "44th", "metadata": {"room": [1, None]}}
    changed = server.request("PATCH", path, params=query, json=changes)
    assert changed.status_code == 200, changed.text
    assert {key: changed.json()[key] for key in changes} == changes

    again = server.post(
        "/v1/people",
        params=query,
        data={"name": "Barack Obama"},
        files=photos("photo", sample_photos / "obama.jpg", sample_photos / "obama3.jpg"),
    ).json()
    assert [duplicate["photo"] for duplicate in again["duplicates"]] == ["obama.jpg"]
    assert (again["new"], again["person_id"], len(again["added"])) == (False, person, 1)

    assert server.request("DELETE", path, params=query).status_code == 204
    assert server.get(path, params=query).status_code == 404
    assert server.get("/v1/people", params=query).json() == {"people": [], "next": None}


def test_merge_moves_all_templates(server: RunningServer, sample_photos: Path, spare_gallery: str) -> None:
    first = enroll(server, spare_gallery, "One", sample_photos / "obama.jpg")
    second = enroll(server, spare_gallery, "Two", sample_photos / "biden.jpg")
    merged = server.post(f"/v1/people/{first}/merge", params={"gallery": spare_gallery, "into": second})
    assert (merged.json()["name"], len(merged.json()["templates"])) == ("Two", 2)
    assert server.get(f"/v1/people/{first}", params={"gallery": spare_gallery}).status_code == 404
    itself = server.post(f"/v1/people/{second}/merge", params={"gallery": spare_gallery, "into": second})
    assert (itself.status_code, itself.json()["code"]) == (400, "usage")


def test_pages_hold_everybody_once(server: RunningServer, sample_photos: Path, spare_gallery: str) -> None:
    names = ["Ann", "Ben", "Cyd"]
    for name, file in zip(names, ("obama.jpg", "biden.jpg", "obama2.jpg"), strict=True):
        enroll(server, spare_gallery, name, sample_photos / file)
    collected: list[str] = []
    after: int | None = 0
    while after is not None:
        page = server.get("/v1/people", params={"gallery": spare_gallery, "after": after, "limit": 2}).json()
        collected += [person["name"] for person in page["people"]]
        after = page["next"]
    assert collected == names
    by_name = server.get("/v1/people", params={"gallery": spare_gallery, "name": "ann "}).json()
    assert [person["name"] for person in by_name["people"]] == ["Ann"]


def test_a_name_written_like_another_is_a_conflict(
    server: RunningServer, sample_photos: Path, spare_gallery: str
) -> None:
    enroll(server, spare_gallery, "Ann", sample_photos / "biden.jpg")
    files = photos("photo", sample_photos / "obama.jpg")
    answer = server.post("/v1/people", params={"gallery": spare_gallery}, data={"name": "ANN"}, files=files)
    assert (answer.status_code, answer.json()["code"]) == (409, "similar_name")
    forced = server.post(
        "/v1/people", params={"gallery": spare_gallery, "new": True}, data={"name": "ANN"}, files=files
    )
    assert (forced.status_code, forced.json()["new"]) == (201, True)


def test_a_photo_without_a_face_enrolls_nobody(server: RunningServer, spare_gallery: str) -> None:
    gray = b"P5 64 64 255\n" + bytes([128]) * 64 * 64
    answer = server.post(
        "/v1/people", params={"gallery": spare_gallery}, data={"name": "Ann"}, files=[("photo", ("gray.pgm", gray))]
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "no_face")
    assert server.get("/v1/people", params={"gallery": spare_gallery}).json()["people"] == []


def test_statistics_name_the_gallery_and_no_file(server: RunningServer, enrolled: dict[str, int]) -> None:
    stats = server.get("/v1/galleries/default").json()
    assert (stats["people"], stats["templates"], stats["model"], stats["url"]) == (2, 3, "sface", "default")
    assert stats["dimension"] == pytest.approx(128)


def test_a_mistake_in_the_details_changes_no_name(
    server: RunningServer, sample_photos: Path, spare_gallery: str
) -> None:
    person = enroll(server, spare_gallery, "Joe", sample_photos / "biden.jpg")
    query = {"gallery": spare_gallery}
    changes = {"name": "Joseph", "note": "x" * 10_001}
    answer = server.request("PATCH", f"/v1/people/{person}", params=query, json=changes)
    assert (answer.status_code, answer.json()["code"]) == (400, "usage")
    assert server.get(f"/v1/people/{person}", params=query).json()["name"] == "Joe"


@pytest.mark.parametrize("path", ["/v1/identify", "/v1/people", "/v1/detect", "/v1/why?person=Joe"])
def test_a_gallery_that_is_named_in_the_form_is_not_passed_over(
    server: RunningServer, path: str, sample_photos: Path
) -> None:
    form = {"gallery": "spare1", **({"name": "Joe"} if path == "/v1/people" else {})}
    answer = server.post(path, data=form, files=photos("photo", sample_photos / "biden.jpg"))
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_field")
    place = f"options are parameters of the address, as in {path.partition('?')[0]}?gallery=NAME"
    assert answer.json()["detail"] == f"the body has no field 'gallery': {place}."


def test_a_photo_is_not_looked_for_among_the_files_of_the_server(
    server: RunningServer, sample_photos: Path, spare_gallery: str
) -> None:
    query = {"gallery": spare_gallery}
    assert (server.folder / "server.toml").exists()
    names = ("server.toml", "../server/server.toml", str(server.folder / "server.toml"), "C:\\photos\\server.toml")
    for name in names:
        part = [("photo", (name, (sample_photos / "obama.jpg").read_bytes()))]
        added = server.post("/v1/people", params=query, data={"name": "Barack"}, files=part)
        assert added.status_code == 201, added.text
        person = added.json()["person_id"]
        probe = [("photo", (name, (sample_photos / "obama2.jpg").read_bytes()))]
        effect = server.post(f"/v1/people/{person}/rejections/effect", params=query, files=probe)
        rejected = server.post(f"/v1/people/{person}/rejections", params=query, files=probe)
        assert (effect.json()["photo"], rejected.json()["photo"]) == ("server.toml", "server.toml")
        with Gallery(server.folder / f"{spare_gallery}.db") as gallery:
            assert [template.photo for template in gallery.person(person).templates] == ["server.toml"]
            assert {rejection.photo for rejection in gallery.rejections()} == {"server.toml"}


def test_no_answer_holds_the_folder_of_a_stored_photo(
    server: RunningServer, sample_photos: Path, spare_gallery: str
) -> None:
    with Gallery(server.folder / f"{spare_gallery}.db") as gallery:
        gallery.enroll("Joe", [sample_photos / "biden.jpg", sample_photos / "obama3.jpg"])
        gallery.enroll("Barack", [sample_photos / "obama.jpg", sample_photos / "obama2.jpg"])
        gallery.reject(sample_photos / "obama3.jpg", "Barack")
    query = {"gallery": spare_gallery}
    coach = server.get(f"/v1/galleries/{spare_gallery}/coach")
    assert "obama3.jpg" in [photo["photo"] for photo in coach.json()["harmful"]], coach.text
    probe = photos("photo", sample_photos / "obama3.jpg")
    answers = [
        coach,
        *(server.get(f"/v1/{path}", params=query) for path in ("people", "people/1", "faces", "rejections")),
        *(server.post(f"/v1/{path}", params=query, files=probe) for path in ("gallery/similar", "why?person=Barack")),
        server.post("/v1/people", params=query, data={"name": "Barack"}, files=probe),  # a photo of Joe already
    ]
    for answer in answers:
        assert answer.ok, answer.text
        assert str(sample_photos) not in answer.text, answer.url
