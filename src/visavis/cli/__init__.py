"""The command line: one module per command or group; each parses, calls the library and prints.

Importing it loads only typer, not even numpy: commands import what they call. ``app`` has all commands;
:func:`command_line` returns an app of one command, which loads in a third of the time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Annotated

import typer

from visavis.cli._edge import Commands

MODULES = {
    **{"detect": "faces", "extract": "faces", "landmarks": "landmarks", "embed": "faces", "verify": "verify"},
    **{"classify": "classify", "enroll": "people", "identify": "people", "similar": "similar", "cluster": "cluster"},
    **{"representative": "representative", "index": "index", "calibrate": "calibrate", "demo": "demo"},
    **{"gallery": "gallery", "models": "models", "evaluate": "evaluate"},
}
"""Module of each command, in the order of the help. A group is the ``app`` of its module."""


def _print_version(requested: bool) -> None:
    if requested:
        from visavis import __version__

        typer.echo(f"visavis {__version__}")
        raise typer.Exit


def visavis(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Face to face: detect, compare and recognize faces in photos.

    Exit codes: 0 yes or done; 1 no, different, unknown or no face; 2 usage error or no readable photo; 3 a model
    or a gallery is missing. Answers go to standard output (with --json as JSON Lines), all else to standard error.
    """


def command_line(arguments: Sequence[str]) -> typer.Typer:
    """Return an app with the command that the arguments begin with, or with all commands."""
    return _create_app(MODULES if not arguments or arguments[0] not in MODULES else arguments[:1])


def _create_app(names: Iterable[str]) -> typer.Typer:
    app = typer.Typer(
        cls=Commands,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        rich_markup_mode=None,  # plain help comes in half the time, and can be searched
    )
    app.callback()(visavis)
    for name in names:
        module = import_module(f"visavis.cli.{MODULES[name]}")
        if hasattr(module, "app"):
            app.add_typer(module.app, name=name)
        else:
            app.command(name)(getattr(module, name))
    return app


def __getattr__(name: str) -> typer.Typer:
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return globals().setdefault(name, _create_app(MODULES))  # type: ignore[no-any-return]
