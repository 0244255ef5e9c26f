"""Ends runs of ``visavis video`` at random moments, and looks at what is left each time.

``python -m videos.kill_video FOLDER run|interrupt|find|post|mqtt KILLS SEED`` prints, as JSON, how many runs ended,
how many of these had reported something and not all, how many events arrived twice, and all that was wrong.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from cli.fakes import BLUE, DETECTOR, MODEL, RED, photo
from visavis.atomic import UNFINISHED

RATE, SECONDS = 10, 9
FRAMES = RATE * SECONDS
WATCH = ("video", "--detector", DETECTOR, "--threshold", "0.1", "--json")
EVENTS = 7
"""Events of a whole run."""
MOST = 4
"""Runs are ended until one has reported a part of its events, at most this many times as often as was asked for."""
SECONDS_TO_ARRIVE = 20


@dataclass(frozen=True)
class Ended:
    """How a run ended: exit code (minus the number of the signal that killed it), what it reported, and its errors."""

    code: int
    lines: list[dict[str, Any]]
    errors: str
    seconds: float


def make_video(path: Path, seconds: int = SECONDS) -> None:
    """Write a film of red faces that come at 0, 3 and 6 s, and a blue one at 1.5 s, each for a second."""
    from videos.made_up import draw, write_video

    frames = []
    for number in range(RATE * seconds):
        reds = [(RED, 20 + number, 40, 60)] if number // RATE in {0, 3, 6} else []
        blues = [(BLUE, 200, 100 + number / 4, 60)] if 15 <= number < 30 else []
        frames.append(draw(*reds, *blues))
    write_video(path, frames, rate=RATE)


def make_gallery(folder: Path) -> None:
    from visavis.gallery import Gallery
    from visavis.pipeline import Recognizer

    recognizer = Recognizer(detector=DETECTOR, embedder=MODEL)
    with Gallery(f"sqlite:///{folder / 'faces.db'}", recognizer=recognizer) as gallery:
        gallery.enroll("Red", photo(folder / "red.png", (RED, 40, 50, 60)))


def fork(call: Callable[[], object]) -> Any:
    """Return what a call in a process of its own returns, as JSON holds it: this process never has threads to fork."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        os.write(writing, json.dumps(call()).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as file:
        content = file.read()
    os.waitpid(child, 0)
    return json.loads(content)


def run(folder: Path, *arguments: object, after: float | None = None, number: int = signal.SIGKILL) -> Ended:
    """Run a command in a folder, in a fork that gets a signal ``after`` so many seconds."""
    before = time.perf_counter()
    child = os.fork()
    if child == 0:
        os.chdir(folder)
        for descriptor, name in ((1, "stdout"), (2, "stderr")):
            os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
        sys.argv = ["visavis", *map(str, arguments)]
        _run_command()
    if after is not None:
        time.sleep(after)
        os.kill(child, number)
    _, status = os.waitpid(child, 0)
    lines = (folder / "stdout").read_bytes().rpartition(b"\n")[0].splitlines()
    errors = (folder / "stderr").read_text(errors="replace")
    code = os.waitstatus_to_exitcode(status)
    return Ended(code, [json.loads(line) for line in lines], errors, time.perf_counter() - before)


def _run_command() -> None:
    from visavis.__main__ import main

    code: object = 70
    try:
        main()
    except SystemExit as error:
        code = error.code
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 0 if code is None else 1)


def count_frames(path: Path) -> int:
    """Decode a whole video, and return its frames; -1 where it cannot be played."""
    import av

    try:
        with av.open(str(path)) as container:
            return sum(1 for _ in container.decode(video=0))
    except (av.error.FFmpegError, IndexError):
        return -1


def read_lines(path: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the lines of a file of JSON Lines, and what is wrong with it."""
    content = path.read_bytes() if path.exists() else b""
    lines, problems = [], []
    if content and not content.endswith(b"\n"):
        problems.append(f"{path.name} ends within a line: {content[-40:]!r}")
    for line in content.splitlines():
        try:
            lines.append(json.loads(line))
        except ValueError:
            problems.append(f"{path.name} has a line that is not JSON: {line[:80]!r}")
    return lines, problems


def check_files(folder: Path, ended: Ended, *, whole: bool) -> list[str]:
    """Return what is wrong with the files of a run; a video that is ``whole`` has all frames."""
    from PIL import Image

    events, problems = read_lines(folder / "events.jsonl")
    ids = {event["id"] for event in events}
    problems += [f"event {line['id']} was reported and is lost" for line in ended.lines if line["id"] not in ids]
    for path in sorted((folder / "faces").glob("*")):
        if not UNFINISHED.fullmatch(path.name):
            try:
                with Image.open(path) as picture:
                    picture.load()
            except OSError as error:
                problems.append(f"{path.name} is half a picture: {error}")
    faces = {Path(event["best_face"]).name for event in events if event["best_face"]}
    missing = faces - {path.name for path in (folder / "faces").glob("*.jpg")}
    problems += [f"{name} was reported and is not there" for name in sorted(missing)]
    out = folder / "out.mp4"
    if out.exists() and not (count_frames(out) == FRAMES if whole else count_frames(out) > 0):
        problems.append(f"out.mp4 has {count_frames(out)} frames")
    for part in folder.glob("out.unfinished*.mp4"):
        if b"mdat" in part.read_bytes() and count_frames(part) < 1:  # else no frame is written yet
            problems.append(f"{part.name} of {part.stat().st_size} bytes cannot be played")
    return problems


OUTPUTS = (
    *WATCH,
    "clip.mkv",
    "--gallery",
    "faces.db",
    "--events",
    "events.jsonl",
    "--out",
    "out.mp4",
    "--faces",
    "faces",
)


def end_run(folder: Path, after: float | None, number: int) -> tuple[Ended, list[str]]:
    """End a run with all outputs, and run again."""
    ended = run(folder, *OUTPUTS, after=after, number=number)
    killed = ended.code == -signal.SIGKILL
    problems = fork(lambda: check_files(folder, ended, whole=killed or ended.code == 0))
    if ended.code not in {0, 128 + number, -signal.SIGKILL}:
        problems.append(f"exit code {ended.code}: {ended.errors[-300:]}")
    if "Traceback" in ended.errors:
        problems.append(ended.errors[-600:])
    if ended.code == 128 + number and list(folder.glob("*unfinished*")):
        problems.append("an interrupted run leaves an unfinished video")
    again = run(folder, *OUTPUTS)
    if again.code or len(again.lines) != EVENTS:
        problems.append(f"the next run ends with {again.code}, {len(again.lines)} events: {again.errors[-300:]}")
    problems += fork(lambda: check_files(folder, again, whole=True))
    return ended, problems


FILES = ("clip.mkv", "second.mkv", "third.mkv")
FIND = (*WATCH, *FILES, "--gallery", "faces.db", "--find", "Red", "--clips", "clips", "--resume", "searched.jsonl")


def end_find(folder: Path, after: float | None, number: int) -> tuple[Ended, list[str]]:
    """End a search of three files, and search again."""
    for name in FILES[1:]:
        shutil.copy(folder / FILES[0], folder / name)
    ended = run(folder, *FIND, after=after, number=number)
    searched, problems = read_lines(folder / "searched.jsonl")
    files = [line["file"] for line in searched]
    problems += [f"{line['file']} was reported and is lost" for line in ended.lines if line["file"] not in files]
    again = run(folder, *FIND)
    appearances = [[(round(item["from"]), round(item["to"])) for item in line["appearances"]] for line in again.lines]
    if again.code or appearances != [[(0, 1), (3, 4), (6, 7)]] * 3:
        problems.append(f"the next search ends with {again.code}, {appearances}: {again.errors[-300:]}")
    searched_again, more = read_lines(folder / "searched.jsonl")
    if searched_again[: len(searched)] != searched or len(searched_again) != 3:
        problems.append(f"{len(searched_again)} lines of three files, after {len(searched)}")
    problems += more
    clips = [path for path in sorted((folder / "clips").glob("*")) if not UNFINISHED.fullmatch(path.name)]
    frames = fork(lambda: [count_frames(path) for path in clips])
    if len(frames) != 9 or min(frames) < RATE:
        problems.append(f"clips of {frames} frames")
    return ended, problems


@contextmanager
def receive(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the address of a server that notes each event before it confirms it, and the file of its notes."""
    arrived = folder / "arrived"
    arrived.touch()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with arrived.open("a") as file:
                file.write(f"{body['id']}\n")
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    child = os.fork()
    if child == 0:
        server.serve_forever()
    server.server_close()
    try:
        yield f"http://127.0.0.1:{server.server_port}", arrived
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


@contextmanager
def subscribe(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the address of a broker, and the file in which a client notes the events that it delivers."""
    from videos.test_publish import Broker

    arrived = folder / "arrived"
    arrived.touch()
    (folder / "broker").mkdir()
    broker = Broker(folder / "broker")
    child = os.fork()
    if child == 0:
        _note_messages(broker.port, arrived)
    try:
        await_that((folder / "subscribed").exists)
        yield f"mqtt://127.0.0.1:{broker.port}", arrived
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        broker.stop()


def await_that(is_so: Callable[[], bool]) -> None:
    """Wait until something is so, for ``SECONDS_TO_ARRIVE`` at most."""
    end = time.monotonic() + SECONDS_TO_ARRIVE
    while not is_so() and time.monotonic() < end:
        time.sleep(0.05)


def _note_messages(port: int, arrived: Path) -> None:
    from paho.mqtt import client as paho
    from paho.mqtt.enums import CallbackAPIVersion

    def note(_client: object, _data: object, message: Any) -> None:
        with arrived.open("a") as file:
            file.write(f"{json.loads(message.payload)['id']}\n")

    client = paho.Client(CallbackAPIVersion.VERSION2, "listener")
    client.on_connect = lambda *_: client.subscribe("visavis/+/event", qos=2)
    client.on_subscribe = lambda *_: (arrived.parent / "subscribed").touch()
    client.on_message = note
    client.connect("127.0.0.1", port)
    client.loop_forever()


def end_deliveries(folder: Path, kind: str, kills: int, moments: Iterator[float]) -> dict[str, Any]:
    """Kill runs that share an outbox, then let one deliver what is left."""
    with (receive if kind == "post" else subscribe)(folder) as (address, arrived):
        command = (*WATCH, "clip.mkv", "--gallery", "faces.db", "--outbox", "outbox.db", f"--{kind}", address)
        first = run(folder, *command)
        reported = [line["id"] for line in first.lines]
        killed = between = 0
        problems = [] if len(first.lines) == EVENTS else [f"{len(first.lines)} events: {first.errors[-300:]}"]
        while killed < kills or (not between and killed < MOST * kills):
            ended = run(folder, *command, after=next(moments) * first.seconds)
            killed += ended.code == -signal.SIGKILL
            between += 0 < len(ended.lines) < EVENTS
            reported += [line["id"] for line in ended.lines]
        last = run(folder, *command)
        reported += [line["id"] for line in last.lines]
        if last.code or "not delivered" in last.errors:
            problems.append(f"the last run ends with {last.code}: {last.errors[-300:]}")
        await_that(lambda: {*reported} <= {*arrived.read_text().split()})  # the broker may have some to deliver
        counts = Counter(arrived.read_text().split())
    problems += [f"event {event} was reported and never delivered" for event in reported if event not in counts]
    twice = sum(count - 1 for count in counts.values())
    return {"kills": killed, "between": between, "twice": twice, "events": len(counts), "problems": problems}


def end_each(folder: Path, kind: str, kills: int, moments: Iterator[float]) -> dict[str, Any]:
    """End runs in a folder each, and run again there."""
    number = signal.SIGINT if kind == "interrupt" else signal.SIGKILL
    end = end_find if kind == "find" else end_run
    whole, killed, between, problems = 0.0, 0, 0, []
    total = 3 if kind == "find" else EVENTS
    while killed < kills or (not between and killed < MOST * kills):
        place = folder / f"{killed:03}"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        for name in ("faces.db", "clip.mkv"):
            shutil.copy(folder / name, place)
        after = None if not whole else next(moments) * whole
        ended, wrong = end(place, after, number)
        whole = whole or ended.seconds
        killed += ended.code in {-number, 128 + number}
        between += 0 < len(ended.lines) < total
        problems += [f"{place.name} after {after}: {text}" for text in wrong]
    return {"kills": killed, "between": between, "twice": 0, "problems": problems}


def main(folder: Path, kind: str, kills: int, seed: int) -> None:
    import av  # noqa: F401 - here, so that forks have what they import
    import scipy.optimize  # noqa: F401

    import visavis.cli.video
    import visavis.videos.find
    import visavis.videos.recognize  # noqa: F401

    def prepare() -> None:
        make_gallery(folder)
        make_video(folder / "clip.mkv")

    fork(prepare)
    rng = random.Random(seed)
    moments = iter(lambda: rng.uniform(0.05, 1.0), None)
    end = end_deliveries if kind in {"post", "mqtt"} else end_each
    print(json.dumps(end(folder, kind, kills, moments)))  # noqa: T201 - the answer


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
