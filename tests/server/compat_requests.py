"""Requests of other servers' clients, to a gallery of their own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from .running_server import RunningServer, photos

GRAY = b"P5 64 64 255\n" + bytes([128]) * 64 * 64
"""A picture without a face."""


@dataclass(frozen=True)
class CompatClient:
    """A client with a key that is limited to one gallery."""

    server: RunningServer
    key: str
    gallery: str

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        """Send a request as CompreFace's clients do."""
        return self.server.request(method, f"/api/v1/{path}", key=self.key, **options)

    def add(self, subject: str, photo: Path) -> str:
        """Store a face; return its image id."""
        answer = self.request("POST", "recognition/faces", params={"subject": subject}, files=photos("file", photo))
        assert answer.status_code == 201, answer.text
        content = answer.json()
        assert content.keys() == {"image_id", "subject"}
        assert content["subject"] == subject
        return str(content["image_id"])

    def ask_deepstack(self, path: str, *files: tuple[str, tuple[str, bytes]], **fields: str) -> requests.Response:
        """Send a form to a path below /v1/vision/face, with the key as a field."""
        data = {"api_key": self.key, **fields}
        return self.server.post(f"/v1/vision/face{path}", key=None, data=data, files=list(files) or None)


def make_client(server: RunningServer, gallery: str, role: str = "enroll") -> CompatClient:
    """Return a client with a new key for a gallery."""
    answer = server.post("/v1/keys", json={"name": f"{role} of {gallery}", "role": role, "galleries": [gallery]})
    assert answer.status_code == 201, answer.text
    return CompatClient(server, answer.json()["key"], gallery)


def similarity(distance: float, threshold: float, divide: float = 0.5) -> float:
    """Return the similarity of a distance up to the threshold, computed apart from the server."""
    assert distance <= threshold
    return 1 - (1 - divide) * (distance / threshold) ** 3
