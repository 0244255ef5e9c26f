"""What a second worker brings: photos a second of visavis index with one worker and with two, in turn.

    python benchmarks/bulk.py [--rounds 5] [--count 400] [--photos DIR]

Every turn indexes the same photos into a new gallery, in new processes. "whole" is from the call to the last photo
stored, with the loading of the networks; "steady" is between the first and the last tenth of the photos. Processor time
is that of all processes. "1 worker, all threads" is one worker whose networks may use all processors.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from _rounds import data_folder, environment, report, table

from visavis import bulk, runtime
from visavis.gallery import Gallery
from visavis.images.photo_files import photos_in


@dataclass(frozen=True, slots=True)
class Turn:
    """One run: seconds in all, photos a second in its middle, processor seconds, peak memory of a process in MB."""

    whole: float
    steady: float
    cpu: float
    peak_mb: float


class Timed:
    """An engine that notes when each photo was done."""

    def __init__(self, engine: bulk.LocalEngine) -> None:
        self._engine = engine
        self.moments: list[float] = []

    def run(
        self, tasks: Iterable[bulk.Task], stage: bulk.EmbedStage, admit: bulk.Admit
    ) -> Generator[Sequence[bulk.Answer], None, None]:
        """Work as the engine does."""
        for answers in self._engine.run(tasks, stage, admit):
            self.moments += [time.perf_counter()] * len(answers)
            yield answers

    @property
    def steady(self) -> float:
        """Photos a second without the first and the last tenth."""
        first, last = len(self.moments) // 10, len(self.moments) * 9 // 10
        return (last - first) / (self.moments[last] - self.moments[first])


def processor_seconds() -> float:
    """Of this process and of all that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def run(photos: Sequence[str], engine: bulk.LocalEngine) -> Turn:
    """Index the photos into a gallery that is thrown away."""
    timed = Timed(engine)
    with tempfile.TemporaryDirectory() as folder, Gallery(Path(folder) / "faces.db") as gallery:
        before, start = processor_seconds(), time.perf_counter()
        done = [one.status for one in bulk.index(gallery, photos, engine=timed)]
        whole = time.perf_counter() - start
    if len(done) != len(photos) or set(done) - {"ok", "no_face"}:
        raise SystemExit(f"photos that cannot be used: {set(done)}")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return Turn(whole, timed.steady, processor_seconds() - before, peak)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="rounds to count (default 5)")
    parser.add_argument("--count", type=int, default=400, help="photos (default 400)")
    parser.add_argument("--photos", type=Path, default=data_folder() / "lfw" / "images", metavar="DIR")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there")
    chosen = parser.parse_args()
    photos = photos_in(chosen.photos)[: chosen.count]
    engines = {
        "1 worker": bulk.LocalEngine(workers=1, threads=1),
        "2 workers": bulk.LocalEngine(workers=2, threads=1),
        "1 worker, all threads": bulk.LocalEngine(workers=1, threads=runtime.processors()),
    }
    turns: dict[str, list[Turn]] = {name: [] for name in engines}
    before = environment()
    for number in range(-1, chosen.rounds):
        print(f"round {number + 1} of {chosen.rounds}", file=sys.stderr)
        for name, engine in engines.items():
            turn = run(photos if number >= 0 else photos[:20], engine)
            if number >= 0:
                turns[name].append(turn)
    base = turns["1 worker"]
    rows = [
        (
            name,
            "",
            median(one.whole for one in each),
            median(len(photos) / one.whole for one in each),
            median(one.steady for one in each),
            median(other.whole / one.whole for one, other in zip(each, base, strict=True)),
            median(one.steady / other.steady for one, other in zip(each, base, strict=True)),
            median(1000 * one.cpu / len(photos) for one in each),
            max(one.peak_mb for one in each),
        )
        for name, each in turns.items()
    ]
    columns = ["what", "", "whole s", "photos/s", "steady", "ratio", "ratio steady", "CPU ms a photo", "peak MB"]
    facts = {**before, "load after": environment()["load"], "rounds": chosen.rounds, "photos": len(photos)}
    report([table("Workers", columns, rows)], facts, chosen.json, {"turns": turns})


if __name__ == "__main__":
    main()
