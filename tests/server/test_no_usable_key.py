"""Requests without a usable key: who is answered, what is counted, and what is refused unseen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from visavis import sql_database
from visavis.server import rate_limit
from visavis.server.app import create_app
from visavis.server.config import RequestLimits, ServerConfig
from visavis.server.run import prepare
from visavis.server.services import FAILURES_PER_MINUTE, Services
from visavis.server.state.database import StateDatabase
from visavis.server.state.keys import Keys

from .test_proxies import Client

if TYPE_CHECKING:
    from servers import Postgres

HERE, THERE = "127.0.0.1", "127.0.0.2"
JSON = {"Content-Type": "application/json"}


@pytest.fixture(autouse=True)
def no_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """For the limits of requests, which allow another one every other second."""
    monkeypatch.setattr(rate_limit, "monotonic", lambda: 1000.0)


@pytest.fixture
def config(tmp_path: Path) -> ServerConfig:
    return ServerConfig(port=0, galleries={"default": f"sqlite:///{tmp_path / 'faces.db'}"})


@contextmanager
def open_client(config: ServerConfig, address: str = HERE) -> Iterator[tuple[Client, Keys]]:
    app = create_app(Services(config))
    yield Client(app, address), app.state.services.keys
    app.state.services.close()


def send_code(client: Client, code: str) -> int:
    return client.send("POST", "/v1/setup", JSON, f'{{"code": "{code}"}}'.encode())[0]


@pytest.mark.parametrize("workers", [1, 2])
def test_after_too_many_wrong_codes_the_right_one_is_refused_unseen(config: ServerConfig, workers: int) -> None:
    """Workers share the number between them. A key that is right is taken also then."""
    most = FAILURES_PER_MINUTE // workers
    with open_client(replace(config, workers=workers)) as (client, keys):
        code = keys.make_setup_code()
        assert code is not None
        assert [send_code(client, "0") for _ in range(most + 2)] == [403] * most + [429, 429]
        assert send_code(client, code) == 429
        assert keys.list() == []
        key = keys.create("Ann", "read", actor="test").key
        assert client.get("/v1/galleries", {"x-api-key": key})[0] == 200


def test_the_first_start_is_shown_only_where_a_code_waits(config: ServerConfig) -> None:
    """Once all keys are revoked, no code was printed: the sign-in names the command that makes a key."""
    with open_client(config) as (client, keys):
        places = []
        for change in (
            lambda: None,
            keys.make_setup_code,
            lambda: keys.create("Ann", "admin", actor="test"),
            lambda: keys.revoke("Ann", actor="test"),
        ):
            change()
            places.append((client.get("/", {})[1]["location"], client.get("/start", {})[0]))
        assert places == [("/compare", 303), ("/start", 200), ("/sign-in", 303), ("/sign-in", 303)]


def test_a_wrong_code_waits_for_no_change_of_the_database(
    config: ServerConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql_database, "BUSY_SECONDS", 0.1)
    other = StateDatabase(config.state_url)
    with open_client(config) as (client, keys):
        code = keys.make_setup_code()
        assert code is not None
        with other.write():
            assert send_code(client, "0") == 403
        assert [send_code(client, code) for _ in range(2)] == [201, 403]
    other.close()


def test_requests_without_a_key_are_counted_for_their_address(config: ServerConfig) -> None:
    config = replace(config, limits=RequestLimits(per_minute=4))
    with open_client(config) as (client, keys):
        key = keys.create("Ann", "read", actor="test").key
        assert [client.get("/v1/people", {})[0] for _ in range(6)] == [401] * 4 + [429] * 2
        other = Client(client._app, THERE)
        assert other.get("/v1/people", {})[0] == 401
        assert client.get("/v1/galleries", {"x-api-key": key})[0] == 200


def test_this_machine_is_the_local_user_only_until_a_key_is_made(config: ServerConfig) -> None:
    with open_client(config) as (client, keys):
        assert client.get("/v1/keys", {})[0] == 200
        keys.create("Ann", "admin", actor="test")
        assert client.get("/v1/keys", {})[0] == 401
        keys.revoke("Ann", actor="test")
        assert client.get("/v1/keys", {})[0] == 401


def test_a_start_without_a_usable_key_shows_a_code(config: ServerConfig) -> None:
    lines: list[str] = []
    prepare(config, lines.append).close()
    database = StateDatabase(config.state_url)
    keys = Keys(database)
    keys.create("Ann", "admin", actor="test")
    prepare(config, lines.append).close()
    keys.revoke("Ann", actor="test")
    prepare(config, lines.append).close()
    first, again = lines
    assert first.startswith("no keys yet: everyone on this machine is an administrator. One-time code for the first ")
    assert again.startswith("all keys are revoked. One-time code for a new key: ")
    with open_client(config) as (client, _):
        assert [send_code(client, line.split()[-1]) for line in (first, again)] == [403, 201]
    assert [key.name for key in keys.list() if key.revoked is None] == ["admin"]
    database.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.parametrize("text", ["vv_\0_x", "vv_%_x", "vv_0123456789AB_x", "vv_0123456789ab_", "vv__x", "vv_٠" + "_x"])
def test_what_is_no_key_is_none(tmp_path: Path, request: pytest.FixtureRequest, kind: str, text: str) -> None:
    url = f"sqlite:///{tmp_path / 'keys.db'}"
    if kind == "postgresql":
        postgres: Postgres = request.getfixturevalue("postgres")
        url = postgres.new()
    database = StateDatabase(url)
    assert Keys(database).find(text) is None
    database.close()
