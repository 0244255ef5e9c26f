"""What can be wrong with a gallery's file, each told in one sentence; and what ``check`` finds inside."""

from __future__ import annotations

import copy
import gc
import os
import pickle
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Connection, Engine, event, text

from visavis import compare
from visavis.defaults import DETECTOR, EMBEDDER
from visavis.errors import GalleryError, UsageError
from visavis.gallery import Gallery, Problem
from visavis.gallery._index_sync import read_template_people
from visavis.gallery.index.exact import Exact
from visavis.gallery.sql import layout, records, schema
from visavis.pipeline import Recognizer

from . import older_schemas as older
from .faces import DIMENSION, MODEL, embedding, environment, person, template

TABLE = {"model": MODEL, "far_threshold": [[0.1, 0.5], [0.001, 0.3]], "logistic": [-20, 8]}


def filled(path: Path, people: int = 3) -> Path:
    with Gallery(path, model=MODEL) as gallery:
        for i in range(people):
            gallery.add(*person(i))
    return path


def sql(path: Path, *statements: str) -> None:
    raw = sqlite3.connect(path)
    for statement in statements:
        raw.execute(statement)
    raw.commit()
    raw.close()


def blob(value: float) -> str:
    return np.full(DIMENSION, value, "<f4").tobytes().hex()


# Where it is


def test_a_url_and_a_path_are_the_same_gallery(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(path)
    monkeypatch.chdir(path.parent)
    for where in (path, str(path), f"sqlite:///{path}", "sqlite:///faces.db", "faces.db"):
        with Gallery(where, create=False) as gallery:
            assert gallery.stats().people == 3
    assert [file.name for file in path.parent.iterdir()] == ["faces.db"]  # closed: no log is left beside it


@pytest.mark.parametrize(
    "url",
    [
        "mysql://host/faces",
        "milvus://host",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///a.db?mode=ro",
        "://",
        "http://[::1",
        "postgresql://host:x/faces",
    ],
)
def test_other_urls_are_refused_with_what_there_is(url: str) -> None:
    with pytest.raises(UsageError, match=r"sqlite:///.*\.$"):
        Gallery(url)


def test_nothing_there(path: Path) -> None:
    with pytest.raises(GalleryError, match=r"there is no gallery at .*faces.db: enroll a person first.$"):
        Gallery(path, create=False)
    assert not path.exists()
    path.touch()
    with pytest.raises(GalleryError, match=r"empty, not yet a gallery"):
        Gallery(path, create=False)
    with Gallery(path):
        pass
    with Gallery(path, create=False) as gallery:
        assert gallery.model == EMBEDDER


def test_no_folder_or_nothing_but_a_folder(tmp_path: Path) -> None:
    with pytest.raises(GalleryError, match=r"is a folder"):
        Gallery(tmp_path)
    with pytest.raises(GalleryError, match=r"there is no folder .*nowhere for the gallery faces.db"):
        Gallery(tmp_path / "nowhere" / "faces.db")
    (tmp_path / "file").touch()
    with pytest.raises(GalleryError, match=r"there is no folder"):
        Gallery(tmp_path / "file" / "faces.db")


# What it is


@pytest.mark.parametrize("content", [b"\xff\xd8\xff\xe0 a photo" * 100, b"x", b"a,b\n1,2\n" * 1000])
def test_a_file_of_another_format_is_left_alone(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(GalleryError, match=r"is not a gallery: it is a file of another format"):
        Gallery(path)
    assert path.read_bytes() == content
    assert [file.name for file in path.parent.iterdir()] == ["faces.db"]


@pytest.mark.parametrize(
    "table",
    [
        "create table bookmarks (url text)",
        "create table meta (key text, value text)",
        "create table meta (format text, schema int)",
    ],
)
def test_a_database_of_another_program_is_left_alone(path: Path, table: str) -> None:
    sql(path, table)
    before = path.read_bytes()
    with pytest.raises(GalleryError, match=r"is not a gallery: it is a database of another program"):
        Gallery(path)
    assert path.read_bytes() == before


def test_a_gallery_that_never_held_anything_takes_another_model(path: Path) -> None:
    Gallery(path, model="dlib-resnet").close()
    with Gallery(path, model=MODEL) as gallery:
        assert gallery.model == MODEL
    with Gallery(path) as earlier:
        Gallery(path, model="dlib-resnet").close()
        with pytest.raises(GalleryError, match="this has become a gallery of dlib-resnet"):
            earlier.add(*person(1))
    with Gallery(path, model=MODEL) as gallery:
        gallery.add(*person(1))
    with pytest.raises(GalleryError, match="holds embeddings of test-model"):
        Gallery(path, model="dlib-resnet")


def test_another_model_is_refused_naming_both(path: Path) -> None:
    filled(path)
    with pytest.raises(
        GalleryError, match=r"holds embeddings of test-model, .* those of facenet: open it with test-mod"
    ):
        Gallery(path, model="facenet")
    with Gallery(path) as gallery:
        assert gallery.model == MODEL


def test_a_recognizer_must_be_of_the_model(path: Path) -> None:
    class Net:
        name = "other-net"

        def embed(self) -> None: ...

    with pytest.raises(UsageError, match=r"embeds with other-net, not with test-model"):
        Gallery(path, model=MODEL, recognizer=Recognizer(embedder=Net()))  # type: ignore[arg-type]
    filled(path)
    with pytest.raises(GalleryError, match=r"test-model.*other-net"):
        Gallery(path, recognizer=Recognizer(embedder=Net()))  # type: ignore[arg-type]


def test_a_gallery_makes_its_recognizer_with_a_detector_and_a_number_of_threads(path: Path) -> None:
    with Gallery(path, model="sface", detector="yunet", threads=1) as gallery:
        recognizer = gallery.recognizer
    assert (recognizer.model, recognizer.detector_name, recognizer.threads) == ("sface", "yunet", 1)
    with Gallery(path, threads=2) as gallery:
        assert (gallery.recognizer.detector_name, gallery.recognizer.threads) == (DETECTOR, 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"detector": "yunett"}, "did you mean yunet"),
        ({"threads": 0}, "threads must be at least 1"),
        ({"recognizer": Recognizer(), "detector": "yunet"}, "give a recognizer, or detector and threads, not both"),
        ({"recognizer": Recognizer(), "threads": 1}, "give a recognizer, or detector and threads, not both"),
    ],
)
def test_a_wrong_detector_or_number_of_threads_makes_no_gallery(
    path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        Gallery(path, **options)
    assert not path.exists()


def test_a_newer_schema_is_refused_and_left_alone(path: Path) -> None:
    filled(path)
    sql(path, "update meta set schema = 77", "alter table meta drop column change")
    with pytest.raises(
        GalleryError, match=rf"schema 77, this one knows up to {schema.latest_version()}\): upgrade visavis.$"
    ):
        Gallery(path)


def test_an_older_schema_is_migrated_whole_or_not_at_all(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def a_nickname(conn: Connection) -> None:
        conn.execute(text("alter table people add column nickname text default 'none'"))

    def one_that_fails(conn: Connection) -> None:
        conn.execute(text("alter table people drop column nickname"))
        conn.execute(text("insert into nowhere values (1)"))

    filled(path)
    monkeypatch.setattr(layout, "find_altered_tables", lambda conn: iter(()))  # these migrations alter a table
    known = schema.MIGRATIONS
    monkeypatch.setattr(schema, "MIGRATIONS", [*known, a_nickname, one_that_fails])
    with pytest.raises(GalleryError, match=r"no such table: nowhere"):
        Gallery(path)
    monkeypatch.setattr(schema, "MIGRATIONS", [*known, a_nickname])
    for _ in range(2):  # the second opening has nothing to do
        with Gallery(path) as gallery, gallery.opened.database.read() as conn:
            assert conn.execute(text("select distinct nickname from people")).all() == [("none",)]
            assert conn.execute(text("select schema from meta")).scalar() == len(known) + 2
            assert len(gallery.people()) == 3


@pytest.mark.parametrize("version", older.DDL)
def test_an_older_gallery_becomes_one_as_is_made_today_and_keeps_its_people(path: Path, version: int) -> None:
    older.write(path, version, people=3)
    with Gallery(path) as gallery:
        assert gallery.check() == []
        people = gallery.people()
        assert [(one.id, one.name, one.note, one.consent) for one in people] == [
            (i + 1, f"person {i}", f"n{i}", "yes") for i in range(3)
        ]
        assert [template.id for one in people for template in one.templates] == list(range(1, 10))
        assert people[1].templates[0].box == (1, 2, 31, 42)
        assert gallery.search(person(2)[1][1].embedding[None])[0][0].name == "person 2"
        assert [one.action for one in gallery.audit()] == ["remove"]
        new = gallery.add("new", [template(7000)])
        assert (new.person_id, new.added) == (5, (13,))  # the ids of whoever was removed are not given again
        gallery.calibrate(compare.parse_calibration(TABLE))
    with Gallery(path) as gallery:
        assert gallery.calibration == compare.parse_calibration(TABLE)
    filled(path.parent / "today.db")
    assert older.layout(path) == older.layout(path.parent / "today.db")


def test_a_calibration_damaged_in_the_store_is_told_of(path: Path) -> None:
    filled(path)
    sql(path, "update meta set calibration = '{'")
    with (
        Gallery(path) as gallery,
        pytest.raises(GalleryError, match=r"own thresholds are damaged .*calibrate it again"),
    ):
        gallery.threshold(fpir=0.1)


def test_a_gallery_that_nobody_closed_leaves_no_file_open(path: Path) -> None:
    def opened() -> list[str]:
        links = (os.path.realpath(link) for link in Path("/proc/self/fd").iterdir())
        return [target for target in links if target.startswith(str(path.resolve()))]

    gallery = Gallery(path)
    assert opened()
    del gallery
    gc.collect()
    assert opened() == []


def test_a_closed_gallery_says_so(path: Path) -> None:
    with Gallery(path, model=MODEL) as gallery:
        pass
    for use in (gallery.people, gallery.stats, lambda: gallery.add(*person(1))):
        with pytest.raises(GalleryError, match=r"was closed: open the gallery again"):
            use()


# Damage


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickle.dumps])
def test_an_open_gallery_is_not_copied_and_says_what_to_do(path: Path, copied: Callable[[Gallery], object]) -> None:
    with Gallery(filled(path), model=MODEL) as gallery:
        with pytest.raises(UsageError, match=r"hand over its url, and open it there\.$"):
            copied(gallery)
        assert len(gallery) == 3


def test_a_cut_off_file_is_damaged(path: Path) -> None:
    filled(path, people=200)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with (
        pytest.raises(GalleryError, match=r"faces.db is damaged \(.*\): restore a copy of it.$"),
        Gallery(path) as it,
    ):
        it.people()


def test_a_page_of_garbage_is_found(path: Path) -> None:
    filled(path, people=200)
    content = bytearray(path.read_bytes())
    page = int.from_bytes(content[16:18])  # where SQLite's format has it
    middle = len(content) // page // 2 * page
    content[middle : middle + page] = os.urandom(page)
    path.write_bytes(content)
    with Gallery(path) as gallery:
        kinds = {problem.kind for problem in gallery.check()}
    assert "damaged" in kinds


@pytest.mark.parametrize(
    ("damage", "problems"),
    [
        ("update templates set embedding = x'00' where id = 2", [("embedding", "template 2 has 1 bytes, not 64.")]),
        (
            f"update templates set embedding = x'{blob(1)}' where id = 2",
            [("embedding", "template 2 is not an embedding of length 1.")],
        ),
        (
            f"update templates set embedding = x'{blob(np.nan)}' where id = 3",
            [("embedding", "template 3 is not an embedding of length 1.")],
        ),
        (
            "update templates set model = 'facenet' where id = 1",
            [("model", "template 1 is of facenet, the gallery of test-model.")],
        ),
        (
            "delete from people where id = 1",
            [("template", f"template {i} is of person 1, who is not there.") for i in (1, 2, 3)],
        ),
        ("delete from templates where person_id = 2", [("person", "person 2 has no template.")]),
        ("update meta set change = 1", [("change", "change 3 is recorded, but the last was 1.")]),
        ("insert into removals values (4, 3)", [("change", "template 4 is there, and recorded as removed.")]),
    ],
)
def test_check_names_what_is_wrong(path: Path, damage: str, problems: list[tuple[str, str]]) -> None:
    filled(path)
    sql(path, damage)
    with Gallery(path) as gallery:
        assert gallery.check() == [Problem(kind, message) for kind, message in problems]


def test_check_does_not_fill_an_index_in_memory(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a million templates that takes gigabytes, and it would only be compared with what it is made of."""
    filled(path)
    added: list[int] = []
    monkeypatch.setattr(Exact, "add", lambda self, ids, people, embeddings: added.append(len(ids)))
    with Gallery(path) as gallery:
        assert gallery.check() == gallery.repair() == []
        assert added == []
        gallery.lookalikes(embedding(1000)[None], top=1)
        assert sum(added) > 0
        (problem,) = gallery.check()  # nothing came into it
        assert problem.kind == "index"


def test_templates_by_which_index_and_records_differ(path: Path) -> None:
    filled(path)
    with Gallery(path) as gallery:
        gallery.lookalikes(embedding(1000)[None], top=1)
        with gallery.opened.database.read() as conn:
            before, _ = read_template_people(conn)
        sql(path, "update templates set id = 77 where id = 2", "update templates set person_id = null where id = 3")
        with gallery.opened.database.read() as conn:
            found = gallery.opened.index.find_differences(conn)
            ids, people = read_template_people(conn)
        assert (found.stale, found.wrong) == ((2,), (3, 77))
        assert ids.tolist() == [*(one for one in before.tolist() if one != 2), 77]
        assert people[ids == 3].tolist() == [0]


def test_check_compares_the_index_with_the_records(path: Path) -> None:
    filled(path)
    with Gallery(path) as gallery:
        gallery.lookalikes(embedding(1000)[None], top=1)  # the index is in memory from now on
        assert gallery.check() == []
        sql(path, "update templates set person_id = 1 where id = 4")  # with no change number
        (problem,) = gallery.check()
        assert (problem.kind, problem.message) == (
            "index",
            "the index and the records differ in 1 templates, 4 among them: repair the gallery.",
        )
        assert gallery.repair() == []
        assert gallery.check() == []
        assert gallery.lookalikes(embedding(1000)[None], top=1)[0][0].person_id == 1
    with Gallery(path) as gallery:
        assert gallery.check() == []


def test_a_damaged_embedding_is_an_error_and_search_goes_on_once_it_is_mended(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "BLOCK_ROWS", 2)  # blocks before the damaged one are taken in
    with Gallery(path, model=MODEL) as gallery:
        gallery.add(*person(0))
        gallery.search(embedding(1)[None])
        gallery.add(*person(1))
        gallery.add(*person(2))
        sql(path, "create table kept as select embedding from templates where id = 8")
        sql(path, "update templates set embedding = x'0011' where id = 8")
        for _ in range(2):
            with pytest.raises(GalleryError, match=r"template 8 is not an embedding of 16 values"):
                gallery.search(embedding(1)[None])
        sql(path, "update templates set embedding = (select embedding from kept) where id = 8")
        assert gallery.search(person(2)[1][1].embedding[None])[0][0].name == "person 2"
        assert gallery.check() == []


def test_an_older_copy_put_in_place_is_read_anew(path: Path) -> None:
    filled(path, people=1)
    with Gallery(path) as gallery:
        copy = sqlite3.connect(path.parent / "copy.db")
        source = sqlite3.connect(path)
        source.backup(copy)
        gallery.add(*person(1))
        assert gallery.search(person(1)[1][0].embedding[None])[0][0].name == "person 1"
        copy.backup(source)
        source.close()
        copy.close()
        hits = gallery.search(person(1)[1][0].embedding[None])[0]
        assert [hit.name for hit in hits] == ["person 0"]
        assert gallery.check() == []


# No room, no right


@pytest.fixture
def fifty_pages() -> Iterator[None]:
    """Let SQLite answer as on a full disk when a file opened from now on would grow over 50 pages."""

    def limit(raw: sqlite3.Connection, _record: object) -> None:
        raw.execute("PRAGMA max_page_count=50")

    event.listen(Engine, "connect", limit)
    yield
    event.remove(Engine, "connect", limit)


def test_a_full_disk_stores_nothing_of_an_enrollment(path: Path, fifty_pages: None) -> None:
    filled(path, people=1)
    with Gallery(path) as gallery:
        with pytest.raises(GalleryError, match=r"faces.db could not grow, the disk is full: make room and try again.$"):
            gallery.add("Ann", [template(i) for i in range(5000, 6000)])
        assert [one.name for one in gallery.people()] == ["person 0"]
        gallery.add(*person(1))
        assert gallery.check() == []


FILL = """
import sys
from visavis.errors import GalleryError
from gallery.faces import MODEL, person
from visavis.gallery import Gallery
told = []
with Gallery(sys.argv[1], model=MODEL) as gallery:
    try:
        for i in range(10_000):
            gallery.add(*person(i))
            told.append(i)
    except GalleryError as error:
        message = str(error)
    names = [one.name for one in gallery.people()]
    same = names == [f"person {i}" for i in told]
    print(len(told) > 50, same, gallery.check(), message.split("faces.db ")[1])
"""


@pytest.mark.slow(seconds=5)
def test_a_disk_that_is_really_full_loses_nothing_acknowledged(tmp_path: Path) -> None:
    """A file system of six megabytes, in a namespace of its own."""
    mount, tmpfs = ["unshare", "--map-root-user", "--mount", "sh", "-c"], "mount -t tmpfs -o size=6m none"
    if not shutil.which("unshare") or subprocess.run([*mount, f"{tmpfs} {tmp_path}"], check=False).returncode:
        pytest.skip("no file system can be mounted here")
    script = f'{tmpfs} {tmp_path} && exec "$0" -c "$1" {tmp_path}/faces.db'
    done = subprocess.run(
        [*mount, script, sys.executable, FILL],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "True True [] could not grow, the disk is full: make room and try again."


READ_ONLY = """
import os, sys
from visavis.errors import GalleryError
from visavis.gallery import Gallery
from gallery.faces import MODEL, person
if os.getuid() == 0:
    with Gallery(os.path.join(sys.argv[2], "warm.db"), model=MODEL) as warm:  # imports what that user cannot read
        warm.add(*person(1))
        warm.search(person(1)[1][0].embedding[None])
    os.setuid(65534)
try:
    with Gallery(sys.argv[1], model=MODEL) as gallery:
        print(gallery.search(person(1)[1][0].embedding[None])[0][0].name, len(gallery.people()))
        gallery.add(*person(7))
except GalleryError as error:
    print(error)
"""


@pytest.mark.parametrize(("file", "folder"), [(0o444, 0o777), (0o666, 0o555), (None, 0o555)])
def test_a_read_only_file_or_folder_is_searched_and_not_changed(file: int | None, folder: int, tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are closed to other users
        path = Path(name) / "faces.db"
        if file is not None:
            filled(path).chmod(file)
        Path(name).chmod(folder)
        done = subprocess.run(
            [sys.executable, "-c", READ_ONLY, path, tmp_path],
            env={**environment(), "VISAVIS_CACHE": name},
            capture_output=True,
            text=True,
            check=True,
        )
        Path(name).chmod(0o755)
        left = [entry.name for entry in Path(name).iterdir()]
    searched = "" if file is None else "person 1 3\n"
    assert done.stdout == f"{searched}{path} is read-only: a gallery needs to write to its file and folder.\n"
    assert left == ([] if file is None else ["faces.db"])


READ_ONLY_MEDIA = """
import os, sys
from pathlib import Path
from visavis.errors import GalleryError
from visavis.gallery import Gallery
from gallery.faces import MODEL, person
os.umask(0o077)  # copies that others can read would be named in a warning
folder = Path(sys.argv[1])
with Gallery(folder / "faces.db", model=MODEL) as gallery:
    gallery.add(*person(1))
if sys.argv[3] == "log":  # as after a crash: the last change is in the log alone
    raw = Gallery(folder / "faces.db", model=MODEL)
    raw.add(*person(2))
    for end in ("", "-wal"):
        (folder / f"copy.db{end}").write_bytes((folder / f"faces.db{end}").read_bytes())
    raw.close()
    for end in ("", "-wal"):
        (folder / f"copy.db{end}").replace(folder / f"faces.db{end}")
if sys.argv[2] == "full":
    with (folder / "fill").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
else:
    os.system(f"mount -o remount,ro none {folder}")
with Gallery(folder / "faces.db", create=False) as gallery:
    names = [gallery.search(person(i)[1][0].embedding[None])[0][0].name for i in (1, 2)]
    print(names, len(gallery.people()), [problem.kind for problem in gallery.check() if problem.kind != "doubtful"])
    try:
        gallery.add(*person(3))
    except GalleryError as error:
        print(error)
"""


@pytest.mark.parametrize("log", ["closed", "log"])
@pytest.mark.parametrize("what", ["full", "read-only"])
def test_a_gallery_on_a_full_disk_or_read_only_media_is_searched(tmp_path: Path, what: str, log: str) -> None:
    mount, tmpfs = ["unshare", "--map-root-user", "--mount", "sh", "-c"], "mount -t tmpfs -o size=2m none"
    if not shutil.which("unshare") or subprocess.run([*mount, f"{tmpfs} {tmp_path}"], check=False).returncode:
        pytest.skip("no file system can be mounted here")
    script = f'{tmpfs} {tmp_path} && exec "$0" -c "$1" {tmp_path} {what} {log}'
    done = subprocess.run(
        [*mount, script, sys.executable, READ_ONLY_MEDIA],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    people = ["person 1", "person 2"] if log == "log" else ["person 1", "person 1"]
    assert done.stderr == ""
    assert done.stdout.splitlines()[:1] == [f"{people} {len(set(people))} []"]
    expected = "is read-only: a gallery needs to write" if what == "read-only" else "the disk is full: make room and "
    assert expected in done.stdout
