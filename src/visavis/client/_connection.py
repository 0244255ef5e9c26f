"""Requests to a server: the key, repeats while it is busy, and its problems as the exceptions of the library."""

from __future__ import annotations

import ssl
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from visavis.errors import (
    BusyError,
    MissingWeightsError,
    ServerError,
    UnknownNameError,
    UsageError,
    VisavisError,
    error_of_code,
)
from visavis.images import shown

TRIES = 4
MOST_WAIT = 10.0
"""Seconds before the next try, whatever the server asks for."""
BUSY = 503


class Connection:
    """A server at a URL. ``seconds`` is the time limit of one try."""

    def __init__(self, url: str, key: str | None, *, seconds: float) -> None:
        import requests

        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise UsageError(f"{shown(url)} is not the URL of a server: write http://127.0.0.1:8000.")
        self.url = url.rstrip("/")
        self._seconds = seconds
        self._session = requests.Session()
        if key is not None:
            self._session.headers["x-api-key"] = key

    def send(self, method: str, path: str, **options: Any) -> Any:
        """Send a request below /v1; return its JSON (None: no content). Raises VisavisError."""
        answer = self.fetch(method, path, **options)
        if answer.status_code == 204:
            return None
        try:
            return answer.json()
        except ValueError as error:
            raise ServerError(f"{self.url} does not answer as a visavis server does.") from error

    def fetch(self, method: str, path: str, **options: Any) -> Any:
        """Send a request below /v1; return the answer. Raises VisavisError."""
        for number in range(1, TRIES + 1):
            answer = self._try(method, path, options)
            if answer.status_code == BUSY and "Retry-After" in answer.headers and number < TRIES:
                time.sleep(_read_seconds(answer.headers["Retry-After"]))
                continue
            if answer.status_code >= 400:
                raise _make_error(answer)
            return answer
        raise AssertionError("not reached: the last try returns or raises")

    def stream_lines(self, path: str, params: Mapping[str, Any], *, chunk_bytes: int | None = 1) -> Iterator[str]:
        """Yield the lines of an answer below /v1 as they come, until the server ends it. Raises VisavisError.

        ``chunk_bytes`` are read at a time; None: as many as the server sends at a time, for long lines.
        """
        import requests

        outer = sys.exc_info()[1]
        with self.fetch("GET", path, params=params, stream=True) as answer:
            answer.encoding = "utf-8"
            try:
                yield from answer.iter_lines(chunk_size=chunk_bytes, decode_unicode=True)  # type: ignore[arg-type, unused-ignore]
            except requests.RequestException as error:
                raise ServerError(f"the server at {self.url} broke off: {_describe(error, outer)}.") from error

    def ask_health(self, path: str) -> Any:
        """Return the answer of a path outside of /v1, also 503, after one try. Raises ServerError."""
        answer = self._try("GET", path, {}, prefix="")
        if answer.status_code not in {200, BUSY}:
            raise _make_error(answer)
        return answer

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _try(self, method: str, path: str, options: dict[str, Any], *, prefix: str = "/v1") -> Any:
        import requests

        outer = sys.exc_info()[1]
        try:
            return self._session.request(
                method, f"{self.url}{prefix}{path}", timeout=self._seconds, allow_redirects=False, **options
            )
        except requests.RequestException as error:
            raise ServerError(f"the server at {self.url} cannot be reached: {_describe(error, outer)}.") from error


def _describe(error: BaseException, outer: BaseException | None) -> str:
    """Return why there was no answer: the first reason of the system among the causes of an error.

    ``outer`` is what the caller was handling before: it is no cause.
    """
    if "timed out" in str(error).lower():
        return "it took too long"
    cause: BaseException | None = error
    while cause is not None and cause is not outer:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted ({cause.verify_message}): name a file with it in REQUESTS_CA_BUNDLE"
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause = cause.__cause__ or cause.__context__
    return type(error).__name__


def _read_seconds(text: str) -> float:
    return min(float(text), MOST_WAIT) if text.isascii() and text.isdigit() else 1.0


def _make_error(answer: Any) -> VisavisError:
    """Return the exception of a problem: that of its code, else one for its status."""
    try:
        content = answer.json()
        code, detail = str(content["code"]), str(content["detail"])
    except (ValueError, KeyError, TypeError):
        return ServerError(f"the server answered {answer.status_code}, and not as a visavis server does.")
    kind = error_of_code(code)
    if kind is MissingWeightsError:
        return MissingWeightsError({code: detail})
    return (kind or _kind_of_status(answer.status_code))(detail)


def _kind_of_status(status: int) -> type[VisavisError]:
    if status == 404:
        return UnknownNameError
    if status == 429:
        return BusyError
    return UsageError if status < 500 else ServerError
