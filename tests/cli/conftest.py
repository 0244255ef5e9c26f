from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer import testing
from typer.main import get_command
from typer.testing import CliRunner

from visavis.cli import command_line

from .fakes import BLUE, DARK_RED, DETECTOR, MODEL, RED, photo


@dataclass(frozen=True)
class Done:
    """What a command left: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Standard output, every line of which has to be JSON."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def line(self) -> dict[str, Any]:
        (one,) = self.lines
        return one


Run = Callable[..., Done]


@cache
def find_app(*words: str) -> Any:
    """Return the app that a command line with these first words has: the same for all tests, since one takes 70 ms."""
    return command_line(words)


find_command = cache(get_command)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in this process, in an empty folder; a crash comes out as it is."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VISAVIS_GALLERY", raising=False)
    monkeypatch.setattr(testing, "_get_command", find_command)

    def call(*arguments: object, stdin: bytes | None = None) -> Done:
        words = [str(one) for one in arguments]
        result = CliRunner().invoke(find_app(*words[:2]), words, input=stdin)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Done(result.exit_code, result.stdout, result.stderr)

    return call


@pytest.fixture
def look(run: Run) -> Run:
    """Run a command with the detector of squares."""
    return lambda command, *arguments, **more: run(command, "--detector", DETECTOR, *arguments, **more)


@pytest.fixture
def know(run: Run) -> Run:
    """Run a command with the detector of squares and the model of colors."""
    return lambda command, *arguments, **more: run(
        command, "--detector", DETECTOR, "--model", MODEL, *arguments, **more
    )


@dataclass(frozen=True)
class Photos:
    """Names of photos in the folder that commands run in."""

    red: str
    dark_red: str
    blue: str
    both: str
    empty: str
    broken: str
    missing: str = "missing.png"


@pytest.fixture
def photos(tmp_path: Path) -> Photos:
    photo(tmp_path / "red.png", (RED, 40, 50, 60))
    photo(tmp_path / "dark.png", (DARK_RED, 140, 90, 80))
    photo(tmp_path / "blue.png", (BLUE, 10, 20, 64))
    photo(tmp_path / "both.png", (RED, 20, 30, 50), (BLUE, 180, 100, 100))
    photo(tmp_path / "empty.png")
    (tmp_path / "broken.png").write_bytes(b"not a picture")
    return Photos("red.png", "dark.png", "blue.png", "both.png", "empty.png", "broken.png")
