"""Photos by URL, where the configuration allows it: only from public addresses.

The host is resolved once, every address that it resolves to must be public, and the connection goes to one of these
addresses: a name that resolves to another address a moment later changes nothing. The same holds for each redirect.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager, suppress
from time import monotonic
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from visavis.server.problems import ProblemError

REDIRECTS = frozenset({301, 302, 303, 307, 308})
MOST_REDIRECTS = 3
CHUNK = 1 << 16
IDLE_SECONDS = 5.0
"""Time without a byte after which a host is given up."""
MOST_LOOKUPS = 32
"""Threads that look hosts up at a time: where no name server answers, they end when the system gives up."""
PORTS = {"http": 80, "https": 443}
TRANSLATED = tuple(ipaddress.ip_network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"))
"""IPv6 networks whose addresses stand for IPv4 addresses: NAT64, 6to4, Teredo."""
_LOOKUPS = threading.Semaphore(MOST_LOOKUPS)


def fetch_photo(url: str, *, most_bytes: int, deadline: float) -> tuple[bytes, str]:
    """Return the bytes at a URL, and the name of the file in it.

    ``deadline`` is a time of the monotonic clock. Raises ProblemError where the URL is not http or https, leads to an
    address that is not public, or cannot be fetched within the limits.
    """
    for _ in range(1 + MOST_REDIRECTS):
        parts = _check(url)
        try:
            with _connect(parts, deadline) as connection, closing(_request(connection, parts)) as answer:
                location = answer.getheader("Location")
                if answer.status in REDIRECTS and location:
                    url = urljoin(url, location)
                    continue
                if answer.status != 200:
                    raise _failure(f"its server answered {answer.status}")
                return _read(answer, most_bytes, deadline), unquote(parts.path.rpartition("/")[2])
        except (OSError, http.client.HTTPException, ValueError) as error:
            _remaining(deadline)
            raise _failure("its server does not answer") from error
    raise _failure(f"it leads through more than {MOST_REDIRECTS} redirects")


def is_public(address: str) -> bool:
    """Return whether an IP address is one of the public internet, in each of its notations."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return is_public(str(ip.ipv4_mapped))
        if any(ip in network for network in TRANSLATED):
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def resolve(host: str, port: int, *, deadline: float) -> str:
    """Return an address of the host; raises ProblemError where any of its addresses is not public, or it takes long."""
    addresses = _look_up(host, port, _remaining(deadline))
    if not addresses or not all(is_public(address) for address in addresses):
        raise ProblemError(422, "url_refused", "photos are fetched from public addresses alone.")
    return addresses[0]


def _look_up(host: str, port: int, seconds: float) -> list[str]:
    """Return the addresses of a host. The system's resolver has no time limit of its own, so it runs in a thread."""
    answer: Future[list[str]] = Future()

    def ask() -> None:
        try:
            rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answer.set_result([str(row[4][0]) for row in rows])
        except (OSError, UnicodeError) as error:
            answer.set_exception(error)
        finally:
            _LOOKUPS.release()

    until = monotonic() + seconds
    if not _LOOKUPS.acquire(timeout=seconds):
        raise _failure("its host was not looked up in time")
    try:
        threading.Thread(target=ask, name="look up", daemon=True).start()
    except RuntimeError:  # the system has no more threads
        _LOOKUPS.release()
        raise _failure("its host was not looked up in time") from None
    error = _await(answer, until)
    if error is not None:
        raise _failure("there is no such host") from error
    return answer.result()


def _await(answer: Future[list[str]], until: float) -> BaseException | None:
    """Wait for a lookup; return its error, None where it has succeeded."""
    try:
        return answer.exception(max(until - monotonic(), 0))
    except TimeoutError:
        raise _failure("its host was not looked up in time") from None


def _check(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = SplitResult("", "", "", "", ""), None
    if parts.scheme not in PORTS or not parts.hostname or "@" in parts.netloc or port == 0:
        raise ProblemError(422, "url_refused", "a photo has a URL of http:// or https://, without a password.")
    return parts


@contextmanager
def _connect(parts: SplitResult, deadline: float) -> Iterator[http.client.HTTPConnection]:
    """Open a connection to a checked address of the host; it ends at the deadline, whatever the host sends until then.

    The timeout of a socket is one between two bytes: a host that sends a byte now and then would never be given up.
    """
    host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    link = socket.create_connection((resolve(host, port, deadline=deadline), port), _remaining(deadline))
    timer: threading.Timer | None = None
    try:
        if parts.scheme == "https":
            context = ssl.create_default_context()
            link = context.wrap_socket(link, server_hostname=host, do_handshake_on_connect=False)
        timer = threading.Timer(max(deadline - monotonic(), 0), _shut_down, [link])
        timer.daemon = True
        try:
            timer.start()
        except RuntimeError:  # the system has no more threads
            raise _failure("there is no thread left to watch over its connection") from None
        if isinstance(link, ssl.SSLSocket):
            link.do_handshake()
        connection = http.client.HTTPConnection(host, port)
        connection.sock = link
        yield connection
    finally:
        if timer is not None:
            timer.cancel()
        link.close()


def _shut_down(link: socket.socket) -> None:
    """End a connection, and so the wait of the thread that reads from it; without the farewell of TLS."""
    with suppress(OSError):  # it has ended already
        socket.socket.shutdown(link, socket.SHUT_RDWR)


def _request(connection: http.client.HTTPConnection, parts: SplitResult) -> http.client.HTTPResponse:
    target = parts.path or "/"
    connection.putrequest("GET", f"{target}?{parts.query}" if parts.query else target, skip_host=True)
    headers = {"Host": parts.netloc, "User-Agent": "visavis", "Accept": "image/*", "Connection": "close"}
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    return connection.getresponse()


def _read(answer: http.client.HTTPResponse, most_bytes: int, deadline: float) -> bytes:
    parts: list[bytes] = []
    size = 0
    while chunk := answer.read1(CHUNK):
        size += len(chunk)
        if size > most_bytes:
            raise ProblemError(413, "too_large", "the photo at the URL is larger than a request may be.")
        _remaining(deadline)
        parts.append(chunk)
    _remaining(deadline)  # ended by it, and not complete
    return b"".join(parts)


def _remaining(deadline: float) -> float:
    seconds = deadline - monotonic()
    if seconds <= 0:
        raise _failure("it took too long")
    return min(IDLE_SECONDS, seconds)


def _failure(why: str) -> ProblemError:
    return ProblemError(422, "url_failed", f"the photo at the URL cannot be fetched: {why}.")
