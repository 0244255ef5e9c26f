"""Calls about the server itself: its galleries, models, keys, log and health."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from visavis.client._requests import GalleryRequests
from visavis.client.parse import parse
from visavis.compare import Calibration, parse_calibration
from visavis.errors import ServerError
from visavis.server.types import ApiKey, ExpiringKind, LogEntry, ModelFile, NewKey, Readiness


class ServerCalls(GalleryRequests):
    """Methods of :class:`visavis.Client` about the server."""

    def galleries(self) -> list[str]:
        """Return the names of the galleries that the key may use."""
        names: list[str] = self._connection.send("GET", "/galleries")["galleries"]
        return names

    def models(self) -> list[ModelFile]:
        """Return the models that the server knows, also those whose files are missing there."""
        return [parse(ModelFile, line) for line in self._connection.send("GET", "/models")["models"]]

    def default_calibration(self) -> Calibration:
        """Return the table of thresholds by which two photos are compared, that of the server's default model."""
        return parse_calibration(self._connection.send("GET", "/calibration"))

    def api_keys(self) -> list[ApiKey]:
        """Return all keys without their secrets, also revoked ones; needs the key of an administrator."""
        return [parse(ApiKey, line) for line in self._connection.send("GET", "/keys")["keys"]]

    def create_key(
        self, name: str, role: str, *, galleries: Sequence[str] | None = None, employee: str | None = None
    ) -> NewKey:
        """Create a key of a role: "read", "enroll", "admin", "employee", "manager", "payroll" or "kiosk".

        It is for some galleries (None: all). A key of the role "employee" or "manager" belongs to an employee of the
        server's site, by number.
        """
        order = {"name": name, "role": role, "galleries": None if galleries is None else [*galleries]}
        order["employee"] = employee
        return parse(NewKey, self._connection.send("POST", "/keys", json=order))

    def rotate_key(self, name: str) -> NewKey:
        """Give a key a new secret; the old one is refused at once."""
        return parse(NewKey, self._connection.send("POST", f"/keys/{quote(name, safe='')}/rotate"))

    def revoke_key(self, name: str) -> None:
        """Refuse a key from now on."""
        self._connection.send("DELETE", f"/keys/{quote(name, safe='')}")

    def set_up(self, code: str, name: str = "admin") -> NewKey:
        """Make the first administrator's key with the one-time code that the server printed."""
        return parse(NewKey, self._connection.send("POST", "/setup", json={"code": code, "name": name}))

    def retention(self) -> list[ExpiringKind]:
        """Return what the server keeps for a number of days, and how much is due; needs an administrator's key."""
        return [parse(ExpiringKind, line) for line in self._connection.send("GET", "/retention")["kinds"]]

    def remove_expired(self) -> dict[str, int]:
        """Remove now what is due; return the number of each kind. Needs the key of an administrator."""
        removed: dict[str, int] = self._connection.send("POST", "/retention/run")["removed"]
        return removed

    def log(self, *, after: int = 0) -> Iterator[LogEntry]:
        """Yield the entries of the log of the server of a number above ``after``, the oldest first."""
        last: int | None = after
        while last is not None:
            page = self._connection.send("GET", "/log", params={"after": last, "limit": 1000})
            yield from (parse(LogEntry, line) for line in page["entries"])
            last = page["next"]

    def is_alive(self) -> bool:
        """Return whether the server's process answers; needs no key."""
        try:
            return bool(self._connection.ask_health("/livez").status_code == 200)
        except ServerError:
            return False

    def readiness(self) -> Readiness:
        """Return whether database, models, queue and disk of the server are fit for requests; needs no key."""
        content: dict[str, Any] = self._connection.ask_health("/readyz").json()
        return parse(Readiness, content)

    def metrics(self) -> str:
        """Return the metrics of a worker as text for Prometheus; needs no key."""
        return str(self._connection.ask_health("/metrics").text)
