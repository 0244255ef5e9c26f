"""Detectors that do more than find squares: installed like another package's, so that worker processes know them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from zlib import crc32

import numpy as np

from cli.fakes import Squares
from visavis.bulk import local
from visavis.detectors import DETECTORS
from visavis.errors import WeightsError
from visavis.types import RGB, Face

ENTRY_POINTS = """
[visavis.detectors]
test-squares = cli.fakes:squares
test-deadly = bulk.fakes:deadly
test-stillborn = bulk.fakes:stillborn
test-absent = bulk.fakes:absent
test-jealous = bulk.fakes:jealous
[visavis.embedders]
test-colors = cli.fakes:colors
"""

DEADLY = "test-deadly"
KILLS, RAISES, SLEEPS, HANGS = (0, 255, 0), (0, 255, 255), (255, 255, 0), (0, 128, 255)
"""Colors that end the process, break off with an error, take two seconds, and take an hour."""

LOG = "VISAVIS_TEST_LOG"
"""Names the file that every look at a photo is written to, a line each: the process, and the checksum of the pixels."""


class Deadly(Squares):
    """Finds squares; what it does besides depends on their colors."""

    name = DEADLY

    def detect(self, pictures: Sequence[RGB], *, min_face: float = 20) -> list[list[Face]]:
        return [self._one(picture, min_face) for picture in pictures]

    def _one(self, picture: RGB, min_face: float) -> list[Face]:
        if LOG in os.environ:
            with Path(os.environ[LOG]).open("a") as file:
                file.write(f"{os.getpid()} {crc32(picture.tobytes())}\n")
        colors = {tuple(one) for one in np.unique(picture.reshape(-1, 3), axis=0).tolist()}
        if KILLS in colors:
            os.kill(os.getpid(), signal.SIGKILL)
        if RAISES in colors:
            raise ZeroDivisionError("a fault of the detector")
        if SLEEPS in colors:
            self.sleep()
        if HANGS in colors:
            time.sleep(3600)
        (faces,) = super().detect([picture], min_face=min_face)
        return faces

    def sleep(self) -> None:
        time.sleep(2)


class Jealous(Deadly):
    """Sleeps until no other process is started any more."""

    def sleep(self) -> None:
        loads, end = Path(f"{os.environ[LOG]}.loads"), time.monotonic() + 60
        while loads.stat().st_size < 1 + local.STARTS and time.monotonic() < end:
            time.sleep(0.02)


@DETECTORS.register(DEADLY)
def deadly(*, threads: int | None = None) -> Deadly:
    if LOG in os.environ:
        import cv2

        settings = [threads, cv2.getNumThreads(), *map(os.environ.get, ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"))]
        with Path(f"{os.environ[LOG]}.threads").open("a") as file:
            file.write(" ".join(map(str, settings)) + "\n")
    return Deadly()


@DETECTORS.register("test-stillborn")
def stillborn(*, threads: int | None = None) -> Deadly:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("nobody comes here")


@DETECTORS.register("test-absent")
def absent(*, threads: int | None = None) -> Deadly:
    raise WeightsError("the weights of test-absent are not on this machine.")


@DETECTORS.register("test-jealous")
def jealous(*, threads: int | None = None) -> Jealous:
    """Only the first process that loads it lives: as where memory is enough for one."""
    with Path(f"{os.environ[LOG]}.loads").open("a") as file:
        file.write("x")
        first = file.tell() == 1
    if not first:
        os.kill(os.getpid(), signal.SIGKILL)
    return Jealous()


def install(folder: Path) -> Path:
    """Lay out what pip would: a package's entry points, in a folder to be put on the path."""
    facts = folder / "visavis_test_fakes-0.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: visavis-test-fakes\nVersion: 0\n")
    (facts / "entry_points.txt").write_text(ENTRY_POINTS)
    return folder
