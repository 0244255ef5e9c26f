"""One server for most tests: starting one takes seconds. Tests that change people take a gallery of their own."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from conftest import DATA
from visavis.attendance.demo.site import create_demo
from visavis.attendance.types import Employee

from .compat_requests import CompatClient, make_client
from .running_server import RunningServer, Start, photos

MANAGERS = (
    Employee("2001", "Mo Office", "Office", manages=("Office",)),
    Employee("2002", "Pia Production", "Production", manages=("Production", "Security")),
)
"""Managers of the site, who belong to their departments."""
SPARE = 80
"""Galleries that tests may change, each for one test."""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with the galleries ``default`` and ``spare1`` to ``spare80``, and the key of an administrator.

    It has the published weights that lie beside the photographs, also where the user's cache is empty.
    """
    folder = tmp_path_factory.mktemp("server")
    (folder / "photos").mkdir()
    names = ["compat", "destroyed", "emptied", *(f"spare{number}" for number in range(1, SPARE + 1))]
    galleries = "".join(f"{name} = '{name}.db'\n" for name in names)
    config = folder / "server.toml"
    (folder / "damaged.npz").write_bytes(b"no classifier")
    tables = "[index_roots]\nphotos = 'photos'\n[classifiers]\ndamaged = 'damaged.npz'\npresidents = 'run'\n"
    config.write_text(f"{tables}[limits]\nupload_mb = 4\n[galleries]\ndefault = 'faces.db'\n{galleries}")
    weights = {"VISAVIS_WEIGHTS": os.environ.get("VISAVIS_WEIGHTS") or str(DATA.parent / "weights")}
    running = RunningServer("--config", str(config), folder=folder, environment=weights)
    running.set_up()
    yield running
    assert running.stop() in {0, -signal.SIGTERM}
    assert "Traceback" not in running.text


@pytest.fixture(scope="session")
def site_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with a site of attendance, which has the made-up employees, and two managers: see ``site_people``."""
    folder = tmp_path_factory.mktemp("site_server")
    with create_demo(folder / "site") as site:
        site.put_employees(MANAGERS, actor="test")
    (folder / "server.toml").write_text("[server]\nattendance_site = 'site'\n[galleries]\ndefault = 'faces.db'\n")
    running = RunningServer("--config", "server.toml", folder=folder)
    running.set_up()
    yield running
    running.stop()
    assert "Traceback" not in running.text


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts servers on the gallery ``faces.db`` in the folder of the test; none of them prints a traceback."""
    running = []

    def start_server(*options: str, **settings: Any) -> RunningServer:
        server = RunningServer("--gallery", "faces.db", *options, folder=tmp_path, **settings)
        running.append(server)
        return server

    yield start_server
    for server in running:
        server.stop()
    assert [server.text for server in running if "Traceback" in server.text] == []


_NUMBERS = count(1)


@pytest.fixture
def spare_gallery() -> str:
    """Name of a gallery of the server that no other test uses."""
    return take_spare_gallery()


@pytest.fixture
def other_gallery() -> str:
    """Name of a second gallery of the server that no other test uses."""
    return take_spare_gallery()


def take_spare_gallery() -> str:
    number = next(_NUMBERS)
    assert number <= SPARE
    return f"spare{number}"


@pytest.fixture(scope="session")
def small_photos(sample_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the sample photos at half their size, where only the answer's form counts: a quarter of the time."""
    folder = tmp_path_factory.mktemp("small")
    for name in ("obama.jpg", "obama2.jpg", "obama3.jpg", "biden.jpg"):
        with Image.open(sample_photos / name) as photo:
            photo.reduce(2).save(folder / name, quality=95)
    return folder


@pytest.fixture(scope="session")
def client_of_emptied(server: RunningServer) -> CompatClient:
    """A client of CompreFace and DeepStack, and its gallery."""
    return make_client(server, "emptied")


@pytest.fixture
def client(client_of_emptied: CompatClient) -> CompatClient:
    """A client of CompreFace and DeepStack whose gallery is empty when a test begins."""
    client_of_emptied.request("DELETE", "recognition/subjects")
    return client_of_emptied


@pytest.fixture(scope="session")
def enrolled(server: RunningServer, sample_photos: Path) -> dict[str, int]:
    """Ids by name of the people of the gallery ``default``: Obama with two photos, Biden with one."""
    ids = {}
    for name, files in (("Obama", ("obama.jpg", "obama2.jpg")), ("Biden", ("biden.jpg",))):
        parts = photos("photo", *(sample_photos / file for file in files))
        answer = server.post("/v1/people", data={"name": name}, files=parts)
        assert answer.status_code == 201, answer.text
        ids[name] = answer.json()["person_id"]
    return ids
