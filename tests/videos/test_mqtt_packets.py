"""Packets between visavis and a real broker, whose connection breaks in the middle of an event."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from visavis.videos.mqtt import EVENT_IDENTIFIERS, MqttSender, packet_identifier
from visavis.videos.outbox import Outbox, QueuedEvent
from visavis.videos.publish import Publisher

from .mqtt_wire import PUBCOMP, PUBREC, Wire
from .test_publish import Broker, broker, event, listen, wait_until

__all__ = ["broker"]

TOPIC = "visavis/door/event"


def ids_of(messages: list[tuple[str, bytes, bool]]) -> list[str]:
    return [json.loads(body)["id"] for topic, body, _ in messages if topic == TOPIC]


def identifiers_of(wire: Wire) -> dict[str, set[int]]:
    """The packet identifiers with which each event was published."""
    identifiers: dict[str, set[int]] = {}
    for packet in wire.published:
        if packet.topic == TOPIC:
            identifiers.setdefault(json.loads(packet.payload)["id"], set()).add(packet.identifier)
    return identifiers


@pytest.mark.parametrize("kind", [PUBREC, PUBCOMP])
def test_each_event_arrives_once_and_in_order_though_the_connection_breaks(
    tmp_path: Path, broker: Broker, kind: int
) -> None:
    messages, wire = listen(broker.port), Wire(broker.port)
    wire.cut_at(kind, after=b'"id-1"')
    outbox = Outbox(tmp_path / "outbox.db")
    publisher = Publisher(outbox, "mqtt", MqttSender(f"mqtt://127.0.0.1:{wire.port}"), report=lambda _: None)
    for number in range(4):
        publisher.add(event(number))
    wait_until(lambda: outbox.count("mqtt") == 0)
    publisher.close()
    outbox.close()
    wire.close()
    wait_until(lambda: len(ids_of(messages)) >= 4)
    assert wire.cuts == 1
    assert ids_of(messages) == [f"id-{number}" for number in range(4)]
    assert identifiers_of(wire) == {f"id-{number}": {number + 1} for number in range(4)}


def test_an_event_that_a_run_leaves_unconfirmed_is_a_repetition_in_the_next(tmp_path: Path, broker: Broker) -> None:
    """The broker has event 2 and has not passed it on; the next run begins with another number of messages."""
    messages, wires = listen(broker.port), []
    for first, added in ((0, 3), (3, 2)):
        wires.append(Wire(broker.port))
        outbox = Outbox(tmp_path / "outbox.db")
        sender = MqttSender("mqtt://127.0.0.1")
        sender._port = wires[-1].port  # the client of an address, whose session the next run continues
        publisher = Publisher(outbox, "mqtt", sender, report=lambda _: None)
        if first == 0:
            wires[0].cut_at(PUBREC, after=b'"id-2"')
        for number in range(first, first + added):
            publisher.add(event(number))
        if first == 0:
            wait_until(lambda: wires[0].cuts == 1)
            wires[0].close()
        else:
            wait_until(lambda box=outbox: box.count("mqtt") == 0)  # type: ignore[misc]
        publisher.close(seconds=0.2)
        assert outbox.count("mqtt") == (1 if first == 0 else 0)
        outbox.close()
    wires[1].close()
    wait_until(lambda: len(ids_of(messages)) >= 5)
    assert ids_of(messages) == [f"id-{number}" for number in range(5)]
    before, after = map(identifiers_of, wires)
    assert before == {"id-0": {1}, "id-1": {2}, "id-2": {3}}
    assert after == {"id-2": {3}, "id-3": {4}, "id-4": {5}}
    others = {packet.identifier for wire in wires for packet in wire.published if packet.topic != TOPIC}
    assert min(others) == EVENT_IDENTIFIERS + 1


def test_packet_identifiers_begin_again_before_those_of_other_messages() -> None:
    numbers = (1, 2, 32_767, 32_768, 65_534, 65_535)
    assert [packet_identifier(QueuedEvent(number, "id", "{}")) for number in numbers] == [1, 2, 32_767, 1, 32_767, 1]


def test_a_camera_that_is_added_while_the_client_connects_again_disturbs_nothing() -> None:
    pytest.importorskip("paho.mqtt.client")
    sender, topics = MqttSender("mqtt://127.0.0.1"), []

    def publish(topic: str, *_: object, **__: object) -> None:
        topics.append(topic)
        if topic.startswith("homeassistant/"):
            sender._cameras.add("yard")  # as the thread of the publisher does

    sender._client, sender._status, sender._cameras = SimpleNamespace(publish=publish), "status", {"door"}
    sender._connected(None, None, None, SimpleNamespace(is_failure=False), None)
    assert topics == ["status", "homeassistant/sensor/visavis_door/config"]
