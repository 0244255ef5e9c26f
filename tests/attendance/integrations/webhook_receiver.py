"""A receiver of signed webhooks, as a careful customer writes it from the specification "Standard Webhooks".

It refuses a wrong signature, a time that is more than five minutes off, and a body that another one had the id of; a
repetition is answered like the first, and not processed again.
"""

from __future__ import annotations

import base64
import hmac
import json
import time
from pathlib import Path
from typing import Any

from .stand_in import Answer, Request, Store, json_answer, serve_process

SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two characters").decode()
TOLERANCE_S = 300
SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, body BLOB NOT NULL, times INTEGER NOT NULL DEFAULT 1
);
"""


class Receiver:
    """The system; ``age`` is added to its clock, in seconds."""

    def __init__(self, path: Path) -> None:
        self.store = Store(path, SCHEMA)
        self.age = 0.0

    def events(self) -> list[dict[str, Any]]:
        """The bodies, in the order in which they came first."""
        return [json.loads(row["body"]) for row in self.store.run("SELECT * FROM events ORDER BY number")]

    def repetitions(self) -> int:
        (row,) = self.store.run("SELECT coalesce(sum(times - 1), 0) AS times FROM events")
        return int(row["times"])

    def handle(self, request: Request) -> Answer:
        """Answer a request."""
        fault = self._find_fault(request)
        if fault:
            return json_answer({"message": fault}, 401)
        return self.store.transaction(lambda: self._accept(request.headers["webhook-id"], request.body))

    def _find_fault(self, request: Request) -> str:
        names = ("webhook-id", "webhook-timestamp", "webhook-signature")
        event_id, sent, signatures = (request.headers.get(name, "") for name in names)
        if not event_id or not sent.isdigit():
            return "no id, or no time"
        if abs(time.time() + self.age - int(sent)) > TOLERANCE_S:
            return "the time is too far off"
        key = base64.b64decode(SECRET.removeprefix("whsec_"))
        digest = hmac.digest(key, f"{event_id}.{sent}.".encode() + request.body, "sha256")
        expected = "v1," + base64.b64encode(digest).decode()
        if not any(hmac.compare_digest(expected, signature) for signature in signatures.split()):
            return "wrong signature"
        return ""

    def _accept(self, event_id: str, body: bytes) -> Answer:
        known = self.store.run("SELECT * FROM events WHERE id = ?", event_id)
        if known and known[0]["body"] != body:
            return json_answer({"message": "another event had this id"}, 409)
        if known:
            self.store.run("UPDATE events SET times = times + 1 WHERE id = ?", event_id)
        else:
            self.store.run("INSERT INTO events (id, body) VALUES (?, ?)", event_id, body)
        return json_answer({"ok": True})


if __name__ == "__main__":
    serve_process(Receiver)
