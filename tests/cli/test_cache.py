"""cache list, clear, forget."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from cli.conftest import Photos, Run
from visavis.embedding_cache.crop_folders import write_photos
from visavis.embedding_cache.photo_cache import CachedPhoto, EmbeddingCache
from visavis.pipeline import Recognizer

NOTHING = CachedPhoto(10, 10, (), (), np.empty((0, 16), np.float32))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, photos: Photos) -> Path:
    """A cache that remembers two photos."""
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path / "cache"))
    hashes = [sha256(Path(photo).read_bytes()).hexdigest() for photo in (photos.red, photos.blue)]
    with EmbeddingCache(Recognizer()) as cache:
        cache.keep(dict.fromkeys(hashes, NOTHING))
    return tmp_path / "cache"


def test_list(run: Run, folder: Path) -> None:
    lines = run("cache", "list", "--json").lines
    assert [line["part"] for line in lines] == ["embeddings", "crops", "onnx", "weights", "samples", "licenses"]
    (file,) = (folder / "embeddings").iterdir()
    assert (lines[0]["files"], lines[0]["bytes"]) == (1, file.stat().st_size)
    assert lines[0]["path"] == str(folder / "embeddings")
    assert "faces and embeddings of photos" in run("cache", "list").out


def test_forget_a_photo_by_its_bytes_or_its_hash(run: Run, folder: Path, photos: Photos) -> None:
    digest = sha256(Path(photos.blue).read_bytes()).hexdigest()
    lines = run("cache", "forget", photos.red, digest.upper(), photos.dark_red, "--json").lines
    assert [line["entries"] for line in lines] == [1, 1, 0]
    assert lines[1]["sha256"] == digest
    assert digest.encode() not in b"".join(file.read_bytes() for file in (folder / "embeddings").iterdir())
    assert run("cache", "forget", photos.red, "--json").line["entries"] == 0
    done = run("cache", "forget", "missing.jpg")
    assert (done.code, "missing.jpg" in done.err) == (2, True)


def test_forget_deletes_the_crops_of_trainings_with_the_photo(run: Run, folder: Path, photos: Photos) -> None:
    red, blue, dark = (
        sha256(Path(photo).read_bytes()).hexdigest() for photo in (photos.red, photos.blue, photos.dark_red)
    )
    for name, hashes in {"both": [red, blue, red], "other": [dark], "empty": []}.items():
        (folder / "crops" / name).mkdir(parents=True)
        write_photos(folder / "crops" / name, hashes)
    (folder / "crops" / "of an older version").mkdir()
    assert run("cache", "list", "--json").lines[1]["files"] == 3
    assert run("cache", "forget", photos.red, "--json").line["entries"] == 3, "two crops and an embedding"
    assert sorted(path.name for path in (folder / "crops").iterdir()) == ["empty", "other"]
    assert run("cache", "forget", dark, "--json").line["entries"] == 1
    assert run("cache", "clear", "crops", "--json").line["files"] == 1
    assert not (folder / "crops").exists()


def test_clear(run: Run, folder: Path) -> None:
    assert [line["files"] for line in run("cache", "clear", "--json").lines] == [1, 0]
    assert not (folder / "embeddings").exists()
    done = run("cache", "clear", "models")
    assert (done.code, "no part of the cache is called 'models'" in done.err) == (2, True)
