"""What only a gallery in PostgreSQL can meet: a server that is away, dies, comes back, or is not ours."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Iterator
from threading import Timer
from typing import TYPE_CHECKING

import pytest

from least_time import measure_least
from visavis.errors import GalleryError, MissingExtraError, UsageError, VisavisWarning
from visavis.gallery import Gallery
from visavis.gallery.sql import database as records_database
from visavis.gallery.sql import postgresql, reconnect
from visavis.gallery.sql.postgresql_layout import find_altered_tables, find_foreign_parts

from .faces import MODEL, child, digest, embedding, person

if TYPE_CHECKING:
    from servers import Postgres

psycopg = pytest.importorskip("psycopg", reason="the extra postgresql is not installed")


@pytest.fixture
def store() -> str:
    return "postgresql"


@pytest.fixture
def server(postgres: Postgres) -> Iterator[Postgres]:
    """The server; that it runs is seen to afterwards."""
    yield postgres
    postgres.start()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconnect, "RETRY_SECONDS", 0.3)


def database(url: str) -> str:
    return url.partition("@/")[2].partition("?")[0]


def names(gallery: Gallery) -> set[str]:
    return {one.name for one in gallery.people()}


def is_whole(gallery: Gallery, i: int) -> bool:
    (one,) = (one for one in gallery.people() if one.name == f"person {i}")
    return [template.photo_sha256 for template in one.templates] == [digest(1000 * i + k) for k in range(3)]


# Where it is


def test_no_server_no_database_no_user_no_name(server: Postgres, impatient: None) -> None:
    start = time.monotonic()
    with pytest.raises(GalleryError, match=r"^postgresql://ann@127\.0\.0\.1:1/faces cannot be reached \(.*refused\)"):
        Gallery("postgresql://ann:secret@127.0.0.1:1/faces")
    assert 0.1 < time.monotonic() - start < 60  # it was tried again, and not for ever
    with pytest.raises(GalleryError, match=r"there is no such database: make it with createdb\.$"):
        Gallery(server.url("nowhere"))
    with pytest.raises(GalleryError, match=r"refuses this user or password\.$"):
        Gallery(server.url("postgres").replace("postgres@", "nobody:secret@"))
    with pytest.raises(UsageError, match="names no database: write postgresql://user@host/faces"):
        Gallery("postgresql://ann@host/")


def test_a_password_is_never_shown(server: Postgres, place: str, impatient: None) -> None:
    for url in (place.replace("postgres@", "postgres:secret@"), f"{place}&password=secret"):
        with Gallery(url, model=MODEL) as gallery:
            assert "secret" not in gallery.url
            assert gallery.stats().url == gallery.url
            with Gallery(gallery.url) as again:
                assert again.model == MODEL


def test_without_the_driver_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=re.escape("psycopg: pip install 'visavis[postgresql]'.")):
        Gallery("postgresql://ann@host/faces")


def test_what_is_there_is_looked_at_first(server: Postgres, place: str) -> None:
    with pytest.raises(GalleryError, match="is empty, not yet a gallery: enroll a person first"):
        Gallery(place, create=False)
    server.run("CREATE TABLE bookmarks (url text)", database(place))
    with pytest.raises(GalleryError, match="is not a gallery: it is a database of another program"):
        Gallery(place)
    server.run("DROP TABLE bookmarks", database(place))
    server.run("CREATE TABLE server_meta (version integer)", database(place))  # as a server that was started first
    Gallery(place, model=MODEL).close()
    Gallery(place, model="facenet").close()  # it holds nothing yet
    with Gallery(place, model=MODEL) as gallery:
        gallery.add(*person(1))
    with pytest.raises(GalleryError, match=r"holds embeddings of test-model, .* those of facenet"):
        Gallery(place, model="facenet")
    server.run("UPDATE meta SET schema = 77", database(place))
    with pytest.raises(GalleryError, match=r"newer visavis \(schema 77"):
        Gallery(place)


def test_a_server_that_is_read_only(server: Postgres, place: str) -> None:
    Gallery(place, model=MODEL).close()
    with Gallery(f"{place}&options=-c%20default_transaction_read_only%3Don") as gallery:
        assert gallery.people() == []
        with pytest.raises(GalleryError, match="is read-only: a gallery needs to write"):
            gallery.add(*person(1))


# Others at the same time


def test_a_lock_that_is_never_given_up_is_told(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql, "LOCK_SECONDS", 0.2)
    with Gallery(place, model=MODEL) as gallery, psycopg.connect(place) as other:
        other.execute("SELECT change FROM meta FOR UPDATE")
        with pytest.raises(GalleryError, match=r"has kept postgresql.* locked for 0\.2 seconds: try again"):
            gallery.add(*person(1))
        assert gallery.people() == []  # readers do not wait
        other.rollback()
        gallery.add(*person(1))


def test_numbers_of_changes_follow_the_commits(place: str) -> None:
    """What a reader saw as change n is all that there ever is up to n, whoever writes at the same time."""
    seen: dict[int, int] = {}
    with Gallery(place, model=MODEL) as gallery, psycopg.connect(place, autocommit=True) as reader:
        writers = [child("enroll_process", place, "whole", first, 15) for first in (0, 100, 200)]
        while any(writer.poll() is None for writer in writers):
            query = "SELECT m.change, count(t.id) FROM meta m LEFT JOIN templates t ON t.change <= m.change GROUP BY 1"
            change, templates = reader.execute(query).fetchone() or (0, 0)
            seen[change] = templates
        assert [writer.communicate()[0].split()[-1] for writer in writers] == ["14", "114", "214"]
        rows = reader.execute("SELECT change, id FROM templates ORDER BY id").fetchall()
        for change, templates in seen.items():
            assert templates == sum(1 for row in rows if row[0] <= change)
        assert len(seen) > 5
        assert [row[0] for row in rows] == sorted(row[0] for row in rows)
        assert (len(gallery.people()), gallery.stats().change) == (45, 45)
        assert gallery.check() == []


# Removal


def traces(server: Postgres, url: str, what: bytes) -> list[str]:
    """Files of the database that hold these bytes, as on disk."""
    server.run("CHECKPOINT")
    ((number,),) = server.run(f"SELECT oid FROM pg_database WHERE datname = '{database(url)}'")
    files = (server.folder / "base" / str(number)).iterdir()
    return [file.name for file in files if what in file.read_bytes()]


def test_removal_leaves_no_trace_in_the_tables(server: Postgres, place: str) -> None:
    with Gallery(place, model=MODEL) as gallery:
        gallery.add_many([person(i) for i in range(40)])
        gone = gallery.find("person 7").id
        signs = [b"person 7\x00", embedding(7001).tobytes(), digest(7002).encode()]
        assert all(traces(server, place, sign) for sign in signs[1:])
        gallery.rename(gone, "Annabel Gone")
        signs.append(b"Annabel Gone")
        assert traces(server, place, b"Annabel Gone")
        gallery.remove(gone)
        assert [traces(server, place, sign) for sign in signs[1:]] == [[], [], []]
        assert traces(server, place, embedding(8001).tobytes())
        assert [(one.action, one.person_id) for one in gallery.audit()][-1] == ("remove", gone)


def test_a_removal_under_a_long_reader_is_done_and_says_that_traces_are_left(
    server: Postgres, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records_database, "ERASING_SECONDS", 0.2)
    with Gallery(place, model=MODEL) as gallery, psycopg.connect(place) as reader:
        gone = gallery.add(*person(1)).person_id
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        reader.execute("SELECT 1")  # a view of all, without a lock on anything
        with pytest.warns(VisavisWarning, match=r"^the change is done, but traces .* are left .*kept reading"):
            gallery.remove(gone)
        assert gallery.people() == []
        assert traces(server, place, embedding(1001).tobytes())
        reader.rollback()
        gallery.compact()
        assert not traces(server, place, embedding(1001).tobytes())


# Deaths


@pytest.mark.slow(seconds=42)
@pytest.mark.parametrize("deed", ["add", "remove"])
def test_killed_at_each_statement_of_a_deed_it_is_done_or_not_done(place: str, deed: str) -> None:
    before, after = ({"person 0"}, {"person 0", "person 1"})[:: 1 if deed == "add" else -1]
    with Gallery(place, model=MODEL) as gallery:
        gallery.add(*person(0))
        if deed == "remove":
            gallery.add(*person(1))
        for last in range(1, 60):
            with child("kill_before_statement", place, deed, last) as process:
                said = process.communicate(timeout=60)[0]
            there = names(gallery)
            assert there in (before, after)
            assert all(is_whole(gallery, int(name.split()[1])) for name in there)
            assert gallery.check() == []
            if said:
                break
            if there == after:
                assert deed == "remove"  # only its compacting was still to come
                gallery.add(*person(1))
        assert said == "done\n"
        assert last > 6
        assert names(gallery) == after


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_a_server_that_dies_and_comes_back_is_used_again(
    server: Postgres, place: str, end: str, impatient: None
) -> None:
    with Gallery(place, model=MODEL) as gallery:
        gallery.add(*person(1))
        gallery.search(embedding(1)[None])
        getattr(server, end)()
        for use in (gallery.people, lambda: gallery.add(*person(2)), lambda: gallery.search(embedding(1)[None])):
            with pytest.raises(GalleryError, match=r"cannot be reached \(.*\): what was under way is stored whole or"):
                use()
        server.start()
        assert names(gallery) == {"person 1"}
        gallery.add(*person(2))
        assert gallery.search(person(2)[1][0].embedding[None])[0][0].name == "person 2"
        assert gallery.check() == []


def test_a_server_that_comes_back_soon_is_waited_for(server: Postgres, place: str) -> None:
    with Gallery(place, model=MODEL) as gallery:
        server.kill()
        later = Timer(0.5, server.start)
        later.start()
        gallery.add(*person(1))
        later.join()
        assert names(gallery) == {"person 1"}


def test_what_a_dying_server_acknowledged_is_there_and_nothing_is_half_done(server: Postgres, place: str) -> None:
    with Gallery(place, model=MODEL) as gallery, child("enroll_process", place, "whole", 0, 5000) as process:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(12)]
        server.kill()
        told += process.stdout.readlines()
        server.start()
        process.send_signal(signal.SIGKILL)
        there = {int(name.split()[1]) for name in names(gallery)}
        assert {int(line) for line in told[1:]} <= there
        assert len(there) < 5000
        assert all(is_whole(gallery, i) for i in there)
        assert gallery.check() == []


# Altered by another user of the server

SPY = "CREATE FUNCTION spy() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN UPDATE people SET name = ''Eve''; END'"
ALTERATIONS = {
    "CREATE TRIGGER spy AFTER INSERT ON templates EXECUTE FUNCTION spy()": "it has the trigger 'spy' on templates",
    "CREATE RULE hide AS ON DELETE TO people DO INSTEAD NOTHING": "it has the rule 'hide' on people",
    "CREATE POLICY mine ON people USING (id > 1)": "it has the policy 'mine' on people",
    "CREATE UNIQUE INDEX one ON people (note)": "it has the index 'one' on people",
    "CREATE INDEX shout ON people (upper(note))": "it has the index 'shout' on people",
    "CREATE TABLE guests () INHERITS (people)": "it has the inheritance 'guests' on people",
    "ALTER TABLE people ADD COLUMN nickname text": "its table 'people' has other columns",
    "ALTER TABLE people ALTER COLUMN note SET DEFAULT 'x'": "its table 'people' has other columns",
    "ALTER TABLE people ALTER COLUMN note DROP NOT NULL": "its table 'people' has other columns",
    'ALTER TABLE people ALTER COLUMN note TYPE text COLLATE "C"': "its table 'people' has other columns",
    "ALTER TABLE templates ALTER COLUMN quality TYPE real": "its table 'templates' has other columns",
    "DROP INDEX ix_templates_change": "its table 'templates' has other indexes",
    "ALTER TABLE people ADD CHECK (note <> 'Ann')": "its table 'people' has other conditions",
    "ALTER TABLE templates DROP CONSTRAINT templates_person_id_fkey": "its table 'templates' has other conditions",
}


def test_a_gallery_that_was_altered_is_refused_by_name(server: Postgres, place: str) -> None:
    with Gallery(place, model=MODEL) as gallery:
        gallery.add(*person(1))
        server.run("CREATE VIEW report AS SELECT name FROM people", database(place))
        server.run("CREATE INDEX by_note ON people (note)", database(place))
        assert gallery.check() == [], "what changes nothing for the gallery is not refused"
    server.run(SPY, database(place))
    for statement, what in ALTERATIONS.items():
        copy = server.copy(place)
        with Gallery(copy) as gallery:
            server.run(statement, database(copy))
            (problem, *_) = gallery.check()
            assert (problem.kind, what in problem.message) == ("damaged", True), statement
        with pytest.raises(
            GalleryError, match=rf"was altered: {re.escape(what)}\. Restore a copy that visavis wrote\."
        ):
            Gallery(copy)
        server.drop(copy)


def test_a_view_in_the_place_of_a_table_is_refused(server: Postgres, place: str) -> None:
    Gallery(place, model=MODEL).close()
    server.run("ALTER TABLE removals RENAME TO gone", database(place))
    server.run("CREATE VIEW removals AS SELECT * FROM gone", database(place))
    with pytest.raises(GalleryError, match=r"was altered: its table 'removals' is a view\. Restore a copy"):
        Gallery(place)


def test_the_layout_is_compared_quickly(place: str) -> None:
    with Gallery(place, model=MODEL) as gallery, gallery.opened.database.read() as conn:
        assert [*find_foreign_parts(conn), *find_altered_tables(conn)] == []

        def compare() -> None:
            for _ in (*find_foreign_parts(conn), *find_altered_tables(conn)):
                pass

        assert measure_least(compare, bar=0.010, clock=time.perf_counter) < 0.010
