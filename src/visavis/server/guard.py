"""What every request passes first: host, size, number and time, and the headers that every answer has.

ASGI middleware, in this order: the request gets an id; its Host must be this server's (a page of another site whose
name resolves to this machine is refused: DNS rebinding); its Origin too; its body is bounded; where as many requests
run as the limit, the next is refused with a time to try again; and who sends a body shows a key before it is read.
Bodies that are still arriving take half of the places of a key at most: one slow client leaves room for the others.
"""

from __future__ import annotations

import asyncio
import ipaddress
import secrets
from collections import Counter
from functools import partial
from time import monotonic
from typing import Protocol
from urllib.parse import urlsplit

from anyio import to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from visavis.errors import BusyError
from visavis.server import problems
from visavis.server.config import ServerConfig
from visavis.server.metrics import Metrics
from visavis.server.problems import ProblemError

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})
HEALTH = frozenset({"/livez", "/readyz", "/metrics"})
"""Answered also by a server that is full."""
SMALL_BODIES = frozenset({"/v1/setup", "/start", "/sign-in", "/sign-out", "/preferences"})
"""Paths whose code, key, token or preference is in the body: a small one."""
SMALL_MEGABYTES = 0.1
KEYS_IN_BODIES = (*SMALL_BODIES, "/v1/vision/", "/iclock/")
"""Beginnings of paths whose body is read before it is clear who sends it; DeepStack's clients send the key in it.

Terminals have no key: who they are is checked by serial number and address, before their body is read.
"""
CLIENT_LEFT = 499
"""Status, in the metrics, of a request whose client left before the answer."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Methods that the metrics name: a client may make up any number of others, and each would stay in the memory."""
HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"x-frame-options": b"DENY",
    b"cache-control": b"no-store",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
}


class Identify(Protocol):
    """Returns the name of the sender of a request, by its headers; None: the body may say who sends it.

    Where a key ``is_needed`` before the body is read, raises an error for a request that shows no valid one.
    """

    def __call__(self, request: Request, *, is_needed: bool) -> str | None:
        """Return the name."""


class Guard:
    """The outermost middleware. ``identify`` finds who sends a body before it is read."""

    def __init__(self, app: ASGIApp, config: ServerConfig, metrics: Metrics, *, identify: Identify) -> None:
        self._app, self._config, self._metrics, self._identify = app, config, metrics, identify
        self._hosts = {*LOOPBACK_NAMES, *map(_host_of, config.hosts)}
        if not config.is_local and config.host not in {"0.0.0.0", "::"}:
            self._hosts.add(_host_of(config.host))
        self._running = 0
        self._places = _Places(max(1, config.limits.waiting // 2))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["request_id"] = secrets.token_hex(8)
        started = monotonic()
        status = CLIENT_LEFT

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(scope, message)
            await send(message)

        request = Request(scope)
        most = self._most_megabytes(scope["path"])
        scope["deadline"] = started + self._config.limits.seconds
        body = _Body(receive, round(most * 1e6), self._config.limits.seconds)
        scope["is_full"] = self._running >= self._config.limits.waiting
        fault = self._check(request, most)
        if fault is not None:
            self._metrics.refused.labels(fault.code).inc()
            await problems.answer(request, fault)(scope, receive, send_with_headers)
        else:
            await self._answer(scope, body, send_with_headers, request)
        route = getattr(scope.get("route"), "path", "other")
        method = scope["method"] if scope["method"] in METHODS else "other"
        self._metrics.requests.labels(route, method, str(status)).inc()
        self._metrics.seconds.labels(route).observe(monotonic() - started)

    def _most_megabytes(self, path: str) -> float:
        limit = self._config.limits.upload_mb
        return min(limit, SMALL_MEGABYTES) if path in SMALL_BODIES else limit

    def _check(self, request: Request, most: float) -> ProblemError | None:
        """Return why a request is refused before anything is read of it; None: it is not."""
        host = _host_of(request.headers.get("host", ""))
        if host not in self._hosts and not _is_address(host):
            return ProblemError(421, "wrong_host", "this server does not answer for that host: add it to hosts.")
        origin = request.headers.get("origin")
        if origin is not None and not self._is_own(origin, request.headers.get("host", "")):
            return ProblemError(403, "wrong_origin", "requests from pages of other sites are refused.")
        fault = _check_form(request, most)
        if fault is not None:
            return fault
        if request.scope["is_full"] and request.scope["path"] not in HEALTH:
            return _busy()
        return None

    def _is_own(self, origin: str, host: str) -> bool:
        """Return whether a page of this server sent the request: of the same host and port, or of a host of its names.

        A proxy may leave out the port of the latter. On this machine another port is another program.
        """
        try:
            place = urlsplit(origin).netloc.lower()
        except ValueError:
            return False
        return place == host.strip().lower() or _host_of(place) in self._hosts - LOOPBACK_NAMES

    async def _answer(self, scope: Scope, body: _Body, send: Send, request: Request) -> None:
        """Let the application answer. Where it has not begun to within the time limit, answer that it is busy.

        The thread of a handler cannot be stopped: it works on, and counts as running until it is done.
        """
        reply = _Reply(send)
        self._running += 1  # at once: of requests that come together, none is let in beyond the limit
        self._metrics.running.set(self._running)
        work = asyncio.create_task(self._work(scope, body, reply, request))
        try:
            await asyncio.wait({work}, timeout=self._config.limits.seconds)
            if work.done() or reply.started:
                await work
                return
            if body.is_awaited:
                reply.closed = True
                await problems.answer(request, body.too_slow())(scope, body.receive, send)
                return
            reason, text = "timeout", f"the answer was not ready within {self._config.limits.seconds:g} seconds"
        except asyncio.CancelledError:  # the server stops, and the time for that has passed
            if reply.started:
                return
            reason, text = "stopping", "the server is stopping"
        reply.closed = True
        self._metrics.refused.labels(reason).inc()
        await problems.answer(request, BusyError(f"{text}: try again."))(scope, body.receive, send)

    async def _work(self, scope: Scope, body: _Body, reply: _Reply, request: Request) -> None:
        try:
            await self._let_in(scope, body, reply, request)
        except ClientDisconnect:  # in the middle of the body: there is no one to answer
            pass
        except Exception as error:  # noqa: BLE001 - every error is answered
            if reply.started or reply.closed:  # the answer is broken off
                problems.log.error("request %s failed", scope["request_id"], exc_info=error)
                return
            await problems.answer(request, error)(scope, body.receive, reply.send)
        finally:
            self._running -= 1
            self._metrics.running.set(self._running)

    async def _let_in(self, scope: Scope, body: _Body, reply: _Reply, request: Request) -> None:
        """Pass a request on, with a place for its body: until it has arrived, or to the end where no key was shown."""
        if not _has_body(request) or scope["path"] in HEALTH:
            await self._app(scope, body.receive, reply.send)
            return
        is_needed = not scope["path"].startswith(KEYS_IN_BODIES)
        sender = await to_thread.run_sync(partial(self._identify, request, is_needed=is_needed))
        place = self._places.take(sender)
        if place is None:
            self._metrics.refused.labels("busy").inc()
            raise _busy() if sender is None else _too_many_bodies()
        if sender is not None:
            body.place = place
        try:
            await self._app(scope, body.receive, reply.send)
        finally:
            place.leave()


class _Places:
    """The places of bodies: of each sender, and of all senders without a key together, ``most`` at a time."""

    def __init__(self, most: int) -> None:
        self._most, self._places = most, Counter[str | None]()

    def take(self, sender: str | None) -> _Place | None:
        """Return a place; None where the sender (None: any without a key) has all that it may take."""
        if self._places[sender] >= self._most:
            return None
        return _Place(self._places, sender)


class _Place:
    """A place, until it is left."""

    def __init__(self, places: Counter[str | None], sender: str | None) -> None:
        self._places, self._sender = places, sender
        self._is_left = False
        places[sender] += 1

    def leave(self) -> None:
        if not self._is_left:
            self._is_left = True
            self._places[self._sender] -= 1
            if not self._places[self._sender]:
                del self._places[self._sender]


class _Reply:
    """The answer of the application: dropped once another was given in its place."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = self.closed = False

    async def send(self, message: Message) -> None:
        if not self.closed:
            self.started = True
            await self._send(message)


class _Body:
    """The body of a request: refused beyond its limit, and where it does not come in time."""

    def __init__(self, receive: Receive, most: int, seconds: float) -> None:
        self._receive, self._most, self._seconds = receive, most, seconds
        self._bytes = 0
        self._deadline = monotonic() + seconds
        self._complete = False
        self.is_awaited = False  # now, or until its time had passed
        self.place: _Place | None = None  # left when the body is complete

    async def receive(self) -> Message:
        if self._complete:
            return await self._receive()
        self.is_awaited = True
        try:
            async with asyncio.timeout(max(self._deadline - monotonic(), 0.001)):  # wait_for may swallow a cancellation
                message = await self._receive()
        except TimeoutError:
            raise self.too_slow() from None
        self._bytes += len(message.get("body", b""))
        self._complete, self.is_awaited = not message.get("more_body", False), False
        if self._bytes > self._most:
            raise _too_large(self._most / 1e6)
        if self._complete and self.place is not None:
            self.place.leave()
        return message

    def too_slow(self) -> ProblemError:
        """Return the error of a body that did not come in time."""
        return ProblemError(408, "too_slow", f"the body did not arrive within {self._seconds:g} seconds.")


def _has_body(request: Request) -> bool:
    return request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers


def _check_form(request: Request, most: float) -> ProblemError | None:
    """Return why a request is refused by its headers; ``most`` is the largest body in megabytes."""
    if _asks_for_websocket(request):
        detail = "there are no WebSockets here: GET /v1/events/stream sends events as they come."
        return ProblemError(400, "no_websocket", detail)
    if "content-length" in request.headers and "transfer-encoding" in request.headers:  # a proxy may read the other
        detail = "a request has Content-Length or Transfer-Encoding, not both."
        return ProblemError(400, "invalid_http", detail, {"Connection": "close"})
    length = request.headers.get("content-length", "0")
    if length.isdigit() and int(length) > most * 1e6:
        return _too_large(most)
    return None


def _asks_for_websocket(request: Request) -> bool:
    """Return whether a client wants to leave HTTP; other protocols in ``Upgrade``, such as h2c, may be passed over."""
    options = [option.strip() for option in request.headers.get("connection", "").lower().split(",")]
    return "upgrade" in options and request.headers.get("upgrade", "").strip().lower() == "websocket"


def _busy(detail: str = "the server has as many requests as it takes.") -> ProblemError:
    return ProblemError(503, "busy", detail, {"Retry-After": str(problems.RETRY_SECONDS)})


def _too_many_bodies() -> ProblemError:
    return _busy("half of the requests that the server takes are bodies of this key that have not arrived yet.")


def _too_large(megabytes: float) -> ProblemError:
    return ProblemError(413, "too_large", f"a request has {megabytes:g} MB at most.")


def _is_address(host: str) -> bool:
    """Return whether a host is an IP address: only a name can be made to resolve to another machine."""
    try:
        ipaddress.ip_address(host[1:-1] if host.startswith("[") and host.endswith("]") else host)
    except ValueError:
        return False
    return True


def _host_of(text: str) -> str:
    """Return the host of a Host header, or of a name of the configuration, in lower case and without the port."""
    text = text.strip().lower()
    host, separator, port = text.rpartition(":")
    return host if separator and port.isdigit() and not host.endswith(":") else text


def _add_headers(scope: Scope, message: Message) -> None:
    headers: list[tuple[bytes, bytes]] = list(message.get("headers", []))
    names = {name.lower() for name, _ in headers}
    headers += [(name, value) for name, value in HEADERS.items() if name not in names]
    headers.append((b"x-request-id", scope["request_id"].encode()))
    message["headers"] = headers
