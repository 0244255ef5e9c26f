"""What the records promise an index: ids that never come again, and every template once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from visavis.errors import GalleryError
from visavis.gallery import Template
from visavis.gallery.sql import records
from visavis.gallery.sql.schema import TEMPLATES
from visavis.gallery.sql.store import Store

from .faces import DIMENSION, MODEL, embedding


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "faces.db", model=MODEL, create=True)


def add(store: Store, *seeds: int) -> list[int]:
    with store.write() as conn:
        return records.add_templates(conn, MODEL, [(None, Template(embedding(seed))) for seed in seeds])


def test_ids_follow_each_other_and_are_never_given_again(store: Store) -> None:
    assert add(store) == []
    assert add(store, 1, 2, 3) == [1, 2, 3]
    with store.write() as conn:
        records.remove_templates(conn, [2, 3])
    assert add(store, 4, 5) == [4, 5]
    with store.write() as conn:
        records.remove_templates(conn, [1, 4, 5])  # all there are
    assert add(store, 6) == [6]


def test_nothing_is_stored_and_no_id_is_given_where_the_change_fails(store: Store) -> None:
    def break_off() -> None:
        with store.write() as conn:
            assert records.add_templates(conn, MODEL, [(None, Template(embedding(2)))]) == [2]
            raise RuntimeError

    add(store, 1)
    with pytest.raises(RuntimeError):
        break_off()
    assert add(store, 3) == [2]


@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_every_template_comes_once_whatever_is_read_at_a_time(
    store: Store, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "READ_ROWS", size)
    add(store, *range(7))
    with store.read() as conn:
        seen = records.meta(conn).change
        blocks = list(records.added_since(conn, 0, DIMENSION))
    assert np.concatenate([block.ids for block in blocks]).tolist() == list(range(1, 8))
    assert (np.concatenate([block.embeddings for block in blocks]) == [embedding(seed) for seed in range(7)]).all()
    assert all(len(block.ids) <= size for block in blocks)
    add(store, 50, 51)
    with store.read() as conn:
        ids = [block.ids.tolist() for block in records.added_since(conn, seen, DIMENSION)]
        assert [one for some in ids for one in some] == [8, 9]
        assert list(records.added_since(conn, seen + 1, DIMENSION)) == []


def test_a_damaged_embedding_is_told_of_by_its_id(store: Store) -> None:
    add(store, 1, 2, 3)
    with store.write() as conn:
        conn.execute(TEMPLATES.update().where(TEMPLATES.c.id == 2).values(embedding=b"1234"))
    with store.read() as conn, pytest.raises(GalleryError, match="template 2 is not an embedding of 16 values"):
        list(records.added_since(conn, 0, DIMENSION))
