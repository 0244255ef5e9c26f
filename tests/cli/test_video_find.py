"""visavis video --find: where a person appears in files; people are squares of a color."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from videos.films import clicks_of, film, pictures_of
from videos.made_up import draw

from .conftest import Photos, Run
from .fakes import BLUE, RED

pytest.importorskip("av")
pytest.importorskip("scipy")

NEAR = ("--threshold", "0.1")


@pytest.fixture
def files(tmp_path: Path, photos: Photos) -> list[str]:
    """Three files: a red face from 1 to 1.9 s and from 5 to 5.9 s; a blue one; and text."""
    first = [draw((RED, 20 + n / 2, 40, 60)) if n // 10 in {1, 5} else draw() for n in range(65)]
    film(tmp_path / "a.mkv", first, seconds=[n / 10 for n in range(65)], sound="aac", codec="ffv1")
    film(tmp_path / "b.mkv", [draw((BLUE, 20, 40, 60))] * 12, codec="ffv1")
    (tmp_path / "c.mp4").write_text("no video")
    return ["a.mkv", "b.mkv", "c.mp4"]


def test_the_appearances_of_a_person_are_listed_and_cut_out(
    know: Run, look: Run, photos: Photos, files: list[str]
) -> None:
    know("enroll", "Red", photos.red)
    done = look("video", *files, "--gallery", "faces.db", *NEAR, "--find", "Red", "--clips", "clips", "--json")
    assert done.code == 0
    a, b, c = done.lines
    assert [(round(item["from"]), round(item["to"])) for item in a["appearances"]] == [(1, 2), (5, 6)]
    assert b["appearances"] == c["appearances"] == []
    assert "c.mp4" in c["message"]
    clips = [Path(item["clip"]) for item in a["appearances"]]
    assert [stat.S_IMODE(path.stat().st_mode) for path in clips] == [0o600] * 2
    seconds = [pictures_of(path)[1] for path in clips]
    assert [times[0] for times in seconds] == pytest.approx([0, 0], abs=0.01)
    assert 2.5 <= seconds[1][-1] <= 4.5
    assert len(clicks_of(clips[0])) >= 2


def test_the_person_of_a_photo_is_found_without_a_gallery(know: Run, photos: Photos, files: list[str]) -> None:
    done = know("video", *files[:2], *NEAR, "--find", photos.blue)
    assert done.code == 0
    assert "b.mkv" in done.out
    assert "a.mkv" not in done.out
    assert know("video", "a.mkv", *NEAR, "--find", photos.blue).code == 1
    assert know("video", "c.mp4", *NEAR, "--find", photos.blue).code == 2


def test_files_that_were_searched_are_not_read_again(know: Run, photos: Photos, files: list[str]) -> None:
    options = (*NEAR, "--find", photos.red, "--resume", "searched.jsonl", "--json")
    first = know("video", *files[:1], *options)
    assert stat.S_IMODE(Path("searched.jsonl").stat().st_mode) == 0o600
    (line,) = map(json.loads, Path("searched.jsonl").read_text().splitlines())
    line["appearances"] = [{"start": 77.0, "end": 78.0, "distance": 0.5}]
    Path("searched.jsonl").write_text(json.dumps(line) + '\n{"key": "cut o')
    again = know("video", *files[:2], *options)
    assert [item["from"] for item in again.lines[0]["appearances"]] == [77.0]
    assert len(first.lines[0]["appearances"]) == 2
    assert again.lines[1]["appearances"] == []
    other = know("video", *files[:1], *NEAR, "--find", photos.blue, "--resume", "searched.jsonl", "--json")
    assert other.line["appearances"] == []


def test_what_cannot_be_found_is_one_sentence(look: Run, know: Run, photos: Photos, files: list[str]) -> None:
    for options, message in [
        (("--find", "Rod"), "'Rod' is neither a photo nor a person of the gallery"),
        (("--find", photos.empty), "no face"),
        (("--find", photos.red, "--out", "o.mp4"), "does nothing with --out"),
        (("--clips", "clips"), "belong to --find"),
    ]:
        done = know("video", "a.mkv", *options)
        assert done.code in {1, 2}
        assert message in done.err
    assert "events are of one source" in know("video", "a.mkv", "b.mkv").err


def test_liveness_is_refused(know: Run, photos: Photos, files: list[str]) -> None:
    result = know("video", *files, "--find", photos.red, "--liveness", "require")
    assert result.code == 2
    assert "leave --liveness out" in result.err
