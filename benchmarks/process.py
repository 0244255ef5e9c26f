"""Cost of a whole process: visavis verify against a face_recognition script, visavis --help, import visavis.

    python benchmarks/process.py [--rounds 7]

Every run is a new process, timed from its start to its end: interpreter, imports, models, two photos, the
answer. The processes take turns; one round before is not counted, so that files are in the system's cache
and our converted networks in ours. What the very first run costs, with an empty cache of ours, stands in
a row of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from _rounds import SCRIPTS, data_folder, environment, options, report, table
from peers import python_of

PAIRS = {"same": ("obama.jpg", "obama2.jpg"), "different": ("obama.jpg", "biden.jpg")}
HEAVY = ["numpy", "onnxruntime", "onnx", "cv2", "PIL", "sqlalchemy", "typer", "rich", "pooch", "lz4", "torch"]


@dataclass(frozen=True, slots=True)
class Run:
    """One process: seconds by the clock and of processors, its largest resident memory, what it printed."""

    wall: float
    cpu: float
    peak_mb: float
    code: int
    output: str


def run(command: Sequence[str | Path], more: Mapping[str, str] | None = None) -> Run:
    """Run a process to its end."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "figures.json"
        small = [sys.executable, "-I", "-S", SCRIPTS / "measured.py", file]
        done = subprocess.run(
            [*small, *command], capture_output=True, text=True, env={**os.environ, **(more or {})}, check=True
        )
        return Run(**json.loads(file.read_text()), output=done.stdout.strip())


def visavis() -> list[str]:
    """Our command, as it is installed beside this Python."""
    script = Path(sys.executable).with_name("visavis")
    return [str(script)] if script.is_file() else [sys.executable, "-m", "visavis"]


def commands() -> dict[str, dict[str, list[str | Path]]]:
    """Case -> engine -> command; the first engine of a case is the one that ratios refer to."""
    folder = data_folder() / "photos" / "presidents"
    peer = [python_of("dlib"), SCRIPTS / "verify_face_recognition.py"]
    made: dict[str, dict[str, list[str | Path]]] = {}
    for name, pair in PAIRS.items():
        files = [folder / file for file in pair]
        made[f"verify, {name}"] = {
            "visavis": [*visavis(), "verify", *files, "--json"],
            "face_recognition": [*peer, *files],
        }
    made["start"] = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "import visavis": [sys.executable, "-c", "import visavis"],
        "visavis --help": [*visavis(), "--help"],
        "import face_recognition": [python_of("dlib"), "-c", "import face_recognition"],
    }
    return made


def loaded(arguments: Sequence[str]) -> list[str]:
    """Names of the heavy packages that a Python with these arguments imports."""
    command = [sys.executable, "-X", "importtime", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = (line for line in done.stderr.splitlines() if line.startswith("import time:"))
    names = {line.rsplit("|", 1)[-1].strip() for line in lines}
    return [name for name in HEAVY if name in names]


def first_run() -> Run:
    """Verify with an empty cache of converted networks."""
    command = next(iter(commands().values()))["visavis"]
    with tempfile.TemporaryDirectory() as folder:
        return run(command, {"VISAVIS_CACHE": folder})


def measure(rounds: int) -> dict[str, dict[str, list[Run]]]:
    """Run each case and engine once a round."""
    made = commands()
    runs: dict[str, dict[str, list[Run]]] = {case: {name: [] for name in made[case]} for case in made}
    for number in range(-1, rounds):
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
        for case, engines in made.items():
            for name, command in engines.items():
                done = run(command)
                if done.code not in (0, 1):
                    raise SystemExit(f"{name} ended with {done.code}: {[str(part) for part in command]}")
                if number >= 0:
                    runs[case][name].append(done)
    return runs


def rows(runs: Mapping[str, Mapping[str, Sequence[Run]]]) -> list[tuple[object, ...]]:
    """Sum up by medians and ratios; a ratio is the median of those within a round."""
    made = []
    for case, engines in runs.items():
        base = next(iter(engines.values()))
        for name, each in engines.items():
            made.append(
                (
                    case,
                    name,
                    median(one.wall for one in each),
                    min(one.wall for one in each),
                    median(one.cpu for one in each),
                    median(one.peak_mb for one in each),
                    median(one.wall / other.wall for one, other in zip(each, base, strict=True)),
                    median(one.cpu / other.cpu for one, other in zip(each, base, strict=True)),
                    _answer(each[-1]),
                )
            )
    return made


def _answer(done: Run) -> str:
    try:
        answer = json.loads(done.output)
        return f"{'same' if answer['same'] else 'different'} {answer['distance']:.3f}"
    except (ValueError, KeyError, TypeError):
        return ""


def main() -> None:
    """Measure and print."""
    chosen = options(__doc__ or "").parse_args()
    before = environment()
    runs = measure(chosen.rounds)
    first = first_run()
    cold = (
        "verify, empty cache",
        "visavis",
        first.wall,
        "",
        first.cpu,
        first.peak_mb,
        "",
        "",
        _answer(first),
    )
    columns = ["case", "what", "median s", "least", "CPU s", "peak MB", "ratio", "CPU ratio", "answer"]
    about = {
        **before,
        "load after": environment()["load"],
        "rounds": chosen.rounds,
        "heavy packages after import visavis": loaded(["-c", "import visavis"]) or "none",
        "heavy packages after visavis --help": loaded(["-m", "visavis", "--help"]) or "none",
    }
    tables = [table("Whole processes", columns, [*rows(runs), cold])]
    report(tables, about, chosen.json, {"runs": runs, "first": first})


if __name__ == "__main__":
    main()
