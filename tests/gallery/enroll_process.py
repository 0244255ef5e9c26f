"""Enrolls people and says so: ``python -m gallery.enroll_process PATH MODE FIRST COUNT``.

Prints "ready", then one line an acknowledged enrollment, flushed at once. The modes other than "whole" are
broken on purpose, to show that the tests notice: they die at the worst moment of the last enrollment.
"""

from __future__ import annotations

import os
import signal
import sys

from visavis.gallery import Gallery

from .faces import MODEL, person, say


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main(path: str, mode: str, first: int, count: int) -> None:
    with Gallery(path, model=MODEL) as gallery:
        say("ready")
        for i in range(first, first + count):
            name, templates = person(i)
            last = i == first + count - 1
            if mode == "acknowledges too early" and last:
                say(i)
                die()
            if mode == "a transaction a template":
                gallery.add(name, templates[:2])
                if last:
                    die()
            gallery.add(name, templates)
            say(i)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
