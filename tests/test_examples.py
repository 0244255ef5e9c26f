"""The examples of the documentation do what they say, each in a process of its own, on photos of two men."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

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


def test_every_example_is_tested() -> None:
    here = Path(__file__).read_text(encoding="utf-8")
    examples = list(EXAMPLES.glob("*.py"))
    assert len(examples) >= 3
    assert [path.name for path in examples if f'"{path.name}"' not in here] == []
