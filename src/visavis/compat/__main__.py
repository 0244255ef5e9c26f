"""``python -m visavis.compat SCRIPT [ARGS]``: run a script as python would, its face packages replaced by ours."""

from __future__ import annotations

import os
import runpy
import sys
from importlib import import_module
from pathlib import Path

from visavis.compat import _alias
from visavis.errors import VisavisError

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


def main() -> None:
    """Run what the command line names; its exit code and its exceptions are its own."""
    match sys.argv[1:]:
        case [] | ["-h" | "--help", *_]:
            _explain(0 if len(sys.argv) > 1 else WRONG_USE)
        case ["-m"]:
            _explain(WRONG_USE)
        case ["-m", module, *rest]:
            _alias.install()
            sys.argv = [module, *rest]
            sys.path[0] = str(Path.cwd())
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        case [command, *rest] if command in COMMANDS and not Path(command).is_file():
            _command(command, rest)
        case [script, *rest]:
            _run(script, rest)


def _explain(code: int) -> None:
    (sys.stderr if code else sys.stdout).write(USAGE)
    sys.exit(code)


def _command(name: str, arguments: list[str]) -> None:
    try:
        import_module(COMMANDS[name]).main(args=arguments, prog_name=name)
    except VisavisError as error:
        sys.stderr.write(f"{name}: {error}\n")
        sys.exit(error.exit_code)


def _run(script: str, arguments: list[str]) -> None:
    if not Path(script).exists():
        sys.stderr.write(f"visavis.compat: there is no script {script!r}.\n")
        sys.exit(WRONG_USE)
    _alias.install()
    sys.argv = [script, *arguments]
    sys.path[0] = os.path.realpath(Path(script).parent)  # what lies beside the script, as for python itself
    runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    main()
