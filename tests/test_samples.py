"""The demo's photos: unpacking, hashes, atomic placing and working offline, on archives made here."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tarfile
import venv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from visavis import images, samples
from visavis.cache import cache_dir
from visavis.errors import WeightsError

CONTENTS = {name: f"photo {name}".encode() * 100 for name in samples.PHOTOS}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path / "my cache é"))
    monkeypatch.setenv("VISAVIS_OFFLINE", "1")
    return tmp_path / "my cache é" / "samples"


def pack(path: Path, contents: dict[str, bytes], *, more: dict[str, bytes] | None = None) -> Path:
    """A source archive like the real one, with whatever else is wanted in it."""
    members = {f"{samples.FOLDER}/{name}": data for name, data in contents.items()} | (more or {})
    with tarfile.open(path, "w:gz") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def pin(monkeypatch: pytest.MonkeyPatch, archive: Path, contents: dict[str, bytes] = CONTENTS) -> None:
    """Make the archive the one that is asked for."""
    monkeypatch.setattr(samples, "SHA256", hashlib.sha256(archive.read_bytes()).hexdigest())
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}
    monkeypatch.setattr(samples, "PHOTOS", hashes)


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    hostile = {"../../escaped": b"x", "/tmp/escaped": b"x", "face_recognition-1.3.0/setup.py": b"1/0"}
    path = pack(tmp_path / samples.ARCHIVE, CONTENTS, more=hostile)
    pin(monkeypatch, path)
    return path


def by_hand(archive: Path, cache: Path) -> None:
    cache.mkdir(parents=True)
    (cache / samples.ARCHIVE).write_bytes(archive.read_bytes())


def test_only_the_photos_are_unpacked(archive: Path, tmp_path: Path) -> None:
    target = tmp_path / "a" / "b"
    target.mkdir(parents=True)
    samples.unpack(archive, target)
    assert {path.name: path.read_bytes() for path in target.iterdir()} == CONTENTS
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", samples.ARCHIVE]


def test_an_archive_put_into_the_cache_serves_offline(archive: Path, cache: Path) -> None:
    by_hand(archive, cache)
    found = samples.load_samples()
    assert found.obama == cache / "obama.jpg"
    assert found.obama_partial2 == cache / "obama_partial_face2.jpg"
    assert [path.read_bytes() for path in found.all] == list(CONTENTS.values())
    assert sorted(path.name for path in cache.iterdir()) == sorted([*CONTENTS, samples.ARCHIVE])


def test_cached_photos_need_no_archive(archive: Path, cache: Path) -> None:
    by_hand(archive, cache)
    samples.load_samples()
    (cache / samples.ARCHIVE).unlink()
    before = {path: path.stat().st_mtime_ns for path in samples.load_samples().all}
    assert {path: path.stat().st_mtime_ns for path in samples.load_samples().all} == before


@pytest.mark.parametrize("damage", [b"", b"something else"])
def test_a_damaged_photo_is_put_right(archive: Path, cache: Path, damage: bytes) -> None:
    by_hand(archive, cache)
    samples.load_samples().biden.write_bytes(damage)
    assert samples.load_samples().biden.read_bytes() == CONTENTS["biden.jpg"]
    (cache / samples.ARCHIVE).unlink()
    (cache / "biden.jpg").write_bytes(damage)
    with pytest.raises(WeightsError, match="VISAVIS_OFFLINE is set"):
        samples.load_samples()


def test_offline_and_empty_is_one_sentence_that_says_what_to_do(cache: Path) -> None:
    with pytest.raises(WeightsError) as caught:
        samples.load_samples()
    assert str(caught.value) == (
        "the sample photos are not in the cache and VISAVIS_OFFLINE is set: unset it once, "
        f"or put face_recognition-1.3.0.tar.gz into {str(cache)!r}."
    )
    assert list(cache.iterdir()) == []


def test_a_wrong_archive_is_refused_whole(archive: Path, cache: Path) -> None:
    by_hand(archive, cache)
    data = bytearray((cache / samples.ARCHIVE).read_bytes())
    data[-1] ^= 1
    (cache / samples.ARCHIVE).write_bytes(data)
    with pytest.raises(WeightsError, match=f"has sha256 [0-9a-f]{{64}}, not {samples.SHA256}"):
        samples.load_samples()
    assert [path.name for path in cache.iterdir()] == [samples.ARCHIVE]


def test_nothing_is_placed_where_one_photo_is_wrong_or_missing(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = dict(CONTENTS, **{"obama3.jpg": b"another"})
    short = {name: data for name, data in CONTENTS.items() if name != "obama3.jpg"}
    for contents, words in ((wrong, "obama3.jpg is not what it was"), (short, "is not the archive")):
        made = pack(tmp_path / samples.ARCHIVE, contents)
        pin(monkeypatch, made)
        (cache / samples.ARCHIVE).unlink(missing_ok=True)
        cache.mkdir(parents=True, exist_ok=True)
        (cache / samples.ARCHIVE).write_bytes(made.read_bytes())
        with pytest.raises(WeightsError, match=words):
            samples.load_samples()
        assert [path.name for path in cache.iterdir()] == [samples.ARCHIVE]


def test_a_folder_or_a_link_in_place_of_a_photo(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = tmp_path / samples.ARCHIVE
    with tarfile.open(made, "w:gz") as opened:
        for name in CONTENTS:
            info = tarfile.TarInfo(f"{samples.FOLDER}/{name}")
            info.type, info.linkname = tarfile.SYMTYPE, "/etc/hostname"
            opened.addfile(info)
    pin(monkeypatch, made)
    by_hand(made, cache)
    with pytest.raises(WeightsError, match="is not the archive of the sample photos"):
        samples.load_samples()


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path / "file"))
    with pytest.raises(WeightsError, match="cannot be kept in"):
        samples.load_samples()


def test_many_at_once_all_get_whole_photos(archive: Path, cache: Path) -> None:
    by_hand(archive, cache)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: [path.read_bytes() for path in samples.load_samples().all], range(16)))
    assert found == [list(CONTENTS.values())] * 16
    assert sorted(path.name for path in cache.iterdir()) == sorted([*CONTENTS, samples.ARCHIVE])


def fake_pip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, body: str) -> None:
    """A real process in pip's place: an interpreter's path that starts this script whatever it is asked."""
    script = tmp_path / "pip.py"
    script.write_text(body, encoding="utf-8")
    launcher = tmp_path / "python"
    launcher.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{script}" "$@"\n', encoding="utf-8")
    launcher.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(launcher))
    monkeypatch.delenv("VISAVIS_OFFLINE")


@pytest.mark.skipif(sys.platform == "win32", reason="starts a shell script")
def test_what_pip_is_asked_and_where_its_file_goes(
    archive: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = f"""
import pathlib, shutil, sys
command = sys.argv[1:]
pathlib.Path({str(tmp_path / "asked")!r}).write_text(" ".join(command))
wanted = pathlib.Path(command[command.index("--requirement") + 1]).read_text()
assert wanted == "face_recognition==1.3.0 --hash=sha256:{samples.SHA256}\\n", wanted
shutil.copy({str(archive)!r}, command[command.index("--dest") + 1])
"""
    fake_pip(monkeypatch, tmp_path, body)
    assert [path.read_bytes() for path in samples.load_samples().all] == list(CONTENTS.values())
    asked = (tmp_path / "asked").read_text()
    assert asked.startswith("-m pip --disable-pip-version-check --no-input download --quiet --no-deps ")
    assert "--no-binary=face_recognition" in asked
    assert not {"--index-url", "--extra-index-url", "--trusted-host"} & set(asked.split())
    assert sorted(path.name for path in cache.iterdir()) == sorted(CONTENTS)
    (tmp_path / "asked").unlink()
    samples.load_samples()
    assert not (tmp_path / "asked").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="starts a shell script")
@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("import sys; sys.exit('ERROR: Nothing matches.\\n[notice] pip is old')", r"\(Nothing matches\)"),
        ("import sys; sys.exit('python: No module named pip')", "No module named pip"),
        ("raise SystemExit(1)", "it said nothing"),
        ("", "it said nothing"),
        ("import time; time.sleep(60)", "timed out after"),
    ],
)
def test_when_pip_fails(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, words: str) -> None:
    monkeypatch.setattr(samples, "PIP_SECONDS", 2 if "sleep" in body else 60)
    fake_pip(monkeypatch, tmp_path, body)
    with pytest.raises(WeightsError, match=words) as caught:
        samples.load_samples()
    assert str(caught.value).startswith("pip could not fetch the sample photos (")
    assert str(caught.value).endswith(f"): put {samples.ARCHIVE} into {str(cache)!r}.")
    assert "\n" not in str(caught.value)
    assert list(cache.iterdir()) == []


def test_an_environment_without_pip(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    venv.create(tmp_path / "bare", with_pip=False)
    python = tmp_path / "bare" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.delenv("VISAVIS_OFFLINE")
    monkeypatch.delenv("PYTHONPATH", raising=False)
    with pytest.raises(WeightsError, match=r"No module named pip\): put face_recognition"):
        samples.load_samples()


def test_the_real_photos() -> None:
    """From the user's cache, or else fetched now by pip, in a process of its own."""
    fetch = "from visavis.samples import load_samples; load_samples()"
    done = subprocess.run([sys.executable, "-c", fetch], capture_output=True, check=False, timeout=400)
    if done.returncode:
        assert b"WeightsError" in done.stderr
        pytest.skip(f"the sample photos are neither cached nor to be had: {done.stderr.decode()[-200:]}")
    photos = [images.read(path) for path in samples.load_samples().all]
    assert [photo.sha256 for photo in photos] == list(samples.PHOTOS.values())
    assert [(photo.width, photo.height) for photo in photos] == [
        (970, 2204), (910, 1137), (626, 1200), (1434, 2333), (491, 1137), (551, 1137),
    ]  # fmt: skip


def test_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path))
    assert cache_dir() == tmp_path
    monkeypatch.setenv("VISAVIS_CACHE", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    assert cache_dir().name == "visavis" or "visavis" in cache_dir().parts
    if sys.platform == "linux":
        assert cache_dir() == tmp_path / "caches" / "visavis"
