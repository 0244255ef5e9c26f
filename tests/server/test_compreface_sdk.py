"""The official compreface-sdk 0.6.0 does its whole tour against this server, with no more than another URL."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import pytest

from .compat_requests import GRAY, CompatClient

pytestmark = [  # the SDK leaves the files open that it sends
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

APPENGINE = "urllib3.contrib.appengine"
"""A module that urllib3 2 no longer has; the version of requests-toolbelt that the SDK asks for imports it, unused."""
OPTIONS = {
    "limit": 0, "det_prob_threshold": 0.8, "prediction_count": 1, "status": True, "face_plugins": "calculator,landmarks"
}  # fmt: skip


@pytest.fixture
def sdk(client: CompatClient, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The SDK's object for the server, and the key of a gallery."""
    if APPENGINE not in sys.modules:
        monkeypatch.setitem(sys.modules, APPENGINE, ModuleType(APPENGINE))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compreface = pytest.importorskip("compreface")
    url = urlsplit(client.server.url)
    made = compreface.CompreFace(f"{url.scheme}://{url.hostname}", str(url.port), OPTIONS)
    return made, client.key


@pytest.fixture
def faceless(tmp_path: Path) -> str:
    file = tmp_path / "gray.pgm"
    file.write_bytes(GRAY)
    return str(file)


def test_subjects(sdk: Any, small_photos: Path) -> None:
    compreface, key = sdk
    recognition = compreface.init_face_recognition(key)
    subjects, faces = recognition.get_subjects(), recognition.get_face_collection()
    assert subjects.list() == {"subjects": []}
    assert subjects.add("Barack Obama") == {"subject": "Barack Obama"}
    assert subjects.add("Barack Obama")["code"] == 43
    added = faces.add(image_path=str(small_photos / "obama.jpg"), subject="Barack Obama")
    assert added["subject"] == "Barack Obama"
    faces.add(image_path=str(small_photos / "obama2.jpg"), subject="Barry")
    assert subjects.list() == {"subjects": ["Barack Obama", "Barry"]}
    assert subjects.update(subject="Barry", new_name="Barack Obama") == {"updated": True}
    assert subjects.list() == {"subjects": ["Barack Obama"]}
    assert faces.list()["total_elements"] == 2
    assert subjects.update(subject="Eve", new_name="Ann")["code"] == 42
    assert subjects.delete("Barack Obama") == {"subject": "Barack Obama"}
    assert subjects.delete("Barack Obama")["code"] == 42
    subjects.add("Ann")
    assert subjects.delete_all() == {"deleted": 1}


def test_recognition_and_the_face_collection(sdk: Any, small_photos: Path, faceless: str) -> None:
    compreface, key = sdk
    recognition = compreface.init_face_recognition(key)
    faces = recognition.get_face_collection()
    obama = faces.add(str(small_photos / "obama.jpg"), "Obama")
    biden = faces.add((small_photos / "biden.jpg").read_bytes(), "Biden", {"det_prob_threshold": 0.8})
    assert faces.list()["faces"] == [obama, biden]
    answer = recognition.recognize(str(small_photos / "obama2.jpg"))
    (face,) = answer["result"]
    assert face["subjects"][0]["subject"] == "Obama"
    assert face["subjects"][0]["similarity"] > 0.9
    assert (len(face["embedding"]), len(face["landmarks"])) == (128, 5)
    assert face["execution_time"]["detector"] > 0
    assert answer["plugins_versions"] == {"detector": "mtcnn", "calculator": "sface"}
    assert recognition.recognize(faceless)["code"] == 28
    same = faces.verify(str(small_photos / "obama2.jpg"), obama["image_id"], {"limit": 1})
    other = faces.verify(str(small_photos / "obama2.jpg"), biden["image_id"])
    assert same["result"][0]["similarity"] > 0.9
    assert other["result"][0]["similarity"] < 0.5
    assert faces.delete(obama["image_id"]) == obama
    assert faces.delete(obama["image_id"])["code"] == 44
    assert faces.delete_all("Biden") == {"deleted": 1}
    assert faces.list()["faces"] == []


def test_detection_and_verification(sdk: Any, sample_photos: Path, faceless: str) -> None:
    compreface, key = sdk
    detection, verification = compreface.init_face_detection(key), compreface.init_face_verification(key)
    (face,) = detection.detect(str(sample_photos / "obama.jpg"))["result"]
    assert [face["box"][side] for side in ("x_min", "y_min", "x_max", "y_max")] == [378, 89, 613, 419]
    assert detection.detect(faceless)["code"] == 28
    answer = verification.verify(str(sample_photos / "obama.jpg"), str(sample_photos / "obama2.jpg"))
    (match,) = answer["result"][0]["face_matches"]
    assert match["similarity"] == pytest.approx(0.9585, abs=5e-4)
    assert verification.verify(faceless, faceless)["code"] == 28


def test_a_wrong_key_is_code_10(sdk: Any) -> None:
    compreface, _ = sdk
    assert compreface.init_face_recognition("vv_0_wrong").get_subjects().list()["code"] == 10
