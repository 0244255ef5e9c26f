"""Requests to targets: bounded answers, no redirects, retries with growing pauses.

Every request that is sent here may be sent twice: its target refuses the repetition, or it changes nothing.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from visavis.attendance.integrations.errors import DelayedError, RejectedError
from visavis.errors import VisavisWarning
from visavis.printable import make_printable
from visavis.structured_text import parse_json

if TYPE_CHECKING:
    import requests

TIMEOUT_S = (10.0, 30.0)
"""Seconds to connect, and without a byte of the answer."""
WHOLE_ANSWER_S = 120.0
ANSWER_BYTES = 4 << 20
"""Most bytes of an answer, unpacked."""
CHUNK = 1 << 16
PAUSES_S = (0.5, 2.0, 5.0)
"""Seconds before each retry of a run; the next run tries again."""
LATER = frozenset({408, 425, 429})
MESSAGE_CHARACTERS = 300
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class TargetAnswer:
    """What a target answered, with a status below 500; ``is_repeated``: to a request that was sent before in vain."""

    status: int
    body: bytes
    is_repeated: bool = False

    def json(self) -> Any:
        """Return the content; raises RejectedError where it is no JSON: another server is at the address."""
        try:
            return parse_json(self.body)
        except ValueError as error:
            raise RejectedError(f"the answer {self.status} is no JSON: is this the address of the system?") from error


class TargetConnection:
    """A target at a URL; ``authorization`` is the header of every request, "" for none."""

    def __init__(self, url: str, *, authorization: str = "", pauses: tuple[float, ...] = PAUSES_S) -> None:
        import requests

        self.url = url
        self._pauses = pauses
        self._session = requests.Session()
        self._session.headers.update({"User-Agent": "visavis", "Accept-Encoding": "identity"})
        self._session.auth = _Authorization(authorization)
        host = urlsplit(url)
        if host.scheme == "http" and host.hostname not in LOOPBACK:
            warnings.warn(f"{url} is reached without TLS: others can read names, times and keys.", VisavisWarning, 2)

    def send(self, method: str, path: str, **options: Any) -> TargetAnswer:
        """Send a request, and again after pauses where that may help.

        Raises DelayedError, and RejectedError where the key is refused or the address is that of something else.
        """
        for tries, pause in enumerate(self._pauses):
            try:
                return replace(self._try(method, path, options), is_repeated=tries > 0)
            except DelayedError:
                time.sleep(pause)
        return replace(self._try(method, path, options), is_repeated=bool(self._pauses))

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _try(self, method: str, path: str, options: Mapping[str, Any]) -> TargetAnswer:
        import requests

        try:
            with self._session.request(
                method, self.url + path, timeout=TIMEOUT_S, allow_redirects=False, stream=True, **options
            ) as response:
                answer = TargetAnswer(response.status_code, _read(response))
        except requests.RequestException as error:
            raise DelayedError(f"it cannot be reached: {_describe(error)}") from error
        if answer.status >= 500 or answer.status in LATER:
            raise DelayedError(f"it answered {answer.status}: {excerpt(answer.body)}", answered=True)
        if answer.status in {401, 403}:
            raise RejectedError(f"it refuses the key, or the key has no right to do this ({answer.status}).")
        if 300 <= answer.status < 400:
            raise RejectedError(f"it sends requests elsewhere ({answer.status}): write that address into url.")
        return answer


class _Authorization:
    """Sets the header itself: requests would otherwise take a key from the user's ~/.netrc in its place."""

    def __init__(self, value: str) -> None:
        self._value = value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._value:
            request.headers["Authorization"] = self._value
        return request


def _read(response: requests.Response) -> bytes:
    content = bytearray()
    end = time.monotonic() + WHOLE_ANSWER_S
    for chunk in response.iter_content(CHUNK):
        content += chunk
        if len(content) > ANSWER_BYTES:
            raise RejectedError(f"its answer has more than {ANSWER_BYTES >> 20} MiB: is this the right address?")
        if time.monotonic() > end:
            raise DelayedError("its answer takes too long")
    return bytes(content)


def _describe(error: BaseException) -> str:
    """Return the first reason of the system among the causes of an error; never the request, which has secrets."""
    if "timed out" in str(error).lower():
        return "it took too long"
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause = cause.__cause__ or cause.__context__
    return type(error).__name__


def excerpt(text: object) -> str:
    """Return the beginning of a foreign text, in one line that is safe to print."""
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    line = make_printable(" ".join(words[: 4 * MESSAGE_CHARACTERS].split()))
    return line if len(line) <= MESSAGE_CHARACTERS else line[:MESSAGE_CHARACTERS] + "…"
