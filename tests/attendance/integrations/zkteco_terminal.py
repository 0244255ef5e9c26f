"""A ZKTeco terminal as a client of the push protocol: it keeps what was not acknowledged, and sends it again."""

from __future__ import annotations

from dataclasses import dataclass, field

import requests

AGENT = {"User-Agent": "iClock Proxy/1.09"}


@dataclass
class Terminal:
    """A terminal with its serial number; ``waiting`` are the lines that the server has not acknowledged.

    ``version`` is what newer firmware adds to the greeting.
    """

    serial: str
    url: str
    stamp: int = 0
    waiting: list[str] = field(default_factory=list)
    version: str = "2.4.1"

    def greet(self) -> requests.Response:
        """Ask for the options, as after switching on."""
        query = {"SN": self.serial, "options": "all", "pushver": self.version, "language": "69"}
        return self._send("GET", "cdata", query)

    def poll(self) -> requests.Response:
        """Ask for commands, as every few seconds."""
        return self._send("GET", "getrequest", {"SN": self.serial})

    def punch(self, pin: str, time: str, status: int = 0, verify: int = 15) -> None:
        """Record a punch; ``time`` is that of the terminal's clock."""
        self.waiting.append(f"{pin}\t{time}\t{status}\t{verify}\t0\t0")

    def upload(self, *, table: str = "ATTLOG", body: bytes | None = None) -> requests.Response:
        """Send all lines that wait; they are gone once the answer begins with OK."""
        content = "".join(f"{line}\n" for line in self.waiting).encode() if body is None else body
        answer = self._send("POST", "cdata", {"SN": self.serial, "table": table, "Stamp": str(self.stamp)}, content)
        if answer.status_code == 200 and answer.text.startswith("OK") and body is None:
            self.waiting.clear()
            self.stamp += 1
        return answer

    def _send(self, method: str, path: str, query: dict[str, str], body: bytes | None = None) -> requests.Response:
        with requests.Session() as session:
            session.trust_env = False
            return session.request(
                method, f"{self.url}/iclock/{path}", params=query, data=body, headers=AGENT, timeout=60
            )
