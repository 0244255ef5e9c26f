"""Nothing that was removed or replaced stays in any file: after renames and deaths, beside other processes."""

from __future__ import annotations

import logging
import sqlite3
import subprocess
import sys
import traceback
from contextlib import closing
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import insert

from example_counts import LONG
from visavis.embedding_cache import photo_cache, stored_files
from visavis.embedding_cache.photo_cache import CachedPhoto, EmbeddingCache
from visavis.errors import GalleryError, UnknownNameError, VisavisWarning
from visavis.gallery import Gallery, IndexedPhoto
from visavis.gallery.sql import database, sqlite
from visavis.gallery.sql.schema import PHOTOS
from visavis.pipeline import Recognizer

from .faces import MODEL, digest, embedding, environment, in_a_file, template


def holds(folder: Path, *texts: str | bytes) -> list[str]:
    """Return which of these texts are in any file of a folder, in UTF-8."""
    contents = [file.read_bytes() for file in folder.rglob("*") if file.is_file()]
    return [
        str(text)
        for text in texts
        if any((text.encode() if isinstance(text, str) else text) in content for content in contents)
    ]


@pytest.fixture
def filled(path: Path) -> Gallery:
    """A gallery whose tables and indexes have many pages."""
    opened = Gallery(path, model=MODEL)
    opened.add_many([(f"Somebody {i:04} of long name {'x' * (i % 90)}", [template(i)]) for i in range(600)])
    return opened


def test_renames_and_emptied_notes_leave_no_old_text_in_any_file(filled: Gallery, path: Path) -> None:
    """Pages that grow are split, and SQLite leaves copies of their rows in the free space of the old page."""
    people = filled.people()[:: 1 if LONG else 60]
    with filled:
        for who in people:
            note = f"secret note {who.id:04} " + "y" * (7 * who.id % 800)
            filled.describe(who.id, note=note, consent=f"secret consent {who.id:04}", metadata={"secret key": who.id})
            filled.rename(who.id, f"Secret name {who.id:04} " + "z" * (11 * who.id % 270))
            filled.rename(who.id, f"Other {who.id}")
            filled.describe(who.id, note="", consent="", metadata={})
        assert holds(path.parent, "secret note", "Secret name", "secret name", "secret consent", "secret key") == []
        assert holds(path.parent, *(who.name for who in people if len(who.name) > 30)) == []


def test_a_new_note_at_an_enrollment_replaces_the_old_text(path: Path) -> None:
    with Gallery(path, model=MODEL) as gallery:
        gallery.add("Ann", [template(1)], note="the old text", consented=date(2026, 1, 2))
        gallery.add("Ann", [template(2)], note="the new text")
        assert holds(path.parent, "the old text", "the new text") == ["the new text"]


def test_moved_photos_leave_no_old_path_once_the_gallery_is_opened_again(path: Path) -> None:
    with Gallery(path, model=MODEL) as gallery:
        gallery.add_photos([IndexedPhoto("/secret/folder/a.jpg", digest(1), "ok", (template(1),))])
        gallery.locate_photos([(digest(1), "/new/a.jpg")])
    Gallery(path, create=False).close()
    assert holds(path.parent, "/secret/folder", "/new/a.jpg") == ["/new/a.jpg"]


@in_a_file
def test_beside_another_process_that_has_the_gallery_open_nothing_stays(
    gallery: Gallery, path: Path, other: subprocess.Popen[str]
) -> None:
    assert other.stdin is not None
    assert other.stdout is not None
    other.stdin.write("add 1\n")
    other.stdin.flush()
    who = int(other.stdout.readline())
    gallery.rename(who, "Secret name")
    gallery.describe(who, note="secret note")
    gallery.rename(who, "Somebody else")
    gallery.describe(who, note="")
    assert holds(path.parent, "person 1", "Secret name", "secret name", "secret note") == []
    gallery.remove(who)
    assert holds(path.parent, "Somebody else", digest(1000), embedding(1000).tobytes()[:16]) == []


def test_what_a_reader_kept_from_erasing_is_erased_when_the_gallery_is_opened_next(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "ERASING_SECONDS", 0.05)
    with Gallery(path, model=MODEL) as gallery, closing(sqlite3.connect(path, isolation_level=None)) as reader:
        who = gallery.add("Secret name", [template(1)]).person_id
        reader.execute("BEGIN")
        reader.execute("select count(*) from people").fetchone()
        with pytest.warns(
            VisavisWarning, match=r"traces of what it removed are left .* or by visavis gallery compact\.$"
        ):
            gallery.rename(who, "Ann")
        Gallery(path, create=False).close()  # does not wait for the reader
        assert holds(path.parent, "Secret name") == ["Secret name"]
        reader.execute("ROLLBACK")
    Gallery(path, create=False).close()
    assert holds(path.parent, "Secret name", "Ann") == ["Ann"]
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("pragma user_version").fetchone() == (0,)


DYING = """
import os, sys
from visavis.gallery import Gallery
from visavis.gallery.sql.sqlite import SqliteFile
SqliteFile.compact = lambda *_, **__: os._exit(9)
with Gallery(sys.argv[1]) as gallery:
    getattr(gallery, sys.argv[2])(*(int(word) if word.isdigit() else word for word in sys.argv[3:]))
"""


@pytest.mark.parametrize("change", [("remove", "1"), ("rename", "1", "Ann"), ("merge", "1", "2")], ids=lambda c: c[0])
def test_a_death_between_commit_and_erasure_is_made_good_when_the_gallery_is_opened_next(
    path: Path, change: tuple[str, ...]
) -> None:
    with Gallery(path, model=MODEL) as gallery:
        gallery.add("Secret name", [template(1)])
        gallery.add("Bob", [template(2)])
    done = subprocess.run([sys.executable, "-c", DYING, str(path), *change], env=environment(), check=False)
    assert done.returncode == 9
    assert holds(path.parent, "Secret name") == ["Secret name"]
    with Gallery(path, create=False) as gallery:
        assert "Secret name" not in gallery
        assert holds(path.parent, "Secret name", "secret name", "Bob") == ["Bob"]


def test_traces_that_another_process_left_during_the_erasure_stay_marked(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Gallery(path, model=MODEL) as gallery, Gallery(path, create=False) as second:
        gallery.add("Ann", [template(1)])
        backend, engine = gallery.opened.database._backend, gallery.opened.database._engine
        with gallery.opened.database.write() as conn:
            backend.mark_traces(conn)
        execute_locking = sqlite.execute_locking

        def leave_more(*arguments: object, **options: object) -> None:
            execute_locking(*arguments, **options)  # type: ignore[arg-type]
            if "VACUUM" not in arguments:
                return
            with second.opened.database.write() as conn:
                backend.mark_traces(conn)

        with monkeypatch.context() as patched:
            patched.setattr(sqlite, "execute_locking", leave_more)
            gallery.compact()
        assert backend.has_traces(engine)
        gallery.compact()
        assert not backend.has_traces(engine)


# ------------------------------------------------------------------------------------------------ the log


def test_no_embedding_hash_or_path_is_in_a_logged_traceback(gallery: Gallery, caplog: pytest.LogCaptureFixture) -> None:
    """The same photo twice is refused by the database, whose error quotes what it was to store."""
    row = {"sha256": digest(7), "model": MODEL, "photo": "/secret/a.jpg", "status": "ok", "created": "2026"}
    try:
        with gallery.opened.database.write() as conn:
            conn.execute(insert(PHOTOS), [row, row])
    except GalleryError as error:
        logging.getLogger("test").exception("failed")
        text = "".join(traceback.format_exception(error)) + caplog.text
    assert "Traceback" in text
    assert [secret for secret in (digest(7), "/secret/a.jpg", "2026") if secret in text.replace("-2026", "")] == []


# ------------------------------------------------------------------------------------------------ the cache


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EmbeddingCache:
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path / "cache"))
    opened = EmbeddingCache(Recognizer())
    opened.keep({digest(i): CachedPhoto(10, 10, (), (), np.empty((0, 16), np.float32)) for i in range(100)})
    return opened


def test_a_removal_clears_the_remembered_embeddings_of_the_photos(cache: EmbeddingCache, path: Path) -> None:
    with cache, Gallery(path, model=MODEL) as gallery:
        gallery.add("Ann", [template(1), template(2)])
        gallery.add("Bob", [template(3), template(4)])
        gallery.add_photos([IndexedPhoto("5.jpg", digest(5), "ok", (template(5),))])
        gallery.remove("Ann")
        gallery.remove_template(gallery.find("Bob").templates[0].id)
        gallery.forget(digest(5))
        left = cache.recall([digest(i) for i in range(7)])
        assert sorted(left) == sorted([digest(0), digest(4), digest(6)])
        gone = [digest(i) for i in (1, 2, 3, 5)]
        assert holds(cache.path.parent, *gone, digest(4)) == [digest(4)]


def test_a_death_between_forgetting_and_erasing_is_made_good_at_the_next_use(
    cache: EmbeddingCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.close()
    with monkeypatch.context() as patched:
        patched.setattr(photo_cache, "_erase_traces", lambda *_, **__: None)
        assert stored_files.forget_photos([digest(1)]) == 1
    with closing(sqlite3.connect(cache.path)) as raw:
        assert raw.execute("pragma user_version").fetchone() == (1,)
    EmbeddingCache(Recognizer()).close()
    assert holds(cache.path.parent, digest(1), digest(2)) == [digest(2)]
    with closing(sqlite3.connect(cache.path)) as raw:
        assert raw.execute("pragma user_version").fetchone() == (0,)


def test_a_locked_or_damaged_file_of_the_cache_is_named(cache: EmbeddingCache, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.close()
    monkeypatch.setattr(photo_cache, "BUSY_SECONDS", 0.05)
    with closing(sqlite3.connect(cache.path, isolation_level=None)) as lock:
        lock.execute("begin immediate")
        with pytest.warns(VisavisWarning, match=r"^photos are still remembered in .*: database is locked\. Delete"):
            assert stored_files.forget_photos([digest(1)]) == 0
        lock.execute("rollback")
    cache.path.write_bytes(b"no database" * 100)
    with pytest.warns(VisavisWarning, match=r"file is not a database\. Delete that file"):
        stored_files.forget_photos([digest(1)])


def test_parts_are_listed_and_cleared(cache: EmbeddingCache, tmp_path: Path) -> None:
    cache.close()
    (tmp_path / "cache" / "onnx").mkdir()
    (tmp_path / "cache" / "onnx" / "a.onnx").write_bytes(b"12345")
    sizes = {part.name: (part.files, part.bytes) for part in stored_files.list_parts()}
    assert sizes["onnx"] == (1, 5)
    assert sizes["crops"] == (0, 0)
    assert sizes["embeddings"] == (1, cache.path.stat().st_size)
    assert [(part.name, part.files) for part in stored_files.clear()] == [("embeddings", 1), ("crops", 0)]
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["onnx"]
    with pytest.raises(UnknownNameError, match="no part of the cache is called 'models'; there are: embeddings, crops"):
        stored_files.clear(["models"])
