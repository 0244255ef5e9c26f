"""The examples of the documentation do what they say, each in a process of its own, on photos of two men."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from videos import films
from videos.test_publish import Receiver
from visavis.errors import WeightsError

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "docs" / "examples"


@pytest.fixture
def presidents(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of obama.jpg, biden.jpg ...: the test data, or the samples if they are in the cache."""
    data = Path(os.environ.get("VISAVIS_TEST_DATA", ROOT.parent / "shared" / "data"))
    folder = data / "photos" / "presidents"
    if folder.is_dir():
        return folder
    from visavis.samples import load_samples

    monkeypatch.setenv("VISAVIS_OFFLINE", "1")
    try:
        return load_samples().obama.parent
    except WeightsError as error:
        pytest.skip(f"neither VISAVIS_TEST_DATA nor the sample photos are here: {error}")


def example(name: str, *arguments: object, cwd: Path) -> str:
    done = subprocess.run(
        [sys.executable, EXAMPLES / name, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "VISAVIS_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode == 0
    return done.stdout


def test_verify_two_photos(presidents: Path, tmp_path: Path) -> None:
    same = example("verify_two_photos.py", presidents / "obama.jpg", presidents / "obama2.jpg", cwd=tmp_path)
    assert same.startswith("same\ndistance 0.245")
    different = example("verify_two_photos.py", presidents / "obama.jpg", presidents / "biden.jpg", cwd=tmp_path)
    assert different.startswith("different\ndistance 0.884")


def test_enroll_and_identify(presidents: Path, tmp_path: Path) -> None:
    photos = [presidents / f"{name}.jpg" for name in ("obama", "obama2", "obama3", "biden")]
    said = example("enroll_and_identify.py", "Barack Obama", *photos, cwd=tmp_path)
    assert said == "Barack Obama\nBarack Obama\nunknown\n"


def test_detect_and_draw(presidents: Path, tmp_path: Path) -> None:
    assert example("detect_and_draw.py", presidents / "obama.jpg", "out.png", cwd=tmp_path) == ""
    before, after = (np.asarray(Image.open(path)) for path in (presidents / "obama.jpg", tmp_path / "out.png"))
    changed = (before != after).any(axis=2)
    rows, columns = np.nonzero(changed)
    # the face that face_recognition's own tests have: 349..617 across, 142..409 down; and a label above
    assert np.abs(np.array([columns.min(), columns.max(), rows.max()]) - [363, 617, 409]).max() < 30
    assert 50 < rows.min() < 142
    assert changed.mean() < 0.03


def test_cluster_photos(presidents: Path, tmp_path: Path) -> None:
    photos = [presidents / f"{name}.jpg" for name in ("biden", "obama", "obama2", "obama3")]
    assert example("cluster_photos.py", *photos, cwd=tmp_path) == "1 obama.jpg obama2.jpg obama3.jpg\n2 biden.jpg\n"


@pytest.fixture
def obama_film(presidents: Path, tmp_path: Path) -> Path:
    """A video of 1 s of one photo, in whose folder there is a gallery with another photo of the same man."""
    from visavis.gallery import Gallery

    pytest.importorskip("scipy")
    with Image.open(presidents / "obama.jpg") as photo:
        picture = np.asarray(photo.convert("RGB").resize((400, 500)))
    with Gallery(f"sqlite:///{tmp_path / 'faces.db'}") as gallery:
        gallery.enroll("Barack Obama", [presidents / "obama2.jpg"])
    return films.film(tmp_path / "film.mp4", [picture] * 25, sound="aac")


def test_count_people(obama_film: Path, tmp_path: Path) -> None:
    counted = example("count_people.py", obama_film, "faces.db", cwd=tmp_path)
    assert counted == "1 known people: Barack Obama\n0 tracks of unknown people\n"
    assert example("count_people.py", obama_film, cwd=tmp_path) == "0 known people: -\n1 tracks of unknown people\n"


def test_blur_faces(obama_film: Path, tmp_path: Path) -> None:
    from visavis import detect

    assert example("blur_faces.py", obama_film, "out.mp4", cwd=tmp_path) == "1 faces blurred: out.mp4\n"
    pictures, _ = films.pictures_of(tmp_path / "out.mp4")
    assert len(pictures) == 25
    assert detect(pictures[0]) == detect(pictures[12]) == []


def test_door_trigger(obama_film: Path, tmp_path: Path) -> None:
    assert (
        example("door_trigger.py", obama_film, "faces.db", "echo open for", cwd=tmp_path) == "open for Barack Obama\n"
    )
    server = Receiver()
    url = f"http://127.0.0.1:{server.server_port}/"
    assert example("door_trigger.py", obama_film, "faces.db", url, cwd=tmp_path) == ""
    server.stop()
    assert [body["name"] for body in server.bodies] == ["Barack Obama"]


def test_live_names(obama_film: Path, tmp_path: Path) -> None:
    if shutil.which("xvfb-run") is None:
        pytest.skip("Debian's xvfb is not installed")
    command = ["xvfb-run", "-a", sys.executable, EXAMPLES / "live_names.py", obama_film, "faces.db"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_every_example_is_tested() -> None:
    tests = (Path(__file__), Path(__file__).with_name("server") / "test_move_from_compreface.py")
    texts = "".join(path.read_text(encoding="utf-8") for path in tests)
    examples = list(EXAMPLES.glob("*.py"))
    assert len(examples) >= 3
    assert [path.name for path in examples if f'"{path.name}"' not in texts] == []
