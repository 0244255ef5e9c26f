"""Galleries that another program has altered: refused with the name of what is wrong, at opening and by ``check``."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from random import Random

import numpy as np
import pytest
from sqlalchemy import create_engine, select

from example_counts import LONG
from visavis.errors import GalleryError, VisavisError
from visavis.gallery import Gallery
from visavis.gallery.sql.schema import PEOPLE
from visavis.gallery.sql.values import optional

from .faces import DIMENSION, embedding, person
from .test_opening import filled, sql

ALTERATIONS = {
    "create trigger spy after insert on templates begin update people set name = 'Eve'; end": "the trigger 'spy'",
    "create view faces as select * from people": "the view 'faces'",
    "create virtual table words using fts5(name)": "the virtual table 'words'",
    "create index by_note on people (note)": "the index 'by_note' on people",
    "alter table people add column nickname text": "its table 'people' has other columns",
    "alter table templates drop column cluster": "its table 'templates' has other columns",
    "alter table people add shout text generated always as (name)": "its table 'people' has other columns",
    "drop index ix_templates_change": "its table 'templates' has other indexes",
}


@pytest.mark.parametrize(("statement", "what"), ALTERATIONS.items())
def test_a_gallery_that_was_altered_is_refused_by_name_and_left_alone(path: Path, statement: str, what: str) -> None:
    filled(path)
    with Gallery(path) as gallery:
        sql(path, statement)
        (problem, *_) = gallery.check()
        assert (problem.kind, what in problem.message) == ("damaged", True)
    before = path.read_bytes()
    with pytest.raises(GalleryError, match=rf"faces\.db was altered: (it has )?{what}\. Restore a copy"):
        Gallery(path)
    assert path.read_bytes() == before


def test_a_condition_on_a_column_is_refused(path: Path) -> None:
    filled(path)
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("pragma writable_schema=on")
        raw.execute(
            "update sqlite_master set sql = replace(sql, 'note TEXT NOT NULL', 'note TEXT NOT NULL COLLATE NOCASE') "
            "where name = 'people'"
        )
        raw.commit()
    with pytest.raises(GalleryError, match="its table 'people' has other conditions"):
        Gallery(path)


@pytest.mark.parametrize("kind", ["trigger", "TRIGGER"])
def test_a_trigger_is_refused_however_its_kind_is_written(path: Path, kind: str) -> None:
    filled(path)
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("create trigger spy after insert on people begin delete from people; end")
        raw.execute("pragma writable_schema=on")
        raw.execute("update sqlite_master set type = ? where name = 'spy'", [kind])
        raw.commit()
    with pytest.raises(GalleryError, match="it has the trigger 'spy'"):
        Gallery(path)


def blob(row: np.ndarray) -> str:
    return f"x'{row.astype('<f4').tobytes().hex()}'"


VECTORS = {
    "of length 1e6": (blob(1e6 * embedding(3)), "template 5 is not an embedding of length 1"),
    "not finite": (blob(np.full(DIMENSION, np.inf)), "template 5 is not an embedding of length 1"),
    "of zeros": (blob(np.zeros(DIMENSION)), "template 5 is not an embedding of length 1"),
    "of another size": ("x'00ff'", "template 5 is not an embedding of 16 values"),
    "text": (f"'{'a' * 64}'", "template 5 is not an embedding of 16 values"),
    "a number": ("17", "template 5 is not an embedding of 16 values"),
}
READS: dict[str, Callable[[Gallery], object]] = {
    "search": lambda gallery: gallery.search(embedding(1)[None]),
    "faces": lambda gallery: gallery.faces(),
}


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("vector", VECTORS)
def test_an_embedding_is_tested_when_it_is_read(path: Path, vector: str, read: str) -> None:
    """One embedding of length 1e6 was the nearest of half of all strangers."""
    value, message = VECTORS[vector]
    sql(filled(path), f"update templates set embedding = {value} where id = 5")
    with Gallery(path) as gallery:
        with pytest.raises(GalleryError, match=message):
            READS[read](gallery)
        assert "embedding" in {problem.kind for problem in gallery.check()}


DEEP = '{"a":' * 200 + "1" + "}" * 200

VALUES = {
    "people set name = x'00ff'": "a name is not text",
    f"people set name = '{'A' * 1_000_000}'": "a name has 1,000,000 characters, at most 300 are possible",
    "people set created = 'yesterday'": "a time is not like",
    "people set created = '2026-11-26T08:00:00'": "a time has no offset",
    "people set consented = '26.11.2026'": "a day is not like",
    "people set metadata = '[1]'": "metadata of a person is not an object",
    "people set metadata = '{'": "not of the type of its column",
    f"people set metadata = '{'[' * 100_000}'": "not of the type of its column",
    f"people set metadata = '{DEEP}'": "metadata has 20 objects and lists",
    "templates set box = '[1, 2, 3]'": "a box is not four numbers",
    "templates set box = '[1, 2, 3, \"x\"]'": "a box is not four numbers",
    "templates set box = '[1, 2, 3, 1e999]'": "a box is not four numbers",
    "templates set quality = 'good'": "a quality score is not a number",
    "templates set quality = 9e999": "a quality score is not a number",
    "templates set photo = x'07'": "the photo of a record is not text",
    "templates set person_id = 'x'": "the person_id of a record is not a whole number",
    "meta set change = 'x'": "the change of a record is not a whole number",
    "meta set dimension = 99999999": "embeddings of 99999999 values are not possible",
    "meta set key = '../../etc'": "the key of the gallery is not 32 digits",
    "meta set model = x'07'": "the name of a model is not text",
}


def read_all(path: Path) -> None:
    with Gallery(path) as gallery:
        gallery.faces()
        gallery.people()


@pytest.mark.parametrize(("damage", "message"), VALUES.items())
def test_values_are_tested_for_type_size_and_form(path: Path, damage: str, message: str) -> None:
    sql(filled(path), "pragma foreign_keys=off", f"update {damage}")
    with pytest.raises(GalleryError, match=message):
        read_all(path)
    if not damage.startswith("meta"):
        with Gallery(path) as gallery:
            assert "damaged" in {problem.kind for problem in gallery.check()}


@pytest.mark.parametrize("number", [2**63 - 1, 2**62])
def test_an_id_beyond_those_possible_is_named_before_a_person_is_stored(path: Path, number: int) -> None:
    sql(filled(path), f"update audit set person_id = {number}")
    with Gallery(path) as gallery, pytest.raises(GalleryError, match=rf"person {number} of the gallery is not a poss"):
        gallery.add(*person(7))


def test_a_missing_value_is_damage_except_where_a_query_may_have_no_row() -> None:
    engine = create_engine("sqlite://")
    with engine.connect() as conn:
        conn.exec_driver_sql("create table people (name, created)")
        conn.exec_driver_sql("insert into people values (null, null)")
        for column in (PEOPLE.c.name, PEOPLE.c.created):
            with pytest.raises(GalleryError, match="a value is missing"):
                conn.execute(select(column)).all()
            assert conn.execute(select(optional(column))).scalar_one() is None


def use_all(path: Path) -> None:
    with Gallery(path, create=False) as gallery:
        gallery.check()
        gallery.people()
        gallery.faces()
        gallery.audit()
        gallery.search(embedding(1)[None])
        gallery.find_indexed(["0"])
        gallery.add(*person(7))


def test_a_file_with_changed_bytes_is_used_or_an_error(path: Path, tmp_path: Path) -> None:
    """Never another exception, which would be exit code 70."""
    content, rng = filled(path, people=20).read_bytes(), Random(1)
    for number in range(10_000 if LONG else 40):
        changed = bytearray(content)
        for _ in range(rng.choice((1, 3, 30))):
            place = rng.randrange(len(changed))
            length = rng.choice((1, 1, 4, 100))
            changed[place : place + length] = rng.randbytes(len(changed[place : place + length]))
        mutant = tmp_path / f"mutant{number}.db"
        mutant.write_bytes(changed[: rng.choice((len(changed), rng.randrange(len(changed))))])
        with suppress(VisavisError):
            use_all(mutant)
        for file in tmp_path.glob("mutant*"):
            file.unlink()


SNIPPETS = (
    "NULL", "''", "'x'", "-1", "0", "1.5", "9e999", "9223372036854775807", "x''", "x'ff00'", "'[]'", "'{}'", "'[1,2'",
    "'" + "[" * 5000 + "'", "'" + "n" * 100_000 + "'", "char(0)", "char(0x202e)", "cast(x'ff' as text)", "'2026-13-45'",
)  # fmt: skip


def test_any_value_in_any_column_is_used_or_an_error(path: Path, tmp_path: Path) -> None:
    content, rng = filled(path, people=5).read_bytes(), Random(2)
    with closing(sqlite3.connect(path)) as raw:
        tables = [row[0] for row in raw.execute("select name from sqlite_master where type = 'table'")]
        columns = {table: [row[1] for row in raw.execute(f"pragma table_info({table})")] for table in tables}
    for number in range(10_000 if LONG else 60):
        mutant = tmp_path / f"mutant{number}.db"
        mutant.write_bytes(content)
        table = rng.choice(tables)
        column, value = rng.choice(columns[table]), rng.choice(SNIPPETS)
        try:
            sql(mutant, f"update or ignore {table} set {column} = {value} where rowid % {rng.choice((1, 3))} = 0")
        except sqlite3.Error:
            continue
        with suppress(VisavisError):
            use_all(mutant)
        for file in tmp_path.glob("mutant*"):
            file.unlink()
