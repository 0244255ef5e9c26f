"""gallery audit."""

from __future__ import annotations

import getpass

import pytest

from cli.conftest import Run


@pytest.mark.usefixtures("album")
def test_audit(run: Run) -> None:
    run("gallery", "merge", "Bea", "Ann")
    lines = run("gallery", "audit", "--json").lines
    assert [(one["action"], one["person_id"]) for one in lines] == [("enroll", 1), ("enroll", 2), ("merge", 1)]
    assert {one["actor"] for one in lines} == {getpass.getuser()}
    assert "merge" in run("gallery", "audit").out
