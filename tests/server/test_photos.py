"""Detection, verification and identification by REST: the values of the library."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

import visavis

from .running_server import RunningServer, photos

OBAMA, OBAMA2, OBAMA3, BIDEN = "obama.jpg", "obama2.jpg", "obama3.jpg", "biden.jpg"


def in_base64(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def test_detect_answers_what_the_library_does(server: RunningServer, sample_photos: Path) -> None:
    files = photos("photo", sample_photos / OBAMA, sample_photos / BIDEN)
    answer = server.post("/v1/detect?embeddings=true", files=files)
    assert answer.status_code == 200, answer.text
    first, second = answer.json()["photos"]
    assert (first["photo"], first["width"], first["height"], first["status"]) == (OBAMA, 910, 1137, "ok")
    assert first["captured"] == "2012-12-06T15:46:01"
    (face,) = first["faces"]
    (expected,) = visavis.detect(sample_photos / OBAMA)
    assert face["box"] == pytest.approx(expected.box.tolist(), abs=0.01)
    assert face["box"] == pytest.approx([378.48, 89.09, 612.59, 418.96], abs=0.01)
    assert face["landmarks"] == [pytest.approx(point, abs=0.01) for point in expected.landmarks.tolist()]
    assert sum(value * value for value in face["embedding"]) == pytest.approx(1, abs=1e-5)
    (other,) = second["faces"]
    distance = 1 - sum(a * b for a, b in zip(face["embedding"], other["embedding"], strict=True))
    assert distance == pytest.approx(0.7401, abs=0.2)


def test_a_photo_without_a_face_and_bytes_that_are_none_are_answers(server: RunningServer, sample_photos: Path) -> None:
    gray = b"P5 64 64 255\n" + bytes([128]) * 64 * 64
    files = [
        ("photo", ("gray.pgm", gray)),
        ("photo", ("letter.txt", b"Dear Ann,")),
        *photos("photo", sample_photos / BIDEN),
    ]
    answer = server.post("/v1/detect", files=files)
    assert answer.status_code == 200, answer.text
    assert [(photo["photo"], photo["status"], len(photo["faces"])) for photo in answer.json()["photos"]] == [
        ("gray.pgm", "no_face", 0), ("letter.txt", "unreadable", 0), (BIDEN, "ok", 1)
    ]  # fmt: skip


def test_a_form_and_base64_have_the_same_answer(server: RunningServer, sample_photos: Path) -> None:
    form = server.post("/v1/verify", files=photos("a", sample_photos / OBAMA) + photos("b", sample_photos / OBAMA2))
    body = {"a": in_base64(sample_photos / OBAMA), "b": "data:image/jpeg;base64," + in_base64(sample_photos / OBAMA2)}
    json = server.post("/v1/verify", json=body)
    assert (form.status_code, json.status_code) == (200, 200), (form.text, json.text)
    assert json.json() == form.json()
    assert form.json()["distance"] == pytest.approx(0.2449, abs=5e-4)
    assert form.json()["same"] is True


def test_base64_may_be_in_lines(server: RunningServer) -> None:
    gray = b"P5 64 64 255\n" + bytes(4096)
    lines = base64.encodebytes(gray).decode()
    assert lines.count("\n") > 10
    answer = server.post("/v1/detect", json={"photo": f"data:image/jpeg;base64,{lines}"})
    assert [photo["status"] for photo in answer.json()["photos"]] == ["no_face"], answer.text


def test_two_people_are_not_the_same_and_a_threshold_decides(server: RunningServer, sample_photos: Path) -> None:
    files = photos("a", sample_photos / OBAMA) + photos("b", sample_photos / BIDEN)
    answer = server.post("/v1/verify", files=files).json()
    assert (answer["same"], round(answer["distance"], 2)) == (
        False,
        round(visavis.verify(sample_photos / OBAMA, sample_photos / BIDEN).distance, 2),
    )
    assert server.post("/v1/verify?threshold=1.5", files=files).json()["same"] is True


def test_identify_names_people_and_leaves_strangers_unknown(
    server: RunningServer, sample_photos: Path, enrolled: dict[str, int]
) -> None:
    files = photos("photo", sample_photos / OBAMA3, sample_photos / BIDEN)
    answer = server.post("/v1/identify?top=2", files=files)
    assert answer.status_code == 200, answer.text
    first, second = (photo["faces"][0] for photo in answer.json()["photos"])
    assert (first["name"], first["person_id"]) == ("Obama", enrolled["Obama"])
    assert (second["name"], second["distance"]) == ("Biden", pytest.approx(0, abs=1e-3))
    assert [candidate["name"] for candidate in first["candidates"]] == ["Obama", "Biden"]
    strict = server.post("/v1/identify?threshold=0.0001", files=photos("photo", sample_photos / OBAMA3)).json()
    unknown = strict["photos"][0]["faces"][0]
    assert (unknown["name"], unknown["person_id"]) == (None, None)
    assert unknown["distance"] == pytest.approx(first["distance"], abs=1e-6)
