"""Deliver the events of a run to MQTT and HTTP, through one outbox."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from visavis.encryption import named_key_file, read_key
from visavis.videos.addresses import mask_address
from visavis.videos.mqtt import MqttSender
from visavis.videos.outbox import Outbox
from visavis.videos.publish import HttpSender, Publisher, Sender
from visavis.videos.types import VideoEvent


@contextmanager
def deliver(
    *, mqtt: str | None, post: str | None, outbox: Path, report: Callable[[str], None]
) -> Iterator[Callable[[VideoEvent], None]]:
    """Yield a function that delivers an event to the broker ``mqtt`` and to the address ``post``, if there are any.

    Deliveries go on in threads; the end of the block waits for them a few seconds. What was left over by the run before
    is delivered first. With the key file of a gallery (``VISAVIS_KEY_FILE``) the outbox is encrypted too. ``report`` is
    called with a sentence where an event is delayed or lost, also in those threads.
    """
    targets: list[tuple[str | None, Callable[[str], Sender]]] = [(mqtt, MqttSender), (post, HttpSender)]
    senders = [(mask_address(url), make(url)) for url, make in targets if url is not None]
    with ExitStack() as stack:
        publishers = []
        if senders:
            box = Outbox(outbox, cipher=read_key(named_key_file()))
            stack.callback(box.close)
            for name, sender in senders:
                publishers.append(Publisher(box, name, sender, report=report))
                stack.callback(publishers[-1].close)

        def add(event: VideoEvent) -> None:
            for publisher in publishers:
                publisher.add(event)

        yield add
