"""Folders in place of photos, for every command that takes photos; people by files and tables."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from visavis.cli import app
from visavis.cli._options import Photos
from visavis.cli._sources import PhotosOrFolders, PhotosOrGallery

from .conftest import Run
from .fakes import BLUE, DARK_RED, RED, photo

PHOTOS = ["album/a.png", "album/deep/b.png"]

COMMANDS: dict[str, tuple[str, ...]] = {
    "detect": ("--out", "drawn"),
    "extract": ("--out", "cut"),
    "embed": ("--out", "faces.npz"),
    "identify": ("--threshold", "0.1"),
    "cluster": ("--threshold", "0.1"),
    "similar": (),
    "representative": (),
}
"""Those that can do without weights; ``landmarks`` and ``classify`` expand folders by the same function."""
EMBEDDING = {"embed", "cluster", "similar", "representative"}


@pytest.fixture
def album(tmp_path: Path) -> Path:
    photo(tmp_path / "album" / "a.png", (RED, 10, 10, 60))
    photo(tmp_path / "album" / "deep" / "b.png", (DARK_RED, 10, 10, 70))
    photo(tmp_path / "album" / "@eaDir" / "a.png" / "SYNOPHOTO_THUMB_M.png", (RED, 5, 5, 30))
    photo(tmp_path / "album" / ".thumbnails" / "a.png", (RED, 5, 5, 30))
    photo(tmp_path / "probe.png", (BLUE, 10, 10, 60))
    (tmp_path / "album" / "._a.png").write_bytes(b"resource fork")
    (tmp_path / "album" / "Thumbs.db").write_bytes(b"cache")
    return tmp_path / "album"


def run_on(know: Run, look: Run, command: str, *sources: str) -> list[str]:
    """Run a command; return the photos of its answers, in order of name."""
    first = ("probe.png",) if command == "similar" else ()
    run = know if command in EMBEDDING else look
    done = run(command, *first, *sources, *COMMANDS[command], "--json")
    return sorted(line["photo"] for line in done.lines)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_stands_for_its_photos(know: Run, look: Run, album: Path, command: str) -> None:
    if command == "identify":
        know("enroll", "Ann", "probe.png")
    assert run_on(know, look, command, "album") == PHOTOS
    assert run_on(know, look, command, "album/a.png", "album") == PHOTOS
    assert run_on(know, look, command, "album", "--exclude", "deep") == PHOTOS[:1]
    assert run_on(know, look, command, "album", "--exclude", "x", "--exclude", "a.*") == PHOTOS[1:]


def test_every_command_of_photos_can_exclude() -> None:
    """Whatever takes photos by one of the shared arguments, or walks folders otherwise."""
    kinds = {str(kind) for kind in (Photos, PhotosOrFolders, PhotosOrGallery)}
    taking = set()
    for command in app.registered_commands:
        function = command.callback
        assert function is not None
        signature = inspect.signature(function, eval_str=True)
        if any(str(parameter.annotation) in kinds for parameter in signature.parameters.values()):
            taking.add(function.__name__)
            assert "exclude" in signature.parameters, function.__name__
    assert taking >= {"detect", "extract", "embed", "landmarks", "classify", "identify", "cluster", "similar"}


def test_empty_folders(look: Run, album: Path, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    done = look("detect", "none", "--json")
    assert (done.code, done.out, done.err) == (2, "", "visavis: the folder 'none' holds no photo.\n")
    done = look("detect", "none", "album/a.png", "--json")
    assert (done.code, len(done.lines), done.err) == (0, 1, "visavis: the folder 'none' holds no photo.\n")
    done = look("detect", "album", "--exclude", "", "--json")
    assert (done.code, done.out) == (2, "")
    assert "a pattern to exclude is empty" in done.err


def test_one_unreadable_photo_never_stops_the_rest(look: Run, album: Path) -> None:
    (album / "broken.png").write_bytes(b"nothing")
    (album / "gone.png").symlink_to(album / "nowhere.png")
    done = look("detect", "album", "--json")
    assert done.code == 0
    assert [line["status"] for line in done.lines] == ["ok", "unreadable", "missing", "ok"]


def test_a_person_by_a_folder(know: Run, album: Path) -> None:
    done = know("enroll", "Ann", "album", "--json")
    assert (done.line["name"], done.line["added"]) == ("Ann", 2)


def enrolled(done: object) -> list[tuple[str, str, int | None]]:
    return [(line["name"], line["status"], line.get("added")) for line in done.lines]  # type: ignore[attr-defined]


def test_people_by_files_called_after_them(know: Run, tmp_path: Path) -> None:
    photo(tmp_path / "team" / "Ann.png", (RED, 10, 10, 60))
    photo(tmp_path / "team" / "Ann_2.png", (DARK_RED, 10, 10, 60))
    photo(tmp_path / "team" / "Bob 1.png", (BLUE, 10, 10, 60))
    (tmp_path / "team" / "Cy.png").write_bytes(b"nothing")
    done = know("enroll", "--from", "team", "--json")
    assert done.code == 0
    assert enrolled(done) == [("Ann", "ok", 2), ("Bob", "ok", 1), ("Cy", "unreadable", None)]
    assert "Bob 1.png was understood as photo 1 of 'Bob'" in done.err


def test_people_by_a_table(know: Run, album: Path, tmp_path: Path) -> None:
    rows = "name;photo\r\nZo\u00eb;album/a.png\r\nBob;probe.png\r\nZo\u00eb;album\\deep\r\nCy;gone.png\r\n"
    (tmp_path / "people.csv").write_bytes(rows.encode("utf-8-sig"))
    done = know("enroll", "--from", "people.csv", "--json")
    assert done.code == 0
    assert enrolled(done) == [("Zo\u00eb", "ok", 2), ("Bob", "ok", 1), ("Cy", "missing", None)]
