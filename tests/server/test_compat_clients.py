"""What programs that speak CompreFace or DeepStack send, word for word, and how they read the answers.

Double Take 1.13 (``detectors/compreface.js``, ``detectors/deepstack.js``), which stands beside Frigate and Home
Assistant; Viseron (``components/compreface``, ``components/deepstack``); Home Assistant's deepstack components, which
like Viseron send what deepstack-python sends.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from .compat_requests import GRAY, CompatClient

BOUNDARY = "--------------------------735323031399963166993862"
MATCH, UNKNOWN = 60, 40
"""Double Take's defaults: the confidence of a match, and that below which a face is unknown."""


def form_data(parts: dict[str, str | Path]) -> Iterator[bytes]:
    """Yield a form as axios streams that of form-data: in pieces, without a length."""
    for name, value in parts.items():
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"'
        if isinstance(value, str):
            yield f"{head}\r\n\r\n{value}".encode()
        else:
            yield f'{head}; filename="{value.name}"\r\nContent-Type: image/jpeg\r\n\r\n'.encode()
            yield value.read_bytes()
        yield b"\r\n"
    yield f"--{BOUNDARY}--\r\n".encode()


def send_as_axios(
    client: CompatClient, method: str, path: str, parts: dict[str, str | Path], key: str | None
) -> requests.Response:
    headers = {
        "Accept": "application/json, text/plain, */*",
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
        "User-Agent": "axios/0.24.0",
    }
    return client.server.request(method, path, key=key, headers=headers, data=form_data(parts))


def read_as_double_take(content: dict[str, Any]) -> list[tuple[str, bool]]:
    """Return name and match of each face of CompreFace's answer, as its ``normalize`` does."""
    if "result" not in content:
        assert content["code"] == 28, content["message"]
        return []
    faces = []
    for face in content["result"]:
        first = face["subjects"][0] if face["subjects"] else None
        confidence = round(first["similarity"] * 100, 2) if first else 0
        name = first["subject"].lower() if first and confidence >= UNKNOWN else "unknown"
        assert face["box"]["x_max"] > face["box"]["x_min"]
        faces.append((name, confidence >= MATCH))
    return faces


def test_double_take_with_compreface(client: CompatClient, small_photos: Path, tmp_path: Path) -> None:
    gray = tmp_path / "gray.jpg"
    gray.write_bytes(GRAY)

    def recognize(photo: Path) -> list[tuple[str, bool]]:
        path = "/api/v1/recognition/recognize?face_plugins=undefined&det_prob_threshold=0.8"
        return read_as_double_take(send_as_axios(client, "POST", path, {"file": photo}, client.key).json())

    assert recognize(small_photos / "obama.jpg") == [("unknown", False)]
    path = "/api/v1/recognition/faces?subject=barack"
    trained = send_as_axios(client, "POST", path, {"file": small_photos / "obama.jpg"}, client.key)
    assert trained.status_code == 201, trained.text
    assert recognize(small_photos / "obama2.jpg") == [("barack", True)]
    assert recognize(small_photos / "biden.jpg") == [("unknown", False)]
    assert recognize(gray) == []
    removed = client.server.request("DELETE", path, key=client.key, headers={"User-Agent": "axios/0.24.0"})
    assert (removed.status_code, removed.json()) == (200, {"deleted": 1})
    assert recognize(small_photos / "obama2.jpg") == [("unknown", False)]


def test_double_take_with_deepstack(client: CompatClient, small_photos: Path, tmp_path: Path) -> None:
    gray = tmp_path / "gray.jpg"
    gray.write_bytes(GRAY)

    def send(path: str, parts: dict[str, str | Path]) -> Any:
        return send_as_axios(client, "POST", f"/v1/vision/face/{path}", {**parts, "api_key": client.key}, None).json()

    def recognize(photo: Path) -> list[tuple[str, bool]]:
        content = send("recognize", {"image": photo})
        if content["success"] is False:
            return []
        faces = [(face["userid"].lower(), round(face["confidence"] * 100, 2)) for face in content["predictions"]]
        return [
            (name if confidence >= UNKNOWN else "unknown", name != "unknown" and confidence >= MATCH)
            for name, confidence in faces
        ]

    assert recognize(small_photos / "obama.jpg") == [("unknown", False)]
    assert send("register", {"image": small_photos / "obama.jpg", "userid": "barack"})["success"] is True
    assert recognize(small_photos / "obama2.jpg") == [("barack", True)]
    assert recognize(small_photos / "biden.jpg") == [("unknown", False)]
    assert recognize(gray) == []
    assert send("delete", {"userid": "barack"})["success"] is True
    assert recognize(small_photos / "obama2.jpg") == [("unknown", False)]


def test_viseron_with_compreface(client: CompatClient, small_photos: Path) -> None:
    """It removes and trains each folder of photos, then reads the first subject of each face without asking."""
    options = "?&limit=0&det_prob_threshold=0.8&prediction_count=1&status=False"

    def recognize(photo: str) -> list[str]:
        files = {"file": ("image.jpg", (small_photos / photo).read_bytes())}
        content = client.request("POST", f"recognition/recognize{options}", files=files).json()
        firsts = [face["subjects"][0] for face in content["result"]]
        return [first["subject"] if first["similarity"] >= 0.5 else "unknown" for first in firsts]

    assert recognize("obama.jpg") == ["unknown"]
    for name, photos in {"barack": ["obama.jpg", "obama3.jpg"], "joe": ["biden.jpg"]}.items():
        assert "deleted" in client.request("DELETE", f"recognition/faces?subject={name}").json()
        for photo in photos:
            files = {"file": ("image.jpg", (small_photos / photo).read_bytes())}
            content = client.request("POST", f"recognition/faces?subject={name}", files=files).json()
            assert "message" not in content
    assert recognize("obama2.jpg") == ["barack"]


def test_viseron_and_home_assistant_with_deepstack(client: CompatClient, small_photos: Path) -> None:
    """A form of a nameless image, and without an image a URL-encoded form."""

    def post(path: str, photo: str | None = None, **data: str) -> Any:
        files = None if photo is None else {"image": (small_photos / photo).read_bytes()}
        options = {"files": files, "data": {**data, "api_key": client.key}}
        answer = client.server.post(f"/v1/vision/face{path}", key=None, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()

    assert post("/delete", userid="barack")["success"]
    assert len(post("", "obama.jpg")["predictions"]) == 1
    registered = post("/register", "obama.jpg", userid="barack")
    assert (registered["success"], registered["message"]) == (True, "face added")
    predictions = post("/recognize", "obama2.jpg")["predictions"]
    matched = {
        face["userid"]: round(face["confidence"] * 100, 1) for face in predictions if face["userid"] != "unknown"
    }
    assert matched == {"barack": pytest.approx(98, abs=1)}
    assert post("/list")["faces"] == ["barack"]
