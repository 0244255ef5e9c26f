"""visavis video --find: where a person appears in files; people are squares of a color."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from bulk.conftest import plugin
from videos.films import clicks_of, film, pictures_of
from videos.made_up import draw

from .conftest import Photos, Run
from .fakes import BLUE, RED

__all__ = ["plugin"]  # a fixture of theirs: the fakes as a package that worker processes know

av = pytest.importorskip("av")
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


def test_files_of_one_name_in_several_folders_have_clips_of_their_own(know: Run, photos: Photos) -> None:
    for folder, side in (("front", 60), ("yard", 100)):
        Path(folder).mkdir()
        film(Path(folder) / "08.00.mkv", [draw((RED, 20, 40, side))] * 12, codec="ffv1")
    options = (*NEAR, "--find", photos.red, "--clips", "clips", "--json")
    front, yard = (
        line["appearances"][0]["clip"] for line in know("video", "front/08.00.mkv", "yard/08.00.mkv", *options).lines
    )
    assert [(pictures_of(Path(clip))[0][0][130, 100] == RED).all() for clip in (front, yard)] == [False, True]
    film(Path("yard/08.00.mkv"), [draw((RED, 20, 40, 62))] * 12, codec="ffv1")
    (again,) = know("video", "yard/08.00.mkv", *options).lines
    assert not (pictures_of(Path(again["appearances"][0]["clip"]))[0][0][130, 100] == RED).all()


def test_people_of_one_group_photo_are_searched_for_each(know: Run, run: Run, photos: Photos, files: list[str]) -> None:
    Path("party").mkdir()
    Path(photos.both).rename("party/both.png")
    know("index", "party", "--gallery", "faces.db", "--workers", "1")
    for number, name in enumerate(("First", "Second"), 1):
        assert run("gallery", "name", name, number, "--gallery", "faces.db").code == 0
    options = (*NEAR, "--gallery", "faces.db", "--resume", "searched.jsonl", "--json")
    found = {
        name: [len(line["appearances"]) for line in know("video", *files[:2], *options, "--find", name).lines]
        for name in ("First", "Second")
    }
    assert sorted(found.values()) == [[0, 1], [2, 0]]


def test_a_file_that_grows_during_its_search_is_searched_again(
    know: Run, photos: Photos, files: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    searched = []

    def search(file: str, *arguments: object) -> tuple[()]:
        searched.append(file)
        with Path(file).open("ab") as recorder:
            recorder.write(b"more" * (len(searched) == 1))
        return ()

    monkeypatch.setattr("visavis.videos.find._search", search)
    for _ in range(3):
        know("video", "a.mkv", *NEAR, "--find", photos.red, "--resume", "searched.jsonl")
    assert searched == ["a.mkv", "a.mkv"]


def test_a_name_with_a_colon_and_tags_in_another_encoding_are_cut(know: Run, photos: Photos) -> None:
    name = "2026-11-29T08:00:00.mkv"
    with av.open("tagged.mkv", "w") as container:
        container.metadata["title"] = "caf\u00e9"
        stream = container.add_stream("ffv1", rate=25)
        stream.height, stream.width, stream.pix_fmt = 240, 320, "bgr0"
        for _ in range(12):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(draw((RED, 20, 40, 60)), format="rgb24")))
        container.mux(stream.encode())
    Path(name).write_bytes(Path("tagged.mkv").read_bytes().replace("caf\u00e9".encode(), b"caf\xe9!"))
    done = know("video", name, *NEAR, "--find", photos.red, "--clips", "clips", "--json")
    assert len(pictures_of(Path(done.line["appearances"][0]["clip"]))[0]) == 12


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
