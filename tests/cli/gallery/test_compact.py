"""gallery compact."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from cli.conftest import Run
from visavis.gallery.sql import database


@pytest.mark.usefixtures("enrolled")
def test_compact_says_that_nothing_is_left_or_that_others_keep_reading(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = run("gallery", "compact", "--json").line
    assert (line["traces"], line["bytes"]) == (False, Path("faces.db").stat().st_size)
    monkeypatch.setattr(database, "ERASING_SECONDS", 0.05)
    monkeypatch.setattr(database.Database.compact, "__kwdefaults__", {"patience": 0.05})
    with closing(sqlite3.connect("faces.db", isolation_level=None)) as reader:
        reader.execute("begin")
        reader.execute("select count(*) from people").fetchone()
        assert "or by visavis gallery compact." in run("gallery", "rename", "Ann", "Zoe").err
        done = run("gallery", "compact")
        assert (done.code, "others have kept reading faces.db for 0.05 seconds." in done.err) == (3, True)
    assert run("gallery", "compact").out.split()[:2] == ["traces", "none"]
    assert b"Ann" not in Path("faces.db").read_bytes()
