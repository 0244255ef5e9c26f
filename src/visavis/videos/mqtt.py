"""Events to an MQTT broker, with sensors that Home Assistant discovers by itself.

Topics: PREFIX/CAMERA/event for each event, PREFIX/status/CLIENT ("online" or "offline", retained), and for each camera
homeassistant/sensor/ID/config (retained; see https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery). CLIENT
is the client that the broker knows an outbox by: of two processes that end apart, each is offline by itself. The sensor
of a camera is unavailable while the client that last published an event of that camera is offline.

The broker keeps the session of a client over reconnections and over runs, and tells a repeated message by its packet
identifier (MQTT 3.1.1, 4.3.3; MQTT 5, 4.3.3). An event therefore has one identifier for good, which follows from its
place in the outbox: no other event is taken for it, and in the next run it is a repetition, unless the broker had
already passed it on and its last answer (PUBCOMP) was lost: the broker has then forgotten the identifier.
"""

from __future__ import annotations

import hashlib
import json
import re
from itertools import cycle
from threading import Condition, Lock
from typing import Any
from urllib.parse import unquote

from visavis.errors import MissingExtraError, UsageError
from visavis.printable import dump_json
from visavis.videos.addresses import mask_address, split_url
from visavis.videos.outbox import QueuedEvent
from visavis.videos.publish import TIMEOUT_S

PORTS = {"mqtt": 1883, "mqtts": 8883}
PREFIX = "visavis"
"""First level of the topics, where the address names none."""
LONGEST_PREFIX = 1000
"""Characters of the prefix; MQTT has topics of up to 65,535 bytes."""
NO_PREFIX = re.compile("[+\\0]")
"""Characters that no topic has that is published to."""
EXACTLY_ONCE = 2
"""Quality of service at which a message arrives once."""
EVENT_IDENTIFIERS = 0x7FFF
"""Packet identifiers of events, from 1; the others, up to 65,535, are those of states and sensors."""
STATUS = "status"
"""Level of the topics of states, which no camera has."""
LONGEST_LEVEL = 100
"""Characters of a name that is a level as it is."""
HASH_DIGITS = 12
HASHED = re.compile(rf"_[0-9a-f]{{{HASH_DIGITS}}}\Z")


class MqttSender:
    """Publishes events to ``mqtt://[USER:PASSWORD@]HOST[:PORT][/PREFIX]``; mqtts:// is encrypted.

    The broker knows each outbox as a client of its own, whose session the next run continues.
    """

    def __init__(self, url: str) -> None:
        parts = split_url(url)
        if parts is None or parts.hostname is None:
            raise UsageError("the address of the broker is no URL: give it as mqtt://HOST:PORT.")
        if parts.scheme not in PORTS:
            raise UsageError(f"{mask_address(url)}: give the broker as mqtt://HOST:PORT or mqtts://HOST:PORT.")
        if "#" in url or NO_PREFIX.search(parts.path) or len(parts.path) > LONGEST_PREFIX:
            raise UsageError(f"{mask_address(url)[:200]}: a prefix of topics is short, and has no # and no +.")
        _import_paho()
        self._url, self._parts, self._port = url, parts, parts.port or PORTS[parts.scheme]
        self._prefix = parts.path.strip("/") or PREFIX
        self._status = ""
        self._cameras: set[str] = set()
        self._waiting: QueuedEvent | None = None
        self._confirmed: set[int] = set()
        self._changed = Condition()
        self._numbering = Lock()
        self._identifier: int | None = None
        self._other_identifiers = cycle(range(EVENT_IDENTIFIERS + 1, 0x10000))
        self._closed = False
        self._client: Any = None

    def open(self, identity: str) -> None:
        """Begin to connect, as the client of the outbox ``identity``; see :class:`visavis.videos.publish.Sender`."""
        paho, version = _import_paho()
        name = f"visavis-{hashlib.sha256(f'{identity} {mask_address(self._url)}'.encode()).hexdigest()[:12]}"
        self._status = f"{self._prefix}/{STATUS}/{name}"
        self._client = paho.Client(version, name, clean_session=False)
        self._client._mid_generate = self._choose_identifier
        if self._parts.username is not None:
            self._client.username_pw_set(unquote(self._parts.username), unquote(self._parts.password or ""))
        if self._parts.scheme == "mqtts":
            self._client.tls_set()
        self._client.will_set(self._status, "offline", qos=1, retain=True)
        self._client.reconnect_delay_set(1, 30)
        self._client.on_connect, self._client.on_publish = self._connected, self._published
        self._client.connect_async(self._parts.hostname, self._port)
        self._client.loop_start()

    def send(self, event: QueuedEvent) -> None:
        """Publish one event and wait for the confirmation; OSError where there is none yet.

        An event that was handed to the client before is not handed to it again: the client repeats it by itself.
        """
        identifier = packet_identifier(event)
        if self._waiting != event:
            self._wait_for(self._client.is_connected)
            camera = str(json.loads(event.body)["camera"])
            self._announce(camera)
            self._publish(self._topic(camera), event.body, qos=EXACTLY_ONCE, identifier=identifier)
            self._waiting = event
        self._wait_for(lambda: identifier in self._confirmed)
        self._confirmed.discard(identifier)
        self._waiting = None

    def close(self) -> None:
        """Say that this client is offline, and disconnect."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._client is None:
            return
        if self._client.is_connected():
            self._publish(self._status, "offline", qos=1, retain=True)
        self._client.disconnect()
        self._client.loop_stop()

    def _publish(self, topic: str, body: str, *, qos: int, retain: bool = False, identifier: int | None = None) -> None:
        """Publish a message, with the packet identifier of an event or the next of the others."""
        with self._numbering:
            self._identifier = identifier
            self._client.publish(topic, body, qos=qos, retain=retain)

    def _choose_identifier(self) -> int:
        """Return the packet identifier of the message that is being published."""
        return next(self._other_identifiers) if self._identifier is None else self._identifier

    def _topic(self, camera: str) -> str:
        return f"{self._prefix}/{topic_level(camera)}/event"

    def _announce(self, camera: str) -> None:
        """Publish the sensor of a camera for Home Assistant, once a run and after each new connection."""
        if camera not in self._cameras:
            self._cameras.add(camera)
            self._publish_sensor(camera)

    def _publish_sensor(self, camera: str) -> None:
        identity = self._identify(camera)
        sensor = {
            "name": "Last person",
            "unique_id": f"{identity}_person",
            "state_topic": self._topic(camera),
            "value_template": "{{ value_json.name or 'unknown' }}",
            "json_attributes_topic": self._topic(camera),
            "availability_topic": self._status,
            "icon": "mdi:face-recognition",
            "device": {"identifiers": [identity], "name": camera, "manufacturer": "visavis"},
        }
        topic = f"homeassistant/sensor/{identity}/config"
        self._publish(topic, dump_json(sensor), qos=1, retain=True)

    def _identify(self, camera: str) -> str:
        """Return the name of a camera that no camera below another prefix has."""
        return f"{PREFIX}_{topic_level(camera)}" if self._prefix == PREFIX else topic_level(f"{self._prefix}+{camera}")

    def _wait_for(self, condition: Any) -> None:
        with self._changed:
            if not (self._changed.wait_for(lambda: condition() or self._closed, TIMEOUT_S) and condition()):
                raise OSError("the broker does not answer")

    def _connected(self, client: Any, userdata: object, flags: object, reason: Any, properties: object) -> None:
        if not reason.is_failure:
            self._publish(self._status, "online", qos=1, retain=True)
            for camera in tuple(self._cameras):  # the thread of the publisher may add a camera
                self._publish_sensor(camera)
        with self._changed:
            self._changed.notify_all()

    def _published(self, client: object, userdata: object, mid: int, reason: object, properties: object) -> None:
        with self._changed:
            self._confirmed.add(mid)
            self._changed.notify_all()


def packet_identifier(event: QueuedEvent) -> int:
    """Return the packet identifier of an event: 1 to ``EVENT_IDENTIFIERS``, in turn."""
    return (event.number - 1) % EVENT_IDENTIFIERS + 1


def topic_level(name: str) -> str:
    """Return a name as one level of a topic, of letters, digits, - and _; no two names have one level.

    Names with other characters, long ones and the empty one get a hash; so do "status", and what looks like a hash.
    """
    plain = re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_")
    if plain == name and 0 < len(name) <= LONGEST_LEVEL and name != STATUS and not HASHED.search(name):
        return plain
    return f"{plain[-40:]}_{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:HASH_DIGITS]}"


def _import_paho() -> tuple[Any, Any]:
    """Return paho's module of clients and the version of its callbacks; MissingExtraError without the package."""
    try:
        from paho.mqtt import client
        from paho.mqtt.enums import CallbackAPIVersion
    except ImportError:
        raise MissingExtraError("MQTT needs the package paho-mqtt: run pip install 'visavis[mqtt]'.") from None
    return client, CallbackAPIVersion.VERSION2
