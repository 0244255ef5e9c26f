"""The terminal keeps the push protocol: what it sends is read here by a server of its own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from attendance.peers.http_peer import Answer, Fault, Peer, Request
from attendance.peers.zk_terminal import BREAK_OUT, LostAnswerError, ZkTerminal

MORNING = datetime(2026, 3, 2, 8, 59, 8)
PLAIN = {"Content-Type": "text/plain"}


class PushServer(Peer):
    """Answers as the protocol says, and keeps all requests."""

    def answer(self, request: Request) -> Answer:
        if request.method == "POST":
            return Answer(200, b"OK: 1", PLAIN)
        if "options=all" in request.query:
            return Answer(200, b"GET OPTION FROM: CKJX1\r\nATTLOGStamp=77\r\nDelay=10\r\n", PLAIN)
        return Answer(200, b"OK", PLAIN)


@pytest.fixture
def server() -> Iterator[PushServer]:
    with PushServer() as peer:
        yield peer


def test_a_handshake_takes_the_stamp_and_uploads_say_it(server: PushServer) -> None:
    terminal = ZkTerminal(server.url, "CKJX1")
    assert terminal.handshake().status == 200
    assert (terminal.stamp, terminal.options["Delay"]) == ("77", "10")
    assert terminal.poll().is_ok
    terminal.punch("17", MORNING, BREAK_OUT)
    assert terminal.upload().is_ok
    handshake, poll, upload = server.requests
    assert (handshake.path, poll.path, upload.path) == ("/iclock/cdata", "/iclock/getrequest", "/iclock/cdata")
    assert upload.query == "SN=CKJX1&table=ATTLOG&Stamp=77"
    assert upload.body == b"17\t2026-03-02 08:59:08\t2\t15\t0\t0\t0\n"


@pytest.mark.parametrize("fault", [Fault.RESET_AFTER, Fault.DEATH_AFTER, Fault.HALF_ANSWER_AFTER])
def test_an_upload_is_repeated_until_it_is_confirmed(server: PushServer, fault: Fault) -> None:
    terminal = ZkTerminal(server.url, "CKJX1")
    terminal.punch("17", MORNING)
    server.faults.append(fault)
    try:
        assert not terminal.upload().is_ok
    except LostAnswerError:
        server.revive()
    with pytest.raises(LostAnswerError):
        terminal.upload(lose_answer=True)
    assert terminal.upload().is_ok
    assert len({request.body for request in server.requests}) == 1
    assert (len(server.requests), terminal.memory) == (3, [])


def test_a_wrong_clock_is_in_all_that_it_sends(server: PushServer) -> None:
    terminal = ZkTerminal(server.url, "CKJX1", clock_error=timedelta(hours=-1), newline=b"\r\n", table="attlog")
    terminal.punch("17", MORNING)
    assert terminal.upload().is_ok
    assert server.requests[0].body.startswith(b"17\t2026-03-02 07:59:08\t")
    assert server.requests[0].body.endswith(b"\r\n")
    assert "table=attlog" in server.requests[0].query


def test_chunks_are_framed_as_http_has_it() -> None:
    class Framed(ZkTerminal):
        def exchange(self, message: bytes, *, lose_answer: bool = False) -> bytes:
            return message

    message = Framed("http://127.0.0.1:1", "X", chunked=True).send_body(b"123456789")
    head, _, body = message.partition(b"\r\n\r\n")
    assert b"Transfer-Encoding: chunked" in head
    assert b"Content-Length" not in head
    assert body == b"7\r\n1234567\r\n2\r\n89\r\n0\r\n\r\n"
