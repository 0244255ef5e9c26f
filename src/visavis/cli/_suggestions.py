"""Which command is meant by a word that is none: the words of other tools, of other groups, and misspelled ones."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from typer.core import TyperGroup

TOP: dict[str, tuple[str, ...]] = {
    "add": ("enroll",),
    "analyze": ("detect",),
    "compare": ("verify",),
    "create": ("enroll",),
    "crop": ("extract",),
    "delete": ("gallery remove",),
    "download": ("models fetch",),
    "encode": ("embed",),
    "find": ("identify",),
    "forget": ("gallery remove",),
    "group": ("cluster",),
    "help": ("--help",),
    "list": ("gallery list", "models list"),
    "match": ("verify",),
    "people": ("gallery list",),
    "recognize": ("identify",),
    "register": ("enroll",),
    "represent": ("embed",),
    "search": ("identify",),
    "unregister": ("gallery remove",),
    "version": ("--version",),
}
GROUPS: dict[str, dict[str, tuple[str, ...]]] = {
    "gallery": {
        "add": ("enroll",),
        "create": ("enroll",),
        "delete": ("gallery remove",),
        "edit": ("gallery describe", "gallery rename"),
        "find": ("identify",),
        "info": ("gallery stats",),
        "people": ("gallery list",),
        "recognize": ("identify",),
        "register": ("enroll",),
        "search": ("identify",),
        "update": ("gallery describe", "gallery rename"),
    },
    "models": {
        "add": ("models import", "models fetch"),
        "convert": ("models quantize",),
        "delete": ("models remove",),
        "download": ("models fetch",),
        "get": ("models fetch",),
        "info": ("models show",),
        "install": ("models fetch", "models import"),
        "pull": ("models fetch",),
    },
    "evaluate": {
        "bias": ("evaluate groups",),
        "verification": ("evaluate pairs",),
        "verify": ("evaluate pairs",),
    },
}
ALIASES = {
    "analyse": "analyze", "del": "delete", "enrol": "register", "ls": "list", "recognise": "recognize", "rm": "delete",
    "uninstall": "delete",
}  # fmt: skip
"""Other words and spellings for keys of the tables above."""
LACKING = {"analyze": " Ages, sexes and emotions are not guessed."}
"""What a word asks for that no command does."""


class Suggesting(TyperGroup):
    """A group that answers an unknown command with the command that is probably meant."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command; where there is none, fail with what is meant in place of it."""
        word = args[0]
        if word in self.commands or word.startswith("-") or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        meant = [f"'visavis {command}'" for command in _meant(word, ctx)]
        suggestion = f" Did you mean {' or '.join(meant)}?" if meant else f" There are: {', '.join(self.commands)}."
        ctx.fail(f"No such command {word!r}.{suggestion}{LACKING.get(_plain(word), '')}")


def _meant(word: str, ctx: Any) -> list[str]:
    """Return full commands, without the name of the program: the best three."""
    root = ctx.find_root().command
    group = "" if ctx.parent is None else str(ctx.command.name)
    plain = _plain(word)
    table = GROUPS.get(group, TOP) if group else TOP
    by_table = list(table.get(plain, ()))
    every = list(_commands(root))
    same_word = [command for command in every if command.split()[-1] == plain]
    here = {command.split()[-1]: command for command in every if command.startswith(f"{group} " if group else "")}
    alike = [here[match] for match in get_close_matches(plain, here, n=2, cutoff=0.7)]
    return list(dict.fromkeys([*by_table, *(() if by_table else (*same_word, *alike))]))[:3]


def _plain(word: str) -> str:
    return ALIASES.get(word.lower(), word.lower())


def _commands(group: Any, prefix: str = "") -> Iterator[str]:
    """Yield all commands as they are typed, groups too."""
    for name, command in group.commands.items():
        yield f"{prefix}{name}"
        if hasattr(command, "commands"):
            yield from _commands(command, f"{prefix}{name} ")
