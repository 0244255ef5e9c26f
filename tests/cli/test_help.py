"""Every command is documented, and its help is looked over when it changes.

After a wanted change: VISAVIS_WRITE_HELP=1 pytest tests/cli/test_help.py, and read the difference.
"""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner

from command_tree import COMMANDS
from visavis.cli import command_line

SNAPSHOT = Path(__file__).with_name("help.txt")

DOCUMENTED = {
    "detect",
    "extract",
    "embed",
    "verify",
    "enroll",
    "identify",
    "why",
    "similar",
    "cluster",
    "representative",
    "index",
    "video",
    "gallery list",
    "gallery show",
    "gallery remove",
    "gallery rename",
    "gallery describe",
    "gallery merge",
    "gallery move",
    "gallery name",
    "gallery strangers",
    "gallery reject",
    "gallery rejections",
    "gallery undo-rejection",
    "gallery coach",
    "gallery keep-crops",
    "gallery migrate",
    "gallery forget",
    "gallery export",
    "gallery import",
    "gallery audit",
    "gallery stats",
    "gallery check",
    "gallery calibrate",
    "gallery compact",
    "cache list",
    "cache clear",
    "cache forget",
    "evaluate pairs",
    "evaluate lfw",
    "evaluate identification",
    "evaluate clusters",
    "evaluate detection",
    "evaluate groups",
    "evaluate video",
    "evaluate liveness",
    "evaluate camera",
    "calibrate",
    "models list",
    "models show",
    "models fetch",
    "models import",
    "models remove",
    "models quantize",
    "models bench",
    "landmarks",
    "liveness",
    "classify",
    "train classifier",
    "train network",
    "train compare",
    "train suspects",
    "demo",
    "serve",
    "keys create",
    "keys list",
    "keys rotate",
    "keys revoke",
    "attendance init",
    "attendance import-people",
    "attendance people",
    "attendance import-punches",
    "attendance punch",
    "attendance correct",
    "attendance history",
    "attendance who-is-in",
    "attendance day",
    "attendance report",
    "attendance close",
    "attendance replay",
    "attendance demo",
    "attendance request",
    "attendance requests",
    "attendance approve",
    "attendance outage",
    "attendance consent",
    "attendance credential",
    "attendance export-person",
    "attendance erase-person",
    "attendance retain",
    "attendance access",
    "attendance verify",
    "attendance export",
    "attendance push",
    "attendance targets",
    "attendance terminals",
}
"""The commands of the design that there are by now."""


ENDLESS = {"serve"}
"""Commands that run until a signal, and give no answer."""


def helps() -> str:
    """The help of everything, as it is printed 80 columns wide."""
    texts = [f"typer {'.'.join(version('typer').split('.')[:2])}\n"]
    for name in ["", *COMMANDS]:
        words = [*name.split(), "--help"]
        done = CliRunner().invoke(command_line(words), words, prog_name="visavis", env={"COLUMNS": "80"})
        assert done.exit_code == 0
        texts.append(done.stdout)
    return ("\n" + "=" * 80 + "\n").join(texts)


def test_every_documented_command_exists() -> None:
    assert set(COMMANDS) == DOCUMENTED


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_json_and_every_option_is_explained(name: str) -> None:
    command = COMMANDS[name]
    assert ("--json" in [option for one in command.params for option in one.opts]) == (name not in ENDLESS)
    assert all(one.help for one in command.params)
    assert command.help.splitlines()[0].endswith(".")


@pytest.mark.parametrize("group", ["", "gallery", "models", "evaluate", "keys", "attendance"])
def test_no_line_is_cut_in_the_lists_of_commands(group: str) -> None:
    words = [*group.split(), "--help"]
    shown = CliRunner().invoke(command_line(words), words, env={"COLUMNS": "80"}).stdout
    listed = shown.split("Commands:")[1].splitlines()
    assert len(listed) > 3
    assert not [line for line in listed if line.endswith("...")]


def test_help_is_as_it_was() -> None:
    now = helps()
    if os.environ.get("VISAVIS_WRITE_HELP"):
        SNAPSHOT.write_text(now, encoding="utf-8")
    before = SNAPSHOT.read_text(encoding="utf-8")
    if before.splitlines()[0] != now.splitlines()[0]:
        pytest.skip(f"the snapshot was written by {before.splitlines()[0]}, which lays help out in its own way")
    assert now == before
