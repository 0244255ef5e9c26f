"""Outputs that are one file, or the source: refused whatever paths lead to it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import visavis
from visavis.errors import UsageError
from visavis.videos.outputs import VIDEO, check_outputs, gallery_path


def refusal(outputs: dict[str, str], *sources: object) -> str:
    """The message of the refusal, empty where there is none."""
    try:
        check_outputs(outputs, [(VIDEO, source) for source in sources])
    except UsageError as error:
        return str(error)
    return ""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: "x" is a file, with a link, a hard link and a link to its folder; "new" is not there."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x").write_text("")
    (tmp_path / "link").symlink_to("x")
    os.link(tmp_path / "x", tmp_path / "hard")
    (tmp_path / "here").symlink_to(".")
    (tmp_path / "to_new").symlink_to("new")
    return tmp_path


@pytest.mark.parametrize("other", ["x", "./x", "here/x", "link", "hard", "here/../{folder}/link", "{path}/x"])
def test_two_outputs_are_one_file_by_any_path(folder: Path, other: str) -> None:
    path = other.format(folder=folder.name, path=folder)
    assert refusal({"--events": "x", "--out": path}) == (
        f"--out: {path} is the file of --events too: give each a file of its own."
    )
    assert (
        refusal({"--out": path}, "x") == f"--out: {path} is the video that is read: give another file for the output."
    )


@pytest.mark.parametrize("other", ["new", "here/./new", "NEW", "to_new", "{path}/New"])
def test_two_outputs_would_become_one_file(folder: Path, other: str) -> None:
    assert "is the file of --events too" in refusal({"--events": "new", "--out": other.format(path=folder)})
    assert "is the file of --a too" in refusal({"--a": "none/new.mp4", "--b": "none/NEW.mp4"})
    assert "is the file of --a too" in refusal({"--a": "caf\u00e9", "--b": "cafe\u0301"})
    assert sorted(path.name for path in folder.iterdir()) == ["hard", "here", "link", "to_new", "x"]


def test_a_folder_is_an_output_once(folder: Path) -> None:
    (folder / "frames").mkdir()
    assert refusal({"--faces": "frames"}, "frames") == (
        "--faces: frames is the video that is read: give another folder for the output."
    )
    assert "is the folder of --clips too" in refusal({"--clips": "frames", "--faces": "here/frames"})
    assert refusal({"--faces": "frames", "--out": "frames/out.mp4"}, "frames.mp4") == ""


def test_the_file_of_standard_input_is_a_source(folder: Path) -> None:
    before = os.dup(0)
    with Path("x").open("rb") as file:
        os.dup2(file.fileno(), 0)
        try:
            assert "--out: link is the video that is read" in refusal({"--out": "link"}, "-")
        finally:
            os.dup2(before, 0)
            os.close(before)


def test_other_outputs_are_different(folder: Path) -> None:
    (folder / "y").write_text("")
    os.mkfifo(folder / "pipe")
    assert refusal({"--events": "x", "--out": "y", "--faces": "new"}, "rtsp://host/x", "0", 0, b"x") == ""
    assert refusal({"--events": "/dev/null", "--out": "/dev/null"}, "/dev/null") == ""
    assert refusal({"--events": "pipe", "--out": "pipe"}) == ""
    (folder / "circle").symlink_to("circle")
    assert "is the file of --events too" in refusal({"--events": "circle", "--out": "circle"})


def test_names_that_differ_in_case_are_two_files_where_both_are_there(folder: Path) -> None:
    (folder / "X").write_text("")
    if (folder / "X").samefile(folder / "x"):
        pytest.skip("the names are one file here")
    assert refusal({"--events": "x", "--out": "X"}) == ""


def test_a_gallery_is_a_file_unless_it_is_on_a_server() -> None:
    assert gallery_path("sqlite:////data/faces.db") == Path("/data/faces.db")
    assert gallery_path(Path("faces.db")) == gallery_path("sqlite:///faces.db") == Path("faces.db")
    assert gallery_path("postgresql://host/faces.db") is None
    assert gallery_path(None) is None


def test_a_run_in_python_is_refused_before_anything_is_read(folder: Path) -> None:
    with pytest.raises(UsageError, match="out: new is the file of events too: give each a file of its own"):
        next(visavis.video("missing.mp4", events="new", out="new"))
    with pytest.raises(UsageError, match=r"events: faces\.db is the gallery: give another file for the output"):
        next(visavis.video("missing.mp4", gallery="sqlite:///faces.db", events="faces.db"))
    assert not (folder / "new").exists()
