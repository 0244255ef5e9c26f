"""A port for a server that is to be started at it, or at which there is none."""

from __future__ import annotations

import random
import socket
from pathlib import Path

FIRST = 15_000
EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
ANY = random.SystemRandom()
"""Processes of tests have the same seed, but must not take the same ports."""


def free_port() -> int:
    """Return a port at which no server listens.

    The system gives no connection a port of this range: one of those might be in use before the server starts.
    """
    last = int(EPHEMERAL.read_text().split()[0]) - 1 if EPHEMERAL.exists() else 32_767
    while True:
        port = ANY.randrange(FIRST, max(last, FIRST + 1000))
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
