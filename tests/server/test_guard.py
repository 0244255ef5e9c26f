"""The guard alone: which names of hosts it takes, whose bodies it reads, and what its counters remember."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from visavis.server.config import RequestLimits, ServerConfig, read_config
from visavis.server.guard import Guard
from visavis.server.metrics import Metrics
from visavis.server.problems import ProblemError


def find_by_header(request: Any, *, is_needed: bool) -> str | None:
    """Name the sender by its key, all of which are valid."""
    name: str | None = request.headers.get("x-api-key")
    if name is None and is_needed:
        raise ProblemError(401, "unauthorized", "send a key.")
    return name


async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer each request by 200."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def ask(guard: Guard, host: str, *, method: str = "GET") -> int:
    """Return the status of a request."""
    app = SimpleNamespace(state=SimpleNamespace(error_forms=()))
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
    guard = Guard(answer, config, Metrics(), identify=find_by_header)
    for host in ("faces.example.com", "Faces.example.COM:8443", "faces.example.com:80"):
        assert ask(guard, host) == 200
    assert ask(guard, "evil.example") == 421


def test_methods_that_clients_make_up_add_no_counter() -> None:
    metrics = Metrics()
    guard = Guard(answer, ServerConfig(), metrics, identify=find_by_header)
    for number in range(100):
        assert ask(guard, "localhost", method=f"M{number}") == 200
    ask(guard, "localhost", method="PATCH")
    labels = {"route": "other", "status": "200"}
    count = metrics.registry.get_sample_value
    assert count("visavis_requests_total", {**labels, "method": "other"}) == 100
    assert count("visavis_requests_total", {**labels, "method": "PATCH"}) == 1
    assert metrics.text().count(b"\nvisavis_requests_total{") == 2


class Visit:
    """A request to a guard whose application waits in the middle: ``statuses`` is its answer, if it has one yet.

    Its body arrives in two parts to :meth:`receive_late`, the second with ``has_arrived``.
    """

    def __init__(self, path: str, headers: dict[bytes, bytes]) -> None:
        self.scope = {
            "app": SimpleNamespace(state=SimpleNamespace(error_forms=())),
            "type": "http", "http_version": "1.1", "method": "POST", "scheme": "http", "path": path,
            "query_string": b"", "headers": [(b"host", b"localhost"), *headers.items()],
            "client": ("203.0.113.9", 5000), "server": ("127.0.0.1", 80),
        }  # fmt: skip
        self.statuses: list[int] = []
        self.asked_for_body = False
        self.has_arrived = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        self.asked_for_body = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def receive_late(self) -> dict[str, Any]:
        if not self.asked_for_body:
            return {**await self.receive(), "more_body": True}
        await self.has_arrived.wait()
        return await self.receive()

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.statuses.append(message["status"])


BODY = {b"content-length": b"9"}
KEY = {b"x-api-key": b"right"}


def test_a_body_is_read_after_its_sender_has_shown_a_key() -> None:
    async def read_and_answer(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await answer(scope, receive, send)

    guard = Guard(read_and_answer, ServerConfig(), Metrics(), identify=find_by_header)
    for path, headers, status in (
        ("/v1/detect", BODY, 401),
        ("/v1/detect", {b"transfer-encoding": b"chunked"}, 401),
        ("/v1/detect", {**BODY, **KEY}, 200),
        ("/v1/setup", BODY, 200),
        ("/v1/setup", {b"content-length": b"200000"}, 413),
        ("/v1/detect", {**BODY, **KEY, b"transfer-encoding": b"chunked"}, 400),
        ("/v1/vision/face/list", {b"content-length": b"200000"}, 200),
        ("/v1/vision/face/list", {b"content-length": b"20000001"}, 413),
    ):
        visit = Visit(path, headers)
        asyncio.run(guard(visit.scope, visit.receive, visit.send))
        assert (path, visit.statuses, visit.asked_for_body) == (path, [status], status == 200)


def test_requests_that_need_no_key_take_half_of_the_places() -> None:
    async def fill() -> list[list[int]]:
        begun, end = asyncio.Semaphore(0), asyncio.Event()

        async def wait_and_answer(scope: Scope, receive: Receive, send: Send) -> None:
            begun.release()
            await end.wait()
            await answer(scope, receive, send)

        config = ServerConfig(limits=RequestLimits(waiting=4))
        guard = Guard(wait_and_answer, config, Metrics(), identify=find_by_header)
        open_paths = ("/v1/vision/face/recognize", "/v1/setup", "/sign-in")
        visits = [Visit(path, BODY) for path in open_paths] + [Visit("/v1/detect", {**BODY, **KEY})]
        tasks = []
        for number, visit in enumerate(visits):
            tasks.append(asyncio.create_task(guard(visit.scope, visit.receive, visit.send)))
            if number == 2:  # refused
                await tasks[2]
            else:
                await begun.acquire()
        waiting = [visit.statuses for visit in visits]
        assert waiting == [[], [], [503], []]
        end.set()
        await asyncio.gather(*tasks)
        return [visit.statuses for visit in visits]

    assert asyncio.run(asyncio.wait_for(fill(), 120)) == [[200], [200], [503], [200]]


def test_bodies_that_still_arrive_take_half_of_the_places_of_their_key() -> None:
    """Those that have arrived take none of them, and other keys have places of their own."""

    async def fill() -> list[list[int]]:
        arrived, end = asyncio.Event(), asyncio.Event()

        async def read_and_wait(scope: Scope, receive: Receive, send: Send) -> None:
            while (await receive())["more_body"]:
                pass
            arrived.set()
            await end.wait()
            await answer(scope, receive, send)

        config = ServerConfig(limits=RequestLimits(waiting=8))
        guard = Guard(read_and_wait, config, Metrics(), identify=find_by_header)
        paths = ("/v1/detect", "/v1/vision/face/recognize")  # DeepStack's clients may send the key in a header, too
        visits = [Visit(paths[number % 2], {**BODY, **KEY}) for number in range(5)]
        visits.append(Visit("/v1/detect", {**BODY, b"x-api-key": b"of another"}))
        tasks = [asyncio.create_task(guard(visit.scope, visit.receive_late, visit.send)) for visit in visits]
        while not all(visit.asked_for_body or visit.statuses for visit in visits):
            await asyncio.sleep(0.01)
        (refused,) = [visit for visit in visits if visit.statuses]
        assert (refused in visits[:5], refused.statuses) == (True, [503])
        first = next(visit for visit in visits if visit is not refused)
        first.has_arrived.set()
        await arrived.wait()
        later = Visit("/v1/detect", {**BODY, **KEY})
        tasks.append(asyncio.create_task(guard(later.scope, later.receive_late, later.send)))
        while not (later.asked_for_body or later.statuses):
            await asyncio.sleep(0.01)
        assert later.statuses == []
        end.set()
        for visit in (*visits, later):
            visit.has_arrived.set()
        await asyncio.gather(*tasks)
        return sorted(visit.statuses for visit in (*visits, later))

    assert asyncio.run(asyncio.wait_for(fill(), 120)) == [[200]] * 6 + [[503]]


def test_requests_with_a_key_in_a_header_are_no_strangers() -> None:
    """More than half of the places are theirs, as soon as their bodies have arrived."""

    async def fill() -> list[list[int]]:
        end = asyncio.Event()

        async def read_and_wait(scope: Scope, receive: Receive, send: Send) -> None:
            await receive()
            await end.wait()
            await answer(scope, receive, send)

        guard = Guard(read_and_wait, ServerConfig(limits=RequestLimits(waiting=4)), Metrics(), identify=find_by_header)
        visits = [Visit("/v1/vision/face/recognize", {**BODY, **KEY}) for _ in range(3)]
        tasks = []
        for visit in visits:
            tasks.append(asyncio.create_task(guard(visit.scope, visit.receive, visit.send)))
            while not (visit.asked_for_body or visit.statuses):
                await asyncio.sleep(0.01)
        end.set()
        await asyncio.gather(*tasks)
        return [visit.statuses for visit in visits]

    assert asyncio.run(asyncio.wait_for(fill(), 120)) == [[200]] * 3


def test_of_requests_that_come_together_no_more_than_the_limit_are_let_in() -> None:
    async def ask_together() -> list[int]:
        end = asyncio.Event()

        async def wait_and_answer(scope: Scope, receive: Receive, send: Send) -> None:
            await end.wait()
            await answer(scope, receive, send)

        config = ServerConfig(limits=RequestLimits(waiting=4))
        guard = Guard(wait_and_answer, config, Metrics(), identify=find_by_header)
        visits = [Visit("/v1/people", KEY) for _ in range(10)]
        tasks = [asyncio.create_task(guard(visit.scope, visit.receive, visit.send)) for visit in visits]
        while len([visit for visit in visits if visit.statuses]) < 6:
            await asyncio.sleep(0.01)
        end.set()
        await asyncio.gather(*tasks)
        return [status for visit in visits for status in visit.statuses]

    assert sorted(asyncio.run(asyncio.wait_for(ask_together(), 120))) == [200] * 4 + [503] * 6


@pytest.mark.parametrize("is_read", [True, False])
def test_a_body_that_does_not_come_is_not_a_busy_server(*, is_read: bool) -> None:
    async def never(*_: object) -> Any:
        await asyncio.Event().wait()

    async def wait_for_body(_scope: Scope, receive: Receive, _send: Send) -> None:
        await (receive() if is_read else never())

    limits = RequestLimits(seconds=0.5)  # the body has to be waited for by then, also on a busy machine
    guard = Guard(wait_for_body, ServerConfig(limits=limits), Metrics(), identify=find_by_header)
    visit = Visit("/v1/setup", BODY)
    asyncio.run(guard(visit.scope, never, visit.send))
    assert visit.statuses == [408 if is_read else 503]
