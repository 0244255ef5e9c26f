"""The pictures of the tutorial: small, drawn anew to the same values, and showing the numbers of the text."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
SCRIPT = IMAGES / "tutorial_pictures.py"
TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = spec_from_file_location("tutorial_pictures", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules["tutorial_pictures"] = module
    spec.loader.exec_module(module)
    return module


def test_they_are_what_the_script_draws() -> None:
    done = subprocess.run([sys.executable, SCRIPT, "--check"], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_check_finds_what_differs(script: ModuleType, tmp_path: Path) -> None:
    for name in script.PICTURES:
        shutil.copyfile(IMAGES / name, tmp_path / name)
    with Image.open(tmp_path / "tutorial-named.png") as image:
        image.convert("RGB").rotate(180).save(tmp_path / "tutorial-named.png")
    svg = (tmp_path / "tutorial-verify.svg").read_bytes()
    changed = {
        "tutorial-named.png": (tmp_path / "tutorial-named.png").read_bytes(),
        "tutorial-verify.svg": svg.replace(b"the same person", b"another person"),
        "tutorial-report.svg": (IMAGES / "tutorial-report.svg").read_bytes().replace(b'viewBox="0 0', b'viewBox="9 0'),
    }
    for name, drawn in changed.items():
        assert script.differs((IMAGES / name).read_bytes(), drawn), name
        assert not script.differs((IMAGES / name).read_bytes(), (IMAGES / name).read_bytes())


def test_each_is_small_and_in_the_tutorial(script: ModuleType) -> None:
    shown = re.findall(r"!\[[^\]]{20,}\]\(images/(tutorial-[\w.-]+)\)", TUTORIAL)
    assert sorted(shown) == sorted(script.PICTURES)
    assert sorted(path.name for path in IMAGES.glob("tutorial-*")) == sorted(script.PICTURES)
    assert [name for name in script.PICTURES if (IMAGES / name).stat().st_size > 60_000] == []


def test_the_scale_has_the_numbers_of_the_text() -> None:
    svg = (IMAGES / "tutorial-verify.svg").read_text(encoding="utf-8")
    shown = [float(number) for number in re.findall(r">(?:cosine distance|threshold) (\d\.\d{4})</text>", svg)]
    text = [
        float(number)
        for pair in re.findall(r"cosine distance (\d\.\d{4}) [<>]=? threshold (\d\.\d{4})", TUTORIAL)[:2]
        for number in pair
    ]
    assert shown == text


def test_the_qualities_are_those_of_the_text(script: ModuleType) -> None:
    (shown,) = re.findall(r"!\[(One drawn face four times: [^\]]+)\]", TUTORIAL)
    scores = [score for _, score in script.rated().values()]
    assert [float(number) for number in re.findall(r"0\.\d\d", shown)] == pytest.approx(scores, abs=0.006)


def test_people_are_drawn_with_their_faces_in_the_boxes(script: ModuleType) -> None:
    pixels, (face,) = script.photo([(script.ANN, 120, 110, 150)], 240, 230)
    x1, y1, x2, y2 = face.box.round().astype(int)
    skin = np.abs(pixels.astype(int) - script.ANN.skin).max(axis=2) < 8
    assert skin[y1:y2, x1:x2].sum() > 0.9 * skin.sum()
    (left, right, nose, *_) = face.landmarks
    assert left[1] == right[1] < nose[1]
    png = script.encode(pixels)
    assert Image.open(io.BytesIO(png)).size == (240, 230)
