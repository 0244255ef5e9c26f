"""Cameras of a door: made-up video of people who pass, as MJPEG over HTTP on this machine."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests
from _door_client import Answered, Visitor, read_person
from PIL import Image

from visavis.attendance.site import Site

SIZE, RATE, SCALE = (640, 480), 5, 1.4
"""Size of a picture in pixels, pictures a second, and by how much the middle of a photo is larger in a picture."""
PASSAGE = 3.0
"""Seconds that a person takes from one side of the picture to the other."""
LAST_SECONDS = 15.0
"""Time after the last passage in which it becomes a punch."""
SLACK = timedelta(seconds=1)
POLL = 0.1
BOUNDARY = "frame"


@dataclass(frozen=True, slots=True)
class Pass:
    """A visitor who passes a camera from ``begin`` on, by the clock of this machine."""

    visitor: Visitor
    begin: datetime

    @property
    def end(self) -> datetime:
        """When the person is out of the picture."""
        return self.begin + timedelta(seconds=PASSAGE)


class DoorCamera:
    """A camera at ``address``; ``plan`` says who passes, and when."""

    def __init__(self, name: str) -> None:
        self.name, self.passes = name, tuple[Pass, ...]()
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={BOUNDARY}")
                self.end_headers()
                with suppress(OSError):
                    while True:
                        data = camera.draw(datetime.now(UTC))
                        head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
                        self.wfile.write(head.encode() + data + b"\r\n")
                        time.sleep(1 / RATE)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        """The address of its video."""
        return f"http://127.0.0.1:{self._server.server_port}/video"

    def plan(self, visitors: Sequence[Visitor], begin: datetime, apart: float) -> None:
        """Let visitors pass one after the other, ``apart`` seconds from each other."""
        self.passes = tuple(
            Pass(visitor, begin + timedelta(seconds=row * apart)) for row, visitor in enumerate(visitors)
        )

    def draw(self, now: datetime) -> bytes:
        """Return the picture of a moment: a wall, and who passes it."""
        picture = Image.new("RGB", SIZE, (96, 100, 104))
        for each in self.passes:
            if each.begin <= now < each.end:
                person = read_person(each.visitor.shown)
                person = person.resize((round(SCALE * person.width), round(SCALE * person.height)))
                share = (now - each.begin).total_seconds() / PASSAGE
                picture.paste(person, (round(share * (SIZE[0] - person.width)), (SIZE[1] - person.height) // 2))
        data = io.BytesIO()
        picture.save(data, "JPEG", quality=92)
        return data.getvalue()

    def stop(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()


class EventWatch:
    """When a name first came from a camera: ``named`` has it by camera and name."""

    def __init__(self, url: str, key: str) -> None:
        self.named: dict[tuple[str, str], datetime] = {}
        self._url, self._is_over = url, threading.Event()
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["x-api-key"] = key
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        after = 0
        while not self._is_over.wait(POLL):
            with suppress(requests.RequestException):
                answer = self._session.get(f"{self._url}/v1/events", params={"after": after, "limit": 1000}, timeout=30)
                for event in answer.json().get("events", []):
                    after = max(after, event["number"])
                    seen = event["content"]
                    if seen["name"] is not None:
                        self.named.setdefault((seen["camera"], seen["name"]), datetime.now(UTC))

    def stop(self) -> None:
        """End it."""
        self._is_over.set()
        self._thread.join()


def read_passages(site: Site, cameras: Sequence[DoorCamera], watch: EventWatch) -> list[Answered]:
    """Return what became of those who passed the cameras: of a punch within the time of the passage, or nothing."""
    answers = []
    for camera in cameras:
        punches = [punch for punch in site.punches() if punch.device == camera.name]
        for each in camera.passes:
            own = [punch for punch in punches if each.begin - SLACK <= punch.at <= each.end + SLACK]
            number, punch_id = (own[0].employee, own[0].id) if own else ("", "")
            named = watch.named.get((camera.name, f"{each.visitor.number} {each.visitor.name}"))
            seconds = 0.0 if named is None else (named - each.begin).total_seconds()
            answers.append(Answered(each.visitor, number, "camera", punch_id, seconds, "", 0))
    return answers
