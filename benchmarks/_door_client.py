"""A kiosk without a browser: it sends frames of photos as the page does, and badges where no face is recognized."""

from __future__ import annotations

import io
import random
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from PIL import Image, ImageEnhance

FRAMES, APART, PAUSE = 3, 0.15, 0.25
"""Frames of an attempt, and the seconds between these, and between an answer and the next frame: as on the page."""
AFTER_DECISION, AFTER_FAILURE = 1.5, 3.0
"""Seconds that the page waits after a decision, and after a request without an answer."""
TRIES = 4
"""Answers without a name after which a person takes the badge, or goes away."""
MIDDLE = (45, 25, 205, 225)
"""Where the person of a photo of LFW is: left, upper, right and lower end. Who stands beside is not at the kiosk."""
SIZE, SCALE, SHIFT = (800, 600), 2.8, 12
"""Size of a frame, by how much the middle of a photo is larger in it, and how far it moves, in pixels."""
DECIDED = ("recorded", "already")
MOST_RETRIES = 100


@dataclass(frozen=True, slots=True)
class Visitor:
    """A person who comes: ``number`` is empty for a stranger, who has no ``enrolled`` photo."""

    number: str
    name: str
    enrolled: Path | None
    shown: Path

    @property
    def is_employee(self) -> bool:
        """Whether the person is an employee."""
        return bool(self.number)


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of a visitor: the employee of the punch, or empty; ``seconds`` from the face to the name.

    ``punch_id`` is that of the last answer that a punch is recorded, ``last_advice`` the last one without a name,
    ``retries`` the requests that got no answer.
    """

    visitor: Visitor
    employee: str
    method: str
    punch_id: str
    seconds: float
    last_advice: str
    retries: int


class KioskClient:
    """A kiosk with its key. It asks again where the server is away."""

    def __init__(self, url: str, key: str, *, seed: str) -> None:
        self._url, self._session, self._chance = url, requests.Session(), random.Random(seed)
        self._session.trust_env = False
        self._session.headers["x-api-key"] = key
        self._retries = 0

    def receive(self, visitors: Sequence[Visitor], begin: float, apart: float) -> list[Answered]:
        """Receive visitors one after the other, ``apart`` seconds from each other where the kiosk is free."""
        answers = []
        for row, visitor in enumerate(visitors):
            frames = self._draw_frames(visitor.shown)
            time.sleep(max(0.0, begin + row * apart - time.monotonic()))
            answers.append(self._receive(visitor, frames))
        return answers

    def _receive(self, visitor: Visitor, frames: list[bytes]) -> Answered:
        self._retries, advice = 0, ""
        begin = time.monotonic()
        time.sleep(self._chance.uniform(0, PAUSE))  # when the next frame is due
        attempt = secrets.token_hex(16)
        for _ in range(TRIES):
            taken = time.monotonic()
            answer = self._show(attempt, frames[:1])
            if answer["state"] == "hold":
                time.sleep(max(0.0, taken + APART - time.monotonic()) + (len(frames) - 2) * APART)  # the first counts
                answer = self._show(attempt, frames)
            if answer["state"] in DECIDED:
                return self._make(visitor, answer, "face", time.monotonic() - begin, advice)
            advice = answer["state"]
            time.sleep(AFTER_DECISION if advice == "unknown" else PAUSE)
        if not visitor.is_employee:
            return Answered(visitor, "", "", "", 0.0, advice, self._retries)
        order = {"id": secrets.token_hex(16), "badge": badge_of(visitor.number)}
        return self._make(visitor, self._ask("/punches", json=order), "badge", time.monotonic() - begin, advice)

    def _make(self, visitor: Visitor, answer: dict[str, Any], method: str, seconds: float, advice: str) -> Answered:
        number, _, _ = answer["name"].partition(" ")
        return Answered(visitor, number, method, answer["punch_id"], seconds, advice, self._retries)

    def _show(self, attempt: str, frames: list[bytes]) -> dict[str, Any]:
        """Show frames; where no answer comes, as the page does, again with another id."""
        files = [("photo", (f"frame{row}.jpg", frame)) for row, frame in enumerate(frames)]
        return self._ask("/frames", params={"attempt": attempt}, files=files)

    def _ask(self, path: str, **options: Any) -> dict[str, Any]:
        for _ in range(MOST_RETRIES):
            query = {**options.pop("params", {})}
            if path == "/frames":
                query["punch_id"] = secrets.token_hex(16)
            try:
                answer = self._session.post(f"{self._url}/v1/kiosk{path}", params=query, timeout=30, **options)
                if answer.status_code == 200:
                    result: dict[str, Any] = answer.json()
                    return result
                if answer.status_code < 500:
                    raise SystemExit(f"{path}: {answer.status_code} {answer.text}")
            except requests.RequestException:
                pass
            options["params"] = {name: value for name, value in query.items() if name != "punch_id"}
            self._retries += 1
            time.sleep(AFTER_FAILURE)
        raise SystemExit(f"{path}: no answer")

    def _draw_frames(self, photo: Path) -> list[bytes]:
        person = read_person(photo)
        width, height = (round(SCALE * side) for side in person.size)
        picture = person.resize((width, height), Image.Resampling.LANCZOS)
        frames = []
        for _ in range(FRAMES):
            frame = Image.new("RGB", SIZE, (96, 100, 104))
            across, down = (self._chance.randint(-SHIFT, SHIFT) for _ in range(2))
            frame.paste(picture, ((SIZE[0] - width) // 2 + across, (SIZE[1] - height) // 2 + down))
            data = io.BytesIO()
            brightness = self._chance.uniform(0.97, 1.03)
            ImageEnhance.Brightness(frame).enhance(brightness).save(data, "JPEG", quality=92)
            frames.append(data.getvalue())
        return frames


def read_person(photo: Path) -> Image.Image:
    """Return the middle of a photo of LFW, where its person is."""
    with Image.open(photo) as opened:
        return opened.convert("RGB").crop(MIDDLE)


def badge_of(number: str) -> str:
    """Return the badge of an employee."""
    return f"badge-{number}"
