from __future__ import annotations

import json
import os
import re
import shutil
import socket
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from free_port import free_port
from visavis.encryption import Cipher
from visavis.errors import UsageError, VisavisError
from visavis.gallery import Gallery
from visavis.videos.deliver import deliver
from visavis.videos.mqtt import MqttSender, topic_level
from visavis.videos.outbox import Outbox, QueuedEvent
from visavis.videos.publish import HttpSender, Publisher, RefusedError
from visavis.videos.types import VideoEvent


def event(number: int) -> VideoEvent:
    return VideoEvent(f"id-{number}", "recognized", number, 1, "Ann", 0.5, 2.0, "door")


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


class Receiver(HTTPServer):
    """Answers with ``codes`` in turn, then with 200; keeps what came, and its headers."""

    def __init__(self, port: int = 0, codes: tuple[int, ...] = ()) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.pause = 0.0
        self.codes, self.bodies, self.headers = list(codes), [], []  # type: ignore[var-annotated]
        self.paths: list[str] = []
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(self.server.pause)
        code = self.server.codes.pop(0) if self.server.codes else 200
        self.server.headers.append(dict(self.headers))
        self.server.paths.append(self.path)
        if code == 200:
            self.server.bodies.append(json.loads(body))
        self.send_response(code)
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        pass


def test_messages_wait_in_order_once_and_bounded(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.db", capacity=3)
    assert [outbox.add("a", f"id-{n}", str(n)) for n in (0, 1, 1, 2, 3)] == [0, 0, 0, 0, 1]
    outbox.add("b", "id-1", "other")
    outbox.close()
    assert stat.S_IMODE((tmp_path / "outbox.db").stat().st_mode) == 0o600
    outbox = Outbox(tmp_path / "outbox.db", capacity=3)
    bodies = []
    while (message := outbox.first("a")) is not None:
        bodies.append(message.body)
        outbox.remove(message)
    assert bodies == ["1", "2", "3"]
    assert (outbox.count("a"), outbox.count("b")) == (0, 1)
    outbox.close()


def test_nothing_of_a_delivered_event_is_left_in_the_file(tmp_path: Path) -> None:
    """Ten long events fill several pages, whose rows SQLite moves."""
    outbox = Outbox(tmp_path / "outbox.db")
    for number in range(10):
        outbox.add("hook", f"id-{number}", f"Zaphod {number} " * 200)
    while (message := outbox.first("hook")) is not None:
        assert b"Zaphod" in (tmp_path / "outbox.db").read_bytes()
        outbox.remove(message)
    assert b"Zaphod" not in (tmp_path / "outbox.db").read_bytes()
    outbox.close()
    assert [path.name for path in tmp_path.iterdir()] == ["outbox.db"]


def test_with_a_key_the_events_that_wait_are_encrypted(tmp_path: Path) -> None:
    pytest.importorskip("cryptography", reason="cryptography is not installed: pip install 'visavis[encrypt]'")
    path, cipher = tmp_path / "outbox.db", Cipher(b"k" * 32)
    plain = Outbox(path)
    plain.add("hook", "id-0", "Zaphod, before there was a key")
    plain.close()
    outbox = Outbox(path, cipher=cipher)
    outbox.add("hook", "id-1", "Trillian")
    assert (b"Zaphod" in path.read_bytes(), b"Trillian" in path.read_bytes()) == (True, False)
    for body in ("Zaphod, before there was a key", "Trillian"):
        message = outbox.first("hook")
        assert message is not None
        assert message.body == body
        if body != "Trillian":
            outbox.remove(message)
    outbox.close()
    for other in (None, Cipher(b"x" * 32)):
        locked, reports = Outbox(path, cipher=other), []
        with pytest.raises(
            VisavisError, match=r"outbox\.db holds events encrypted with another key: give its --key-fi"
        ):
            locked.first("hook")
        publisher = Publisher(locked, "hook", HttpSender("http://127.0.0.1:9"), report=reports.append)
        publisher.close()
        assert "Nothing more is delivered to hook in this run." in reports[0]
        assert reports[1] == "hook: 1 event is not delivered; it waits in the outbox for the next run."
        locked.close()


def test_a_run_encrypts_its_outbox_with_the_key_of_the_gallery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("cryptography", reason="cryptography is not installed: pip install 'visavis[encrypt]'")
    (tmp_path / "faces.key").write_text("k" * 32)
    (tmp_path / "faces.key").chmod(0o600)
    monkeypatch.setenv("VISAVIS_KEY_FILE", str(tmp_path / "faces.key"))
    url = f"http://127.0.0.1:{free_port()}"
    with deliver(mqtt=None, post=url, outbox=tmp_path / "outbox.db", report=lambda text: None) as add:
        add(event(1))
        assert b"id-1" in (tmp_path / "outbox.db").read_bytes()
        assert b"Ann" not in (tmp_path / "outbox.db").read_bytes()


def test_another_file_is_no_outbox(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8" * 5000)
    with pytest.raises(VisavisError, match="cannot hold the events to deliver"):
        Outbox(tmp_path / "photo.jpg")
    assert (tmp_path / "photo.jpg").read_bytes() == b"\xff\xd8" * 5000


def test_events_are_posted_in_order_after_faults(tmp_path: Path) -> None:
    server, reports = Receiver(codes=(500, 429)), []
    url = f"http://ann:secret@127.0.0.1:{server.server_port}/hook"
    outbox = Outbox(tmp_path / "outbox.db")
    publisher = Publisher(outbox, "hook", HttpSender(url), report=reports.append)
    for number in range(3):
        publisher.add(event(number))
    wait_until(lambda: len(server.bodies) == 3)
    publisher.close()
    assert [body["id"] for body in server.bodies] == ["id-0", "id-1", "id-2"]
    assert server.bodies[0] == json.loads(json.dumps(event(0).to_dict()))
    assert [headers["Idempotency-Key"] for headers in server.headers] == ["id-0"] * 3 + ["id-1", "id-2"]
    assert server.headers[0]["Authorization"] == "Basic YW5uOnNlY3JldA=="
    assert reports == ["hook cannot be reached (the answer was 500 Internal Server Error): events wait in the outbox."]
    assert outbox.count("hook") == 0
    server.stop()


@pytest.mark.parametrize("code", [400, 302])
def test_a_refused_event_does_not_hold_up_the_others(tmp_path: Path, code: int) -> None:
    server, reports = Receiver(codes=(code,)), []
    outbox = Outbox(tmp_path / "outbox.db")
    sender = HttpSender(f"http://127.0.0.1:{server.server_port}")
    publisher = Publisher(outbox, "hook", sender, report=reports.append)
    publisher.add(event(0))
    publisher.add(event(1))
    wait_until(lambda: len(server.bodies) == 1)
    publisher.close()
    assert server.bodies[0]["id"] == "id-1"
    assert [report.startswith("hook refuses event id-0: the answer was") for report in reports] == [True]
    server.stop()


def test_what_is_not_delivered_waits_for_the_next_run(tmp_path: Path) -> None:
    port, reports = free_port(), []
    outbox = Outbox(tmp_path / "outbox.db")
    publisher = Publisher(outbox, "hook", HttpSender(f"http://127.0.0.1:{port}"), report=reports.append)
    for number in range(3):
        publisher.add(event(number))
    publisher.close(seconds=2)
    outbox.close()
    assert reports[-1] == "hook: 3 events are not delivered; they wait in the outbox for the next run."
    server = Receiver(port)
    outbox = Outbox(tmp_path / "outbox.db")
    publisher = Publisher(outbox, "hook", HttpSender(f"http://127.0.0.1:{port}"), report=reports.append)
    publisher.add(event(3))
    wait_until(lambda: len(server.bodies) == 4)
    publisher.close()
    assert [body["id"] for body in server.bodies] == ["id-0", "id-1", "id-2", "id-3"]
    server.stop()


@pytest.mark.skipif(os.name != "posix", reason="locks of POSIX")
def test_of_two_runs_with_one_outbox_one_delivers_and_the_other_takes_over(tmp_path: Path) -> None:
    server, boxes = Receiver(), [Outbox(tmp_path / "outbox.db") for _ in range(2)]
    server.pause = 0.05
    url, reports = f"http://127.0.0.1:{server.server_port}", []
    first, second = (Publisher(box, "hook", HttpSender(url), report=reports.append) for box in boxes)
    for number in range(10):
        (first, second)[number % 2].add(event(number))
    wait_until(lambda: len(server.bodies) == 10)
    first.close()
    second.add(event(10))
    wait_until(lambda: len(server.bodies) == 11)
    second.close()
    assert [body["id"] for body in server.bodies] == [f"id-{number}" for number in range(11)]
    assert len({headers["Idempotency-Key"] for headers in server.headers}) == len(server.headers)
    assert reports == []
    assert boxes[0].identity == boxes[1].identity
    for box in boxes:
        box.close()
    assert [path.name for path in tmp_path.iterdir()] == ["outbox.db"]
    server.stop()


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://host", "http://", "host:80"])
def test_only_addresses_of_the_web_are_posted_to(url: str) -> None:
    with pytest.raises(UsageError, match="http:// or https://"):
        HttpSender(url)


def test_names_of_cameras_become_levels_of_topics() -> None:
    assert topic_level("front_door-1") == "front_door-1"
    assert topic_level("a/b") == "a_b_c14cddc033f6"
    names = [*"_-#+日月", "", " ", "a/b", "a+b", "a b", "a_b", "status", "Status", "a" * 99, "a" * 70_000]
    names += [topic_level(name) for name in names if topic_level(name) != name]
    levels = [topic_level(name) for name in names]
    assert len(set(levels)) == len(names) == 28
    assert [level for level in levels if not re.fullmatch("[A-Za-z0-9_-]{1,100}", level)] == []
    assert "status" not in levels


class Broker:
    """Debian's mosquitto on a port of its own, and all that it delivers on all topics."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        settings = folder / "mosquitto.conf"
        settings.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location {folder}/\n"
            "user root\n"
        )
        self._command = [program(), "-c", str(settings)]
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def answers() -> bool:
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self.port)) == 0

        wait_until(answers)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()


def program() -> str:
    path = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    if not Path(path).exists():
        pytest.skip("Debian's mosquitto is not installed")
    return path


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    pytest.importorskip("paho.mqtt.client")
    server = Broker(tmp_path)
    yield server
    server.stop()


def listen(port: int) -> list[tuple[str, bytes, bool]]:
    """Collect topic, payload and retain flag of all messages, also over restarts of the broker."""
    from paho.mqtt import client as paho
    from paho.mqtt.enums import CallbackAPIVersion

    messages: list[tuple[str, bytes, bool]] = []
    client = paho.Client(CallbackAPIVersion.VERSION2, "listener", clean_session=False)
    client.on_message = lambda _client, _data, message: messages.append(
        (message.topic, message.payload, message.retain)
    )
    ready = threading.Event()
    client.on_connect = lambda *_: client.subscribe("#", qos=2)
    client.on_subscribe = lambda *_: ready.set()
    client.reconnect_delay_set(1, 1)
    client.connect("127.0.0.1", port)
    client.loop_start()
    assert ready.wait(60)
    return messages


def test_home_assistant_discovers_a_sensor_and_events_arrive_once(tmp_path: Path, broker: Broker) -> None:
    messages = listen(broker.port)
    outbox = Outbox(tmp_path / "outbox.db")
    sender = MqttSender(f"mqtt://127.0.0.1:{broker.port}")
    publisher = Publisher(outbox, "mqtt", sender, report=lambda _: None)
    publisher.add(event(0))
    topic = "visavis/door/event"
    wait_until(lambda: any(name == topic for name, _, _ in messages))
    broker.stop()
    for number in range(1, 4):
        publisher.add(event(number))
    time.sleep(0.5)
    broker.start()
    wait_until(lambda: sum(name == topic for name, _, _ in messages) == 4)
    publisher.close()
    outbox.close()
    (status,) = {name for name, _, _ in messages if name.startswith("visavis/status/visavis-")}
    wait_until(lambda: (status, b"offline", False) in messages)
    assert [json.loads(body)["id"] for name, body, _ in messages if name == topic] == [f"id-{n}" for n in range(4)]
    retained = {name: body for name, body, kept in listen_again(broker.port) if kept}
    sensor = json.loads(retained["homeassistant/sensor/visavis_door/config"])
    assert sensor["state_topic"] == sensor["json_attributes_topic"] == topic
    assert sensor["unique_id"] == "visavis_door_person"
    assert sensor["availability_topic"] == status
    assert sensor["device"] == {"identifiers": ["visavis_door"], "name": "door", "manufacturer": "visavis"}
    assert retained[status] == b"offline"


PUBLISH_AND_WAIT = """
import sys, time
from pathlib import Path
from visavis.videos.mqtt import MqttSender
from visavis.videos.outbox import Outbox, QueuedEvent
from visavis.videos.publish import Publisher
from visavis.videos.types import VideoEvent
outbox = Outbox(Path(sys.argv[1]))
Publisher(outbox, "mqtt", MqttSender(sys.argv[2]), report=print).add(
    VideoEvent("id-1", "recognized", 1, 1, "Ann", 0.5, 2.0, "yard")
)
time.sleep(60)
"""


def test_of_two_processes_on_one_broker_one_that_is_killed_is_offline_alone(tmp_path: Path, broker: Broker) -> None:
    messages, url = listen(broker.port), f"mqtt://127.0.0.1:{broker.port}"
    outbox = Outbox(tmp_path / "door.db")
    publisher = Publisher(outbox, "mqtt", MqttSender(url), report=lambda _: None)
    publisher.add(event(0))
    line = [sys.executable, "-c", PUBLISH_AND_WAIT, str(tmp_path / "yard.db"), url]
    with subprocess.Popen(line, stdout=subprocess.DEVNULL) as other:
        wait_until(lambda: {"visavis/door/event", "visavis/yard/event"} <= {name for name, _, _ in messages})
        other.kill()
    wait_until(lambda: any(body == b"offline" for _, body, _ in messages))
    latest = {name: body for name, body, _ in messages}
    door, yard = (
        json.loads(latest[f"homeassistant/sensor/visavis_{camera}/config"])["availability_topic"]
        for camera in ("door", "yard")
    )
    assert (latest[door], latest[yard]) == (b"online", b"offline")
    publisher.close()
    outbox.close()
    wait_until(lambda: (door, b"offline", False) in messages)


def listen_again(port: int) -> list[tuple[str, bytes, bool]]:
    from paho.mqtt import subscribe

    messages = subscribe.simple("#", hostname="127.0.0.1", port=port, msg_count=2, retained=True)
    return [(message.topic, message.payload, message.retain) for message in messages]


def test_without_a_broker_events_wait(tmp_path: Path) -> None:
    pytest.importorskip("paho.mqtt.client")
    outbox, reports = Outbox(tmp_path / "outbox.db"), []
    sender = MqttSender(f"mqtt://ann:secret@127.0.0.1:{free_port()}/home")
    publisher = Publisher(outbox, "mqtt", sender, report=reports.append)
    publisher.add(event(0))
    publisher.close(seconds=0.3)
    assert outbox.count("mqtt") == 1
    assert reports[-1] == "mqtt: 1 event is not delivered; it waits in the outbox for the next run."
    outbox.close()


def test_a_broker_has_an_address_of_its_own_kind() -> None:
    with pytest.raises(UsageError, match=r"\*\*\*@host: give the broker as mqtt://HOST:PORT"):
        MqttSender("http://ann:secret@host")


def test_a_refusal_is_no_fault_of_the_connection() -> None:
    assert not issubclass(RefusedError, OSError)


@pytest.mark.parametrize("url", ["mqtt://ann:secret@127.0.0.1:99999/p", "mqtts://u:secret@[::1/p", "mqtt://h:port/p"])
def test_an_address_that_is_no_url_is_one_sentence_without_the_password(url: str) -> None:
    with pytest.raises(UsageError, match="the address of the broker is no URL") as caught:
        MqttSender(url)
    assert "secret" not in str(caught.value)


def test_a_gallery_is_no_outbox_and_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "faces.db"
    Gallery(path).close()
    before = path.read_bytes()
    with pytest.raises(VisavisError, match="holds something else than events"):
        Outbox(path)
    assert path.read_bytes() == before


HOSTS = (
    "http://[::1",
    "http://./",
    "http://a..b/",
    f"http://{'a' * 70}.de/",
    "http://a:99999/",
    "http://a:0/",
    "http:///x",
)


@pytest.mark.parametrize("url", [*HOSTS, "http://a/\udcff", "http://u:\udcff@a/"])
def test_an_address_that_nothing_can_connect_to_is_refused_at_once(url: str) -> None:
    with pytest.raises(UsageError, match="begins with http:// or https://"):
        HttpSender(url)
    with pytest.raises(UsageError, match="the address of the broker is no URL"):
        MqttSender(url.replace("http", "mqtt"))


def test_letters_of_any_language_are_quoted_in_a_url() -> None:
    receiver = Receiver()
    HttpSender(f"http://127.0.0.1:{receiver.server_port}/a b/\xe9%20?q=\u4e2d").send(QueuedEvent(1, "1", "{}"))
    receiver.stop()
    assert receiver.paths == ["/a%20b/%C3%A9%20?q=%E4%B8%AD"]


@pytest.mark.parametrize("prefix", ["a/#", "+", "a/+/b", "a\0b", "x" * 70_000])
def test_a_prefix_that_no_topic_has_is_refused(prefix: str) -> None:
    with pytest.raises(UsageError, match="a prefix of topics is short, and has no # and no"):
        MqttSender(f"mqtt://127.0.0.1:9/{prefix}")


@pytest.mark.parametrize(
    "sql", ["create trigger t after insert on messages begin delete from messages; end", "create view v as select 1"]
)
def test_an_outbox_that_would_drop_events_is_refused(tmp_path: Path, sql: str) -> None:
    path = tmp_path / "outbox.db"
    Outbox(path).close()
    with closing(sqlite3.connect(path)) as raw:
        raw.execute(sql)
    with pytest.raises(VisavisError, match="holds something else than events"):
        Outbox(path)
