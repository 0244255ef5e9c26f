"""A server for tests of models: networks that see colors, a gallery of made-up people, weight files on this machine."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from cli.fakes import MODEL
from conftest import DATA
from train.colors import write_people
from visavis import Gallery
from visavis.compare import unit
from visavis.gallery import Template
from visavis.types import Floats

from .gated import DETECTOR, FOLDER, install
from .running_server import RunningServer

TESTS = Path(__file__).resolve().parents[1]
PEOPLE, PHOTOS = 14, 20
GALLERIES = ("default", "colors", "single", "few")
CONFIG = f"""
[server]
detector = "{DETECTOR}"
[index_roots]
photos = "photos"
[classifiers]
staff = "runs/staff"
mouse = "runs/mouse"
keyboard = "runs/keyboard"
[galleries]
{"".join(f"{name} = '{name}.db'" + chr(10) for name in GALLERIES)}
"""
ADDRESS = "VISAVIS_TEST_WEIGHTS"
LOCAL_WEIGHTS = f"""
import os
from dataclasses import replace

from visavis.weights import spec

address = os.environ["{ADDRESS}"]
spec.SPECS = tuple(replace(row, url=f"{{address}}/{{row.file}}", mirrors=()) for row in spec.SPECS)
"""
"""Lets a process ask this machine for all weight files."""
BLOCK = 1 << 16
WRONG = "/scrfd_500m_kps.onnx"
"""A file that the server gives with another content than the published one."""


class WeightServer:
    """Files by name; those in ``slow`` come a block at a time. ``ranges`` are the parts that were asked for."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.slow: set[str] = set()
        self.ranges: list[str] = []
        self.url = ""


@contextmanager
def serve_weights() -> Iterator[WeightServer]:
    """Serve the files of the folder of weights on a free port, and a wrong one."""
    weights = WeightServer()
    for name in ("face_detection_yunet_2023mar.onnx", "scrfd_500m_kps.onnx", "scrfd_2.5g_kps.onnx"):
        path = DATA.parent / "weights" / name
        if path.is_file():
            weights.files[f"/{name}"] = path.read_bytes()
    if not weights.files:
        pytest.skip("there are no weight files beside the photographs")
    weights.files[WRONG] = bytes(len(weights.files[WRONG]))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = weights.files.get(self.path)
            if content is None:
                self.send_error(404)
                return
            wanted = self.headers.get("Range", "")
            weights.ranges.append(wanted)
            start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
            self.send_response(206 if wanted else 200)
            self.send_header("Content-Length", str(len(content) - start))
            self.send_header("ETag", '"one"')
            self.end_headers()
            try:
                for place in range(start, len(content), BLOCK):
                    self.wfile.write(content[place : place + BLOCK])
                    time.sleep(0.1 if self.path in weights.slow else 0)
            except OSError:  # the client has left
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    weights.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield weights
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def make_embeddings() -> tuple[Floats, list[str]]:
    """Return embeddings of the people of the gallery ``colors``, and the name of each."""
    rng = np.random.default_rng(7)
    means = unit(rng.normal(size=(PEOPLE, 3)).astype(np.float32))
    labels = np.repeat(np.arange(PEOPLE), PHOTOS)
    values = unit((means[labels] + 0.15 * rng.normal(size=(len(labels), 3))).astype(np.float32))
    return values, [f"<b>P{label:02d}" for label in labels]


def start_measuring(folder: Path, weights: WeightServer) -> RunningServer:
    """Start the server in an empty folder, with an empty cache of its own."""
    install(folder / "site")
    (folder / "site/sitecustomize.py").write_text(LOCAL_WEIGHTS)
    (folder / "gate").mkdir()
    (folder / "gate/open").touch()
    (folder / "server.toml").write_text(CONFIG)
    (folder / "photos").mkdir()
    write_people(folder / "photos/people", photos=12)
    values, names = make_embeddings()
    for name in GALLERIES:
        with Gallery(folder / f"{name}.db", model=MODEL) as gallery:
            people = {"colors": PEOPLE, "few": 3, "single": 1}.get(name, 0)
            for person in range(people):
                rows = range(PHOTOS * person, PHOTOS * person + (3 if name == "few" else PHOTOS))
                gallery.add(names[rows[0]], [Template(values[row]) for row in rows])
    paths = [str(folder / "site"), str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {
        "PYTHONPATH": os.pathsep.join(paths), FOLDER: str(folder / "gate"), "VISAVIS_CACHE": str(folder / "cache"),
        "VISAVIS_WEIGHTS": "", "VISAVIS_OFFLINE": "", "VISAVIS_ACCEPT_LICENSE": "", ADDRESS: weights.url,
        "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1",
    }  # fmt: skip
    running = RunningServer("--config", "server.toml", folder=folder, environment=environment)
    running.set_up()
    return running
