"""The commands end to end, with the networks that are the default, on photographs."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from .conftest import Run
from .photographs import PHOTOS, PRESIDENTS, needs_photos

pytestmark = needs_photos


def president(name: str) -> Path:
    return PRESIDENTS / f"{name}.jpg"


def overlap(a: list[float], b: list[float]) -> float:
    """Intersection over union of two boxes."""

    def area(x1: float, y1: float, x2: float, y2: float) -> float:
        return max(x2 - x1, 0) * max(y2 - y1, 0)

    both = area(max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3]))
    return both / (area(*a) + area(*b) - both)


def test_detect_finds_the_face_where_face_recognition_does(run: Run) -> None:
    line = run("detect", president("obama"), "--json").line
    (face,) = line["faces"]
    assert (line["width"], line["height"]) == (910, 1137)
    # its HOG face has top 142, right 617, bottom 409, left 349 (its tests/test_face_recognition.py)
    assert overlap(face["box"], [349, 142, 617, 409]) > 0.6
    assert face["score"] > 0.95
    (left, right, nose, *_) = face["landmarks"]
    assert left[0] < nose[0] < right[0]
    assert max(left[1], right[1]) < nose[1]


def test_detect_of_no_faces(run: Run) -> None:
    done = run("detect", PHOTOS / "groups" / "no-faces.jpg", "--json")
    assert (done.code, done.line["status"], done.line["faces"]) == (1, "no_face", [])


@pytest.mark.parametrize("other", ["obama2", "obama3"])
def test_verify_one_man(run: Run, other: str) -> None:
    done = run("verify", president("obama"), president(other), "--json")
    assert done.code == 0, done.err
    assert done.line["same"] is True
    assert done.line["distance"] < done.line["threshold"]
    assert done.line["far"] == 0.001
    assert done.line["probability"] > 0.5
    assert (done.line["model"], done.line["detector"]) == ("sface", "mtcnn")


def test_verify_two_men(run: Run) -> None:
    done = run("verify", president("obama"), president("biden"), "--json")
    assert (done.code, done.line["same"]) == (1, False)
    assert done.line["probability"] < 0.5


def test_thresholds_of_all_metrics_are_one_decision(run: Run) -> None:
    for other, same in (("obama2", True), ("biden", False)):
        for metric in ("cosine", "l2", "squared_l2", "angle"):
            line = run("verify", president("obama"), president(other), "--metric", metric, "--json").line
            assert line["same"] is same


def test_a_stricter_far_is_a_smaller_threshold(run: Run) -> None:
    thresholds = [
        run("verify", president("obama"), president("obama2"), "--far", far, "--json").line["threshold"]
        for far in (0.1, 0.01, 0.001)
    ]
    assert thresholds == sorted(thresholds, reverse=True)
    assert len(set(thresholds)) == 3


def test_enroll_one_photo_and_find_the_man_again(run: Run) -> None:
    assert run("enroll", "Barack Obama", president("obama")).code == 0
    done = run("identify", president("obama2"), president("obama3"), president("biden"), "--json")
    assert done.code == 0
    assert [line["faces"][0]["name"] for line in done.lines] == ["Barack Obama", "Barack Obama", None]
    for line in done.lines:
        (face,) = line["faces"]
        assert (face["distance"] <= face["threshold"]) is (face["name"] is not None)
        assert [one["name"] for one in face["candidates"]] == ["Barack Obama"]
    assert run("identify", president("biden")).code == 1


def test_a_folder_a_person_and_a_group_photo(run: Run) -> None:
    examples = PHOTOS / "people" / "knn_examples" / "train"
    done = run("enroll", "--from", examples, "--json")
    assert done.code == 0
    assert {line["name"] for line in done.lines} == {path.name for path in examples.iterdir()}
    line = run("identify", PHOTOS / "people" / "two_people.jpg", "--json").line
    assert {face["name"] for face in line["faces"]} == {"biden", "obama"}


def test_crops_hold_the_face(run: Run) -> None:
    file = run("extract", president("obama"), "--out", "crops", "--json").line["faces"][0]["file"]
    assert np.asarray(Image.open(file)).shape == (224, 224, 3)
    (face,) = run("detect", file, "--json").line["faces"]
    # a square on the longer side, which is the height, extended by 0.3: the face fills 1 / 1.3 of it
    assert (face["box"][3] - face["box"][1]) / 224 == pytest.approx(1 / 1.3, abs=0.15)
    middle = (np.array(face["box"][:2]) + face["box"][2:]) / 2
    assert np.abs(middle - 112).max() < 25


def test_embed_has_the_embeddings_that_the_library_has(run: Run) -> None:
    import visavis

    assert run("embed", president("obama"), president("biden"), "--out", "faces.npz").code == 0
    with np.load("faces.npz") as arrays:
        assert arrays["embedding"].shape == (2, 128)
        assert np.linalg.norm(arrays["embedding"], axis=1) == pytest.approx(1, abs=1e-5)
        assert arrays["embedding"][:1] == pytest.approx(visavis.embed(president("obama")), abs=1e-4)


@pytest.fixture
def with_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """A cache of its own in which the samples lie, so that nothing is fetched."""
    from visavis.samples import PHOTOS as SAMPLES

    def put() -> None:
        for name in SAMPLES:
            (tmp_path / "cache" / "samples").mkdir(parents=True, exist_ok=True)
            shutil.copyfile(PRESIDENTS / name, tmp_path / "cache" / "samples" / name)

    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("VISAVIS_OFFLINE", "1")
    return put


def test_demo_tells_the_story_twice(run: Run, with_samples: Callable[[], None]) -> None:
    with_samples()
    for _ in range(2):
        done = run("demo", "--json")
        assert done.code == 0, done.err
        steps = ["load", "enroll", *["identify"] * 3, *["verify"] * 3]
        assert [line["step"] for line in done.lines] == steps
        assert all(line["right"] for line in done.lines)
        assert [line["answer"] for line in done.lines[2:5]] == ["Barack Obama", "Barack Obama", "unknown"]
    folder = Path("visavis-demo")
    made = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    photos = {f"photos/{path.name}" for path in Path("cache/samples").iterdir()}
    named = {f"{name}-named.jpg" for name in ("obama2", "obama3", "biden")}
    assert made - {"demo.db-wal", "demo.db-shm"} == {"demo.db", "overview.jpg", *photos, *named}
    with Image.open("visavis-demo/overview.jpg") as overview:
        assert overview.width == 1600


def test_the_commands_that_the_demo_shows_do_what_it_did(run: Run, with_samples: Callable[[], None]) -> None:
    import shlex

    with_samples()
    done = run("demo", "--out", "out here")
    assert done.code == 0, done.err
    commands = [shlex.split(line) for line in done.out.splitlines() if line.startswith("  visavis ")]
    assert [words[1] for words in commands] == ["detect", "enroll", "identify", "verify", "gallery"]
    for words in commands:
        assert run(*words[1:]).code == 0


def test_the_demo_without_its_photos_is_exit_3(run: Run, with_samples: Callable[[], None]) -> None:
    done = run("demo")
    assert (done.code, done.out) == (3, "")
    assert "VISAVIS_OFFLINE" in done.err
