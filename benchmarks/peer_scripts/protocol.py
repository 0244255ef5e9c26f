"""The worker's side: one JSON object a line in, one a line out, so that every engine is driven the same way.

    {"load": settings}             -> {"facts": {...}}                        once
    {"run": case, "least": 0.25}   -> {"wall": [...], "cpu": [...], "answer": ...}   seconds of each pass

Only the passes are timed: pictures are decoded and models loaded before. Needs the standard library only.
"""

from __future__ import annotations

import json
import os
import sys
import time
from importlib.metadata import version


def serve(load):
    """Answer until the input ends; ``load(settings)`` returns cases (name -> function) and facts."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints goes to stderr
    cases = {}
    for line in sys.stdin:
        message = json.loads(line)
        if "load" in message:
            cases, facts = load(message["load"])
            reply = {"facts": facts}
        else:
            reply = turn(cases[message["run"]], message["least"])
        replies.write(json.dumps(reply) + "\n")
        replies.flush()


def turn(case, least):
    """Run the case until ``least`` seconds are over, once at least."""
    wall, cpu, answer = [], [], None
    while sum(wall) < least:
        before, before_cpu = time.perf_counter(), time.process_time()
        answer = case()
        wall.append(time.perf_counter() - before)
        cpu.append(time.process_time() - before_cpu)
    return {"wall": wall, "cpu": cpu, "answer": answer}


def versions(*packages):
    """Versions of installed packages."""
    return {package: version(package) for package in packages}
