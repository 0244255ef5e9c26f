"""A detector that waits at a gate, as an installed package: tests hold a job at a photo, and see which it looked at."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cli.fakes import Squares
from visavis.detectors import DETECTORS
from visavis.types import RGB, Face

ENTRY_POINTS = """
[visavis.detectors]
test-gated = server.gated:gated
[visavis.embedders]
test-colors = cli.fakes:colors
"""
DETECTOR = "test-gated"
FOLDER = "VISAVIS_TEST_GATE"
"""Names a folder: photos with a square of the color ``WAITS`` wait until it holds the file ``open``; ``log`` has a line
for each photo that was looked at."""
WAITS = (255, 255, 0)


class Gated(Squares):
    """Finds squares, and waits."""

    name = DETECTOR

    def detect(self, pictures: Sequence[RGB], *, min_face: float = 20) -> list[list[Face]]:
        return [self._look(picture, min_face) for picture in pictures]

    def _look(self, picture: RGB, min_face: float) -> list[Face]:
        folder = Path(os.environ[FOLDER])
        waits = bool((picture == np.array(WAITS)).all(axis=2).any())
        with (folder / "log").open("a") as file:
            file.write("waits\n" if waits else "looks\n")
        while waits and not (folder / "open").exists():
            time.sleep(0.01)
        (faces,) = super().detect([picture], min_face=min_face)
        return faces


@DETECTORS.register(DETECTOR)
def gated(*, threads: int | None = None) -> Gated:
    return Gated()


def install(folder: Path) -> None:
    """Lay out what pip would: a package's entry points, in a folder to be put on the path."""
    facts = folder / "visavis_gated-0.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: visavis-gated\nVersion: 0\n")
    (facts / "entry_points.txt").write_text(ENTRY_POINTS)
