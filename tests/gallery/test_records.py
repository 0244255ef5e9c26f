"""What the records promise an index: ids that never come again, and every template once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from visavis.errors import GalleryError
from visavis.gallery import Template
from visavis.gallery._index_sync import read_added
from visavis.gallery.sql import records
from visavis.gallery.sql.database import Database
from visavis.gallery.sql.schema import TEMPLATES

from .faces import DIMENSION, MODEL, embedding


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "faces.db", model=MODEL, create=True)


def add(database: Database, *seeds: int) -> list[int]:
    with database.write() as conn:
        return records.add_templates(conn, MODEL, [(None, Template(embedding(seed))) for seed in seeds])


def test_ids_follow_each_other_and_are_never_given_again(database: Database) -> None:
    assert add(database) == []
    assert add(database, 1, 2, 3) == [1, 2, 3]
    with database.write() as conn:
        records.remove_templates(conn, [2, 3])
    assert add(database, 4, 5) == [4, 5]
    with database.write() as conn:
        records.remove_templates(conn, [1, 4, 5])  # all there are
    assert add(database, 6) == [6]


def test_nothing_is_stored_and_no_id_is_given_where_the_change_fails(database: Database) -> None:
    def break_off() -> None:
        with database.write() as conn:
            assert records.add_templates(conn, MODEL, [(None, Template(embedding(2)))]) == [2]
            raise RuntimeError

    add(database, 1)
    with pytest.raises(RuntimeError):
        break_off()
    assert add(database, 3) == [2]


@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_every_template_comes_once_whatever_is_read_at_a_time(
    database: Database, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "READ_ROWS", size)
    add(database, *range(7))
    with database.read() as conn:
        seen = records.read_meta(conn).change
        blocks = list(read_added(conn, 0, DIMENSION))
    assert np.concatenate([block.ids for block in blocks]).tolist() == list(range(1, 8))
    assert (np.concatenate([block.embeddings for block in blocks]) == [embedding(seed) for seed in range(7)]).all()
    assert all(len(block.ids) <= size for block in blocks)
    add(database, 50, 51)
    with database.read() as conn:
        ids = [block.ids.tolist() for block in read_added(conn, seen, DIMENSION)]
        assert [one for some in ids for one in some] == [8, 9]
        assert list(read_added(conn, seen + 1, DIMENSION)) == []


def test_a_damaged_embedding_is_told_of_by_its_id(database: Database) -> None:
    add(database, 1, 2, 3)
    with database.write() as conn:
        conn.execute(TEMPLATES.update().where(TEMPLATES.c.id == 2).values(embedding=b"1234"))
    with database.read() as conn, pytest.raises(GalleryError, match="template 2 is not an embedding of 16 values"):
        list(read_added(conn, 0, DIMENSION))
