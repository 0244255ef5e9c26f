"""When networks are loaded: beside other work, and what goes wrong is told where they are used."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Event

import numpy as np
import pytest

from cli.fakes import Colors, Squares
from visavis.detectors import DETECTORS
from visavis.embedders import EMBEDDERS
from visavis.errors import WeightsError
from visavis.pipeline import Recognizer
from visavis.types import RGB, Face

GRAY = np.full((40, 40, 3), 128, np.uint8)
PATIENCE = 120
"""Seconds; what waits so long waits for ever."""


def test_faces_are_looked_for_while_the_embedder_is_loading(monkeypatch: pytest.MonkeyPatch) -> None:
    searching = Event()

    class Searching(Squares):
        def detect(self, pictures: Sequence[RGB], *, min_face: float = 20) -> list[list[Face]]:
            searching.set()
            return super().detect(pictures, min_face=min_face)

    def load(*, threads: int | None = None) -> Colors:
        assert searching.wait(PATIENCE)
        return Colors()

    monkeypatch.setitem(DETECTORS._factories, "test-searching", lambda threads: Searching())
    monkeypatch.setitem(EMBEDDERS._factories, "test-slow", load)
    (answer,) = Recognizer(detector="test-searching", embedder="test-slow").represent([GRAY])
    assert answer.status == "no_face"


def test_both_are_loaded_ahead_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, loads, ready = Event(), list[str](), Event()

    def detector(*, threads: int | None = None) -> Squares:
        assert asked.wait(PATIENCE)  # whoever loads ahead does not wait for it
        loads.append("detector")
        return Squares()

    def embedder(*, threads: int | None = None) -> Colors:
        loads.append("embedder")
        ready.set()
        return Colors()

    monkeypatch.setitem(DETECTORS._factories, "test-ahead", detector)
    monkeypatch.setitem(EMBEDDERS._factories, "test-ahead", embedder)
    recognizer = Recognizer(detector="test-ahead", embedder="test-ahead")
    recognizer.load_ahead()
    asked.set()
    assert ready.wait(PATIENCE)  # nobody has asked for one
    assert recognizer.embedder is recognizer.embedder
    assert [answer.status for answer in recognizer.represent([GRAY])] == ["no_face"]
    assert loads == ["detector", "embedder"]


def test_what_goes_wrong_ahead_is_raised_where_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = Event()

    def broken(*, threads: int | None = None) -> Squares:
        tried.set()
        raise WeightsError("the network is broken.")

    monkeypatch.setitem(DETECTORS._factories, "test-broken", broken)
    recognizer = Recognizer(detector="test-broken")
    recognizer.load_ahead()
    assert tried.wait(PATIENCE)
    with pytest.raises(WeightsError, match=r"^the network is broken\.$"):
        list(recognizer.represent([GRAY]))
