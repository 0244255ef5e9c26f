"""A real web server on this machine, with files whose delivery can go wrong in chosen ways."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Shelf:
    """What the server offers, some of it ``broken`` off half way, some ``slow``; and what was asked for.

    A file with one of ``tags`` can be asked for in part, if it still has that tag.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.files: dict[str, bytes] = {}
        self.broken: set[str] = set()
        self.slow: set[str] = set()
        self.tags: dict[str, str] = {}
        self.asked: list[str] = []
        self.ranges: list[str] = []


@contextmanager
def serving() -> Iterator[Shelf]:
    """Serve as long as the block lasts, on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            shelf.asked.append(self.path)
            data = shelf.files.get(self.path)
            if data is None:
                self.send_error(404)
                return
            wanted, tag = self.headers.get("Range", ""), shelf.tags.get(self.path)
            shelf.ranges.append(wanted)
            partial = bool(wanted and tag and self.headers.get("If-Range") == tag)
            if partial:
                data = data[int(wanted.removeprefix("bytes=").removesuffix("-")) :]
            self.send_response(206 if partial else 200)
            self.send_header("Content-Length", str(len(data)))
            if tag:
                self.send_header("ETag", tag)
            self.end_headers()
            half = len(data) // 2
            self.wfile.write(data[:half])
            self.wfile.flush()
            if self.path in shelf.broken:
                self.close_connection = True
                return
            time.sleep(0.3 if self.path in shelf.slow else 0)
            self.wfile.write(data[half:])

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    shelf = Shelf(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield shelf
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
