"""The receiver of signed events refuses what a careful receiver refuses."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.error import HTTPError
from urllib.request import Request as ToSend
from urllib.request import urlopen

import pytest

from attendance.peers.webhook import Webhook, sign

NOW = 1_772_438_400


@pytest.fixture
def receiver() -> Iterator[Webhook]:
    with Webhook(b"secret", clock=lambda: NOW) as peer:
        yield peer


def send(peer: Webhook, body: bytes = b"{}", event: str = "e1", timestamp: str = str(NOW), signature: str = "") -> int:
    headers = {
        "Webhook-Id": event,
        "Webhook-Timestamp": timestamp,
        "Webhook-Signature": signature or sign(b"secret", event, timestamp, body),
    }
    try:
        with urlopen(ToSend(peer.url, body, headers), timeout=60) as answer:
            return answer.status
    except HTTPError as error:
        with error:
            return error.code


def test_the_signature_is_that_of_openssl() -> None:
    # printf 'e1.1772438400.{}' | openssl dgst -sha256 -hmac secret -binary | base64
    assert sign(b"secret", "e1", str(NOW), b"{}") == "v1,Bmke+QcBF8zdAyq8iZOus9pr0FSc4BWa+XyRP6tAShA="


def test_an_event_is_accepted_once(receiver: Webhook) -> None:
    assert send(receiver) == 200
    assert send(receiver) == 200  # the very same message again, since its answer was lost
    assert send(receiver, timestamp=str(NOW + 1)) == 200
    assert send(receiver, b"[]") == 409
    assert (receiver.bodies, receiver.repeated) == ([{}], ["e1", "e1"])


@pytest.mark.parametrize(("age", "status"), [(300, 200), (301, 401), (-300, 200), (-301, 401)])
def test_a_recorded_message_is_refused_later(receiver: Webhook, age: int, status: int) -> None:
    assert send(receiver, timestamp=str(NOW - age)) == status


def test_a_wrong_secret_body_id_or_time_is_refused(receiver: Webhook) -> None:
    signature = sign(b"secret", "e1", str(NOW), b"{}")
    assert send(receiver, signature=sign(b"other", "e1", str(NOW), b"{}")) == 401
    assert send(receiver, b"{} ", signature=signature) == 401
    assert send(receiver, event="e2", signature=signature) == 401
    assert send(receiver, timestamp=str(NOW + 1), signature=signature) == 401
    assert send(receiver, timestamp="", signature=signature) == 400
    assert receiver.events == {}
    assert send(receiver, signature=f"v1,AAAA {signature}") == 200  # while a key is exchanged for another
