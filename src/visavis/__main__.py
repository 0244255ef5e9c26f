"""``visavis`` and ``python -m visavis``."""

from __future__ import annotations

import gc
import os
import sys

INTERRUPTED = 130
"""128 + SIGINT, as shells report it."""

COLLECT_AFTER = 200_000
"""Objects made before Python looks for garbage among them: more than a verify makes. With Python's own 700, imports
alone take 20 ms longer."""

BLAS_WAITS = "4"
"""Logarithm of the cycles for which a thread of OpenBLAS occupies a processor while it waits for work. With its own 26,
NumPy's import alone takes a tenth of a second of another processor."""

BUG = 70
"""EX_SOFTWARE of sysexits.h. Python's own 1 would say "no", and a crash must never pass for an answer."""


def main() -> None:
    """Run the command line and exit with its code."""
    gc.set_threshold(COLLECT_AFTER)
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", BLAS_WAITS)
    try:
        from visavis.cli import command_line  # inside, so that an interrupt while importing is handled too

        command_line(sys.argv[1:])(prog_name="visavis")
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except Exception:  # noqa: BLE001 - the outermost edge: only the exit code is decided here
        import traceback

        traceback.print_exc()
        sys.exit(BUG)
    finally:
        gc.freeze()  # as the process ends, Python looks through all objects three times: 20 ms


if __name__ == "__main__":
    main()
