"""The guard alone: which names of hosts it takes, and what its counters remember of a request."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from visavis.server.config import ServerConfig, read_config
from visavis.server.guard import Guard
from visavis.server.metrics import Metrics


async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer each request by 200."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def ask(guard: Guard, host: str, *, method: str = "GET") -> int:
    """Return the status of a request."""
    app = SimpleNamespace(state=SimpleNamespace(error_forms={}))
    scope = {
        "app": app,
        "type": "http", "http_version": "1.1", "method": method, "scheme": "http", "path": "/", "query_string": b"",
        "headers": [(b"host", host.encode())], "client": ("203.0.113.9", 5000), "server": ("127.0.0.1", 80),
    }  # fmt: skip
    messages: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        messages.append(message)

    asyncio.run(guard(scope, receive, send))
    return int(messages[0]["status"])


@pytest.mark.parametrize(
    "name", ["faces.example.com", "Faces.Example.com", "faces.example.com:8443", "FACES.EXAMPLE.COM:1"]
)
@pytest.mark.parametrize("key", ["hosts", "host"])
def test_a_name_of_the_configuration_is_taken_in_either_case_and_with_any_port(name: str, key: str) -> None:
    config = read_config(None, **{key: [name] if key == "hosts" else name})
    guard = Guard(answer, config, Metrics())
    for host in ("faces.example.com", "Faces.example.COM:8443", "faces.example.com:80"):
        assert ask(guard, host) == 200
    assert ask(guard, "evil.example") == 421


def test_methods_that_clients_make_up_add_no_counter() -> None:
    metrics = Metrics()
    guard = Guard(answer, ServerConfig(), metrics)
    for number in range(100):
        assert ask(guard, "localhost", method=f"M{number}") == 200
    ask(guard, "localhost", method="PATCH")
    labels = {"route": "other", "status": "200"}
    count = metrics.registry.get_sample_value
    assert count("visavis_requests_total", {**labels, "method": "other"}) == 100
    assert count("visavis_requests_total", {**labels, "method": "PATCH"}) == 1
    assert metrics.text().count(b"\nvisavis_requests_total{") == 2
