"""Deliver events to an HTTP URL or an MQTT broker: in order, retried until confirmed, from an outbox on disk.

An event that was confirmed is never sent again. Where a confirmation is lost, an HTTP server can tell a repetition by
its header ``Idempotency-Key``, the id of the event; MQTT excludes repetitions itself (quality of service 2), in the
next run too, unless the broker had already passed it on and its last answer (PUBCOMP) was lost: compare ``id``.
"""

from __future__ import annotations

import base64
import math
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from email.message import Message as Headers
from http.client import HTTPException
from threading import Event, Thread
from typing import IO, Protocol
from urllib.parse import quote, unquote, urlunsplit

from visavis.errors import UsageError, VisavisError
from visavis.printable import dump_json
from visavis.videos.addresses import mask_address, split_url
from visavis.videos.delivery_claim import DeliveryClaim
from visavis.videos.outbox import Outbox, QueuedEvent
from visavis.videos.types import VideoEvent

TIMEOUT_S = 10.0
"""Seconds to wait for an answer."""
URL_CHARACTERS = "%/:=&?~#+!$,;'@()*[]"
"""Characters of a URL that are sent as they are, beside letters, digits and ``_.-``."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 60.0
"""Seconds before the first retry, doubled at each up to the longest."""
CLOSING_S = 5.0
"""Seconds that the end of a run waits for deliveries; what is left waits for the next run."""
POLL_S, CLOSING_POLL_S = 1.0, 0.1
"""Seconds between two looks for events of other processes, or whether another process still delivers."""
LATER = frozenset({408, 425, 429})
"""Answers of the kind 4xx after which the same request may succeed later."""


class RefusedError(Exception):
    """The receiver answered that it does not accept this event: it is not sent again."""


class Sender(Protocol):
    """Delivers one event at a time."""

    def open(self, identity: str) -> None:
        """Begin to connect, before the first event; ``identity`` names the outbox, in each run alike."""

    def send(self, event: QueuedEvent) -> None:
        """Deliver; return once confirmed. Raises OSError where it may succeed later, and RefusedError."""

    def close(self) -> None:
        """Disconnect."""


class HttpSender:
    """Posts events as JSON to ``url`` (http or https; a user and a password in it become basic authentication).

    Redirects are not followed: a POST would become a GET.
    """

    def __init__(self, url: str) -> None:
        parts = split_url(url)
        if parts is None or parts.scheme not in {"http", "https"}:
            raise UsageError(
                f"{mask_address(url)}: events are posted to an address that begins with http:// or https://."
            )
        self._headers = {"Content-Type": "application/json", "User-Agent": "visavis"}
        if parts.username is not None:
            secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            self._headers["Authorization"] = "Basic " + base64.b64encode(secret.encode()).decode()
        plain = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
        self._url = quote(plain, safe=URL_CHARACTERS)
        self._opener = urllib.request.build_opener(_NoRedirects())

    def open(self, identity: str) -> None:
        """Do nothing: each event has a connection of its own."""

    def send(self, event: QueuedEvent) -> None:
        """Post one event; any answer of the kind 2xx confirms it."""
        headers = {**self._headers, "Idempotency-Key": event.event_id}
        request = urllib.request.Request(self._url, event.body.encode(), headers)
        try:
            with self._opener.open(request, timeout=TIMEOUT_S):
                return
        except urllib.error.HTTPError as error:
            error.close()
            if error.code < 500 and error.code not in LATER:
                raise RefusedError(f"the answer was {error.code} {error.reason}") from error
            raise OSError(f"the answer was {error.code} {error.reason}") from error
        except HTTPException as error:
            raise OSError(f"the answer cannot be read: {error!r}") from error

    def close(self) -> None:
        """Do nothing: each event has a connection of its own."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Headers, newurl: str
    ) -> None:
        """Return None: the answer is then an error."""


class Publisher:
    """Delivers the messages of one target in a thread of its own.

    Of several processes with one outbox, one delivers the events of all; when it ends, another goes on.
    ``target`` is the address without secrets. ``report`` is called with a sentence where an event is lost or delayed.
    """

    def __init__(self, outbox: Outbox, target: str, sender: Sender, *, report: Callable[[str], None]) -> None:
        self._outbox, self._target, self._sender, self._report = outbox, target, sender, report
        self._wake, self._closing = Event(), Event()
        self._claim: DeliveryClaim | None = None
        self._thread = Thread(target=self._deliver, name=f"publish to {target}", daemon=True)
        self._thread.start()

    def add(self, event: VideoEvent) -> None:
        """Add an event to the outbox; it is delivered in the background."""
        if self._outbox.add(self._target, event.id, dump_json(event.to_dict())):
            self._report(f"{self._target}: the outbox is full, and its oldest event was dropped.")
        self._wake.set()

    def close(self, *, seconds: float = CLOSING_S) -> None:
        """Wait for deliveries, at most ``seconds``; report what is left for the next run."""
        self._closing.set()
        self._wake.set()
        self._thread.join(seconds)
        self._sender.close()
        self._thread.join(TIMEOUT_S)
        if self._claim is not None:
            self._claim.release()
        if waiting := self._outbox.count(self._target):
            events = "1 event is" if waiting == 1 else f"{waiting:,} events are"
            wait = "it waits" if waiting == 1 else "they wait"
            self._report(f"{self._target}: {events} not delivered; {wait} in the outbox for the next run.")

    def _deliver(self) -> None:
        try:
            if self._wait_for_turn():
                self._sender.open(self._outbox.identity)
                self._deliver_all()
        except VisavisError as error:  # the outbox cannot be read, or not be changed
            self._report(f"{error} Nothing more is delivered to {self._target} in this run.")

    def _wait_for_turn(self) -> bool:
        """Wait until no other process delivers to this target; return False where the run ends before."""
        end = math.inf
        while (claim := self._outbox.claim(self._target)) is None:
            if self._closing.wait(POLL_S):
                end = min(end, time.monotonic() + CLOSING_S)
                if time.monotonic() > end or not self._outbox.count(self._target):
                    return False
                time.sleep(CLOSING_POLL_S)
        self._claim = claim
        return True

    def _deliver_all(self) -> None:
        pause = 0.0
        while True:
            message = self._outbox.first(self._target)
            if message is None:
                if self._closing.is_set():
                    return
                self._wake.wait(POLL_S)  # another process may have added an event
                self._wake.clear()
                continue
            try:
                self._sender.send(message)
            except RefusedError as error:
                self._report(f"{self._target} refuses event {message.event_id}: {error}.")
            except OSError as error:
                if not pause:
                    self._report(f"{self._target} cannot be reached ({error}): events wait in the outbox.")
                pause = min(max(FIRST_PAUSE_S, 2 * pause), LONGEST_PAUSE_S)
                if self._closing.wait(pause) and pause >= CLOSING_S:
                    return
                continue
            pause = 0.0
            self._outbox.remove(message)
