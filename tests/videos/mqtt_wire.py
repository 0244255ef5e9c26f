"""A connection to an MQTT broker that a test watches, and cuts at a packet of its choice."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock, Thread

PUBLISH, PUBREC, PUBCOMP = 3, 5, 7
"""Kinds of packets: MQTT 3.1.1, 2.2.1."""


@dataclass(frozen=True)
class Published:
    """A PUBLISH packet of a client."""

    identifier: int
    topic: str
    payload: bytes


class Wire:
    """Passes packets on between clients of ``port`` and the broker; notes what clients publish at least once."""

    def __init__(self, broker: int) -> None:
        self.published: list[Published] = []
        self.cuts = 0
        self._broker = broker
        self._cut_at: tuple[int, bytes] | None = None
        self._lock = Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        Thread(target=self._accept, daemon=True).start()

    def cut_at(self, kind: int, *, after: bytes) -> None:
        """Cut the connection, once, in place of the broker's first packet of a kind after ``after`` was published."""
        self._cut_at = kind, after

    def close(self) -> None:
        """Refuse all further connections."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # ends the wait for the next one
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._broker)) as broker:
            back = Thread(target=self._pass_on, args=(broker, client, False), daemon=True)
            back.start()
            self._pass_on(client, broker, True)
            back.join()

    def _pass_on(self, source: socket.socket, target: socket.socket, sent: bool) -> None:
        with suppress(OSError, EOFError):
            for kind, packet, body in read_packets(source):
                if sent:
                    self._note(kind, packet, body)
                elif self._is_cut(kind):
                    break
                target.sendall(packet)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _note(self, kind: int, packet: bytes, body: bytes) -> None:
        if kind == PUBLISH and packet[0] & 0b110:
            length = int.from_bytes(body[:2])
            topic, rest = body[2 : 2 + length].decode(), body[2 + length :]
            self.published.append(Published(int.from_bytes(rest[:2]), topic, rest[2:]))

    def _is_cut(self, kind: int) -> bool:
        with self._lock:
            if self._cut_at is None or kind != self._cut_at[0]:
                return False
            if not any(self._cut_at[1] in packet.payload for packet in self.published):
                return False
            self._cut_at = None
            self.cuts += 1
            return True


def read_packets(source: socket.socket) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield kind, whole packet and body of each packet; EOFError at the end."""
    while True:
        head = _read(source, 2)
        while head[-1] & 0x80:
            head += _read(source, 1)
        length = sum((byte & 0x7F) << 7 * place for place, byte in enumerate(head[1:]))
        body = _read(source, length)
        yield head[0] >> 4, head + body, body


def _read(source: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = source.recv(count - len(data))
        if not more:
            raise EOFError
        data += more
    return data
