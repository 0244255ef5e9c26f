"""detect: boxes, scores, landmarks and quality of faces."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from .conftest import Photos, Run
from .fakes import RED, photo


def test_detect_has_the_keys_and_values_of_the_contract(look: Run, photos: Photos) -> None:
    done = look("detect", photos.red, "--json")
    assert done.code == 0
    assert done.err == ""
    assert list(done.line) == ["photo", "status", "captured", "width", "height", "faces"]
    assert (done.line["photo"], done.line["status"]) == ("red.png", "ok")
    assert (done.line["width"], done.line["height"]) == (320, 240)
    (face,) = done.line["faces"]
    assert list(face) == ["box", "score", "landmarks", "quality", "quality_parts"]
    assert face["box"] == [40, 50, 100, 110]
    assert face["score"] == 0.99
    assert face["landmarks"] == [[58, 74], [82, 74], [70, 86], [61, 98], [79, 98]]
    assert face["quality"] == 0  # one color all over
    assert face["quality_parts"]["exposure"] == 0
    assert face["quality_parts"]["brightness"] == pytest.approx(76 / 255, abs=0.01)


def test_a_bad_photo_among_good_ones_has_its_line_and_stops_nothing(look: Run, photos: Photos) -> None:
    done = look("detect", photos.red, photos.missing, photos.empty, photos.broken, photos.both, "--json")
    assert done.code == 0
    assert [line["status"] for line in done.lines] == ["ok", "missing", "no_face", "unreadable", "ok"]
    assert [len(line["faces"]) for line in done.lines] == [1, 0, 0, 0, 2]
    assert [("message" in line) for line in done.lines] == [False, True, True, True, False]
    assert "missing.png" in done.lines[1]["message"]
    assert done.lines[1]["width"] is None
    assert done.lines[2]["width"] == 320


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (["red", "broken"], 0),
        (["empty"], 1),
        (["empty", "broken"], 1),
        (["broken"], 2),
        (["broken", "missing"], 2),
    ],
)
def test_detect_exits_by_what_could_be_seen(look: Run, photos: Photos, names: list[str], code: int) -> None:
    assert look("detect", *(getattr(photos, name) for name in names)).code == code


def test_min_face_reaches_the_detector(look: Run, photos: Photos) -> None:
    assert [len(look("detect", photos.both, "--json", "--min-face", side).line["faces"]) for side in (50, 51)] == [
        2,
        1,
    ]


def test_standard_input_is_a_photo(look: Run, photos: Photos) -> None:
    line = look("detect", "-", "--json", stdin=Path(photos.red).read_bytes()).line
    assert (line["photo"], line["faces"][0]["box"]) == ("-", [40, 50, 100, 110])


def test_standard_input_can_be_given_once(look: Run) -> None:
    done = look("detect", "-", "-", stdin=b"")
    assert (done.code, done.out) == (2, "")
    assert done.err == "visavis: standard input can be read only once: give - for one photo.\n"


def test_detect_without_json_prints_one_row_a_face(look: Run, photos: Photos) -> None:
    done = look("detect", photos.both, photos.missing)
    rows = [" ".join(row.split()) for row in done.out.splitlines()]
    assert rows[0] == "photo size face box score quality"
    assert rows[2].startswith("both.png 320 x 240 1 180 100 280 200 0.9900")
    assert rows[3].startswith("both.png 320 x 240 2 20 30 70 80 0.9800")
    assert rows[4].startswith("missing.png - 'missing.png' does not exist.")
    assert len(rows) == 5


def test_brackets_in_names_are_not_markup(look: Run, tmp_path: Path) -> None:
    photo(tmp_path / "[red]a[/red].png", (RED, 40, 50, 60))
    assert "[red]a[/red].png" in look("detect", "[red]a[/red].png").out


def test_detect_out_draws_and_leaves_the_photo_alone(look: Run, photos: Photos) -> None:
    before = Path(photos.both).read_bytes()
    assert look("detect", photos.both, photos.broken, "--out", ".").code == 0
    assert Path(photos.both).read_bytes() == before
    drawn = np.asarray(Image.open("both-faces.jpg")).astype(int)
    assert drawn.shape == (240, 320, 3)
    changed = np.abs(drawn - np.asarray(Image.open(photos.both)).astype(int)).max(axis=2) > 60
    assert changed[100, 180:280].mean() > 0.8  # the upper edge of the larger box
    assert not changed[210:, :].any()  # below both
    assert not list(Path().glob("broken*.jpg"))
