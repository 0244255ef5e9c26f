"""The edge where errors become one line on standard error and an exit code, and where ``--device`` is taken."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperOption

from visavis.cli._suggestions import Suggesting
from visavis.errors import MissingWeightsError, UsageError, VisavisError, VisavisWarning, ended_once

INTERRUPTED = 130
READER_GONE = 141
"""128 + SIGPIPE: what a shell shows for a program whose reader went away; 1 would read as "no"."""


class Commands(Suggesting):
    """The group of all commands: catches here, once, what any of them raises on purpose."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for command in self.commands.values():
            _take_device(command)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; a known error is one line (of missing files, a line each) and its exit code."""
        try:
            with _warnings_as_notes():
                return super().invoke(ctx)
        except BrokenPipeError as error:
            _silence_stdout()
            raise typer.Exit(READER_GONE) from error
        except MissingWeightsError as error:
            for sentence in error.sentences.values():
                _say(sentence)
            raise typer.Exit(error.exit_code) from error
        except VisavisError as error:
            _say(str(error))
            raise typer.Exit(error.exit_code) from error
        except OSError as error:  # a full disk, a folder that may not be written ...
            _say(f"{error.filename}: {error.strerror}." if error.filename else f"{error}.")
            raise typer.Exit(UsageError.exit_code) from error
        except KeyboardInterrupt as error:
            raise typer.Exit(INTERRUPTED) from error


def _say(message: str) -> None:
    typer.echo(f"visavis: {ended_once(' '.join(message.split()))}", err=True)


@contextmanager
def _warnings_as_notes() -> Iterator[None]:
    """Print each VisavisWarning once, as a note, while the block lasts."""

    def show(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
        if issubclass(category, VisavisWarning):
            _say(str(message))
        else:
            others(message, category, *place, **more)

    with warnings.catch_warnings():
        warnings.simplefilter("default", VisavisWarning)
        others, warnings.showwarning = warnings.showwarning, show
        yield


def _silence_stdout() -> None:
    """Point standard output nowhere: the interpreter's last flush would complain of the broken pipe."""
    try:
        descriptor = sys.stdout.fileno()
    except OSError:  # not a real file: nothing to complain of
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


def _take_device(command: Any) -> None:
    """Give ``--device`` to a command that runs networks, as ``--threads`` or ``--workers`` shows, or to a group's."""
    for below in getattr(command, "commands", {}).values():
        _take_device(below)
    names = [parameter.name for parameter in command.params]
    for beside in {"threads", "workers"}.intersection(names):
        command.params.insert(names.index(beside) + 1, _option())


def _option() -> TyperOption:
    return TyperOption(
        param_decls=["--device"],
        type=str,
        metavar="NAME",
        help="Where networks run: cpu, cuda, openvino, coreml or auto.",
        show_default="VISAVIS_DEVICE, else cpu",
        expose_value=False,
        callback=_use,
    )


def _use(_context: Any, _parameter: Any, device: str | None) -> None:
    """Check the name, and pass it on to this process and those it starts."""
    if device is not None:
        from visavis import devices

        devices.wanted(device)
        os.environ[devices.VARIABLE] = device
