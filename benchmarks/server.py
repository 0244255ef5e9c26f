"""Load on a server: many clients identify people in a large gallery, each sending its next photo once it has an answer.

    python benchmarks/server.py [--clients 50] [--seconds 60] [--people 10000] [--workers 1] [--json FILE]

The photos are of LFW, the people of the gallery are random embeddings beside a few enrolled ones. Printed are the
answers by their status, throughput, the times to an answer (p50, p99, longest) of accepted requests, the memory of the
server at the beginning and the end, and the seconds from the start of the server to its first answer.
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import requests
from _rounds import data_folder
from rich.console import Console
from rich.table import Table

from visavis.gallery import Gallery, Template
from visavis.images.photo_files import photos_in

PHOTOS = 100
DIMENSION = 128


@dataclass
class Load:
    """What the clients saw: the number of answers by status, and the seconds of each that was accepted."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, status: int, seconds: float) -> None:
        """Count an answer."""
        with self.lock:
            self.statuses[status] += 1
            if status == 200:
                self.seconds.append(seconds)


def fill_gallery(path: Path, people: int) -> None:
    """Make a gallery of random people, with one embedding each."""
    random = np.random.default_rng(20)
    with Gallery(path, model="sface") as gallery:
        for first in range(0, people, 1000):
            rows = random.standard_normal((min(1000, people - first), DIMENSION)).astype(np.float32)
            gallery.add_many([(f"person {first + n}", [Template(row)]) for n, row in enumerate(rows)])


@contextmanager
def running_server(gallery: Path, workers: int) -> Iterator[tuple[str, int, float]]:
    """Start ``visavis serve``; yield its address, its process id and the seconds to its first answer."""
    started = time.monotonic()
    command = [sys.executable, "-m", "visavis", "serve", "--port", "0", "--gallery", str(gallery)]
    process = subprocess.Popen([*command, "--workers", str(workers)], stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        address = next(match[0] for line in process.stderr if (match := re.search(r"https?://[^;\s]+", line)))
        while True:
            try:
                requests.get(f"{address}/readyz", timeout=60)
                break
            except requests.ConnectionError:
                time.sleep(0.02)
        yield address, process.pid, time.monotonic() - started
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def memory_mib(parent: int) -> float:
    """Return the resident memory of a process and its children."""
    total = 0.0
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            text = status.read_text()
        except OSError:
            continue
        if f"\nPPid:\t{parent}\n" in text or status.parent.name == str(parent):
            match = re.search(r"VmRSS:\s+(\d+)", text)
            total += int(match[1]) / 1024 if match else 0
    return total


def client(address: str, photos: list[bytes], first: int, until: float, load: Load) -> None:
    """Send photo after photo until the time is up; wait as the server asks where it is busy."""
    session = requests.Session()
    number = first
    while time.monotonic() < until:
        began = time.monotonic()
        answer = session.post(f"{address}/v1/identify", files={"photo": photos[number % len(photos)]}, timeout=120)
        load.add(answer.status_code, time.monotonic() - began)
        if answer.status_code == 503:
            time.sleep(float(answer.headers["Retry-After"]))
        number += 1


def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Run the load; return the figures."""
    files = [Path(photo) for photo in photos_in(data_folder() / "lfw" / "images")[:PHOTOS]]
    photos = [file.read_bytes() for file in files]
    with tempfile.TemporaryDirectory() as folder:
        gallery = Path(folder) / "faces.db"
        fill_gallery(gallery, arguments.people)
        with running_server(gallery, arguments.workers) as (address, process, start_seconds):
            requests.post(f"{address}/v1/identify", files={"photo": photos[0]}, timeout=120).raise_for_status()
            before, load = memory_mib(process), Load()
            until = time.monotonic() + arguments.seconds
            threads = [
                threading.Thread(target=client, args=(address, photos, number, until, load))
                for number in range(arguments.clients)
            ]
            for thread in threads:
                thread.start()
            time.sleep(arguments.seconds / 4)
            warm = memory_mib(process)
            for thread in threads:
                thread.join()
            after = memory_mib(process)
    seconds = np.array(load.seconds)
    return {
        "clients": arguments.clients, "people": arguments.people, "workers": arguments.workers,
        "statuses": dict(load.statuses), "per_second": len(seconds) / arguments.seconds,
        "p50": float(np.percentile(seconds, 50)), "p99": float(np.percentile(seconds, 99)),
        "longest": float(seconds.max()), "start_seconds": start_seconds,
        "mib": {"before": before, "after a quarter": warm, "after": after},
    }  # fmt: skip


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    figures = measure(arguments)
    rows = Table("figure", "value")
    for name, value in figures.items():
        rows.add_row(name, f"{value:.3f}" if isinstance(value, float) else str(value))
    Console().print(rows)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
