"""A worker: one process that answers requests, with its own loaded networks."""

from __future__ import annotations

import logging
import os
import resource
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from types import FrameType
from typing import TYPE_CHECKING

import uvicorn
from fastapi import FastAPI

from visavis.errors import VisavisError
from visavis.server.app import create_app
from visavis.server.camera_pictures import CameraPictures
from visavis.server.config import ServerConfig
from visavis.server.connection import HttpConnection
from visavis.server.lifeline import GRACE_SECONDS, end_with_supervisor
from visavis.server.services import Services

if TYPE_CHECKING:
    from visavis.videos.camera_file import CameraSettings

HEADER_BYTES = 65_536
FAILED = 3
"""Exit code of a worker that could not start."""


def run_worker(
    config: ServerConfig,
    listener: socket.socket,
    life: int,
    *,
    cameras: Sequence[CameraSettings] = (),
    pictures: CameraPictures | None = None,
) -> int:
    """Answer requests until SIGTERM, or until the supervisor is gone; return the exit code.

    ``life`` is the reading end of a pipe whose other end only the supervisor holds; ``cameras`` are those that this
    server may watch, ``pictures`` what it shows of them.
    """
    end_with_supervisor(life, lambda: os.kill(os.getpid(), signal.SIGTERM))
    _allow_connections()
    logging.basicConfig(format="visavis: %(message)s", level=logging.WARNING)
    try:
        names, single = [camera.name for camera in cameras], replace(config, threads=config.threads_per_process)
        services = Services(single, names, pictures, camera_settings=cameras)
        app = _load(services)
    except (VisavisError, OSError) as error:
        sys.stderr.write(f"visavis: {error}\n")
        return FAILED
    server = _Server(_configure(app, config), services.stopping)
    with suppress(KeyboardInterrupt):  # raised again by uvicorn after it has ended gracefully
        server.run(sockets=[listener])
    return 0 if server.started else FAILED


def _load(services: Services) -> FastAPI:
    """Return the application of loaded services; a thread loads the networks meanwhile, mostly without the GIL."""
    with ThreadPoolExecutor(1, "loading") as loader:
        loading = loader.submit(services.load)
        app = create_app(services)
        loading.result()
    return app


class _Server(uvicorn.Server):
    """The server of a worker; ``stopping`` is set by the signal that ends it, so that streams end too."""

    def __init__(self, settings: uvicorn.Config, stopping: threading.Event) -> None:
        super().__init__(settings)
        self._stopping = stopping

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop."""
        self._stopping.set()
        super().handle_exit(sig, frame)


def _configure(app: FastAPI, config: ServerConfig) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_level="warning",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_keep_alive=15,
        h11_max_incomplete_event_size=HEADER_BYTES,
        ssl_certfile=None if config.certificate is None else str(config.certificate),
        ssl_keyfile=None if config.private_key is None else str(config.private_key),
        http=HttpConnection,
        ws="none",
    )


def _allow_connections() -> None:
    """Allow as many open files, and so connections, as the system lets this process have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
