"""A gallery in PostgreSQL and an index of one's choice, at the command line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from .conftest import Photos, Run

if TYPE_CHECKING:
    from servers import Postgres


@pytest.fixture
def url(postgres: Postgres) -> Iterator[str]:
    made = postgres.new()
    yield made
    postgres.drop(made)


def test_people_in_postgresql_are_found_by_pgvector(
    know: Run, run: Run, photos: Photos, url: str, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert know("enroll", "Ann", photos.red, "--gallery", url).code == 0
    monkeypatch.setenv("VISAVIS_GALLERY", url)
    wanted = ("identify", photos.dark_red, photos.blue, "--threshold", 0.1, "--json")
    exact = know(*wanted)
    assert [line["faces"][0]["name"] for line in exact.lines] == ["Ann", None]
    assert tables(postgres, url) == []
    assert know(*wanted, "--index", "pgvector").out == exact.out
    (table,) = tables(postgres, url)
    assert know(*wanted, "--index", "pgvector:hnsw").out == exact.out
    postgres.run(f"UPDATE {table} SET person = 5 WHERE id > 0", name(url))
    monkeypatch.setenv("VISAVIS_INDEX", "pgvector")
    found = run("gallery", "check", "--json")
    assert (found.code, found.line["problem"]) == (1, "index")
    assert run("gallery", "check", "--repair", "--json").line["problem"] is None
    assert run("gallery", "check", "--index", "exact").code == 0


def test_an_index_that_is_none_of_these(know: Run, photos: Photos) -> None:
    know("enroll", "Ann", photos.red)
    done = know("identify", photos.red, "--threshold", 0.1, "--index", "pgvektor")
    assert (done.code, done.err) == (2, "visavis: no index is called 'pgvektor'; did you mean pgvector?\n")
    done = know("identify", photos.red, "--threshold", 0.1, "--index", "pgvector")
    assert done.code == 2
    assert "is in a database of PostgreSQL, and this gallery is not" in done.err


def tables(postgres: Postgres, url: str) -> list[str]:
    rows = postgres.run("SELECT relname FROM pg_class WHERE relkind = 'r' AND relname LIKE 'visavis%'", name(url))
    return [row[0] for row in rows]


def name(url: str) -> str:
    return url.partition("@/")[2].partition("?")[0]
