"""Galleries that do not exist, or are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.conftest import Run


@pytest.mark.parametrize("command", [["list"], ["show", "Ann"], ["remove", "Ann"], ["stats"], ["check"]])
def test_no_command_makes_a_gallery_by_looking(run: Run, command: list[str]) -> None:
    done = run("gallery", *command)
    assert done.code == 3
    assert not Path("faces.db").exists()


def test_a_file_that_is_no_gallery_is_exit_3(run: Run) -> None:
    Path("faces.db").write_bytes(b"not a database at all, but long enough to look into" * 20)
    done = run("gallery", "list")
    assert done.code == 3
    assert done.err.count("\n") == 1
