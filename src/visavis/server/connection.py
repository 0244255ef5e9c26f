"""The HTTP connection of a worker: uvicorn's, with time limits for both sides and errors as problems.

The head of a request has a time limit, and so has a client that does not read its answer: the request behind it would
otherwise wait for ever, and count as running.
"""

from __future__ import annotations

import asyncio
import secrets
import sys

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from visavis.server import problems
from visavis.server.problems import ProblemError

HEAD_SECONDS = 20.0
"""Time in which the head of a request must arrive; a connection that is silent after an answer ends sooner."""
STALL_SECONDS = 60.0
"""Time in which a client must read on, as long as it has not read its answer to the end."""
STALL_BYTES = 16_384
"""Bytes that it must read in this time, or the rest where that is less."""
LINGER_SECONDS = 1.0
"""Time for a client to take note, while the server stops, that its connection is closed: idle ones with TLS do not."""
TOO_LARGE = 431
"""Status that h11 suggests for headers beyond the limit."""


class HttpConnection(H11Protocol):
    """Closes a connection on which no request begins within ``HEAD_SECONDS``, however slowly bytes still arrive.

    Breaks it off where the client reads fewer than ``STALL_BYTES`` of an answer within ``STALL_SECONDS``.
    """

    _deadline: asyncio.TimerHandle | None = None
    _stall: asyncio.TimerHandle | None = None
    _is_stopping = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_expecting()
        self._stop_watching()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Let the answer wait until the client has read on, and the client not for ever."""
        super().pause_writing()
        self._watch_reader()

    def resume_writing(self) -> None:
        """Let the answer go on; the rest of a complete one is still to be read."""
        super().resume_writing()
        self._watch_reader()

    def handle_events(self) -> None:
        """Stop waiting once a request has begun: its body has a time limit of its own."""
        super().handle_events()
        if self._is_answering():
            self._stop_expecting()
            if not self.flow.write_paused:
                self._stop_watching()

    def on_response_complete(self) -> None:
        """Wait for the next request; what is left of a refused body counts as waiting."""
        super().on_response_complete()
        self._watch_reader()
        if self._is_stopping:
            self._linger()
        if not self._is_answering() and not self.transport.is_closing():
            self._expect_head()

    def shutdown(self) -> None:
        """Close the connection: after the answer where one is under way."""
        self._is_stopping = True
        super().shutdown()
        if not self._is_answering():
            self._linger()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP, or has too many bytes of headers, with a problem; where an answer began, close."""
        if self.conn.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
            self.transport.close()
            return
        error = sys.exc_info()[1]  # uvicorn calls this while it handles h11's error
        if getattr(error, "error_status_hint", 400) == TOO_LARGE:
            fault = ProblemError(TOO_LARGE, "headers_too_large", "the headers of this request are too large.")
        else:
            fault = ProblemError(400, "invalid_http", "this is not a valid HTTP request.")
        request_id = secrets.token_hex(8)
        body = problems.make_details(fault, request_id).model_dump_json().encode()
        headers = [
            (b"content-type", problems.MEDIA_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"x-request-id", request_id.encode()),
            (b"connection", b"close"),
        ]
        events = (h11.Response(status_code=fault.status, headers=headers), h11.Data(data=body), h11.EndOfMessage())
        for event in events:
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
        self._watch_reader()

    def _should_upgrade(self) -> bool:
        """Stay with HTTP/1.1, as RFC 9110 7.8 allows; uvicorn would log that a package is missing."""
        return False

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _linger(self) -> None:
        self.loop.call_later(LINGER_SECONDS, self.transport.abort)

    def _watch_reader(self) -> None:
        """Break the connection off unless the client reads on; while more is written, nothing shows whether it does."""
        self._stop_watching()
        if self._is_answering() and not self.flow.write_paused:
            return
        unread = self.transport.get_write_buffer_size()
        if unread:
            self._stall = self.loop.call_later(STALL_SECONDS, self._check_reader, unread)

    def _check_reader(self, before: int) -> None:
        if self.transport.get_write_buffer_size() > max(before - STALL_BYTES, 0):
            self.transport.abort()
        else:
            self._watch_reader()

    def _stop_watching(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def _expect_head(self) -> None:
        self._stop_expecting()
        self._deadline = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _stop_expecting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
