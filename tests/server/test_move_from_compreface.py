"""The script of the documentation that copies a collection from CompreFace, whose part a small server takes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest

from .compat_requests import CompatClient

SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "examples" / "move_from_compreface.py"
KEY = "8a1f3a52-3a5b-4a0d-9c0e-6d0a8c1b2e4f"
FACES = [("Obama", "obama.jpg"), ("Obama", "obama2.jpg"), ("Biden", "biden.jpg"), ("Eve", None)]
"""Subjects and pictures; None: a picture that is not stored."""


@pytest.fixture
def compreface(small_photos: Path) -> Iterator[str]:
    """URL of a server that answers as CompreFace does, in pages of two faces however many are asked for."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            assert self.headers["x-api-key"] == KEY
            if url.path.endswith("/img"):
                _, picture = FACES[int(url.path.split("/")[-2])]
                self._send(b"" if picture is None else (small_photos / picture).read_bytes())
                return
            page = int(parse_qs(url.query)["page"][0])
            faces = [{"image_id": str(number), "subject": subject} for number, (subject, _) in enumerate(FACES)]
            content = {"faces": faces[2 * page : 2 * page + 2], "page_number": page, "page_size": 2}
            self._send(json.dumps({**content, "total_pages": 2, "total_elements": 4}).encode())

        def _send(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_all_faces_are_copied_with_their_subjects(compreface: str, client: CompatClient) -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT, compreface, KEY, client.server.url, client.key],
        env={**os.environ, "NO_PROXY": "127.0.0.1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.stderr, done.returncode) == ("", 0)
    lost, summary = done.stdout.splitlines()
    assert lost.startswith("Eve, image 3: ")
    assert summary == "3 of 4 faces copied"
    faces = client.request("GET", "recognition/faces").json()["faces"]
    assert [face["subject"] for face in faces] == ["Obama", "Obama", "Biden"]
