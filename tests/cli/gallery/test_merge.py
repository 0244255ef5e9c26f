"""gallery merge."""

from __future__ import annotations

import pytest

from cli.conftest import Run


@pytest.mark.usefixtures("album")
def test_merge(run: Run) -> None:
    line = run("gallery", "merge", "Bea", "Ann", "--json").line
    assert (line["person_id"], line["name"], line["photos"]) == (1, "Ann", 3)
    assert [one["name"] for one in run("gallery", "list", "--json").lines] == ["Ann"]
    assert run("gallery", "merge", "Ann", "1").code == 2
