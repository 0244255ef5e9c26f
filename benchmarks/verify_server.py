"""Verification over HTTP beside deepface's own API: answers a second with the same photos on this machine.

    python benchmarks/verify_server.py [--clients 4] [--seconds 20] [--rounds 3] [--json FILE]

Each server runs alone, in turn, with one worker and its own defaults: deepface its VGG-Face and OpenCV's detector,
visavis SFace and MTCNN. deepface has generated weights (see peer_scripts/serve_deepface.py), so only time is compared.
"""

from __future__ import annotations

import argparse
import itertools
import json
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from _rounds import data_folder
from peers import python_of
from rich.console import Console
from rich.table import Table

SCRIPTS = Path(__file__).parent / "peer_scripts"
PHOTOS = ("obama.jpg", "obama2.jpg", "obama3.jpg", "biden.jpg")
START_SECONDS = 300

Send = Callable[[requests.Session, bytes, bytes], requests.Response]


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: list[str], address: str) -> Iterator[float]:
    """Start a server; yield the seconds until it answers anything at all."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            while True:
                try:
                    requests.get(address, timeout=60)
                    break
                except requests.ConnectionError as error:
                    if process.poll() is not None or time.monotonic() - started > START_SECONDS:
                        raise SystemExit(f"{command[0]} does not serve at {address}") from error
                    time.sleep(0.02)
            yield time.monotonic() - started
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def send_to_visavis(address: str) -> Send:
    """Return how two photos are sent to visavis."""
    return lambda session, first, second: session.post(
        f"{address}/v1/verify", files=[("a", ("a.jpg", first)), ("b", ("b.jpg", second))], timeout=120
    )


def send_to_deepface(address: str) -> Send:
    """Return how two photos are sent to deepface; faces that its detector misses are no error."""
    return lambda session, first, second: session.post(
        f"{address}/verify", files={"img1": first, "img2": second}, data={"enforce_detection": ""}, timeout=120
    )


def count_answers(send: Send, *, clients: int, seconds: float) -> float:
    """Return the answers a second that clients get, each of which waits for its last one before it asks again."""
    folder = data_folder() / "photos" / "presidents"
    pairs = list(itertools.combinations([(folder / name).read_bytes() for name in PHOTOS], 2))
    send(requests.Session(), *pairs[0]).raise_for_status()
    counts = [0] * clients
    end = time.monotonic() + seconds

    def ask(number: int) -> None:
        session = requests.Session()
        while time.monotonic() < end:
            send(session, *pairs[(number + counts[number]) % len(pairs)]).raise_for_status()
            counts[number] += 1

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / seconds


def measure(*, clients: int, seconds: float, rounds: int) -> dict[str, dict[str, list[float]]]:
    """Return the answers a second and the seconds to start of each server, by round."""
    figures: dict[str, dict[str, list[float]]] = {
        name: {"per_second": [], "start": []} for name in ("visavis", "deepface")
    }
    for _ in range(rounds):
        for name, result in figures.items():
            port = free_port()
            address = f"http://127.0.0.1:{port}"
            if name == "visavis":
                command = [sys.executable, "-m", "visavis", "serve", "--port", str(port)]
                send = send_to_visavis(address)
            else:
                command = [str(python_of("deepface")), str(SCRIPTS / "serve_deepface.py"), str(port)]
                send = send_to_deepface(address)
            with running(command, address) as start:
                result["start"].append(start)
                result["per_second"].append(count_answers(send, clients=clients, seconds=seconds))
    return figures


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    figures = measure(clients=arguments.clients, seconds=arguments.seconds, rounds=arguments.rounds)
    medians = {
        name: {key: statistics.median(values) for key, values in result.items()} for name, result in figures.items()
    }
    table = Table(title=f"verification, {arguments.clients} clients, median of {arguments.rounds} rounds")
    for heading in ("server", "answers a second", "seconds to start", "ratio"):
        table.add_column(heading, justify="left" if heading == "server" else "right")
    for name, result in medians.items():
        ratio = result["per_second"] / medians["deepface"]["per_second"]
        table.add_row(name, f"{result['per_second']:.2f}", f"{result['start']:.1f}", f"{ratio:.1f}")
    Console().print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps({"clients": arguments.clients, **figures}, indent=2))


if __name__ == "__main__":
    main()
