"""A server of RTSP on loopback that sends H.264 over the TCP connection of RTSP itself, and by no other way.

RFC 2326 (chapter 10.12: interleaved data) and RFC 6184 (H.264 in RTP, parts of large units as FU-A).
"""

from __future__ import annotations

import re
import socket
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from fractions import Fraction
from typing import BinaryIO

import av

from visavis.types import RGB

LARGEST = 1400
"""Bytes of a packet of RTP."""
PAYLOAD_TYPE = 96
TICKS = 90_000
SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=test\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    f"m=video 0 RTP/AVP {PAYLOAD_TYPE}\r\na=rtpmap:{PAYLOAD_TYPE} H264/{TICKS}\r\n"
    f"a=fmtp:{PAYLOAD_TYPE} packetization-mode=1\r\na=control:track1\r\n"
)


def encode(pictures: Sequence[RGB], *, rate: int) -> list[list[bytes]]:
    """Return the NAL units of each picture; each picture is a key frame with the parameters of the stream."""
    codec = av.CodecContext.create("libx264", "w")
    assert isinstance(codec, av.VideoCodecContext)
    codec.height, codec.width = pictures[0].shape[:2]
    codec.pix_fmt, codec.framerate, codec.time_base = "yuv420p", Fraction(rate), Fraction(1, rate)
    codec.options = {"g": "1", "tune": "zerolatency", "x264-params": "repeat-headers=1"}
    packets = []
    for number, picture in enumerate(pictures):
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts, frame.time_base = number, codec.time_base
        packets += codec.encode(frame)
    packets += codec.encode(None)
    return [[unit for unit in re.split(b"\0\0\0?\1", bytes(packet)) if unit] for packet in packets]


def split_unit(unit: bytes) -> Iterator[bytes]:
    """Yield a NAL unit as payloads of RTP: whole, or in parts (FU-A)."""
    if len(unit) <= LARGEST:
        yield unit
        return
    parts = [unit[start : start + LARGEST] for start in range(1, len(unit), LARGEST)]
    for number, part in enumerate(parts):
        marks = (0x80 if number == 0 else 0) | (0x40 if number == len(parts) - 1 else 0)
        yield bytes([(unit[0] & 0xE0) | 28, marks | (unit[0] & 0x1F)]) + part


class TcpRtspCamera:
    """A camera at rtsp://127.0.0.1:PORT/x that plays pictures over and over.

    ``transports`` are those that clients have asked for; all but TCP are refused. ``paused``: connections stay open,
    and nothing comes.
    """

    def __init__(self, pictures: Sequence[RGB], *, rate: int = 10, port: int = 0) -> None:
        self._frames, self._rate = encode(pictures, rate=rate), rate
        self.transports: list[str] = []
        self.paused = False
        self._connections: list[socket.socket] = []
        self._server = socket.create_server(("127.0.0.1", port))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}/x"

    def stop(self) -> None:
        """End the server and all its connections."""
        for connection in (self._server, *self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                self._connections.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError, ValueError), connection.makefile("rb") as requests:
            while (request := _read_request(requests)) is not None:
                method, headers = request
                status, lines, body = self._answer(method, headers)
                answer = [f"RTSP/1.0 {status}", f"CSeq: {headers.get('cseq', '0')}", "Session: 1", *lines]
                connection.sendall("\r\n".join([*answer, f"Content-Length: {len(body)}", "", body]).encode())
                if method == "PLAY":
                    threading.Thread(target=self._play, args=(connection,), daemon=True).start()

    def _answer(self, method: str, headers: dict[str, str]) -> tuple[str, list[str], str]:
        if method == "DESCRIBE":
            return "200 OK", ["Content-Type: application/sdp", f"Content-Base: {self.address}/"], SDP
        if method == "SETUP":
            self.transports.append(headers["transport"])
            if not headers["transport"].startswith("RTP/AVP/TCP"):
                return "461 Unsupported Transport", [], ""
            return "200 OK", ["Transport: RTP/AVP/TCP;unicast;interleaved=0-1"], ""
        return "200 OK", ["Public: OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN"], ""

    def _play(self, connection: socket.socket) -> None:
        sequence, number = 0, 0
        with suppress(OSError):
            while True:
                for ends, payload in [] if self.paused else self._payloads(number):
                    stamp = number * TICKS // self._rate
                    kind = PAYLOAD_TYPE | (0x80 if ends else 0)
                    packet = struct.pack(">BBHII", 0x80, kind, sequence & 0xFFFF, stamp, 7) + payload
                    connection.sendall(struct.pack(">cBH", b"$", 0, len(packet)) + packet)
                    sequence += 1
                number += not self.paused
                time.sleep(1 / self._rate)

    def _payloads(self, number: int) -> list[tuple[bool, bytes]]:
        """Return what RTP carries of a picture; True: it ends the picture."""
        payloads = [part for unit in self._frames[number % len(self._frames)] for part in split_unit(unit)]
        return [(place == len(payloads) - 1, payload) for place, payload in enumerate(payloads)]


def _read_request(requests: BinaryIO) -> tuple[str, dict[str, str]] | None:
    """Return method and headers of the next request, None at the end; what a client sends of RTCP is skipped."""
    while (first := requests.read(1)) == b"$":
        _, size = struct.unpack(">BH", requests.read(3))
        requests.read(size)
    lines = [(first + requests.readline()).decode().strip()]
    while line := requests.readline().decode().strip():
        lines.append(line)
    if not lines[0]:
        return None
    headers = dict(re.split(r":\s*", line, maxsplit=1) for line in lines[1:])
    return lines[0].split()[0], {name.lower(): value for name, value in headers.items()}
