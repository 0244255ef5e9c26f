"""Edge of the program: turns errors into one line on standard error and an exit code; adds ``--device``."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import typer
from typer.core import TyperOption

from visavis.cli._suggestions import Suggesting
from visavis.errors import NO_ROOM, MissingWeightsError, UsageError, VisavisError, VisavisWarning, ended_once, reason_of
from visavis.printable import make_printable

INTERRUPTED = 130
READER_GONE = 141
"""128 + SIGPIPE: the shell's code for a program that writes to a closed pipe; 1 would mean "no"."""


USAGE_ERROR = next(
    kind for kind in typer.BadParameter.__mro__ if issubclass(kind, Exception) and kind.__name__ == "ClickException"
)
"""Root of typer's errors; its module depends on the version."""


class Commands(Suggesting):
    """Group of all commands: the one place that catches the errors that commands raise."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for command in self.commands.values():
            _add_device(command)
            _add_key_file(command)

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Parse the options before the command."""
        with _explain_system_errors(), _escape_usage_errors():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; print a known error as one line (missing files: one line each) and exit with its code."""
        try:
            with _explain_system_errors(), _print_warnings(), _escape_usage_errors():
                return super().invoke(ctx)
        except MissingWeightsError as error:
            for sentence in error.sentences.values():
                _print_message(sentence)
            raise typer.Exit(error.exit_code) from error
        except VisavisError as error:
            _print_message(str(error))
            raise typer.Exit(error.exit_code) from error
        except KeyboardInterrupt as error:
            raise typer.Exit(getattr(error, "exit_code", INTERRUPTED)) from error


def _print_message(message: str) -> None:
    with suppress(OSError):  # a full disk below standard error: the exit code still tells
        typer.echo(f"visavis: {ended_once(make_printable(' '.join(message.split())))}", err=True)


@contextmanager
def _explain_system_errors() -> Iterator[None]:
    """Print what the system refused as one line, such as a file on a full disk, and exit with the code for it.

    Output files are named in their errors: a disk without room for one without a name is that of standard output.
    """
    try:
        yield
    except BrokenPipeError as error:
        _silence_stdout()
        raise typer.Exit(READER_GONE) from error
    except VisavisError:  # MissingImageError is an OSError too
        raise
    except OSError as error:
        name = error.filename or ("standard output" if error.errno in NO_ROOM else "")
        _print_message(f"{name}: {reason_of(error)}." if name else f"{error}.")
        if not error.filename:
            _silence_stdout()
        raise typer.Exit(UsageError.exit_code) from error


@contextmanager
def _escape_usage_errors() -> Iterator[None]:
    """Escape foreign text in typer's errors, which quote a file name that begins with "--" as an option."""
    try:
        yield
    except USAGE_ERROR as error:
        error.message = make_printable(str(error.message))  # type: ignore[attr-defined]
        raise


@contextmanager
def _print_warnings() -> Iterator[None]:
    """Print each VisavisWarning once, as a note, during the block."""

    def show(message: Warning | str, category: type[Warning], *place: Any, **options: Any) -> None:
        if issubclass(category, VisavisWarning):
            _print_message(str(message))
        else:
            previous(make_printable(str(message), keep="\n"), category, *place, **options)

    with warnings.catch_warnings():
        warnings.simplefilter("default", VisavisWarning)
        previous, warnings.showwarning = warnings.showwarning, show
        yield


def _silence_stdout() -> None:
    """Redirect standard output to the null device: the final flush would fail again."""
    try:
        descriptor = sys.stdout.fileno()
    except OSError:  # not a real file: no flush to silence
        return
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, descriptor)
    os.close(null)


def _add_device(command: Any) -> None:
    """Add ``--device`` to each command with ``--threads`` or ``--workers``, also in groups."""
    for subcommand in getattr(command, "commands", {}).values():
        _add_device(subcommand)
    names = [parameter.name for parameter in command.params]
    for neighbor in {"threads", "workers"}.intersection(names):
        command.params.insert(names.index(neighbor) + 1, _create_option())


def _create_option() -> TyperOption:
    return TyperOption(
        param_decls=["--device"],
        type=str,
        metavar="NAME",
        help="Device that runs the networks: cpu, cuda, openvino, coreml or auto.",
        show_default="VISAVIS_DEVICE, else cpu",
        expose_value=False,
        callback=_set_device,
    )


def _add_key_file(command: Any) -> None:
    """Add ``--key-file`` to each command with ``--gallery``, also in groups."""
    for subcommand in getattr(command, "commands", {}).values():
        _add_key_file(subcommand)
    names = [parameter.name for parameter in command.params]
    if "gallery" in names:
        option = TyperOption(
            param_decls=["--key-file"],
            type=str,
            metavar="FILE",
            help="File with the key of an encrypted gallery.",
            show_default="VISAVIS_KEY_FILE, else none",
            expose_value=False,
            callback=_set_key_file,
        )
        command.params.insert(names.index("gallery") + 1, option)


def _set_key_file(_context: Any, _parameter: Any, path: str | None) -> None:
    """Set the key file for this process and its children."""
    if path is not None:
        os.environ["VISAVIS_KEY_FILE"] = path


def _set_device(_context: Any, _parameter: Any, device: str | None) -> None:
    """Check the device name, and set it for this process and its children."""
    if device is not None:
        from visavis import devices

        devices.select_devices(device)
        os.environ[devices.VARIABLE] = device
