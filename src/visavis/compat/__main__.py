"""``python -m visavis.compat SCRIPT [ARGS]``: run a script like python, with its face packages replaced by ours."""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from visavis.compat import NAMES, _alias, _windows
from visavis.errors import MissingExtraError, VisavisError, WeightsError
from visavis.printable import make_printable

USAGE = """usage: python -m visavis.compat SCRIPT [ARGS]       run a script
       python -m visavis.compat -m MODULE [ARGS]    run a module, as python -m does
       python -m visavis.compat face_recognition KNOWN_PEOPLE_FOLDER IMAGE_TO_CHECK [OPTIONS]
       python -m visavis.compat face_detection IMAGE_TO_CHECK [OPTIONS]
"""
COMMANDS = {
    "face_recognition": "visavis.compat.face_recognition.face_recognition_cli",
    "face_detection": "visavis.compat.face_recognition.face_detection_cli",
}
WRONG_USE = 2
WITHOUT_STAND_IN = frozenset({"deepface", "facenet_pytorch", "insightface", "retinaface"})
"""Face packages that docs/coming-from.md compares with visavis, or that scripts for these packages import."""


def main() -> None:
    """Run the script, module or command of the command line, with its own exit code and exceptions."""
    match sys.argv[1:]:
        case [] | ["-h" | "--help", *_]:
            _print_usage(0 if len(sys.argv) > 1 else WRONG_USE)
        case ["-m"]:
            _print_usage(WRONG_USE)
        case ["-m", module, *rest]:
            _alias.install()
            sys.argv = [module, *rest]
            sys.path[0] = str(Path.cwd())
            with _explain_errors():
                runpy.run_module(module, run_name="__main__", alter_sys=True)
        case [command, *rest] if command in COMMANDS and not Path(command).is_file():
            _run_command(command, rest)
        case [script, *rest]:
            _run_script(script, rest)


def _print_usage(code: int) -> None:
    (sys.stderr if code else sys.stdout).write(USAGE)
    sys.exit(code)


def _run_command(name: str, arguments: list[str]) -> None:
    try:
        import_module(COMMANDS[name]).main(args=arguments, prog_name=name)
    except VisavisError as error:
        _fail(error, name)


def _fail(error: VisavisError, name: str) -> NoReturn:
    """Print each line of the message after ``name``, and exit with the code of the error."""
    sys.stderr.write("".join(f"{name}: {make_printable(line)}\n" for line in str(error).splitlines()))
    sys.exit(error.exit_code)


def _run_script(script: str, arguments: list[str]) -> None:
    if not Path(script).exists():
        sys.stderr.write(f"visavis.compat: there is no script {script!r}.\n")
        sys.exit(WRONG_USE)
    _alias.install()
    sys.argv = [script, *arguments]
    sys.path[0] = os.path.realpath(Path(script).parent)  # modules beside the script, like python itself
    with _explain_errors():
        runpy.run_path(script, run_name="__main__")


@contextmanager
def _explain_errors() -> Iterator[None]:
    """Replace the traceback of a script that lacks weights, a face package or windows by one sentence, and exit."""
    try:
        yield
    except WeightsError as error:
        _fail(error, "visavis.compat")
    except ModuleNotFoundError as error:
        if (package := str(error.name).partition(".")[0]) not in WITHOUT_STAND_IN:
            raise
        _fail(
            MissingExtraError(
                f"there is no stand-in for {package}, and it is not installed; docs/coming-from.md shows the same in "
                f"visavis, and these have stand-ins: {', '.join(NAMES)}."
            ),
            "visavis.compat",
        )
    except Exception as error:
        if function := _windows.missing_function(error):
            _fail(MissingExtraError(_windows.advice(function, error)), "visavis.compat")
        raise


if __name__ == "__main__":
    main()
