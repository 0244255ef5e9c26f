"""Photos at URLs, by fsspec."""

from __future__ import annotations

import io
import sys
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from threading import Thread

import pytest

from visavis import images
from visavis.bulk import Outcome, sources
from visavis.errors import (
    MissingExtraError,
    MissingImageError,
    TooLargeImageError,
    UnreadableImageError,
    UsageError,
)

needs_fsspec = pytest.mark.skipif(find_spec("fsspec") is None, reason="the package fsspec is not installed")

FILES = {"a.jpg": b"A", "sub/b.PNG": b"B", "sub/.hidden.jpg": b"-", "sub/notes.txt": b"-", "sub/deep/c.webp": b"C"}


@pytest.fixture
def memory() -> Iterator[str]:
    import fsspec

    system = fsspec.filesystem("memory")
    for name, data in FILES.items():
        system.pipe_file(f"/album/{name}", data)
    yield "memory://album"
    system.store.clear()
    system.pseudo_dirs[:] = [""]


@needs_fsspec
def test_a_folder_in_memory_is_gone_through_and_read(memory: str) -> None:
    found = list(sources.walk([memory]))
    assert found == ["memory:///album/a.jpg", "memory:///album/sub/b.PNG", "memory:///album/sub/deep/c.webp"]
    assert [sources.read(str(one)) for one in found] == [b"A", b"B", b"C"]


@needs_fsspec
def test_one_photo_and_what_is_not_there(memory: str) -> None:
    assert list(sources.walk(["memory://album/a.jpg"])) == ["memory://album/a.jpg"]
    assert list(sources.walk(["memory://album/sub/notes.txt"])) == ["memory://album/sub/notes.txt"]
    assert list(sources.walk(["memory://nothing"])) == [
        Outcome("memory://nothing", "missing", message="'memory://nothing' does not exist.")
    ]
    with pytest.raises(MissingImageError, match=r"^'memory://album/z.jpg' does not exist\.$"):
        sources.read("memory://album/z.jpg")


@needs_fsspec
def test_files_by_url(folder: Path) -> None:
    for name, data in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    found = list(sources.walk([folder.as_uri()]))
    assert found == [f"file://{folder}/{name}" for name in ("a.jpg", "sub/b.PNG", "sub/deep/c.webp")]
    assert [sources.read(str(one)) for one in found] == [b"A", b"B", b"C"]


@needs_fsspec
def test_photos_in_an_archive_by_chained_urls(tmp_path: Path) -> None:
    archive = tmp_path / "album.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for name, data in FILES.items():
            file.writestr(name, data)
    inside = f"::file://{archive}"
    found = list(sources.walk([f"zip://{inside}"]))
    assert found == [f"zip://{name}{inside}" for name in ("a.jpg", "sub/b.PNG", "sub/deep/c.webp")]
    assert [sources.read(str(one)) for one in found] == [b"A", b"B", b"C"]
    assert list(sources.walk([f"zip://sub/deep{inside}"])) == [f"zip://sub/deep/c.webp{inside}"]


@needs_fsspec
def test_a_damaged_archive_is_no_crash(tmp_path: Path) -> None:
    (tmp_path / "album.zip").write_bytes(b"no archive")
    url = f"zip://a.jpg::file://{tmp_path / 'album.zip'}"
    with pytest.raises(UnreadableImageError, match="cannot be read: File is not a zip file"):
        sources.read(url)
    (one,) = sources.walk([url.replace("a.jpg", "")])
    assert isinstance(one, Outcome)
    assert (one.status, one.message.rpartition(": ")[2]) == ("unreadable", "File is not a zip file.")


@pytest.fixture
def server(folder: Path) -> Iterator[str]:
    pytest.importorskip("aiohttp", reason="the package aiohttp is not installed")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as serving:
        Thread(target=serving.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{serving.server_port}"
        serving.shutdown()


@needs_fsspec
def test_photos_of_a_web_server(server: str, folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "a.jpg").write_bytes(b"A")
    (folder / "sub" / "b.jpg").write_bytes(b"B")
    assert list(sources.walk([f"{server}/"])) == [f"{server}/a.jpg", f"{server}/sub/b.jpg"]
    assert sources.read(f"{server}/sub/b.jpg") == b"B"
    with pytest.raises(MissingImageError):
        sources.read(f"{server}/c.jpg")


def test_without_fsspec_one_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "fsspec"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(
        MissingExtraError, match=r"^photos at s3:// take the package fsspec: pip install 'visavis\[remo"
    ):
        list(sources.walk(["s3://bucket/album"]))


@needs_fsspec
@pytest.mark.skipif(find_spec("s3fs") is not None, reason="the package s3fs is installed")
def test_where_fsspec_needs_another_package_it_is_named() -> None:
    with pytest.raises(MissingExtraError, match=r"s3:// take another package, installed by pip: .*s3fs"):
        list(sources.walk(["s3://bucket/album"]))


@needs_fsspec
def test_a_url_that_means_nothing() -> None:
    with pytest.raises(UsageError, match="'nonsense://x' is no place of photos: Protocol not known: nonsense"):
        list(sources.walk(["nonsense://x"]))


def test_more_bytes_than_a_photo_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("visavis.images.load.MIN_BYTES_LIMIT", 10)
    with pytest.raises(TooLargeImageError, match=r"^'s3://album/large.jpg' holds more than 10 bytes, more"):
        images.encoded(io.BytesIO(bytes(11)), name="s3://album/large.jpg", max_pixels=1)
    assert images.encoded(io.BytesIO(bytes(10)), name="s3://album/small.jpg", max_pixels=1) == bytes(10)
