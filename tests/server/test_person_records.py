"""What a gallery holds about one person, by REST: search, near people, history, export, consent, kept crops, coach."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from visavis import Client, Gallery, compare, defaults
from visavis.errors import UnknownNameError
from visavis.gallery.types import Template

from .running_server import RunningServer
from .test_keys import make_key
from .test_people import enroll


def add_people(server: RunningServer, gallery: str, *people: tuple[str, list[list[float]]]) -> list[int]:
    """Add people with embeddings whose first values are given; return their ids."""
    with Gallery(server.folder / f"{gallery}.db") as opened:
        results = [opened.add(name, [Template(_embed(row), photo="p.jpg") for row in rows]) for name, rows in people]
    return [result.person_id for result in results]


def _embed(row: list[float]) -> np.ndarray:
    embedding = np.zeros(128, np.float32)
    embedding[: len(row)] = row
    return embedding


def test_people_are_found_by_parts_of_their_names_whatever_the_accents(
    server: RunningServer, spare_gallery: str
) -> None:
    names = ("Nguyễn Văn An", "Đỗ Thị Ánh", "Anders Ångström")
    ids = add_people(server, spare_gallery, *((name, [[1.0, 0.1 * n]]) for n, name in enumerate(names)))
    with Client(server.url, server.key, spare_gallery) as client:
        for text, matching in [
            ("an", ids), ("NGUYEN an", ids[:1]), ("đo", ids[1:2]), ("do anh", ids[1:2]), ("angstrom", ids[2:]),
            (f"#{ids[1]}", ids[1:2]), ("nguyen do", []), ("", ids),
        ]:  # fmt: skip
            assert [person.id for person in client.search_people(text)] == matching, text
        page = server.get("/v1/people", params={"gallery": spare_gallery, "search": "an", "limit": 1}).json()
        assert (page["people"][0]["id"], page["next"]) == (ids[0], ids[0])


def test_near_people_have_a_distance_and_the_rate_of_strangers(server: RunningServer, spare_gallery: str) -> None:
    table = compare.calibration(defaults.EMBEDDER)
    assert table is not None
    far = table.far[1]
    angle = np.arccos(1 - table.threshold(far))
    near = [float(np.cos(angle)), float(np.sin(angle))]
    first, second, third, fourth = add_people(
        server, spare_gallery, ("Ann", [[1.0]]), ("Ben", [near]), ("Cyd", [[1.0, 0.01]]), ("Dan", [[0, 0, 1.0]])
    )
    with Client(server.url, server.key, spare_gallery) as client:
        people = client.near_people(first)
        assert [person.person_id for person in people] == [third, second, fourth]
        assert [person.distance for person in people] == pytest.approx([5e-5, table.threshold(far), 1], abs=1e-5)
        assert people[1].far == pytest.approx(far, rel=1e-3)
        assert [person.confusable for person in people] == [True, False, False]
        assert people[2].far is None
        assert client.near_people(first, top=1) == people[:1]
        with pytest.raises(UnknownNameError):
            client.near_people(77)


def test_history_and_export_need_the_right_to_enroll(
    server: RunningServer, spare_gallery: str, small_photos: Path
) -> None:
    with Gallery(server.folder / f"{spare_gallery}.db") as opened:
        opened.keep_crops(True)
    person = enroll(server, spare_gallery, "Barack", small_photos / "obama.jpg", small_photos / "obama2.jpg")
    query = {"gallery": spare_gallery}
    assert server.request("PATCH", f"/v1/people/{person}", params=query, json={"note": "44th"}).status_code == 200
    with Client(server.url, server.key, spare_gallery) as client:
        history = client.history(person)
        assert [(entry.action, entry.actor, entry.detail) for entry in history] == [
            ("enroll", "first admin", "templates 1 to 2"), ("change", "first admin", "note")
        ]  # fmt: skip
        export = client.export_person(person)
        stored = client.person(person)
        crop = client.crop(stored.templates[0].id)
    assert (export.person, export.model, export.history) == (stored, "sface", tuple(history))
    assert [face.template_id for face in export.faces] == [template.id for template in stored.templates]
    assert np.linalg.norm(export.faces[0].embedding) == pytest.approx(1)
    assert base64.b64decode(export.faces[0].picture or "") == crop
    reader = make_key(server, f"reader of {spare_gallery}", "read")
    for path in ("history", "export"):
        assert server.get(f"/v1/people/{person}/{path}", params=query, key=reader).status_code == 403
        assert server.get(f"/v1/people/99/{path}", params=query).json()["code"] == "unknown_name"
    answer = server.get(f"/v1/people/{person}/export", params=query)
    assert answer.headers["Content-Disposition"] == f'attachment; filename="person-{person}.json"'


def test_kept_crops_are_shown_small(server: RunningServer, spare_gallery: str, small_photos: Path) -> None:
    query = {"gallery": spare_gallery}
    without = enroll(server, spare_gallery, "Joe", small_photos / "biden.jpg")
    with Gallery(server.folder / f"{spare_gallery}.db") as opened:
        opened.keep_crops(True)
    person = enroll(server, spare_gallery, "Barack", small_photos / "obama.jpg")
    with Client(server.url, server.key, spare_gallery) as client:
        (template,) = client.person(person).templates
        (bare,) = client.person(without).templates
    answer = server.get(f"/v1/faces/{template.id}/crop", params={**query, "side": 96})
    assert (answer.headers["Content-Type"], answer.headers["Cache-Control"]) == ("image/jpeg", "no-store")
    with Image.open(io.BytesIO(answer.content)) as shown, Image.open(small_photos / "obama.jpg") as photo:
        assert shown.size == (96, 96)
        box = template.box
        assert box is not None
        middle, edge = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2), 1.4 * max(box[2] - box[0], box[3] - box[1])
        square = [
            round(value)
            for center in (-1, 1)
            for value in (middle[0] + center * edge / 2, middle[1] + center * edge / 2)
        ]
        expected = np.asarray(photo.convert("RGB").crop(square).resize((96, 96), Image.Resampling.BOX), float)
        assert abs(np.asarray(shown, float) - expected).mean() < 6
    assert server.get(f"/v1/faces/{bare.id}/crop", params=query).json()["code"] == "unknown_name"


def test_a_consent_is_withdrawn_with_its_day(server: RunningServer, spare_gallery: str) -> None:
    (person,) = add_people(server, spare_gallery, ("Ann", [[1.0]]))
    query = {"gallery": spare_gallery}
    given = {"consent": "form 7", "consented": "2026-11-29", "note": "visitor"}
    assert server.request("PATCH", f"/v1/people/{person}", params=query, json=given).status_code == 200
    answer = server.request("DELETE", f"/v1/people/{person}/consent", params=query).json()
    assert (answer["consent"], answer["consented"], answer["note"]) == (None, None, "visitor")
    with Client(server.url, server.key, spare_gallery) as client:
        assert client.history(person)[-1].action == "withdraw consent"
        with pytest.raises(UnknownNameError):
            client._ask_gallery("DELETE", "/people/99/consent")
    reader = make_key(server, f"reader without consents of {spare_gallery}", "read")
    assert server.request("DELETE", f"/v1/people/{person}/consent", params=query, key=reader).status_code == 403


def test_details_that_are_null_are_removed_in_one_request(server: RunningServer, spare_gallery: str) -> None:
    (person,) = add_people(server, spare_gallery, ("Ann", [[1.0]]))

    def change(**changes: object) -> tuple[object, ...]:
        answer = server.request("PATCH", f"/v1/people/{person}", params={"gallery": spare_gallery}, json=changes)
        assert answer.status_code == 200
        return tuple(answer.json()[field] for field in ("name", "note", "consent", "consented"))

    assert change(note="visitor", consent="form 7", consented="2026-11-29") == (
        "Ann", "visitor", "form 7", "2026-11-29"
    )  # fmt: skip
    assert change(consented=None) == ("Ann", "visitor", "form 7", None)
    assert change(name="Anne", note="staff", consent=None, consented="2026-11-30") == (
        "Anne",
        "staff",
        None,
        "2026-11-30",
    )
    assert change(name=None, note=None, metadata=None) == ("Anne", "staff", None, "2026-11-30")
    answer = server.request(
        "PATCH", f"/v1/people/{person}", params={"gallery": spare_gallery}, json={"consented": None, "name": " "}
    )
    assert answer.status_code == 400
    with Client(server.url, server.key, spare_gallery) as client:
        assert client.person(person).consented is not None
        assert [(entry.action, entry.detail) for entry in client.history(person)[1:]] == [
            ("change", "note, consent, consented"), ("change", "consented"),
            ("rename", ""), ("withdraw consent", ""), ("change", "note, consented"),
        ]  # fmt: skip


def test_a_key_of_another_gallery_reaches_nothing_of_a_person(server: RunningServer, spare_gallery: str) -> None:
    (person,) = add_people(server, spare_gallery, ("Ann", [[1.0]]))
    answer = server.post("/v1/keys", json={"name": f"not {spare_gallery}", "role": "enroll", "galleries": ["default"]})
    key = answer.json()["key"]
    with Client(server.url, server.key, spare_gallery) as client:
        (template,) = client.person(person).templates
    for method, path in [
        ("GET", f"people/{person}/near"), ("GET", f"people/{person}/history"), ("GET", f"people/{person}/export"),
        ("DELETE", f"people/{person}/consent"), ("GET", f"faces/{template.id}/crop"),
    ]:  # fmt: skip
        refused = server.request(method, f"/v1/{path}", params={"gallery": spare_gallery}, key=key)
        assert (refused.status_code, refused.json()["code"]) == (404, "unknown_gallery"), path


def test_a_merge_is_undone_by_naming_the_templates_anew(server: RunningServer, spare_gallery: str) -> None:
    first, second = add_people(server, spare_gallery, ("Ann", [[1.0], [1.0, 0.1]]), ("Ben", [[0, 1.0]]))
    with Client(server.url, server.key, spare_gallery) as client:
        ids = [template.id for template in client.person(first).templates]
        client.merge(first, second)
        restored = client.name_faces("Ann", ids, new=True)
        assert [template.id for template in restored.templates] == ids
        assert restored.id not in {first, second}
        assert len(client.person(second).templates) == 1


def test_the_coach_reports_about_one_person(server: RunningServer, spare_gallery: str) -> None:
    first, _, third = add_people(
        server, spare_gallery, ("Ann", [[1.0]]), ("Anna", [[1.0, 0.01]]), ("Ben", [[0, 0, 1.0]])
    )
    with Client(server.url, server.key, spare_gallery) as client:
        whole = client.coach()
    path = f"/v1/galleries/{spare_gallery}/coach"
    report = server.get(path, params={"person_id": first}).json()
    assert [pair["other_name"] for pair in report["same"]] == ["Anna"]
    assert [person["person_id"] for person in report["thin"]] == [first]
    assert report["people"] == whole.people == 3
    other = server.get(path, params={"person_id": third}).json()
    assert (other["same"], [person["person_id"] for person in other["thin"]]) == ([], [third])
