"""visavis video: events, faces, exit codes; people are squares of a color."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from videos.made_up import draw, film, write_video

from .conftest import Photos, Run
from .fakes import BLUE, RED

pytest.importorskip("av")
pytest.importorskip("scipy")

NEAR = ("--threshold", "0.1")


@pytest.fixture
def clip(tmp_path: Path) -> str:
    """Two seconds of a red face that moves, and a blue one from 0.5 s on."""
    return write_video(
        tmp_path / "clip.mkv",
        film(lambda t: draw((RED, 20 + 40 * t, 40, 60), *([(BLUE, 220, 100, 60)] if t >= 0.5 else [])), seconds=2),
    ).name


def test_an_event_says_who_and_from_when_to_when(know: Run, look: Run, photos: Photos, clip: str) -> None:
    know("enroll", "Red", photos.red)
    done = look("video", clip, "--gallery", "faces.db", *NEAR, "--events", "e.jsonl", "--faces", "best", "--json")
    assert done.code == 0
    recognized, *ended = done.lines
    assert (recognized["event"], recognized["name"], recognized["person_id"]) == ("recognized", "Red", 1)
    assert [(line["event"], line["name"]) for line in ended] == [("ended", "Red"), ("ended", None)]
    assert [(line["from"], line["to"]) for line in ended] == [(0.0, 1.9), (0.5, 1.9)]
    assert recognized["distance"] < 0.05
    assert [json.loads(line) for line in Path("e.jsonl").read_text().splitlines()] == done.lines
    assert all(Path(line["best_face"]).is_file() for line in ended)
    assert {stat.S_IMODE(path.stat().st_mode) for path in (Path("e.jsonl"), *Path("best").iterdir())} == {0o600}


def test_without_a_gallery_people_are_unknown(look: Run, clip: str) -> None:
    done = look("video", clip, "--json")
    assert done.code == 1
    assert {line["event"] for line in done.lines} == {"ended"}
    assert "no gallery" in done.err


def test_several_cameras(know: Run, look: Run, photos: Photos, clip: str, tmp_path: Path) -> None:
    know("enroll", "Red", photos.red)
    (tmp_path / "cameras.toml").write_text(
        f'[[camera]]\nname = "door"\nsource = "{clip}"\n'
        f'[[camera]]\nname = "yard"\nsource = "{clip}"\nignore = [[[0.6, 0], [1, 0], [1, 1], [0.6, 1]]]\n'
    )
    done = look("video", "--cameras", "cameras.toml", "--gallery", "faces.db", *NEAR, "--json")
    assert done.code == 0
    ended = {(line["camera"], line["name"]): line for line in done.lines if line["event"] == "ended"}
    assert set(ended) == {("door", "Red"), ("door", None), ("yard", "Red")}
    assert ended["door", "Red"]["sighting"] == ended["yard", "Red"]["sighting"]
    assert "sighting" not in ended["door", None]
    assert len({line["track"] for line in ended.values()}) == 3
    table = look("video", "--cameras", "cameras.toml", "--gallery", "faces.db", *NEAR)
    assert "camera" in table.out
    assert "yard" in table.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "a source is needed"),
        (["clip.mkv", "--cameras", "c.toml"], "takes the place of SOURCE"),
        (["--cameras", "c.toml", "--out", "a.mp4"], "--out and --live take one SOURCE"),
        (["--cameras", "c.toml", "--every", "2"], "--every is not for --cameras"),
        (["--cameras", "c.toml"], "'c.toml' cannot be read: No such file or directory."),
    ],
)
def test_one_source_or_cameras(look: Run, clip: str, arguments: list[str], message: str) -> None:
    done = look("video", *arguments)
    assert done.code == 2
    assert message in " ".join(done.err.split())


def test_a_stranger_keeps_the_number_and_becomes_a_person(
    know: Run, look: Run, run: Run, photos: Photos, clip: str
) -> None:
    know("enroll", "Red", photos.red)
    store = ("--gallery", "faces.db")
    watch = ("video", clip, *store, *NEAR, "--strangers", "30", "--json")
    first = look(*watch).lines
    (number,) = {line["stranger"] for line in first if "stranger" in line}
    assert [line["name"] for line in first if line["event"] == "ended"] == ["Red", None]
    second = look(*watch).lines
    assert [(line["event"], line.get("stranger")) for line in second if line["name"] is None] == [
        ("updated", number),
        ("ended", number),
    ]
    listed = run("gallery", "strangers", *store, "--json")
    assert (listed.line["number"], listed.line["sightings"], listed.line["cameras"]) == (number, 2, ["clip.mkv"])
    assert f"stranger {number} was seen 2 times, last on 20" in listed.err
    assert "2 times" in run("gallery", "strangers", *store).out
    assert run("gallery", "name", "Blue", "--stranger", number, *store, "--json").line["name"] == "Blue"
    assert run("gallery", "strangers", *store, "--json").code == 1
    third = look(*watch).lines
    assert {line["name"] for line in third} == {"Red", "Blue"}
    assert run("gallery", "name", "Blue", "--stranger", number, *store).code == 2
    assert run("gallery", "name", "Blue", *store).code == 2


def test_strangers_are_off_by_default_and_need_a_gallery(
    know: Run, look: Run, run: Run, photos: Photos, clip: str
) -> None:
    assert "name one" in look("video", clip, "--strangers", "3").err
    lines = know("video", clip, "--gallery", "new.db", *NEAR, "--strangers", "3", "--json").lines
    assert len({line["stranger"] for line in lines}) == 2
    know("enroll", "Red", photos.red)
    lines = look("video", clip, "--gallery", "faces.db", *NEAR, "--json").lines
    assert not [line for line in lines if "stranger" in line]
    assert run("gallery", "strangers", "--gallery", "faces.db").code == 1


def test_liveness_is_printed_and_required(
    know: Run, look: Run, photos: Photos, clip: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from visavis import liveness, spoof_networks

    from .test_liveness import Reds

    monkeypatch.setattr(spoof_networks, "SpoofNetworks", Reds)
    monkeypatch.setattr(liveness, "find_doubts", lambda *_: ())
    know("enroll", "Red", photos.red)
    know("enroll", "Blue", photos.blue)
    done = look("video", clip, "--gallery", "faces.db", *NEAR, "--liveness", "require", "--json")
    ended = [(line["name"], line["liveness"]) for line in done.lines if line["event"] == "ended"]
    assert sorted(ended, key=str) == [("Red", 0.9), (None, 0.2)]
    table = look("video", clip, "--gallery", "faces.db", *NEAR, "--liveness", "observe").out
    assert "90.0%" in table
    assert "20.0%" in table
    assert look("video", clip, "--liveness", "on").code == 2
