"""Drive engines in turn, each in its own process, and sum up what they took.

One engine works at a time, the others wait for input: A B C A B C ... round by round, case by case. So a slow
minute of the machine falls on all of them, and the ratio within a round stands where absolute figures drift.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from peers import ROOT
from rich.console import Console
from rich.table import Table

SCRIPTS = ROOT / "benchmarks" / "peer_scripts"
LEAST = 0.25
"""Seconds that a turn lasts at least: short passes are repeated, and their median is the turn's figure."""


def data_folder() -> Path:
    """Folder of the test photos: ``VISAVIS_TEST_DATA``, else ``../shared/data`` beside the repository."""
    named = os.environ.get("VISAVIS_TEST_DATA")
    return Path(named) if named else ROOT.parent / "shared" / "data"


@dataclass(frozen=True, slots=True)
class Engine:
    """A worker to start: ``script`` (in peer_scripts) under ``python``; ``cases`` are those it can run."""

    name: str
    python: Path
    script: str
    settings: Mapping[str, Any]
    cases: Sequence[str]


@dataclass(frozen=True, slots=True)
class Turn:
    """One engine's turn at one case: the medians of its passes in seconds, and what it answered."""

    wall: float
    cpu: float
    passes: int
    answer: Any


@dataclass(slots=True)
class Figures:
    """The turns of one engine at one case, one a round."""

    engine: str
    case: str
    turns: list[Turn] = field(default_factory=list)

    @property
    def wall(self) -> float:
        """Median seconds."""
        return median(turn.wall for turn in self.turns)

    @property
    def least(self) -> float:
        """Fewest seconds of any round."""
        return min(turn.wall for turn in self.turns)

    @property
    def cpu(self) -> float:
        """Median processor seconds, all threads together."""
        return median(turn.cpu for turn in self.turns)

    def ratio(self, base: Figures) -> float:
        """How many times as long as ``base`` it took: the median of the ratios within each round."""
        return median(mine.wall / its.wall for mine, its in zip(self.turns, base.turns, strict=True))


class Worker:
    """A running engine."""

    def __init__(self, engine: Engine) -> None:
        self.name, self.cases = engine.name, engine.cases
        self._process = subprocess.Popen(
            [engine.python, SCRIPTS / engine.script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore"},
        )
        self.facts = self._ask({"load": dict(engine.settings)})["facts"]

    def turn(self, case: str, least: float = LEAST) -> Turn:
        """Let it work at the case."""
        reply = self._ask({"run": case, "least": least})
        return Turn(median(reply["wall"]), median(reply["cpu"]), len(reply["wall"]), reply["answer"])

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _ask(self, message: Mapping[str, Any]) -> dict[str, Any]:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(message) + "\n")
        stdin.flush()
        line = stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} ended with {self._process.wait()} while it was asked {[*message]}.")
        reply: dict[str, Any] = json.loads(line)
        return reply


def alternate(engines: Sequence[Engine], cases: Sequence[str], rounds: int) -> tuple[list[Figures], dict[str, Any]]:
    """Measure every engine at every case after one uncounted round; also the facts each engine reported."""
    workers = [Worker(engine) for engine in engines]
    figures = {(c, w.name): Figures(w.name, c) for c in cases for w in workers if c in w.cases}
    for number in range(-1, rounds):
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
        for case in cases:
            for worker in workers:
                if case in worker.cases:
                    turn = worker.turn(case, LEAST if number >= 0 else 0.01)
                    if number >= 0:
                        figures[case, worker.name].turns.append(turn)
    for worker in workers:
        worker.close()
    return list(figures.values()), {worker.name: worker.facts for worker in workers}


def environment(**more: Any) -> dict[str, Any]:
    """Collect what the figures depend on: processor, cores, system, Python, date, load."""
    return {
        "date": time.strftime("%Y-%m-%d %H:%M:%S %z"),
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load": [round(value, 2) for value in os.getloadavg()] if hasattr(os, "getloadavg") else None,
        **more,
    }


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    if not info.is_file():
        return platform.processor()
    fields = dict(line.split(":", 1) for line in info.read_text().splitlines() if ":" in line)
    named = {key.strip(): value.strip() for key, value in fields.items()}
    return f"{named.get('model name')} (family {named.get('cpu family')}, model {named.get('model')})"


def options(doc: str, *, rounds: int = 7) -> argparse.ArgumentParser:
    """Options that every script has."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=rounds, help=f"rounds to count (default {rounds})")
    parser.add_argument("--threads", type=int, default=2, help="threads of every engine (default 2)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there")
    return parser


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """Build a table; all columns but the first two are numbers and stand to the right."""
    result = Table(title=title, title_justify="left", title_style="bold")
    for index, column in enumerate(columns):
        result.add_column(column, justify="left" if index < 2 else "right", no_wrap=True)
    for row in rows:
        result.add_row(*(f"{cell:.4g}" if isinstance(cell, float) else str(cell) for cell in row))
    return result


def report(tables: Sequence[Table], facts: Mapping[str, Any], file: Path | None, results: Mapping[str, Any]) -> None:
    """Print the tables and what they depend on; write everything as JSON where a file is named."""
    console = Console(width=None if sys.stdout.isatty() else 160)
    for each in tables:
        console.print(each)
    for key, value in facts.items():
        console.print(f"{key}: {value}", soft_wrap=True, highlight=False)
    if file is not None:
        file.write_text(json.dumps({"environment": facts, **results}, indent=1, default=vars_of) + "\n")


def vars_of(value: object) -> object:
    """JSON of a dataclass with slots."""
    return {name: getattr(value, name) for name in value.__dataclass_fields__}  # type: ignore[attr-defined]
