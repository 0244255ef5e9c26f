"""What visavis writes is for its user alone, whatever the umask; what others can read or change is named."""

from __future__ import annotations

import os
import re
import stat
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from visavis import atomic, cache, converted, permissions
from visavis.embedding_cache.photo_cache import EmbeddingCache
from visavis.errors import GalleryError, UsageError, VisavisWarning, WeightsError
from visavis.gallery import Gallery, Template
from visavis.gallery.archive import read_model
from visavis.pipeline import Recognizer

pytestmark = pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=[0o000, 0o022, 0o077, 0o777], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    previous = os.umask(request.param)
    yield request.param
    os.umask(previous)


def test_files_and_folders_are_private_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    permissions.make_folder(tmp_path / "new" / "folder")
    path = tmp_path / "new" / "folder" / "a"
    atomic.write_bytes(path, b"a")
    with atomic.new_folder(tmp_path / "export") as folder, atomic.folder_beside(path) as beside:
        assert mode(beside) == 0o700
        (folder / "inside").mkdir(0o700)
        (folder / "inside" / "b").touch(0o666)
        (folder / "moved").touch(0o666)
        atomic.move(folder / "moved", path.with_name("moved"))
    files = [path, path.with_name("moved"), tmp_path / "export" / "inside" / "b"]
    folders = [path.parent, path.parent.parent, tmp_path / "export", tmp_path / "export" / "inside"]
    assert [oct(mode(file)) for file in files] == ["0o600"] * 3
    assert [oct(mode(folder)) for folder in folders] == ["0o700"] * 4


def test_an_existing_folder_keeps_its_permissions_and_a_replaced_file_becomes_private(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir(0o755)
    file = tmp_path / "shared" / "page.html"
    file.touch(0o644)
    permissions.make_folder(tmp_path / "shared")
    atomic.write_text(file, "new")
    assert (mode(tmp_path / "shared"), mode(file)) == (0o755, 0o600)
    with pytest.raises(FileExistsError):
        permissions.make_folder(file)


def test_a_gallery_and_its_log_are_private(tmp_path: Path, umask: int) -> None:
    with Gallery(tmp_path / "faces.db", model="m") as gallery:
        gallery.add("Ann", [Template([1.0, 0.0])])
        files = sorted(tmp_path.iterdir())
        assert [file.name for file in files] == ["faces.db", "faces.db-shm", "faces.db-wal"]
        assert [oct(mode(file)) for file in files] == ["0o600"] * 3
        gallery.export(tmp_path / "export")
    exported = [tmp_path / "export", *(tmp_path / "export").iterdir()]
    assert [oct(mode(path)) for path in exported] == ["0o700", "0o600", "0o600"]


def test_a_gallery_that_others_can_read_is_named_once_with_the_command_that_mends_it(tmp_path: Path) -> None:
    place = tmp_path / "our faces.db"
    with Gallery(place, model="m") as gallery:
        gallery.add("Ann", [Template([1.0, 0.0])])
    place.chmod(0o644)
    tmp_path.chmod(0o755)
    with pytest.warns(
        VisavisWarning, match=r"other users .* can read .*our faces\.db.*: run chmod go= '.*db'$"
    ) as told:
        Gallery(place, create=False).close()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Gallery(place, create=False).close()
    command = str(told[0].message).partition(": run ")[2]
    assert os.system(command) == 0
    assert mode(place) == 0o600


def test_a_file_in_a_private_folder_or_of_another_group_is_not_named(tmp_path: Path) -> None:
    (tmp_path / "a").touch(0o644)
    tmp_path.chmod(0o700)
    assert not permissions.can_others_read(tmp_path / "a")
    tmp_path.chmod(0o755)
    assert permissions.can_others_read(tmp_path / "a")
    (tmp_path / "a").chmod(0o640)
    assert permissions.can_others_read(tmp_path / "a")
    if os.geteuid() == 0:
        os.chown(tmp_path / "a", -1, 12345)
        assert not permissions.can_others_read(tmp_path / "a"), "shared with that group on purpose"
    assert not permissions.can_others_read(tmp_path / "missing")


# ------------------------------------------------------------------------------------------------ the cache


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize("loose", [".", "onnx"])
def test_networks_in_a_cache_that_others_can_write_are_not_used(own_cache: Path, loose: str) -> None:
    planted = converted.convert_once("net", "0" * 64, lambda: b"network")
    assert oct(mode(planted)) == "0o600"
    assert [oct(mode(folder)) for folder in (own_cache, own_cache / "onnx")] == ["0o700", "0o700"]
    (own_cache / loose).chmod(0o777)
    with pytest.raises(WeightsError, match=rf"other users .* write to {own_cache / loose}: run chmod go-w ") as caught:
        converted.convert_once("net", "0" * 64, lambda: b"network")
    command = str(caught.value).partition(": run ")[2].partition(",")[0]
    assert os.system(command) == 0
    assert converted.convert_once("net", "0" * 64, lambda: b"other") == planted


def test_a_folder_in_a_folder_with_the_sticky_bit_is_trusted(own_cache: Path) -> None:
    own_cache.mkdir()
    own_cache.chmod(0o1777)
    assert cache.trusted_folder("onnx") == own_cache / "onnx"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="takes root to make files of another user")
def test_a_folder_of_another_user_is_not_trusted(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (own_cache / "onnx").mkdir(0o700, parents=True)
    os.chown(own_cache / "onnx", 4711, -1)
    fault = f"{own_cache / 'onnx'} belongs to another user: if you trust what is in it, run "
    with pytest.raises(WeightsError, match=re.escape(f"is not used, because {fault}chown -R 0 {own_cache}")):
        converted.convert_once("net", "0" * 64, lambda: b"network")
    with monkeypatch.context() as patch:
        patch.setattr(os, "geteuid", lambda: 4712)
        assert permissions.find_distrust(own_cache / "onnx") == f"{fault}sudo chown -R 4712 {own_cache / 'onnx'}"
        assert permissions.find_distrust(own_cache) == "", "what belongs to root is trusted"
    os.system(f"chown -R 0 {own_cache / 'onnx'}")
    assert converted.convert_once("net", "0" * 64, lambda: b"network").is_file()


def test_embeddings_are_kept_in_private_files(own_cache: Path, umask: int) -> None:
    with EmbeddingCache(Recognizer()) as opened:
        assert opened.notes == []
        folder = own_cache / "embeddings"
        assert [oct(mode(folder)), *(oct(mode(file)) for file in folder.iterdir())][:2] == ["0o700", "0o600"]
        assert {oct(mode(file)) for file in folder.iterdir()} == {"0o600"}


def test_a_cache_of_embeddings_that_others_can_write_is_not_used_and_one_that_they_can_read_is_named(
    own_cache: Path,
) -> None:
    (own_cache / "embeddings").mkdir(parents=True)
    (own_cache / "embeddings").chmod(0o755)
    with pytest.warns(VisavisWarning, match=r"can read .*embeddings, which holds faces of photos: run chmod -R go= "):
        EmbeddingCache(Recognizer()).close()
    (own_cache / "embeddings").chmod(0o777)
    opened = EmbeddingCache(Recognizer())
    opened.close()
    (text,) = opened.notes
    assert "other users of this machine can write to" in text


# ---------------------------------------------------------------------------------------- what is left behind

KILLED = """
import os, signal, sys, time
from visavis import atomic
with atomic.temporary_folder("quantize") as folder:
    (folder / "network.onnx").write_bytes(b"half")
    print(folder, flush=True)
    if sys.argv[1] == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    sys.stdin.read()
"""


def test_temporary_folders_of_killed_processes_are_deleted_and_those_in_use_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import subprocess

    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    command = [sys.executable, "-c", KILLED]
    with subprocess.Popen([*command, "live"], stdin=-1, stdout=-1, text=True) as live:
        assert live.stdout is not None
        used = Path(live.stdout.readline().strip())
        # the other process, if it began a second later, would delete its folder
        killed = subprocess.run([*command, "kill"], capture_output=True, text=True, check=False)
        left = Path(killed.stdout.strip())
        for folder in (left, used):
            os.utime(folder, (0, 0))
        monkeypatch.setattr(atomic, "ABANDONED_S", 10**12)
        atomic._remove_abandoned.cache_clear()
        with atomic.temporary_folder("quantize") as own:
            assert own.parent == tmp_path
            assert (left.exists(), used.exists(), mode(own)) == (False, True, 0o700)
        live.communicate("")
    assert [*tmp_path.iterdir()] == []


def test_an_index_of_milvus_lite_is_in_a_private_folder(tmp_path: Path, umask: int) -> None:
    pytest.importorskip("milvus_lite")
    from visavis.gallery.index import milvus

    milvus._check_place(str(tmp_path / "index.db"))
    assert oct(mode(tmp_path / "index.db")) == "0o700"


def test_a_link_to_nothing_is_not_followed(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "faces.db"
    link.symlink_to(target)
    with pytest.raises(FileNotFoundError, match="a link to a file that does not exist"):
        permissions.create_file(link)
    with pytest.raises(GalleryError, match=r"faces\.db cannot be a gallery: it is a link to a file that does not"):
        Gallery(link)
    assert not target.exists()
    Gallery(target).close()
    Gallery(link).close()  # a link to a gallery is one


def test_only_an_export_is_named_with_the_command_that_makes_it_private(tmp_path: Path) -> None:
    (tmp_path / "no export").mkdir(0o755)
    (tmp_path / "other").mkdir(0o755)
    (tmp_path / "other" / "gallery.json").write_text("{}")
    for name in ("no export", "other"):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(UsageError, match="is no export of a gallery"):
                read_model(tmp_path / name)
    with Gallery(tmp_path / "a.db", model="m") as gallery:
        gallery.export(tmp_path / "out")
    (tmp_path / "out").chmod(0o755)
    with pytest.warns(VisavisWarning, match=f"run chmod -R go= {tmp_path / 'out'}"):
        assert read_model(tmp_path / "out") == "m"
