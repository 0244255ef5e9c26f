"""Which files of a folder are photos, and what is said of those that are not to be had."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from visavis.bulk import Outcome, sources
from visavis.errors import MissingImageError, UnreadableImageError


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode("utf-8", "surrogateescape"))


def walked(*found: Path | str) -> list[str | Outcome]:
    return list(sources.walk([str(one) for one in found]))


def test_folders_are_gone_through_from_top_to_bottom_sorted(folder: Path) -> None:
    touch(folder, "b.jpg", "a.JPEG", "z/y/x.png", "c/d.webp", "c/notes.txt", "README", ".hidden.jpg", ".git/e.jpg")
    touch(folder, "c.jpg/f.gif")
    names = ["a.JPEG", "b.jpg", "c/d.webp", "c.jpg/f.gif", "z/y/x.png"]
    assert walked(folder) == [str(folder / name) for name in names]


def test_an_empty_folder_holds_nothing(folder: Path) -> None:
    empty = Outcome(str(folder), "missing", message=f"the folder '{folder}' holds no photo.")
    assert walked(folder, folder) == [empty]


def test_a_photo_that_is_named_is_taken_whatever_its_name(folder: Path) -> None:
    touch(folder, "scan", "b.jpg")
    assert walked(folder / "scan", folder / "nobody.jpg") == [str(folder / "scan"), str(folder / "nobody.jpg")]


def test_links_are_followed_and_every_folder_is_seen_once(folder: Path) -> None:
    touch(folder, "a/1.jpg", "b/2.jpg")
    (folder / "a" / "up").symlink_to(folder)
    (folder / "b" / "self").symlink_to(folder / "b")
    (folder / "again").symlink_to(folder / "b")
    elsewhere = folder.parent / "elsewhere"
    touch(elsewhere, "3.jpg")
    (folder / "c").symlink_to(elsewhere)
    found = walked(folder, folder / "a", folder)
    assert [Path(str(one)).name for one in found] == ["1.jpg", "2.jpg", "3.jpg"]


def test_a_link_that_leads_nowhere_is_missing(folder: Path) -> None:
    (folder / "gone.jpg").symlink_to(folder / "nowhere.jpg")
    (one,) = walked(folder)
    with pytest.raises(MissingImageError, match=r"gone\.jpg' does not exist"):
        sources.read(str(one))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names are of POSIX")
def test_what_might_never_end_is_no_photo(folder: Path) -> None:
    os.mkfifo(folder / "pipe.jpg")
    touch(folder, "a.jpg")
    assert walked(folder) == [str(folder / "a.jpg")]


def test_a_folder_that_vanishes_on_the_way_is_told_of(folder: Path) -> None:
    touch(folder, "a.jpg", "b/1.jpg", "c/2.jpg")
    walk = sources.walk([str(folder)])
    assert next(walk) == str(folder / "a.jpg")
    shutil.rmtree(folder / "b")
    message = f"the folder '{folder / 'b'}' cannot be listed: No such file or directory."
    assert list(walk) == [Outcome(str(folder / "b"), "missing", message=message), str(folder / "c" / "2.jpg")]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="everything is readable for this user")
def test_a_folder_that_may_not_be_read_is_told_of(folder: Path) -> None:
    (folder / "locked").mkdir(mode=0)
    touch(folder, "a.jpg")
    first, second = walked(folder)
    assert first == str(folder / "a.jpg")
    assert isinstance(second, Outcome)
    assert (second.status, second.message.split(": ")[-1]) == ("unreadable", "Permission denied.")


@pytest.mark.skipif(os.name != "posix", reason="elsewhere names of files are text")
def test_names_that_are_not_ascii_and_not_text(folder: Path) -> None:
    touch(folder, "Zoë 山.jpg", os.fsdecode(b"caf\xe9.jpg"))
    found = walked(folder)
    assert {Path(str(one)).name for one in found} == {"Zoë 山.jpg", os.fsdecode(b"caf\xe9.jpg")}
    assert sources.read(str(folder / "Zoë 山.jpg")) == "Zoë 山.jpg".encode()
    assert sources.read(str(folder / os.fsdecode(b"caf\xe9.jpg"))) == b"caf\xe9.jpg"


def test_reading_names_what_is_wrong(folder: Path) -> None:
    with pytest.raises(MissingImageError, match=r"nobody\.jpg' does not exist"):
        sources.read(str(folder / "nobody.jpg"))
    with pytest.raises(UnreadableImageError, match="is a folder"):
        sources.read(str(folder))
    with pytest.raises(MissingImageError, match="'-' does not exist"):
        sources.read("-")  # standard input belongs to the parent
