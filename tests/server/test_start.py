"""What costs time before a server answers: modules that it does not need yet, and routes that are made twice."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from fastapi.routing import APIRoute
from starlette.routing import Route

from visavis.server.app import create_app
from visavis.server.config import ServerConfig
from visavis.server.guard import HEALTH
from visavis.server.routes import DeferredRoute
from visavis.server.services import Services

LATER = (
    "visavis.videos", "visavis.train", "visavis.bulk", "sqlalchemy.dialects.postgresql",
    "av", "scipy", "h5py", "torch", "sklearn", "pymilvus", "onnx",
)  # fmt: skip
"""Packages that cameras, jobs, classifiers and other indexes need."""
ALWAYS = {"visavis.videos", "visavis.videos.types", "visavis.videos.strangers", "visavis.videos.sightings"}
"""What is of a gallery's database, and imports nothing of videos."""


SCRIPT = """
import json, sys
import visavis.server.run
from visavis.server import compat, resources
from visavis.server.app import create_app
from visavis.server.config import ServerConfig
from visavis.server.services import Services

resources.routers()
[__import__(f"visavis.server.compat.{name}") for name in compat.NAMES]
app = create_app(Services(ServerConfig(state=sys.argv[1])))
completed = [route.path for route in app.routes if "dependant" in vars(route)]
print(json.dumps([[*sys.modules], len(app.routes), completed]))
"""


def test_a_worker_makes_nothing_that_only_other_processes_or_later_requests_need(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SCRIPT, f"sqlite:///{tmp_path / 'server.db'}"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    modules, routes, completed = json.loads(output)
    assert routes > 200
    assert completed == []  # each is completed by its first request
    imported = set(modules)
    assert "visavis.server.app" in imported
    early = {name for name in imported if name.startswith(tuple(f"{package}." for package in LATER)) or name in LATER}
    assert early - ALWAYS == set()


def test_each_route_is_made_once(tmp_path: Path) -> None:
    """Routers that are included would be made again by the first request to each. All but monitors' are below /v1."""
    services = Services(ServerConfig(state=f"sqlite:///{tmp_path / 'server.db'}"))
    try:
        app = create_app(services)
        kinds = {type(route) for route in app.routes}
        assert kinds == {DeferredRoute, Route}
        paths = {route.path for route in app.routes if isinstance(route, APIRoute)}
        assert {"/v1/identify", "/v1/cameras/{name:path}", "/livez", "/", "/v1/vision/face/recognize"} <= paths
        assert {route.endpoint.__module__ for route in app.routes if isinstance(route, APIRoute)} >= {
            "visavis.server.resources.people", "visavis.server.compat.compreface_faces",
        }  # fmt: skip
        assert {path for path in app.openapi()["paths"] if not path.startswith("/v1/")} == {*HEALTH}
    finally:
        services.close()
