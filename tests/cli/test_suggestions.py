"""An unknown command is answered with the command that is meant, and that command exists."""

from __future__ import annotations

import re

import pytest

from command_tree import COMMANDS
from visavis.cli import _suggestions

from .conftest import Run

MEANT = {
    "gallery add": ["enroll"],
    "gallery register": ["enroll"],
    "gallery delete": ["gallery remove"],
    "gallery rm": ["gallery remove"],
    "gallery find": ["identify"],
    "gallery lst": ["gallery list"],
    "models add": ["models import", "models fetch"],
    "models delete": ["models remove"],
    "models download": ["models fetch"],
    "list": ["gallery list", "models list"],
    "ls": ["gallery list", "models list"],
    "add": ["enroll"],
    "delete": ["gallery remove"],
    "register": ["enroll"],
    "find": ["identify"],
    "represent": ["embed"],
    "analyze": ["detect"],
    "compare": ["verify"],
    "recognise": ["identify"],
    "help": ["--help"],
    "stats": ["gallery stats"],
    "fetch": ["models fetch"],
    "verfy": ["verify"],
    "Enrol": ["enroll"],
    "evaluate verify": ["evaluate pairs"],
}


@pytest.mark.parametrize("words", MEANT)
def test_a_word_that_is_no_command_suggests_one(run: Run, words: str) -> None:
    done = run(*words.split())
    assert (done.code, done.out) == (2, "")
    assert f"No such command '{words.rsplit(maxsplit=1)[-1]}'." in done.err
    assert re.findall(r"'visavis ([^']+)'", done.err) == MEANT[words]


def test_a_word_without_likeness_lists_the_commands(run: Run) -> None:
    assert "There are: list, show, remove, forget, rename" in run("gallery", "xyzzy").err.replace("\n", " ")


def test_what_no_command_does_is_said(run: Run) -> None:
    assert "Ages, sexes and emotions are not guessed." in run("analyse").err


def test_every_suggested_command_exists() -> None:
    tables = [_suggestions.TOP, *_suggestions.GROUPS.values()]
    suggested = {command for table in tables for commands in table.values() for command in commands}
    assert suggested - {"--help", "--version"} <= {*COMMANDS}
