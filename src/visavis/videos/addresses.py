"""Addresses of cameras, and their names without user, password and tokens."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

SCHEMES = frozenset({"rtsp", "rtsps", "http", "https", "rtmp", "rtmps", "rtp", "udp", "srt"})
_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_SECRET = re.compile(
    r"((?:^|[?&;])[^=&;]*(?:user|usr|login|account|pass|pwd|token|key|auth|secret|sig|session|credential)[^=&;]*=)[^&;]*",
    re.IGNORECASE,
)
_PORT = re.compile(r"[^:]*|.*:\d*|\[.*\](:\d*)?")
HIDDEN = "***"
LARGEST_PORT = 65_535


def is_address(source: object) -> bool:
    """Return whether a source is an address such as ``rtsp://camera/stream``."""
    match = _ADDRESS.match(source) if isinstance(source, str) else None
    return match is not None and match[1].lower() in SCHEMES


def find_port_fault(address: str) -> str:
    """Return what is wrong with the port of an address, "the port 99999 ..."; empty where nothing is."""
    match = _ADDRESS.match(address)
    place = address[match.end() :] if match else address
    host = re.split("[/?#]", place, maxsplit=1)[0]
    if "@" in host or ("@" in place and not _PORT.fullmatch(host)):  # a password can have a slash in it
        host = re.split("[/?#]", place.rpartition("@")[2], maxsplit=1)[0]
    port = host.rpartition("]")[2].rpartition(":")[2] if ":" in host.rpartition("]")[2] else ""
    if not port or (re.fullmatch("[0-9]{1,5}", port) and 0 < int(port) <= LARGEST_PORT):
        return ""
    return f"the port {port[:20]!r} is not a number from 1 to {LARGEST_PORT}"


def split_url(url: str) -> SplitResult | None:
    """Return the parts of a URL; None where nothing can connect to it: no host, an impossible host or port."""
    try:
        url.encode()
        parts = urlsplit(url)
        possible = bool((parts.hostname or "").encode("idna")) and parts.port != 0
    except ValueError:
        return None
    return parts if possible else None


def mask_address(address: str) -> str:
    """Return an address with ``***`` for user and password, and for values of the query that look secret."""
    match = _ADDRESS.match(address)
    if match is None:
        return address
    place, mark, query = address[match.end() :].partition("?")
    host, slash, path = place.partition("/")
    if "@" in host:
        host = f"{HIDDEN}@{host.rpartition('@')[2]}"
    elif "@" in path + query and not _PORT.fullmatch(host):  # a password with a slash or a question mark in it
        return f"{match[0]}{HIDDEN}@{address.rpartition('@')[2]}"
    hidden = _SECRET.sub(lambda value: value[1] + HIDDEN, query)
    return f"{match[0]}{host}{slash}{path}{mark}{hidden}"
