"""The receiver of signed events refuses what a careful receiver refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.error import HTTPError
from urllib.request import Request as ToSend
from urllib.request import urlopen

import pytest

from attendance.peers.webhook import Scheme, Webhook

NOW = 1_772_438_400


@pytest.fixture
def receiver() -> Iterator[Webhook]:
    with Webhook(b"secret", clock=lambda: NOW) as peer:
        yield peer


def send(peer: Webhook, body: bytes, timestamp: str = str(NOW), secret: bytes = b"secret") -> int:
    signature = Scheme().sign(secret, timestamp, body)
    return send_signed(peer, body, timestamp, signature)


def send_signed(peer: Webhook, body: bytes, timestamp: str, signature: str) -> int:
    try:
        with urlopen(ToSend(peer.url, body, {"X-Timestamp": timestamp, "X-Signature": signature}), timeout=5) as answer:
            return answer.status
    except HTTPError as error:
        with error:
            return error.code


def test_the_signature_is_that_of_openssl() -> None:
    # printf '1772438400.{}' | openssl dgst -sha256 -hmac secret
    expected = "sha256=17644f447608392bc6ce4b4b0df492b11a640386d9fcb82eed8fd50d6abef495"
    assert Scheme().sign(b"secret", str(NOW), b"{}") == expected


def test_an_event_is_accepted_once(receiver: Webhook) -> None:
    body = json.dumps({"id": "1"}).encode()
    assert send(receiver, body) == 200
    assert send(receiver, body) == 409  # the very same message: a replay
    assert send(receiver, body, str(NOW + 1)) == 200  # sent again because the answer was lost
    assert (receiver.accepted, receiver.repeated) == ([{"id": "1"}], [{"id": "1"}])


@pytest.mark.parametrize(("age", "status"), [(300, 200), (301, 401), (-300, 200), (-301, 401)])
def test_stale_times_and_those_of_the_future_are_refused(receiver: Webhook, age: int, status: int) -> None:
    assert send(receiver, b'{"id": "1"}', str(NOW - age)) == status


def test_a_wrong_secret_body_or_time_is_refused(receiver: Webhook) -> None:
    body = b'{"id": "1"}'
    signature = Scheme().sign(b"secret", str(NOW), body)
    assert send(receiver, body, secret=b"other") == 401
    assert send_signed(receiver, body + b" ", str(NOW), signature) == 401
    assert send_signed(receiver, body, str(NOW + 1), signature) == 401
    assert send_signed(receiver, body, "", signature) == 400
    assert receiver.accepted == []
