"""Answers on a connection that stays open."""

from __future__ import annotations

from time import perf_counter

from .running_server import RunningServer

DELAYED_ACK = 0.04
"""Seconds that a client waits before it acknowledges a part of an answer, where the server waits for that."""


def test_no_answer_waits_for_an_acknowledgment(server: RunningServer) -> None:
    """Head and body of an answer are two packets. The quickest of many, since the machine does other things too."""
    seconds = []
    for _ in range(40):
        begun = perf_counter()
        assert server.get("/livez").status_code == 200
        seconds.append(perf_counter() - begun)
    assert min(seconds) < DELAYED_ACK * 0.75
