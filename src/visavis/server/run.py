"""Start the server: check what can be checked first, print the one-time code, run the workers, end gracefully."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from visavis.defaults import DETECTOR
from visavis.errors import ServerError, UsageError, reason_of
from visavis.server.config import ServerConfig, is_loopback
from visavis.server.state.cameras import Cameras
from visavis.server.state.database import StateDatabase
from visavis.server.state.keys import Keys
from visavis.server.state.passages import Passages
from visavis.server.supervisor import Supervisor

if TYPE_CHECKING:
    from visavis.videos.camera_file import CameraFile

BACKLOG = 2048
"""Connections that wait to be accepted."""


def read_cameras(config: ServerConfig) -> CameraFile | None:
    """Return the cameras of the configuration, None where it names none; UsageError for mistakes in their file.

    Raises MissingExtraError where they cannot be watched here.
    """
    if config.cameras is None:
        return None
    from visavis.videos.camera_file import read_camera_file
    from visavis.videos.extra import require_extra

    file = read_camera_file(config.cameras)
    if config.video.gallery not in config.galleries:
        raise UsageError(
            f"[video] searches the gallery {config.video.gallery!r}, and there is none of this name: write its gallery."
        )
    require_extra()
    return file


def prepare(config: ServerConfig, show: Callable[[str], None], cameras: CameraFile | None = None) -> socket.socket:
    """Return the listening socket; refuse a configuration that is not safe, and ``show`` the one-time code if needed.

    Cameras are from now on among those of the server's database.

    The address is taken first: a second server that is started by mistake must not replace the code of the first.
    Raises UsageError, and ServerError where the address, the certificate or the database cannot be used.
    """
    _check_certificate(config)
    _check_attendance(config, cameras)
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    # The protocol is named: only then asyncio sets TCP_NODELAY, without which answers wait 40 ms for the client's ACK.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with _explain_address(config):
            listener.bind((config.host, config.port))
        _check_keys(config, show)
        _register(cameras, config)
        with _explain_address(config):
            listener.listen(BACKLOG)  # now: a request that comes while the networks load waits, instead of failing
    except BaseException:
        listener.close()
        raise
    listener.set_inheritable(True)
    return listener


def _check_attendance(config: ServerConfig, cameras: CameraFile | None) -> None:
    """Open the site, and read its terminals and its kiosks' settings; check the cameras at its doors.

    Raises AttendanceError and UsageError.
    """
    doors = () if cameras is None else cameras.doors
    if config.attendance_site is None:
        if doors:
            raise UsageError(
                f"camera {doors[0].name!r} is for attendance, and the server has no site: write attendance_site in "
                "[server] of the file of --config."
            )
        return
    from visavis.attendance.integrations.zkteco.terminals import read_terminals
    from visavis.attendance.kiosk.settings import read_kiosk_settings
    from visavis.attendance.site import Site

    with Site(config.attendance_site) as site:
        read_terminals(site)
        if read_kiosk_settings(site).liveness == "active" and (config.workers > 1 or config.detector != DETECTOR):
            raise UsageError(
                f"liveness of [kiosk] is active: the challenge needs one worker, and the detector {DETECTOR}."
            )
        if doors:
            from visavis.server.passage_recorder import check_doors

            check_doors(config, site, doors)


@contextmanager
def _explain_address(config: ServerConfig) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = f"{config.host}:{config.port}: {reason_of(error)}"
        raise ServerError(f"the server cannot listen at {reason}.") from error


def _check_certificate(config: ServerConfig) -> None:
    if config.certificate is None and config.private_key is None:
        return
    if config.certificate is None or config.private_key is None:
        raise UsageError("TLS needs both certificate and private_key.")

    def refuse_password() -> str:
        raise ServerError(f"the key {config.private_key} has a password: store it without, readable by one user alone.")

    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(config.certificate, config.private_key, password=refuse_password)
    except OSError as error:  # an SSLError is one
        reason = "not a certificate in PEM and its key" if isinstance(error, ssl.SSLError) else reason_of(error)
        raise ServerError(f"TLS with {config.certificate} and {config.private_key}: {reason}.") from error


def _check_keys(config: ServerConfig, show: Callable[[str], None]) -> None:
    database = StateDatabase(config.state_url)
    try:
        keys = Keys(database)
        if not config.is_local and not keys.any_usable():
            others = "clients of a proxy" if is_loopback(config.host) else config.host
            raise UsageError(
                f"without a key the server answers this machine alone, not {others}: create a key first, by "
                "visavis keys create NAME --role admin, with the same --config or --gallery."
            )
        code, is_first = keys.make_setup_code(), not keys.any_made()
    finally:
        database.close()
    if code is not None:
        state = "no keys yet: everyone on this machine is an administrator" if is_first else "all keys are revoked"
        show(f"{state}. One-time code for {'the first' if is_first else 'a new'} key: {code}")


def _register(cameras: CameraFile | None, config: ServerConfig) -> None:
    with closing(StateDatabase(config.state_url)) as database:
        if cameras is not None:
            Cameras(database).register([camera.name for camera in cameras.cameras], config.video.gallery)
        Passages(database).forget_doors([] if cameras is None else [camera.name for camera in cameras.doors])


def serve(config: ServerConfig, listener: socket.socket, cameras: CameraFile | None = None) -> int:
    """Serve, and watch cameras, until SIGTERM or Ctrl-C; return the exit code."""
    return Supervisor(config, listener, cameras).run()
