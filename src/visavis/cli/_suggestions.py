"""Suggestions for unknown commands: words of other tools, of other groups, and misspelled ones."""

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
"""Synonyms and spellings of keys of the tables above."""
LACKING = {"analyze": " Ages, sexes and emotions are not guessed."}
"""Extra sentence for a word that no command covers."""


class Suggesting(TyperGroup):
    """A group that answers an unknown command with a suggestion."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command; fail with a suggestion if there is none."""
        word = args[0]
        if word in self.commands or word.startswith("-") or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        suggested = [f"'visavis {command}'" for command in _suggest(word, ctx)]
        suggestion = (
            f" Did you mean {' or '.join(suggested)}?" if suggested else f" There are: {', '.join(self.commands)}."
        )
        ctx.fail(f"No such command {word!r}.{suggestion}{LACKING.get(_normalize(word), '')}")


def _suggest(word: str, ctx: Any) -> list[str]:
    """Return the best three commands for a word, without the program name."""
    root = ctx.find_root().command
    group = "" if ctx.parent is None else str(ctx.command.name)
    plain = _normalize(word)
    table = GROUPS.get(group, TOP) if group else TOP
    by_table = list(table.get(plain, ()))
    commands = list(_list_commands(root))
    same_word = [command for command in commands if command.split()[-1] == plain]
    within = [command for command in commands if command.startswith(f"{group} " if group else "")]
    here = {command.split()[-1]: command for command in sorted(within, key=lambda command: -command.count(" "))}
    similar = [here[match] for match in get_close_matches(plain, here, n=2, cutoff=0.7)]
    return list(dict.fromkeys([*by_table, *(() if by_table else (*same_word, *similar))]))[:3]


def _normalize(word: str) -> str:
    return ALIASES.get(word.lower(), word.lower())


def _list_commands(group: Any, prefix: str = "") -> Iterator[str]:
    """Yield all commands and groups as they are typed."""
    for name, command in group.commands.items():
        yield f"{prefix}{name}"
        if hasattr(command, "commands"):
            yield from _list_commands(command, f"{prefix}{name} ")
