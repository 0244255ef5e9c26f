"""Files that users name: regular files, and never a wait for a writer or a read without an end."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from visavis import input_files
from visavis.input_files import SpecialFileError, expand_home, open_file, open_pipe, open_stream, read_file

POSIX = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are of POSIX")
DEVICES = pytest.mark.skipif(not Path("/dev/fd").exists(), reason="no /dev/fd here")


def test_a_file_is_read_whole_up_to_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(b"x" * 1000)
    assert read_file(path, most=1000) == b"x" * 1000
    with pytest.raises(OSError, match="it has more than 999 bytes") as caught:
        read_file(path, most=999)
    assert (caught.value.errno, caught.value.filename) == (errno.EFBIG, str(path))


def test_limits_are_stated_in_mebibytes(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    with path.open("wb") as sparse:
        sparse.truncate(1 << 40)
    with pytest.raises(OSError, match="it has more than 2 MiB"):
        read_file(path, most=2 << 20)


def test_folders_and_missing_files_are_errors_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        open_file(tmp_path)
    with pytest.raises(FileNotFoundError):
        open_file(tmp_path / "none")
    for name in ("a\0b", "a\ud800b"):
        with pytest.raises(OSError, match="cannot be the name of a file"):
            open_file(name)


@POSIX
@pytest.mark.parametrize("opened", [open_file, open_stream])
def test_named_pipes_sockets_and_links_to_devices_are_refused_at_once(tmp_path: Path, opened: object) -> None:
    assert callable(opened)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(os.path.relpath(tmp_path / "socket"))
        for name, kind in {"pipe": "a named pipe", "device": "a device", "socket": "a socket or a device"}.items():
            with pytest.raises(SpecialFileError, match=f"it is {kind}, not a file"):
                opened(tmp_path / name)


@POSIX
def test_a_file_that_becomes_a_pipe_between_question_and_opening(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(b"a,b\n")
    opened = os.open

    def swap(*arguments: object) -> int:
        path.unlink()
        os.mkfifo(path)
        return opened(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("visavis.input_files.os.open", swap)
    with pytest.raises(SpecialFileError, match="a named pipe"):
        read_file(path, most=100)


@DEVICES
def test_devices_are_read_up_to_the_limit_and_never_as_regular_files() -> None:
    assert read_file("/dev/null", most=10) == b""
    with pytest.raises(OSError, match="more than 1 MiB"):
        read_file("/dev/zero", most=1 << 20)
    with pytest.raises(SpecialFileError):
        open_file("/dev/zero")


@DEVICES
def test_what_a_shell_pipes_is_waited_for() -> None:
    script = "import sys; from visavis import input_files; print(input_files.read_file(sys.argv[1], most=100))"
    for path in ("/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"):
        done = subprocess.run(
            ["sh", "-c", f'(sleep 0.3; echo a; sleep 0.3; echo b) | "{sys.executable}" -c "{script}" {path}'],
            capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        assert done.stdout == "b'a\\nb\\n'\n"


@POSIX
def test_a_pipe_is_waited_for_until_a_program_writes_to_it(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(TimeoutError, match=r"no program has written to this pipe in 0\.1 seconds"):
        open_pipe(path, seconds=0.1)
    writer = threading.Timer(0.2, path.write_bytes, (b"abc",))
    writer.start()
    with open_pipe(path, seconds=30) as file:
        assert file.read(100) == b"abc"
    writer.join()


def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    """Of several rounds the one with the fewest: threads that other tests left may open files meanwhile."""
    stay_open = []
    for _ in range(5):
        before = _count_descriptors()
        for _ in range(5):
            with pytest.raises(IsADirectoryError):
                input_files.open_file(tmp_path)
        stay_open.append(_count_descriptors() - before)
    assert min(stay_open) <= 0


def _count_descriptors() -> int:
    return len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0  # noqa: PTH208


def test_the_folder_of_a_user_who_does_not_exist_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/srv/ann")
    assert expand_home("~/faces.db") == Path("/srv/ann/faces.db")
    assert expand_home("~no-such-user/faces.db") == Path("~no-such-user/faces.db")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("-", True), ("/dev/stdin", True), ("/dev/fd/0", True), ("/proc/self/fd/12", True),
        ("./-", False), ("dev/stdin", False), ("/dev/zero", False), ("a.jpg", False),
    ],
)  # fmt: skip
def test_names_of_what_is_open_already(name: str, expected: bool) -> None:
    assert input_files.is_stream(name) is expected
