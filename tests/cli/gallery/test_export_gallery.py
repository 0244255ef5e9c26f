"""gallery export and gallery import."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.conftest import Run


@pytest.mark.usefixtures("album")
def test_export_and_import(run: Run) -> None:
    sent = run("gallery", "export", "out", "--json").line
    assert (sent["people"], sent["templates"], sent["unnamed"], sent["photos"]) == (2, 3, 2, 1)
    taken = run("gallery", "import", "out", "--gallery", "copy.db", "--json").line
    assert taken == sent
    assert run("gallery", "list", "--gallery", "copy.db", "--json").lines == run("gallery", "list", "--json").lines
    assert run("gallery", "check", "--gallery", "copy.db").code == 0
    assert run("gallery", "export", "out").code == 2
    assert run("gallery", "import", "nowhere", "--gallery", "another.db").code == 2
    assert not Path("another.db").exists()
