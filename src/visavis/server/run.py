"""Start the server: check what can be checked first, print the one-time code, run the workers, end gracefully."""

from __future__ import annotations

import socket
from collections.abc import Callable

from visavis.errors import ServerError, UsageError
from visavis.server.config import ServerConfig
from visavis.server.state.database import StateDatabase
from visavis.server.state.keys import Keys
from visavis.server.supervisor import Supervisor

BACKLOG = 2048
"""Connections that wait to be accepted."""


def prepare(config: ServerConfig, show: Callable[[str], None]) -> None:
    """Refuse a configuration that is not safe, and ``show`` the one-time code while there are no keys."""
    if (config.certificate is None) != (config.private_key is None):
        raise UsageError("TLS needs both certificate and private_key.")
    database = StateDatabase(config.state_url)
    try:
        keys = Keys(database)
        if not config.is_local and not keys.any_usable():
            raise UsageError(
                f"without a key the server answers this machine alone, not {config.host}: create a key first, by "
                "visavis keys create NAME --role admin."
            )
        code = keys.make_setup_code()
    finally:
        database.close()
    if code is not None:
        show(f"no keys yet: everyone on this machine is an administrator. One-time code for the first key: {code}")


def bind(config: ServerConfig) -> socket.socket:
    """Return the listening socket; raises ServerError where the address cannot be used."""
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((config.host, config.port))
        listener.listen(BACKLOG)  # at once: a request that comes while the networks load waits, instead of failing
    except OSError as error:
        listener.close()
        reason = error.strerror or str(error)
        raise ServerError(f"the server cannot listen at {config.host}:{config.port}: {reason}.") from error
    listener.set_inheritable(True)
    return listener


def serve(config: ServerConfig, listener: socket.socket) -> int:
    """Serve until SIGTERM or Ctrl-C; return the exit code."""
    return Supervisor(config, listener).run()
