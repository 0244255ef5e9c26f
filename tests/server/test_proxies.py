"""Proxies: whose headers say who asks. The limit for wrong keys shows whom the server takes for the client."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from visavis.errors import UsageError
from visavis.server import rate_limit
from visavis.server.app import create_app
from visavis.server.config import read_config
from visavis.server.run import prepare
from visavis.server.services import FAILURES_PER_MINUTE, Services

PROXY = "10.0.0.5"


@pytest.fixture(autouse=True)
def no_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """For the limits of requests, which allow another one every other second."""
    monkeypatch.setattr(rate_limit, "monotonic", lambda: 1000.0)


class Client:
    """Asks an application from an address."""

    def __init__(self, app: FastAPI, address: str) -> None:
        self._app, self._address = app, address

    def get(self, path: str, headers: Mapping[str, str]) -> tuple[int, dict[str, str]]:
        """Return the status and the headers of an answer."""
        return self.send("GET", path, headers)

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> tuple[int, dict[str, str]]:
        """Return the status and the headers of an answer to any request."""
        names = [(name.lower().encode(), text.encode()) for name, text in {"Host": "127.0.0.1", **headers}.items()]
        scope = {
            "type": "http", "http_version": "1.1", "method": method, "scheme": "http", "path": path,
            "query_string": b"", "headers": names, "client": (self._address, 5000), "server": ("127.0.0.1", 80),
            "root_path": "",
        }  # fmt: skip
        messages: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            messages.append(message)

        asyncio.run(self._app(scope, receive, send))  # type: ignore[arg-type]
        return messages[0]["status"], {name.decode(): text.decode() for name, text in messages[0]["headers"]}


@contextmanager
def client_from(folder: Path, address: str, *proxies: str) -> Iterator[Client]:
    """Make an application that trusts these proxies, and a client with an address."""
    config = read_config(None, gallery=f"sqlite:///{folder / 'faces.db'}", trusted_proxies=list(proxies))
    app = create_app(Services(config))
    app.state.services.keys.create("admin", "admin", actor="test")
    yield Client(app, address)
    app.state.services.close()


def count_before_limit(client: Client, forwarded: list[str]) -> int:
    """Return how many wrong keys are refused by 401 before the limit, with these X-Forwarded-For in turn."""
    for number in range(2 * FAILURES_PER_MINUTE):
        headers = {"x-api-key": "vv_0_wrong", "X-Forwarded-For": forwarded[number % len(forwarded)]}
        status, answer_headers = client.get("/v1/people", headers)
        if status == 429:
            assert int(answer_headers["retry-after"]) >= 1
            return number
        assert status == 401
    return 2 * FAILURES_PER_MINUTE


MANY = [f"203.0.113.{number}" for number in range(100)]


@pytest.mark.parametrize(
    ("address", "proxies", "forwarded", "count"),
    [
        (PROXY, [PROXY], MANY, 60),  # clients with an address each
        (PROXY, ["10.0.0.0/8"], MANY, 60),
        (PROXY, [PROXY], ["203.0.113.1"], 30),
        (PROXY, [PROXY], [f"{fake}, 203.0.113.1" for fake in MANY], 30),  # what the client itself wrote before
        (PROXY, [PROXY, "10.0.0.6"], [f"{real}, 10.0.0.6" for real in MANY], 60),  # two proxies in a row
        (PROXY, [], MANY, 30),
        ("203.0.113.9", [PROXY], MANY, 30),
        ("203.0.113.9", ["127.0.0.1"], [*MANY, "127.0.0.1"], 30),
    ],
)
def test_forwarded_addresses_count_only_from_a_trusted_proxy(
    tmp_path: Path, address: str, proxies: list[str], forwarded: list[str], count: int
) -> None:
    with client_from(tmp_path, address, *proxies) as client:
        assert count_before_limit(client, forwarded) == count


@pytest.mark.parametrize(("address", "scheme"), [(PROXY, "https"), ("203.0.113.9", "http")])
def test_the_scheme_too(tmp_path: Path, address: str, scheme: str) -> None:
    with client_from(tmp_path, address, PROXY) as client:
        _, headers = client.get("/docs/", {"X-Forwarded-Proto": "https"})
    assert headers["location"] == f"{scheme}://127.0.0.1/docs"


def test_behind_a_proxy_no_one_is_the_local_user(tmp_path: Path) -> None:
    """Without a key the server does not start there: a proxy on this machine asks for clients elsewhere."""
    config = read_config(None, port=0, gallery=f"sqlite:///{tmp_path / 'faces.db'}", trusted_proxies=["127.0.0.1"])
    with pytest.raises(UsageError, match="not clients of a proxy: create a key first"):
        prepare(config, print)


@pytest.mark.parametrize("value", [["*"], ["nginx"], ["10.0.0.1/8"], "127.0.0.1", [1], ["10.0.0.0/33"]])
def test_what_is_no_address_is_a_sentence(value: object) -> None:
    with pytest.raises(UsageError, match="trusted_proxies is a list of"):
        read_config(None, trusted_proxies=value)
