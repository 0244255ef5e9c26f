"""Answers on a connection that stays open."""

from __future__ import annotations

from time import perf_counter

from least_time import measure_least

from .running_server import RunningServer

DELAYED_ACK = 0.04
"""Seconds that a client waits before it acknowledges a part of an answer, where the server waits for that."""


def test_no_answer_waits_for_an_acknowledgment(server: RunningServer) -> None:
    """Head and body of an answer are two packets. The quickest of many, since the machine does other things too."""

    def ask() -> None:
        assert server.get("/livez").status_code == 200

    assert measure_least(ask, bar=DELAYED_ACK * 0.75, clock=perf_counter) < DELAYED_ACK * 0.75
