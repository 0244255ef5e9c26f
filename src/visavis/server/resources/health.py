"""Health and metrics, for monitors: they need no key, and say nothing about people."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import Any, get_args

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from visavis.errors import VisavisError
from visavis.server.auth import ServicesOf
from visavis.server.routes import Router
from visavis.server.services import Services
from visavis.server.types import ServedState

router = Router(tags=["health"])
LEAST_FREE = 64 << 20
"""Bytes that must be free on the disk of a SQLite gallery."""


@router.get("/livez")
def live() -> dict[str, str]:
    """Answer that the process runs."""
    return {"status": "ok"}


@router.get("/readyz")
def ready(request: Request, services: ServicesOf) -> JSONResponse:
    """Answer 200 where database, models, queue and disk are fit for requests, else 503, and which is not."""
    checks = {
        "database": _check_databases(services),
        "model": _check_models(services),
        "queue": not request.scope.get("is_full") and len(services.inference) < services.config.limits.waiting,
        "disk": all(_has_room(url) for url in {services.config.state_url, *services.config.galleries.values()}),
    }
    is_ready = all(checks.values())
    content: dict[str, Any] = {"status": "ok" if is_ready else "unavailable", "checks": checks}
    return JSONResponse(content, 200 if is_ready else 503, {} if is_ready else {"Retry-After": "5"})


for _path, _answer in (("/livez", live), ("/readyz", ready)):  # many monitors ask by HEAD
    router.add_api_route(_path, _answer, methods=["HEAD"], include_in_schema=False)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def metrics(services: ServicesOf) -> Response:
    """Return the metrics of this worker as Prometheus reads them."""
    services.metrics.batches.set(services.inference.calls)
    services.metrics.pieces.set(services.inference.pieces)
    _count_cameras(services)
    return Response(services.metrics.text(), media_type="text/plain; version=0.0.4")


def _count_cameras(services: Services) -> None:
    """Count the cameras by state; while the database is away there is no number."""
    try:
        cameras = services.cameras.read(names=services.camera_names)
    except VisavisError:
        services.metrics.cameras.clear()
        return
    counts = Counter(camera.state for camera in cameras)
    for state in get_args(ServedState):
        services.metrics.cameras.labels(state).set(counts[state])


def _check_databases(services: Services) -> bool:
    try:
        services.keys.any_usable()
        for name in services.config.galleries:
            len(services.gallery(name))
    except (VisavisError, OSError):
        return False
    return True


def _check_models(services: Services) -> bool:
    try:
        services.load()
    except (VisavisError, OSError):
        return False
    return True


def _has_room(url: str) -> bool:
    """Return whether the disk of a SQLite file has room; True for other databases, which look after their own."""
    if not url.startswith("sqlite:///"):
        return True
    folder = Path(url.removeprefix("sqlite:///")).resolve().parent
    try:
        return shutil.disk_usage(folder).free >= LEAST_FREE
    except OSError:  # the disk was taken away
        return False
