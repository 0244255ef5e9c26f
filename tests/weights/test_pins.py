"""Files whose hash nobody told us: pinned when they are first downloaded, and held to that."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from visavis.errors import WeightsError
from visavis.weights import download, spec, store
from visavis.weights.row import WeightSpec

from .server import Shelf

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

CONTENT = bytes(range(256)) * 2000


@pytest.fixture
def row(shelf: Shelf) -> WeightSpec:
    """A row of unknown hash, and the file behind its address."""
    shelf.files["/test_net.dat"] = CONTENT
    return replace(
        spec.DLIB_RESNET,
        extra="",
        name="test-net",
        file="test_net.dat",
        url=f"{shelf.url}/test_net.dat",
        sha256="",
        size=len(CONTENT) - 100,
        package=None,
        member=None,
    )


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_first_download_is_pinned_beside_the_file(cache: Path, shelf: Shelf, row: WeightSpec) -> None:
    path = store.find(row)
    assert path.read_bytes() == CONTENT
    assert names(cache / "weights") == ["test_net.dat", "test_net.dat.sha256"]
    assert (cache / "weights" / "test_net.dat.sha256").read_text() == f"{sha256(CONTENT)}  test_net.dat\n"
    assert store.read_pinned_hash(path) == store.digest(row) == sha256(CONTENT)
    assert store.find(row) == path
    assert shelf.asked == ["/test_net.dat"]


def test_another_file_later_is_an_error(cache: Path, row: WeightSpec) -> None:
    path = store.find(row)
    path.write_bytes(CONTENT[::-1])
    with pytest.raises(WeightsError) as caught:
        store.find(row)
    said = str(caught.value)
    assert said.startswith(f"{path} is not what was first downloaded as test-net")
    assert sha256(CONTENT) in said
    assert sha256(CONTENT[::-1]) in said
    assert "delete it" in said


def test_a_file_of_the_users_own_is_taken_as_it_is(
    cache: Path, tmp_path: Path, row: WeightSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine").mkdir()
    path = tmp_path / "mine" / row.file
    path.write_bytes(b"my own weights")
    monkeypatch.setenv("VISAVIS_WEIGHTS", str(path.parent))
    assert store.find(row) == path
    assert store.digest(row) == sha256(b"my own weights")
    assert names(path.parent) == [row.file]  # nothing is written there
    path.write_bytes(b"newer weights")
    assert store.digest(row) == sha256(b"newer weights")


def test_a_known_hash_needs_no_pin(cache: Path, row: WeightSpec) -> None:
    known = replace(row, sha256=sha256(CONTENT))
    assert store.digest(known) == known.sha256
    assert not cache.exists()  # not even looked for
    store.find(known)
    assert names(cache / "weights") == ["test_net.dat"]


@pytest.mark.parametrize("content", [b"", b"<html>Please log in</html>", CONTENT * 5])
def test_what_cannot_be_the_file_is_not_pinned(cache: Path, shelf: Shelf, row: WeightSpec, content: bytes) -> None:
    shelf.files["/test_net.dat"] = content
    with pytest.raises(WeightsError, match=rf"it has {len(content):,} bytes, not about {row.size:,}"):
        store.find(row)
    assert names(cache / "weights") == []


# Mirrors


def test_a_mirror_is_asked_where_the_first_address_fails(cache: Path, shelf: Shelf, row: WeightSpec) -> None:
    shelf.files["/copy.dat"] = CONTENT
    moved = replace(
        row, url=f"{shelf.url}/gone.dat", mirrors=("http://127.0.0.1:9/x", f"{shelf.url}/copy.dat", f"{shelf.url}/no")
    )
    assert store.find(moved).read_bytes() == CONTENT
    assert shelf.asked == ["/gone.dat", "/copy.dat"]


def test_a_mirror_that_sends_something_else_is_passed_over(cache: Path, shelf: Shelf, row: WeightSpec) -> None:
    shelf.files["/first.dat"] = b"something else"
    known = replace(row, sha256=sha256(CONTENT), url=f"{shelf.url}/first.dat", mirrors=(row.url,))
    assert store.find(known).read_bytes() == CONTENT


def test_where_all_fail_each_is_told(cache: Path, shelf: Shelf, row: WeightSpec) -> None:
    host = shelf.url.removeprefix("http://")
    gone = replace(row, url=f"{shelf.url}/one", mirrors=(f"{shelf.url}/two", "http://127.0.0.1:9/three"))
    with pytest.raises(WeightsError) as caught:
        store.find(gone)
    assert shelf.asked == ["/one", "/two"]
    assert str(caught.value) == (
        f"test_net.dat is missing ({host} answered 404 Not Found; 127.0.0.1:9 cannot be reached): "
        f"download {shelf.url}/one, then visavis models import FILE."
    )


# Archives


def zipped(**files: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, data in files.items():
            archive.writestr(f"folder/{name.replace('__', '.')}", data)
    return made.getvalue()


def test_a_file_of_an_archive(cache: Path, shelf: Shelf, row: WeightSpec) -> None:
    shelf.files["/pack.zip"] = zipped(other__dat=b"other", test_net__dat=CONTENT)
    packed = replace(row, url=f"{shelf.url}/pack.zip")
    assert store.find(packed).read_bytes() == CONTENT
    assert names(cache / "weights") == ["test_net.dat", "test_net.dat.sha256"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"no archive", "no archive that can be read"),
        (zipped(other__dat=b"x"), "holds 0 files test_net.dat"),
        (zipped(test_net__dat=bytes(100_000_000)), "far too large"),
        (zipped(test_net__dat=CONTENT)[:-30], "no archive that can be read"),
    ],
    ids=["text", "another file", "too large", "cut off"],  # an archive has the time in it, a name of a test must not
)
def test_archives_that_are_of_no_use(cache: Path, shelf: Shelf, row: WeightSpec, content: bytes, said: str) -> None:
    shelf.files["/pack.zip"] = content
    with pytest.raises(WeightsError, match=said):
        store.find(replace(row, url=f"{shelf.url}/pack.zip"))
    assert names(cache / "weights") == []


# Going on


def test_a_download_goes_on_where_it_broke_off(cache: Path, shelf: Shelf, row: WeightSpec) -> None:
    shelf.tags["/test_net.dat"] = '"v1"'
    shelf.broken.add("/test_net.dat")
    with pytest.raises(WeightsError, match=r"the connection to .* broke"):
        store.find(row)
    assert names(cache / "weights") == ["test_net.dat.part", "test_net.dat.part.tag"]
    have = (cache / "weights" / "test_net.dat.part").stat().st_size
    assert 0 < have < len(CONTENT)
    shelf.broken.clear()
    shelf.ranges.clear()
    assert store.find(row).read_bytes() == CONTENT
    assert shelf.ranges == [f"bytes={have}-"]
    assert names(cache / "weights") == ["test_net.dat", "test_net.dat.sha256"]


def test_a_file_that_changed_meanwhile_is_fetched_afresh(cache: Path, shelf: Shelf, row: WeightSpec) -> None:
    shelf.tags["/test_net.dat"] = '"v1"'
    shelf.broken.add("/test_net.dat")
    with pytest.raises(WeightsError):
        store.find(row)
    shelf.broken.clear()
    shelf.files["/test_net.dat"] = newer = CONTENT[::-1]
    shelf.tags["/test_net.dat"] = '"v2"'
    assert store.find(row).read_bytes() == newer


def test_without_a_mark_nothing_is_gone_on_with(cache: Path, shelf: Shelf, row: WeightSpec) -> None:
    shelf.broken.add("/test_net.dat")
    with pytest.raises(WeightsError):
        store.find(row)
    assert names(cache / "weights") == []
    shelf.broken.clear()
    assert store.find(row).read_bytes() == CONTENT
    assert shelf.ranges == ["", ""]


def test_what_a_dead_process_left_is_taken_up_after_a_while(
    cache: Path, shelf: Shelf, row: WeightSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.tags["/test_net.dat"] = '"v1"'
    (cache / "weights").mkdir(parents=True)
    left = cache / "weights" / f"test_net.dat.{4711:016x}.part"
    left.write_bytes(CONTENT[:1000])
    left.with_name(f"{left.name}.tag").write_text(f'{row.url}\n"v1"')
    assert store.find(row).read_bytes() == CONTENT
    assert shelf.ranges == [""]  # it may still be written to
    (cache / "weights" / row.file).unlink()
    monkeypatch.setattr(download, "ABANDONED_S", -1)
    assert store.find(row).read_bytes() == CONTENT
    assert shelf.ranges == ["", "bytes=1000-"]
    assert names(cache / "weights") == ["test_net.dat", "test_net.dat.sha256"]


def test_progress_is_told(cache: Path, row: WeightSpec) -> None:
    told: list[tuple[str, int, int | None]] = []
    with download.progress_to(lambda row, have, total: told.append((row.name, have, total))):
        store.find(row)
    assert told[-1] == ("test-net", len(CONTENT), len(CONTENT))
    assert [have for _, have, _ in told] == sorted(have for _, have, _ in told)
    store.find(row)
    assert told[-1] == ("test-net", len(CONTENT), len(CONTENT))
