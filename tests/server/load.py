"""Clients that rename people without a pause, and what they were answered."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path

import numpy as np
import requests

from visavis.gallery import Gallery, Template

from .running_server import RunningServer

PEOPLE = 4


def fill_gallery(url: str | Path, *, people: int = PEOPLE) -> None:
    """Make a gallery of people "0", "1" ..., with the ids 1, 2 ... and an embedding each."""
    rows = np.random.default_rng(16).standard_normal((people, 128)).astype(np.float32)
    with Gallery(url, model="sface") as gallery:
        gallery.add_many([(str(number), [Template(row)]) for number, row in enumerate(rows)])


class Load:
    """A client for each person, until :meth:`stop`; ``statuses`` counts the answers."""

    def __init__(self, server: RunningServer) -> None:
        self.statuses = Counter[int]()
        self.unhelpful: list[str] = []
        self.acknowledged = dict.fromkeys(range(1, PEOPLE + 1), 0)
        self._server, self._stop, self._lock = server, threading.Event(), threading.Lock()
        self._threads = [threading.Thread(target=self._run, args=[person]) for person in self.acknowledged]
        for thread in self._threads:
            thread.start()

    @property
    def changes(self) -> int:
        """How many changes were acknowledged."""
        return sum(self.acknowledged.values())

    def stop(self) -> None:
        """End the clients after their present request."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def check(self, server: RunningServer) -> None:
        """Assert that each person has the name that was acknowledged last, or the one that was under way."""
        self.stop()
        names = {person["id"]: person["name"] for person in server.get("/v1/people").json()["people"]}
        for person, number in self.acknowledged.items():
            assert names[person] in {f"{person}: {number}", f"{person}: {number + 1}"}, (names, self.acknowledged)

    def _run(self, person: int) -> None:
        headers = {"x-api-key": str(self._server.key)}
        url = f"{self._server.url}/v1/people/{person}"
        while not self._stop.is_set():
            name = f"{person}: {self.acknowledged[person] + 1}"
            try:
                answer = requests.patch(url, json={"name": name}, headers=headers, timeout=60)
            except requests.RequestException:  # the process that answered was killed
                self._stop.wait(0.05)
                continue
            with self._lock:
                self.statuses[answer.status_code] += 1
                if answer.status_code >= 500 and "Retry-After" not in answer.headers:
                    self.unhelpful.append(answer.text)
            if answer.status_code == 200:
                self.acknowledged[person] += 1
            else:
                self._stop.wait(0.2)
