"""gallery stats."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.conftest import Run
from cli.fakes import MODEL


@pytest.mark.usefixtures("enrolled")
def test_stats(run: Run) -> None:
    line = run("gallery", "stats", "--json").line
    assert (line["model"], line["people"], line["templates"], line["dimension"]) == (MODEL, 2, 3, 3)
    assert line["bytes"] == Path("faces.db").stat().st_size
