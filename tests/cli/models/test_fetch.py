"""models fetch."""

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.conftest import Run
from weights.server import Shelf, serving

DOWNLOAD = """
import sys
from dataclasses import replace
from visavis.weights import spec
spec.SPECS = (replace(
    spec.YUNET_FLOAT, name="test-net", file="test.bin", url=sys.argv.pop(1), sha256="", size=500_000,
    non_commercial=True, license="for tests only",
),)
from visavis.__main__ import main
main()
"""
"""The program, with a catalogue of one file that a server on this machine has."""


def fetch(shelf: Shelf, folder: Path, *words: str, stderr: int = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("VISAVIS_")}
    more = {"VISAVIS_CACHE": str(folder / "cache"), "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", "TERM": "xterm"}
    return subprocess.run(
        [sys.executable, "-c", DOWNLOAD, f"{shelf.url}/test.bin", "models", "fetch", "test-net", *words],
        env={**kept, **more, "COLUMNS": "120"},
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        timeout=120,
        check=False,
    )


def test_fetch_names_the_checked_file(run: Run) -> None:
    line = run("models", "fetch", "mtcnn-pnet", "--json").line
    assert Path(line["path"]).stat().st_size == line["bytes"] == 27_119


def test_fetch_refuses_a_file_of_another_hash(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "pnet.lz4").write_bytes(b"something else")
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path))
    done = run("models", "fetch", "mtcnn-pnet")
    assert (done.code, done.out) == (3, "")
    assert "SHA-256" in done.err
    assert done.err.count("\n") == 1


@pytest.fixture
def served() -> Iterator[Shelf]:
    with serving() as shelf:
        shelf.files["/test.bin"] = bytes(range(256)) * 2000
        shelf.slow.add("/test.bin")
        yield shelf


def test_a_license_is_accepted_and_the_file_is_pinned(served: Shelf, tmp_path: Path) -> None:
    done = fetch(served, tmp_path, "--json")
    assert (done.returncode, done.stdout, done.stderr.count("\n"), served.asked) == (3, "", 1, [])
    assert "accept it once, by --accept-license" in done.stderr
    done = fetch(served, tmp_path, "--accept-license", "--json")
    assert (done.returncode, done.stderr) == (0, "visavis: test-net: for tests only.\n")  # no bar in a file or a pipe
    line = json.loads(done.stdout)
    digest = hashlib.sha256(served.files["/test.bin"]).hexdigest()
    assert (line["pinned"], line["pin"], line["bytes"]) == ("here", digest, 512_000)
    assert fetch(served, tmp_path, "--json").stdout == done.stdout
    assert served.asked == ["/test.bin"]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such terminals")
def test_a_download_shows_its_progress_on_a_terminal(served: Shelf, tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    try:
        done = fetch(served, tmp_path, "--accept-license", "--json", stderr=theirs)
        shown = os.read(ours, 1 << 20).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert (done.returncode, json.loads(done.stdout)["name"]) == (0, "test-net")
    assert re.search(r"test\.bin .*\d+/512\.0 kB", shown), shown
