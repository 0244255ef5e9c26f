"""``visavis`` and ``python -m visavis``."""

from __future__ import annotations

import gc
import os
import sys

INTERRUPTED = 130
"""128 + SIGINT, as shells report it."""

COLLECT_AFTER = 200_000
"""Objects made before a garbage collection: with Python's own 700, imports alone cost a verification 20 ms more."""

BUG = 70
"""EX_SOFTWARE of sysexits.h. Python's default 1 would mean "no", but a crash is not an answer."""


def main() -> None:
    """Run the command line and exit with its code."""
    _open_streams()
    gc.set_threshold(COLLECT_AFTER)
    # OpenBLAS's threads spin for 2 ** 26 cycles: a tenth of a second at NumPy's import.
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "4")
    try:
        from visavis import decoding_time
        from visavis.cli import command_line  # here, so that an interrupt during the import is handled too

        decoding_time.end_after(decoding_time.SECONDS)
        command_line(sys.argv[1:])(prog_name="visavis")
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - the outermost edge: only the exit code is decided here
        import traceback

        from visavis.errors import NO_ROOM, UsageError
        from visavis.printable import make_printable

        if isinstance(error, OSError) and error.errno in NO_ROOM:  # of standard error: wrong use could not be printed
            sys.exit(UsageError.exit_code)
        sys.stderr.write(make_printable(traceback.format_exc(), keep="\n"))
        sys.exit(BUG)
    finally:
        gc.freeze()  # avoids garbage collection at exit: 20 ms


def _open_streams() -> None:
    """Open the null device in place of each standard stream that is closed (``>&-``).

    The next file to be opened, such as a gallery, would take its number, and be written to by whatever prints.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            try:
                os.fstat(number)
            except OSError:
                os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
            setattr(sys, name, open(number, "w" if number else "r", encoding="utf-8", closefd=False))  # noqa: SIM115


if __name__ == "__main__":
    main()
