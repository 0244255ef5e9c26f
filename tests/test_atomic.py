"""Files and folders are written whole or not at all: at errors, kills, full disks, planted links and two writers."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import BinaryIO

import pytest

from visavis import atomic

fcntl = pytest.importorskip("fcntl") if os.name == "posix" else None
OLD, NEW = b"old", b"new" * 1000
posix = pytest.mark.skipif(os.name != "posix", reason="links, pipes, signals and limits of POSIX")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def run(program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("name", ["page.html", "a" * 251 + ".jpg", "Ünï [1]*?.csv"])
@pytest.mark.parametrize("before", [None, OLD])
def test_a_file_is_written_or_replaced_and_nothing_else_is_left(
    name: str, before: bytes | None, tmp_path: Path
) -> None:
    path = tmp_path / name
    if before is not None:
        path.write_bytes(before)
    atomic.write_bytes(path, NEW)
    assert (path.read_bytes(), names(tmp_path)) == (NEW, [name])


def test_text_keeps_its_line_ends(tmp_path: Path) -> None:
    atomic.write_text(tmp_path / "a.txt", "é\r\n\n")
    assert (tmp_path / "a.txt").read_bytes() == b"\xc3\xa9\r\n\n"


def test_a_copy_has_the_content(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(NEW)
    atomic.copy(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == NEW
    with pytest.raises(FileNotFoundError) as caught:
        atomic.copy(tmp_path / "missing", tmp_path / "b")
    assert (caught.value.filename, (tmp_path / "b").read_bytes()) == (str(tmp_path / "missing"), NEW)


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt()])
def test_an_error_keeps_the_old_file(error: BaseException, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(OLD)

    def write_half(file: BinaryIO) -> None:
        file.write(NEW)
        raise error

    with pytest.raises(type(error)):
        atomic.write(path, write_half)
    assert (path.read_bytes(), names(tmp_path)) == (OLD, ["a"])


@posix
def test_files_and_folders_are_private(tmp_path: Path) -> None:
    """``test_permissions.py`` tries more umasks."""
    previous = os.umask(0o027)
    try:
        atomic.write_bytes(tmp_path / "a", NEW)
        with atomic.new_folder(tmp_path / "folder"), atomic.folder_beside(tmp_path / "b") as beside:
            work = stat.S_IMODE(beside.stat().st_mode)
    finally:
        os.umask(previous)
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("a", "folder")]
    assert (modes, work) == ([0o600, 0o700], 0o700)


def test_the_content_is_on_the_disk_before_the_file_takes_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []
    monkeypatch.setattr(os, "fsync", lambda file: sizes.append((os.fstat(file).st_size, names(tmp_path)[-1])))
    atomic.write_bytes(tmp_path / "a", NEW)
    with atomic.new_folder(tmp_path / "b") as folder:
        (folder / "c").write_bytes(OLD)
    assert [size for size, _ in sizes] == [len(NEW), len(OLD)]
    assert sizes[0][1].endswith(".part")


# ------------------------------------------------------------------------------------------- the destination


@posix
def test_a_link_at_the_destination_is_replaced_and_its_target_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(OLD)
    (tmp_path / "link").symlink_to("target")
    (tmp_path / "dangling").symlink_to("missing")
    for name in ("link", "dangling"):
        atomic.write_bytes(tmp_path / name, NEW)
        assert not (tmp_path / name).is_symlink()
        assert (tmp_path / name).read_bytes() == NEW
    assert ((tmp_path / "target").read_bytes(), names(tmp_path)) == (OLD, ["dangling", "link", "target"])


@posix
@pytest.mark.parametrize("linked", [False, True])
@pytest.mark.parametrize("kind", ["pipe", "folder"])
def test_what_is_no_file_is_refused(kind: str, linked: bool, tmp_path: Path) -> None:
    path = tmp_path / "a"
    os.mkfifo(path) if kind == "pipe" else path.mkdir()
    if linked:
        path = tmp_path / "link"
        path.symlink_to("a")
    before = names(tmp_path)
    with pytest.raises(
        FileExistsError, match="it is no regular file" if kind == "pipe" else "it is a folder"
    ) as caught:
        atomic.write_bytes(path, NEW)
    assert caught.value.filename == str(path)
    assert names(tmp_path) == before


def test_errors_name_the_destination(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "a"
    for act in (lambda: atomic.write_bytes(path, NEW), lambda: atomic.new_folder(path).__enter__()):
        with pytest.raises(FileNotFoundError) as caught:
            act()
        assert caught.value.filename == str(path)


@posix
def test_a_planted_link_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where its name was guessed, which takes 2**64 tries."""
    monkeypatch.setattr(atomic, "token_hex", lambda _: "0" * 16)
    (tmp_path / "victim").write_bytes(OLD)
    planted = atomic.unfinished(tmp_path / "a")
    planted.symlink_to(tmp_path / "victim")
    for act in (lambda: atomic.write_bytes(tmp_path / "a", NEW), lambda: atomic.new_folder(tmp_path / "a").__enter__()):
        with pytest.raises(FileExistsError):
            act()
    assert ((tmp_path / "victim").read_bytes(), (tmp_path / "a").exists()) == (OLD, False)


# ------------------------------------------------------------------------------- full disks, kills, two writers

FULL = """
import resource, sys
from pathlib import Path
from visavis import atomic
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    atomic.write_bytes(Path(sys.argv[1]), bytes(5000))
except OSError as error:
    print(error.filename, error.strerror)
"""

KILLED = """
import os, signal, sys
from pathlib import Path
from visavis import atomic
path = Path(sys.argv[1])
with atomic.new_folder(path) if sys.argv[2] == "folder" else atomic.new_file(path) as new:
    if sys.argv[2] == "folder":
        (new / "a").write_bytes(b"half")
    else:
        new.write(b"half")
        new.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@posix
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_without_locks_a_rest_is_deleted_after_a_day(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atomic, "fcntl", None)
    left = atomic.unfinished(tmp_path / "a")
    left.mkdir() if kind == "folder" else left.touch()
    for age, exists in ((atomic.ABANDONED_S - 60, True), (atomic.ABANDONED_S + 60, False)):
        os.utime(left, (time.time() - age,) * 2)
        atomic._remove_abandoned.cache_clear()
        atomic.write_bytes(tmp_path / "b", NEW)
        assert left.exists() == exists


@posix
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_a_process_writes_for_more_than_a_day_stays(kind: str, tmp_path: Path) -> None:
    """Such as the gallery of a search through days of videos."""
    with atomic.new_file(tmp_path / "a") if kind == "file" else atomic.folder_beside(tmp_path / "a"):
        (part,) = tmp_path.iterdir()
        os.utime(part, (time.time() - 2 * atomic.ABANDONED_S,) * 2)
        atomic._remove_abandoned.cache_clear()
        atomic.write_bytes(tmp_path / "b", NEW)
        assert part.exists()
    assert not part.exists()


@posix
def test_a_full_disk_keeps_the_old_file(tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk."""
    path = tmp_path / "a"
    path.write_bytes(OLD)
    assert run(FULL, path).stdout == f"{path} File too large\n"
    assert (path.read_bytes(), names(tmp_path)) == (OLD, ["a"])


@posix
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_killed_writer_leaves_the_old_file_and_its_rest_is_deleted(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    if kind == "file":
        path.write_bytes(OLD)
    assert run(KILLED, path, kind).returncode == -9
    (left,) = (entry for entry in tmp_path.iterdir() if entry != path)
    assert atomic.UNFINISHED.fullmatch(left.name)
    assert path.exists() == (kind == "file")

    monkeypatch.setattr(atomic, "LOCKED_S", 1000)  # this process may have to wait meanwhile
    atomic._remove_abandoned.cache_clear()
    atomic.write_bytes(tmp_path / "b", NEW)
    assert left.exists(), "its writer may be about to lock it"
    monkeypatch.setattr(atomic, "LOCKED_S", 0)
    left_lock = os.open(left, os.O_RDONLY)
    fcntl.flock(left_lock, fcntl.LOCK_EX)
    atomic._remove_abandoned.cache_clear()
    atomic.write_bytes(tmp_path / "b", NEW)
    assert left.exists(), "its writer is at work"
    os.close(left_lock)
    (tmp_path / ".a.visavis-0.part").write_bytes(OLD)
    os.utime(tmp_path / ".a.visavis-0.part", (0, 0))
    atomic._remove_abandoned.cache_clear()
    atomic.write_bytes(tmp_path / "b", NEW)
    assert not left.exists()
    assert (tmp_path / ".a.visavis-0.part").exists(), "another name is another program's"


def test_of_two_writers_at_once_one_wins_and_both_write_whole_files(tmp_path: Path) -> None:
    path, start = tmp_path / "a", threading.Barrier(9)
    path.write_bytes(b"0" * 100_000)
    seen = set()

    def write(letter: bytes) -> None:
        start.wait()
        for _ in range(20):
            atomic.write(path, lambda file: [file.write(letter) for _ in range(100_000)])

    writers = [threading.Thread(target=write, args=(bytes([65 + n]),)) for n in range(8)]
    for writer in writers:
        writer.start()
    start.wait()
    while any(writer.is_alive() for writer in writers):
        seen.add(path.read_bytes())
    assert {(len(content), len(set(content))) for content in seen} == {(100_000, 1)}
    assert names(tmp_path) == ["a"]


# ----------------------------------------------------------------------------------------------- whole folders


def test_a_folder_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "export"
    with atomic.new_folder(path) as folder:
        (folder / "deep").mkdir()
        (folder / "deep" / "a").write_bytes(NEW)
        assert not path.exists()
    assert ((path / "deep" / "a").read_bytes(), names(tmp_path)) == (NEW, ["export"])
    with pytest.raises(OSError, match=r"not empty|exists|denied") as caught, atomic.new_folder(path) as folder:
        (folder / "b").write_bytes(NEW)
    assert caught.value.filename == str(path)
    with pytest.raises(ValueError, match="x"), atomic.new_folder(tmp_path / "other"):
        raise ValueError("x")
    assert (names(path), names(tmp_path)) == (["deep"], ["export"])


def test_a_folder_beside_is_deleted_and_what_was_moved_out_stays(tmp_path: Path) -> None:
    with atomic.folder_beside(tmp_path / "a") as folder:
        assert folder.parent == tmp_path
        (folder / "part").write_bytes(NEW)
        (folder / "rest").write_bytes(OLD)
        atomic.move(folder / "part", tmp_path / "a")
    assert ((tmp_path / "a").read_bytes(), names(tmp_path)) == (NEW, ["a"])


def test_a_folder_is_removed_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "a").write_bytes(OLD)
    seen = []
    monkeypatch.setattr(atomic.shutil, "rmtree", lambda path: seen.append((path.name, (tmp_path / "model").exists())))
    atomic.remove_folder(tmp_path / "model")
    assert atomic.UNFINISHED.fullmatch(seen[0][0])
    assert seen[0][1] is False
