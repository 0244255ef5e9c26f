"""The command line: one module per command, which parses, calls the library and prints.

Importing it loads only typer, not even numpy: commands import what they call. ``app`` has all commands;
:func:`command_line` returns an app of one command, which loads in a third of the time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Annotated, Any

import typer

from visavis.cli._edge import Commands
from visavis.cli._suggestions import Suggesting

COMMANDS = {
    **{name: name for name in ("detect", "extract", "landmarks", "embed", "verify", "classify", "enroll", "identify")},
    "why": "why",
    "liveness": "liveness",
    **{name: name for name in ("similar", "cluster", "representative", "index", "video", "calibrate", "demo", "serve")},
    "gallery list": "gallery.list_people",
    **{f"gallery {name}": f"gallery.{name}" for name in ("show", "remove", "forget", "rename", "describe", "merge")},
    "gallery move": "gallery.move",
    "gallery name": "gallery.name_faces",
    "gallery strangers": "gallery.strangers",
    "gallery coach": "gallery.coach",
    "gallery reject": "gallery.reject",
    "gallery rejections": "gallery.rejections",
    "gallery undo-rejection": "gallery.undo_rejection",
    "gallery keep-crops": "gallery.keep_crops",
    "gallery migrate": "gallery.migrate",
    "gallery export": "gallery.export_gallery",
    "gallery import": "gallery.import_gallery",
    **{f"gallery {name}": f"gallery.{name}" for name in ("audit", "stats", "check", "calibrate", "compact")},
    "cache list": "cache.list_parts",
    "cache clear": "cache.clear",
    "cache forget": "cache.forget",
    "models list": "models.list_models",
    "models show": "models.show",
    "models import": "models.import_model",
    **{f"models {name}": f"models.{name}" for name in ("remove", "quantize", "bench", "fetch")},
    **{f"evaluate {name}": f"evaluate.{name}" for name in ("pairs", "lfw", "identification", "clusters", "detection")},
    "evaluate groups": "evaluate.groups",
    "evaluate video": "evaluate.video",
    "evaluate liveness": "evaluate.liveness",
    "evaluate camera": "evaluate.camera",
    "train classifier": "train.classifier",
    "train network": "train.network",
    "train compare": "train.compare",
    "train suspects": "train.suspects",
    "keys create": "keys.create",
    "keys list": "keys.list_keys",
    **{f"keys {name}": f"keys.{name}" for name in ("rotate", "revoke")},
    "attendance init": "attendance.init",
    "attendance import-people": "attendance.import_people",
    "attendance people": "attendance.people",
    "attendance import-punches": "attendance.import_punches",
    **{f"attendance {name}": f"attendance.{name}" for name in ("punch", "correct", "history")},
    "attendance who-is-in": "attendance.who_is_in",
    **{f"attendance {name}": f"attendance.{name}" for name in ("day", "report", "close", "replay", "demo")},
    **{f"attendance {name}": f"attendance.{name}" for name in ("request", "requests", "approve", "outage")},
    **{f"attendance {name}": f"attendance.{name}" for name in ("consent", "credential")},
    "attendance export-person": "attendance.export_person",
    "attendance erase-person": "attendance.erase_person",
    **{f"attendance {name}": f"attendance.{name}" for name in ("retain", "access", "verify")},
    **{f"attendance {name}": f"attendance.{name}" for name in ("export", "push", "targets", "terminals")},
}
"""Module of each command, in the order of the help; the command is the function that the module is named after."""

GROUPS = {
    "gallery": "Manage the people in a gallery.",
    "cache": "List and delete what commands have remembered.",
    "models": "List and download models, and add your own.",
    "evaluate": "Measure error rates on labeled photos and videos.",
    "train": "Train classifiers and networks on labeled photos.",
    "keys": "Manage the API keys of a server.",
    "attendance": "Record who comes and goes at a site.",
}
"""Help of each group of commands."""


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
    """Return an app with the command or group that the arguments begin with, or with all commands.

    For the program's own help the groups are empty: their commands are not listed there.
    """
    if set(arguments) <= {"-h", "--help", "--version"}:
        return _create_app([*(command for command in COMMANDS if " " not in command), *GROUPS])
    for words in (2, 1):
        name = " ".join(arguments[:words])
        commands = [command for command in COMMANDS if command == name or command.startswith(f"{name} ")]
        if commands:
            return _create_app(commands)
    return _create_app(COMMANDS)


def _create_app(commands: Iterable[str]) -> typer.Typer:
    """Return an app with these commands; the name of a group stands for an empty group."""
    app = _create_group(cls=Commands, pretty_exceptions_enable=False)
    app.callback()(visavis)
    groups: dict[str, typer.Typer] = {"": app}
    for command in commands:
        group, name = (command, "") if command in GROUPS else command.rpartition(" ")[::2]
        if group not in groups:
            groups[group] = _create_group(cls=Suggesting, help=GROUPS[group])
            app.add_typer(groups[group], name=group)
        if name:
            path = COMMANDS[command]
            function = getattr(import_module(f"visavis.cli.{path}"), path.rpartition(".")[2])
            groups[group].command(name)(function)
    return app


def _create_group(**options: Any) -> typer.Typer:
    return typer.Typer(
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
        rich_markup_mode=None,  # plain help is printed in half the time, and can be searched
        **options,
    )


def __getattr__(name: str) -> typer.Typer:
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return globals().setdefault(name, _create_app(COMMANDS))  # type: ignore[no-any-return]
