"""All commands of the command line, by their words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from visavis.cli import app


def commands(group: Any, *path: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, *path, name)
        else:
            yield " ".join([*path, name]), command


COMMANDS: dict[str, Any] = dict(commands(typer.main.get_command(app)))
