"""gallery describe."""

from __future__ import annotations

import pytest

from cli.conftest import Run


@pytest.mark.usefixtures("album")
def test_describe(run: Run) -> None:
    told = ("--consent", "by hand", "--consented", "2026-05-02", "--metadata", '{"desk": 4}')
    line = run("gallery", "describe", "Ann", *told, "--json").line
    assert (line["consent"], line["consented"], line["metadata"]) == ("by hand", "2026-05-02", {"desk": 4})
    assert run("gallery", "describe", "Ann", "--note", "n", "--json").line["consent"] == "by hand"
    for wrong in ("{", "[1]"):
        done = run("gallery", "describe", "Ann", "--metadata", wrong)
        assert (done.code, done.err.count("\n")) == (2, 1)
    assert run("gallery", "describe", "Ann", "--consented", "yesterday").code == 2
