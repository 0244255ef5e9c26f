"""Run a command and write what it took: python measured.py FIGURES.json COMMAND ...

A process of its own, and a small one: on Linux a child's peak memory starts from that of the process it was
forked from, so the benchmark itself, with pictures in its memory, must not be the parent.
"""

import json
import os
import sys
import time

start = time.perf_counter()
child = os.fork()
if child == 0:
    os.execv(sys.argv[2], sys.argv[2:])
_, status, usage = os.wait4(child, 0)
wall = time.perf_counter() - start
figures = {
    "wall": wall,
    "cpu": usage.ru_utime + usage.ru_stime,
    "peak_mb": usage.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10),
    "code": os.waitstatus_to_exitcode(status),
}
with open(sys.argv[1], "w") as file:  # noqa: PTH123 - pathlib would add to the memory
    json.dump(figures, file)
