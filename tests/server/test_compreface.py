"""CompreFace's requests and answers, as its documentation and its clients have them."""

from __future__ import annotations

import base64
from pathlib import Path
from uuid import UUID

import pytest

import visavis

from .compat_requests import GRAY, CompatClient, make_client, similarity
from .running_server import RunningServer, photos

FAR_THRESHOLD = 0.561283
"""Distance at a FAR of 1e-3 for two photos as poor as obama.jpg and obama2.jpg."""
SEARCH_THRESHOLD = 0.601865
"""The same of a search among two people at an FPIR of 1 %."""


@pytest.fixture(scope="session")
def presidents(server: RunningServer, sample_photos: Path) -> CompatClient:
    """A client of a gallery with two subjects, which tests do not change."""
    client = make_client(server, "compat")
    client.add("Obama", sample_photos / "obama.jpg")
    client.add("Biden", sample_photos / "biden.jpg")
    return client


def recognize(client: CompatClient, photo: Path, query: str = "") -> dict:
    answer = client.request("POST", f"recognition/recognize{query}", files=photos("file", photo))
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_face_has_the_nearest_subject_with_its_similarity(presidents: CompatClient, sample_photos: Path) -> None:
    content = recognize(presidents, sample_photos / "obama2.jpg")
    assert content.keys() == {"result"}
    (face,) = content["result"]
    assert face.keys() == {"box", "subjects"}
    (expected,) = visavis.detect(sample_photos / "obama2.jpg")
    corners = [face["box"][side] for side in ("x_min", "y_min", "x_max", "y_max")]
    assert corners == [round(float(side)) for side in expected.box]
    assert all(type(side) is int for side in corners)
    assert face["box"]["probability"] == round(expected.score, 5)
    (subject,) = face["subjects"]
    assert subject["subject"] == "Obama"
    assert subject["similarity"] == pytest.approx(similarity(0.2449, SEARCH_THRESHOLD), abs=5e-4)
    assert subject["similarity"] == pytest.approx(0.9663, abs=5e-4)


def test_prediction_count_gives_more_subjects_by_similarity(presidents: CompatClient, small_photos: Path) -> None:
    for query in ("?prediction_count=2", "?prediction_count=9", "?prediction_count=-1"):
        (face,) = recognize(presidents, small_photos / "obama2.jpg", query)["result"]
        assert [subject["subject"] for subject in face["subjects"]] == ["Obama", "Biden"]
        assert face["subjects"][1]["similarity"] < 0.5
    for count in (0, -2):
        refused = presidents.request(
            "POST", f"recognition/recognize?prediction_count={count}", files=photos("file", small_photos / "biden.jpg")
        )
        assert (refused.status_code, refused.json()["code"]) == (400, 12)


def test_plugins_and_status_add_to_the_answer(presidents: CompatClient, sample_photos: Path) -> None:
    query = "?face_plugins=landmarks,calculator,age,gender,mask,pose&status=true"
    content = recognize(presidents, sample_photos / "obama.jpg", query)
    (face,) = content["result"]
    assert face.keys() == {"box", "subjects", "landmarks", "embedding", "execution_time"}
    (expected,) = visavis.detect(sample_photos / "obama.jpg")
    assert face["landmarks"] == [[round(float(x)), round(float(y))] for x, y in expected.landmarks]
    assert face["embedding"] == pytest.approx(visavis.embed(sample_photos / "obama.jpg")[0].tolist(), abs=1e-4)
    assert face["execution_time"].keys() == {"detector", "calculator"}
    assert all(milliseconds > 0 for milliseconds in face["execution_time"].values())
    assert content["plugins_versions"] == {"detector": "mtcnn", "calculator": "sface"}
    assert face["subjects"] == [{"subject": "Obama", "similarity": 1.0}]


def test_unknown_plugins_are_passed_over(presidents: CompatClient, small_photos: Path) -> None:
    """Double Take sends its option although it has none."""
    (face,) = recognize(presidents, small_photos / "obama.jpg", "?face_plugins=undefined&det_prob_threshold=0.8")[
        "result"
    ]
    assert face.keys() == {"box", "subjects"}


def test_base64_has_the_same_answer(presidents: CompatClient, small_photos: Path) -> None:
    form = recognize(presidents, small_photos / "obama2.jpg")
    text = base64.b64encode((small_photos / "obama2.jpg").read_bytes()).decode()
    json = presidents.request("POST", "recognition/recognize", json={"file": text})
    assert (json.status_code, json.json()) == (200, form)


def test_limit_takes_the_largest_faces_and_the_threshold_the_surest(presidents: CompatClient, data: Path) -> None:
    group = data / "photos" / "groups" / "000_5.jpg"
    every_face = recognize(presidents, group)["result"]
    areas = [
        (box["x_max"] - box["x_min"]) * (box["y_max"] - box["y_min"]) for box in (face["box"] for face in every_face)
    ]
    assert len(areas) > 2
    assert areas == sorted(areas, reverse=True)
    assert recognize(presidents, group, "?limit=2")["result"] == every_face[:2]
    least = sorted(face["box"]["probability"] for face in every_face)[1]
    surest = recognize(presidents, group, f"?det_prob_threshold={least - 1e-6}")["result"]
    assert len(surest) == len(every_face) - 1


def test_an_unknown_face_has_the_nearest_subject_below_a_half(presidents: CompatClient, data: Path) -> None:
    for face in recognize(presidents, data / "photos" / "groups" / "010_2.jpg")["result"]:
        (subject,) = face["subjects"]
        assert subject["subject"] in {"Obama", "Biden"}
        assert 0 <= subject["similarity"] < 0.5


def test_a_face_never_lacks_a_subject(client: CompatClient, small_photos: Path) -> None:
    """Viseron reads the first subject, Double Take expects a list: also in an empty collection."""
    (face,) = recognize(client, small_photos / "obama.jpg")["result"]
    assert face["subjects"] == [{"subject": "unknown", "similarity": 0.0}]


def test_detect_answers_faces_alone(presidents: CompatClient, sample_photos: Path) -> None:
    path = "detection/detect?face_plugins=landmarks,calculator&status=true"
    answer = presidents.request("POST", path, files=photos("file", sample_photos / "biden.jpg"))
    assert answer.status_code == 200, answer.text
    (face,) = answer.json()["result"]
    assert face.keys() == {"box", "landmarks", "embedding", "execution_time"}
    assert face["embedding"] == pytest.approx(visavis.embed(sample_photos / "biden.jpg")[0].tolist(), abs=1e-4)
    plain = presidents.request("POST", "detection/detect", files=photos("file", sample_photos / "biden.jpg")).json()
    assert plain == {"result": [{"box": face["box"]}]}


def test_verify_compares_the_source_with_each_face(presidents: CompatClient, sample_photos: Path) -> None:
    files = photos("source_image", sample_photos / "obama.jpg") + photos("target_image", sample_photos / "obama2.jpg")
    answer = presidents.request("POST", "verification/verify?status=true&face_plugins=landmarks", files=files)
    assert answer.status_code == 200, answer.text
    assert answer.json().keys() == {"result"}
    (result,) = answer.json()["result"]
    assert result.keys() == {"source_image_face", "face_matches", "plugins_versions"}
    assert result["source_image_face"].keys() == {"box", "landmarks", "execution_time"}
    (match,) = result["face_matches"]
    assert match.keys() == {"box", "landmarks", "execution_time", "similarity"}
    assert match["similarity"] == pytest.approx(similarity(0.2449, FAR_THRESHOLD), abs=5e-4)
    assert match["similarity"] == pytest.approx(0.9585, abs=5e-4)
    files = photos("source_image", sample_photos / "obama.jpg") + photos("target_image", sample_photos / "biden.jpg")
    (other,) = presidents.request("POST", "verification/verify", files=files).json()["result"][0]["face_matches"]
    assert other["similarity"] < 0.5


def test_verify_refuses_a_source_of_several_faces(presidents: CompatClient, small_photos: Path, data: Path) -> None:
    group = data / "photos" / "groups" / "010_2.jpg"
    files = photos("source_image", group) + photos("target_image", small_photos / "obama.jpg")
    answer = presidents.request("POST", "verification/verify", files=files)
    message = "More than one face in the source image"
    assert (answer.status_code, answer.json()) == (400, {"message": message, "code": 31})
    files = photos("source_image", small_photos / "obama.jpg") + photos("target_image", group)
    matches = presidents.request("POST", "verification/verify", files=files).json()["result"][0]["face_matches"]
    assert len(matches) == 2


def test_a_stored_face_is_compared_with_a_photo(presidents: CompatClient, sample_photos: Path) -> None:
    faces = presidents.request("GET", "recognition/faces?subject=Obama").json()["faces"]
    path = f"recognition/faces/{faces[0]['image_id']}/verify"
    (face,) = presidents.request("POST", path, files=photos("file", sample_photos / "obama2.jpg")).json()["result"]
    assert face.keys() == {"box", "subject", "similarity"}
    assert (face["subject"], face["similarity"]) == ("Obama", pytest.approx(0.9585, abs=5e-4))


def test_faces_come_in_pages(presidents: CompatClient) -> None:
    every_face = presidents.request("GET", "recognition/faces").json()
    assert every_face.keys() == {"faces", "page_number", "page_size", "total_pages", "total_elements"}
    assert [face["subject"] for face in every_face["faces"]] == ["Obama", "Biden"]
    assert all(UUID(face["image_id"]) for face in every_face["faces"])
    counts = ("page_number", "page_size", "total_pages", "total_elements")
    assert [every_face[name] for name in counts] == [0, 20, 1, 2]
    second = presidents.request("GET", "recognition/faces?page=1&size=1").json()
    assert second["faces"] == every_face["faces"][1:]
    assert [second[name] for name in counts] == [1, 1, 2, 2]
    of_biden = presidents.request("GET", "recognition/faces?subject=biden").json()
    assert (of_biden["faces"], of_biden["total_elements"]) == (every_face["faces"][1:], 1)
    missing = presidents.request("GET", "recognition/faces?subject=Eve").json()
    assert (missing["faces"], missing["total_pages"], missing["total_elements"]) == ([], 0, 0)


def test_pictures_are_not_stored(presidents: CompatClient) -> None:
    """CompreFace answers so where save_images_to_db is off."""
    image_id = presidents.request("GET", "recognition/faces").json()["faces"][0]["image_id"]
    answer = presidents.request("GET", f"recognition/faces/{image_id}/img")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == "application/octet-stream"


def test_subjects_live_without_faces(client: CompatClient, small_photos: Path) -> None:
    created = client.request("POST", "recognition/subjects", json={"subject": "Barack"})
    assert (created.status_code, created.json()) == (201, {"subject": "Barack"})
    again = client.request("POST", "recognition/subjects", json={"subject": "barack"})
    assert (again.status_code, again.json()) == (400, {"message": "Subject already exists", "code": 43})
    for path in ("recognition/subjects", "recognition/subjects/"):
        assert client.request("GET", path).json() == {"subjects": ["Barack"]}
    image_id = client.add("barack", small_photos / "obama.jpg")
    assert client.request("GET", "recognition/subjects").json() == {"subjects": ["Barack"]}
    assert client.request("POST", "recognition/subjects", json={"subject": "Barack"}).json()["code"] == 43
    removed = client.request("DELETE", f"recognition/faces/{image_id}")
    assert (removed.status_code, removed.json()) == (200, {"image_id": image_id, "subject": "Barack"})
    assert client.request("GET", "recognition/subjects").json() == {"subjects": ["Barack"]}
    assert client.request("DELETE", "recognition/subjects/Barack").json() == {"subject": "Barack"}
    gone = client.request("DELETE", "recognition/subjects/Barack")
    assert (gone.status_code, gone.json()) == (404, {"message": "Subject Barack not found", "code": 42})


def test_a_new_name_renames_and_that_of_another_merges(client: CompatClient, small_photos: Path) -> None:
    client.add("Barry", small_photos / "obama.jpg")
    client.add("Obama", small_photos / "obama2.jpg")
    put = {"json": {"api_endpoint": "Barry", "subject": "Barack Obama"}}
    assert client.request("PUT", "recognition/subjects/Barry", **put).json() == {"updated": True}
    assert client.request("GET", "recognition/subjects").json() == {"subjects": ["Barack Obama", "Obama"]}
    same = client.request("PUT", "recognition/subjects/Obama", json={"subject": "Obama"})
    assert (same.status_code, same.json()) == (200, {"updated": False})
    merged = client.request("PUT", "recognition/subjects/Barack%20Obama", json={"subject": "obama"})
    assert merged.json() == {"updated": True}
    faces = client.request("GET", "recognition/faces").json()["faces"]
    assert [face["subject"] for face in faces] == ["Obama", "Obama"]
    missing = client.request("PUT", "recognition/subjects/Eve", json={"subject": "Ann"})
    assert (missing.status_code, missing.json()["code"]) == (404, 42)


def test_empty_subjects_are_renamed_and_merged_too(client: CompatClient, small_photos: Path) -> None:
    for name in ("Ann", "Bob", "Cid"):
        assert client.request("POST", "recognition/subjects", json={"subject": name}).status_code == 201
    client.request("PUT", "recognition/subjects/Ann", json={"subject": "Anna"})
    client.request("PUT", "recognition/subjects/Bob", json={"subject": "cid"})
    assert client.request("GET", "recognition/subjects").json() == {"subjects": ["Anna", "Cid"]}
    client.add("Obama", small_photos / "obama.jpg")
    client.request("PUT", "recognition/subjects/Cid", json={"subject": "Obama"})
    client.request("PUT", "recognition/subjects/Obama", json={"subject": "ANNA"})
    assert client.request("GET", "recognition/subjects").json() == {"subjects": ["ANNA"]}
    assert client.request("DELETE", "recognition/subjects").json() == {"deleted": 1}
    assert client.request("GET", "recognition/subjects").json() == {"subjects": []}


def test_faces_are_removed_by_subject_by_id_and_all(client: CompatClient, small_photos: Path) -> None:
    obama = [client.add("Obama", small_photos / name) for name in ("obama.jpg", "obama2.jpg")]
    biden = client.add("Biden", small_photos / "biden.jpg")
    unknown = "00000000-0000-0000-0000-000000000001"
    several = client.request("POST", "recognition/faces/delete", json=[obama[1], unknown, obama[1]])
    assert several.json() == [{"image_id": obama[1], "subject": "Obama"}]
    assert client.request("DELETE", "recognition/faces?subject=obama").json() == {"deleted": 1}
    assert client.request("GET", "recognition/subjects").json() == {"subjects": ["Biden"]}
    assert client.request("DELETE", "recognition/faces?subject=Eve").json() == {"deleted": 0}
    for image_id in (obama[0], unknown):
        gone = client.request("DELETE", f"recognition/faces/{image_id}")
        assert (gone.status_code, gone.json()) == (404, {"message": f"Image {image_id} not found", "code": 44})
    assert client.request("DELETE", "recognition/faces").json() == {"deleted": 1}
    assert client.request("POST", "recognition/faces/delete", json=[biden]).json() == []


def test_the_same_photo_is_stored_once(client: CompatClient, small_photos: Path) -> None:
    first = client.add("Obama", small_photos / "obama.jpg")
    assert client.add("Obama", small_photos / "obama.jpg") == first
    assert client.request("GET", "recognition/faces").json()["total_elements"] == 1
    client.add("Biden", small_photos / "biden.jpg")
    for name in ("Biden", "Cid"):
        path = f"recognition/faces?subject={name}"
        refused = client.request("POST", path, files=photos("file", small_photos / "obama.jpg"))
        assert (refused.status_code, refused.json()["code"]) == (400, 26)
    assert client.request("GET", "recognition/subjects").json() == {"subjects": ["Biden", "Obama"]}


def test_changes_are_those_of_the_gallery_under_the_name_of_the_key(client: CompatClient, small_photos: Path) -> None:
    client.add("Obama", small_photos / "obama.jpg")
    server = client.server
    (person,) = server.get(f"/v1/people?gallery={client.gallery}").json()["people"]
    assert (person["name"], len(person["templates"])) == ("Obama", 1)
    url = f"sqlite:///{server.folder / client.gallery}.db"
    with visavis.Gallery(url, create=False) as gallery:
        entry = gallery.audit()[-1]
    assert (entry.action, entry.actor) == ("enroll", f"enroll of {client.gallery}")


NO_FACE = {"message": "No face is found in the given image", "code": 28}


@pytest.mark.parametrize("path", ["recognition/recognize", "recognition/faces?subject=Ann", "detection/detect"])
def test_no_face_is_code_28(presidents: CompatClient, path: str) -> None:
    answer = presidents.request("POST", path, files=[("file", ("gray.pgm", GRAY))])
    assert (answer.status_code, answer.json()) == (400, NO_FACE)


def test_errors_have_the_numbers_of_compreface(presidents: CompatClient, small_photos: Path, data: Path) -> None:
    def code(method: str, path: str, **options: object) -> tuple[int, int]:
        answer = presidents.request(method, path, **options)
        assert answer.headers["content-type"] == "application/json"
        assert answer.json().keys() == {"message", "code"}
        return answer.status_code, answer.json()["code"]

    obama = {"files": photos("file", small_photos / "obama.jpg")}
    group = {"files": photos("file", data / "photos" / "groups" / "010_2.jpg")}
    letter = {"files": [("file", ("letter.jpg", b"Dear Ann,"))]}
    assert code("POST", "recognition/faces?subject=Ann", **group) == (400, 31)
    assert code("POST", "recognition/faces", **obama) == (400, 33)
    assert code("POST", "recognition/faces?subject=%20", **obama) == (400, 26)
    assert code("POST", "recognition/recognize", **letter) == (400, 21)
    assert code("POST", "recognition/recognize", files=[("other", ("a.jpg", b"1"))]) == (400, 0)
    assert code("POST", "recognition/recognize", json={}) == (400, 34)
    assert code("POST", "recognition/recognize", json={"file": "?"}) == (400, 21)
    assert code("POST", "recognition/recognize?limit=-1", **obama) == (400, 26)
    assert code("POST", "recognition/recognize?limit=many", **obama) == (400, 36)
    assert code("POST", "recognition/recognize?det_prob_threshold=1.5", **obama) == (400, 26)
    assert code("POST", "recognition/faces/17/verify", **obama) == (400, 36)
    assert code("POST", "recognition/subjects", json={}) == (400, 26)
    assert code("PUT", "recognition/subjects/Obama", json={"subject": ""}) == (400, 26)
    assert code("DELETE", "recognition/subjects/") == (400, 26)
    assert code("GET", "recognition/nothing") == (404, 0)
    assert code("POST", "recognition/recognize", data=b"x" * 4_500_000) == (413, 21)


def test_keys_are_missing_wrong_or_weak(server: RunningServer, presidents: CompatClient, sample_photos: Path) -> None:
    path = "/api/v1/recognition/subjects"
    missing = server.get(path, key=None)
    assert (missing.status_code, missing.json()) == (400, {"message": "Missing header: x-api-key", "code": 20})
    wrong = server.get(path, key="00000000-0000-0000-0000-000000000002")
    assert (wrong.status_code, wrong.json()["code"]) == (404, 10)
    reader = make_client(server, "compat", role="read")
    assert reader.request("GET", "recognition/subjects").json() == {"subjects": ["Biden", "Obama"]}
    for method, change in (("POST", "subjects"), ("DELETE", "subjects/Obama"), ("DELETE", "faces"), ("POST", "faces")):
        refused = reader.request(method, f"recognition/{change}?subject=Ann", json={"subject": "Ann"})
        assert (refused.status_code, refused.json()["code"]) == (403, 32)
    assert presidents.request("GET", "recognition/subjects").json() == {"subjects": ["Biden", "Obama"]}


def test_a_key_of_all_galleries_means_the_default_one(
    server: RunningServer, enrolled: dict[str, int], sample_photos: Path
) -> None:
    assert server.get("/api/v1/recognition/subjects").json() == {"subjects": ["Biden", "Obama"]}


def test_no_answer_holds_a_path_or_a_key(presidents: CompatClient) -> None:
    answer = presidents.request("POST", "recognition/recognize", files=[("file", ("../../etc/passwd", b"x"))])
    assert str(presidents.server.folder) not in answer.text
    assert presidents.key not in answer.text
