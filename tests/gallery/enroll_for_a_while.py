"""Enrolls people for some seconds: ``python -m gallery.enroll_for_a_while PATH NUMBER SECONDS``.

Prints "ready", waits for a line, and prints as JSON how long each enrollment took.
"""

from __future__ import annotations

import json
import sys
from time import perf_counter

from visavis.gallery import Gallery, Template

from .faces import MODEL, embedding, say


def main(path: str, number: int, seconds: float) -> None:
    waits: list[float] = []
    with Gallery(path, model=MODEL) as gallery:
        say("ready")
        sys.stdin.readline()
        end = perf_counter() + seconds
        while perf_counter() < end:
            start = perf_counter()
            gallery.add(f"person {number} {len(waits)}", [Template(embedding(len(waits)))])
            waits.append(perf_counter() - start)
    say(json.dumps(waits))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
