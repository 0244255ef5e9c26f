"""The server under the stand-ins: what each fault stores, and what the client sees of it."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from time import monotonic, sleep
from urllib.error import HTTPError
from urllib.request import Request as ToSend
from urllib.request import urlopen

import pytest

from attendance.peers.http_peer import Answer, Fault, Peer, Request

LOST = (http.client.HTTPException, OSError)


class Counter(Peer):
    """Answers how many requests it has counted."""

    count = 0

    def answer(self, request: Request) -> Answer:
        self.count += 1
        return Answer(200, f"{self.count:04d} {request.method} {request.path}".encode())


@pytest.fixture
def counter() -> Iterator[Counter]:
    with Counter() as peer:
        yield peer


def ask(peer: Peer, method: str = "POST") -> str:
    with urlopen(ToSend(f"{peer.url}/a%20b", data=b"x", method=method), timeout=60) as answer:
        return answer.read().decode()


def test_a_request_arrives_whole_with_its_path_decoded(counter: Counter) -> None:
    assert [ask(counter, "PUT"), ask(counter, "DELETE")] == ["0001 PUT /a b", "0002 DELETE /a b"]
    assert [request.body for request in counter.requests] == [b"x", b"x"]


def test_a_connection_is_kept_for_the_next_request(counter: Counter) -> None:
    connection = http.client.HTTPConnection(counter.url.removeprefix("http://"), timeout=60)
    try:
        answers = []
        for _ in range(2):
            connection.request("GET", "/")
            answers.append(connection.getresponse().read())
            port = connection.sock.getsockname()[1]
            assert connection.sock.getsockname()[1] == port
    finally:
        connection.close()
    assert answers == [b"0001 GET /", b"0002 GET /"]


@pytest.mark.parametrize(
    ("fault", "stored"),
    [
        (Fault.RESET_BEFORE, 0),
        (Fault.RESET_AFTER, 1),
        (Fault.HALF_ANSWER_AFTER, 1),
        (Fault.DEATH_BEFORE, 0),
        (Fault.DEATH_AFTER, 1),
    ],
)
def test_a_lost_answer_says_nothing_of_what_was_stored(counter: Counter, fault: Fault, stored: int) -> None:
    counter.faults.append(fault)
    with pytest.raises(LOST):
        ask(counter)
    assert counter.count == stored


@pytest.mark.parametrize(
    ("fault", "status", "stored"),
    [
        (Fault.ERROR_BEFORE, 500, 0),
        (Fault.UNAVAILABLE_BEFORE, 503, 0),
        (422, 422, 0),
        (Fault.GATEWAY_TIMEOUT_AFTER, 504, 1),
    ],
)
def test_a_status_may_come_with_or_without_effect(
    counter: Counter, fault: Fault | int, status: int, stored: int
) -> None:
    counter.faults.append(fault)
    with pytest.raises(HTTPError) as failed:
        ask(counter)
    failed.value.close()
    assert (failed.value.code, counter.count) == (status, stored)


def test_a_silent_server_has_stored(counter: Counter) -> None:
    counter.faults.append(Fault.SILENCE_AFTER)
    with pytest.raises(TimeoutError):
        urlopen(counter.url, timeout=0.05)
    latest = monotonic() + 30  # the client's patience may end before the server's thread begins
    while not counter.count and monotonic() < latest:
        sleep(0.01)
    assert counter.count == 1


def test_a_dead_server_answers_nothing_until_it_is_revived(counter: Counter) -> None:
    counter.faults.append(Fault.DEATH_AFTER)
    for _ in range(3):
        with pytest.raises(LOST):
            ask(counter)
    counter.revive()
    assert (ask(counter), counter.count) == ("0002 POST /a b", 2)
