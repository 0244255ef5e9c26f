"""Cameras on loopback: HTTP MJPEG by Python's own server, RTSP by VLC."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from free_port import free_port

BOUNDARY = b"--frame"


def encode_jpeg(number: int, *, width: int = 64, height: int = 48) -> bytes:
    """Return a gray picture whose brightness is ten times ``number``."""
    from PIL import Image

    file = BytesIO()
    Image.fromarray(np.full((height, width, 3), 10 * (number % 25), np.uint8)).save(file, "JPEG")
    return file.getvalue()


class MjpegCamera:
    """A camera at http://127.0.0.1:PORT/video, whose picture number n is ten times n bright.

    ``mode`` is "play", "silent" (the connection stays open), "garbage", "frozen" (one picture) or "end".
    """

    def __init__(self, *, rate: float = 25, port: int | None = None) -> None:
        self.rate, self.mode = rate, "play"
        self.picture: Callable[[int], bytes] = encode_jpeg
        self.port = free_port() if port is None else port
        self.connections = 0
        self._server: ThreadingHTTPServer | None = None
        self.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/video"

    def start(self) -> None:
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                camera.connections += 1
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
                self.end_headers()
                with suppress(OSError):
                    camera._play(self.wfile.write)

            def log_message(self, *_: object) -> None:
                pass

        ThreadingHTTPServer.allow_reuse_address = True
        self._running = True
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        """End the server and all its connections."""
        self._running = False
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def _play(self, write: Callable[[bytes], object]) -> None:
        number = 0
        noise = np.random.default_rng(1)
        while self._running and self.mode != "end":
            if self.mode == "garbage":
                write(noise.bytes(2_000))
            elif self.mode != "silent":
                data = self.picture(0 if self.mode == "frozen" else number)
                write(
                    BOUNDARY
                    + b"\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(data)
                    + data
                    + b"\r\n"
                )
                number += 1
            time.sleep(1 / self.rate)


class RtspCamera:
    """VLC, which serves a video at rtsp://127.0.0.1:PORT/x over and over; skips where it is not installed."""

    def __init__(self, video: Path) -> None:
        program = shutil.which("cvlc")
        if program is None:
            pytest.skip("the RTSP server is missing: apt-get install vlc-bin vlc-plugin-base")
        self.port = free_port()
        self._video, self._program = video, program
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def address(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}/x"

    def start(self) -> None:
        """Start to serve, and return when the stream is there; on a busy machine VLC sometimes hangs as it starts."""
        for _ in range(8):
            self._launch()
            for _ in range(300):
                if self._describes():
                    return
                time.sleep(0.05)
            self.stop()
        pytest.fail("VLC did not start to serve, eight times")

    def _launch(self) -> None:
        out = f"#rtp{{sdp=rtsp://127.0.0.1:{self.port}/x}}"
        command = [self._program, "-q", str(self._video), "--loop", "--no-sout-audio", "--sout", out, "--sout-keep"]
        if os.geteuid() == 0:  # VLC refuses to run as root
            command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command]
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": "/tmp"}, cwd="/",
        )  # fmt: skip

    def _describes(self) -> bool:
        """Return whether the stream is there: VLC listens before it is, and then answers that it is not available."""
        request = f"DESCRIBE {self.address} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode()
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 5) as connection:
            connection.sendall(request)
            return connection.recv(64).startswith(b"RTSP/1.0 200")
        return False

    def pause(self, stop: bool) -> None:
        """Freeze the server: its connections stay open, and nothing comes."""
        import signal

        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP if stop else signal.SIGCONT)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
