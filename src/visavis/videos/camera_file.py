"""The file of ``--cameras``: which cameras there are, their streams and zones."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from visavis import permissions
from visavis._checks import check_number, check_whole
from visavis.errors import UsageError
from visavis.images import shown
from visavis.structured_text import TOML_BYTES, parse_toml
from visavis.text_files import errors_in, read_text
from visavis.types import Floats
from visavis.videos._local_camera import device_number
from visavis.videos.addresses import find_port_fault, is_address
from visavis.videos.camera_door import DOOR_KEYS, CameraAttendance, parse_attendance
from visavis.videos.zones import Zones, make_polygon

SIGHTING_SECONDS = 30.0
"""Seconds within which the same person in two cameras is one sighting."""
LARGEST_DEVICE = 999
"""Largest number of a camera of this machine, as in /dev/video999."""
KEYS = ("name", "source", "detect", "every", "min_face", "look", "ignore", *DOOR_KEYS)
DAY = 86_400.0
"""Seconds: the longest times that the file can set."""
GENERAL_KEYS = ("sighting_seconds", "tailgating_seconds", "outage_minutes", "camera")
TAILGATING_SECONDS = 3.0
"""Seconds up to which a stranger who passes with an employee is a tail-gater."""
OUTAGE_MINUTES = 5.0
"""Minutes without a frame of a camera for attendance from which on an outage is recorded."""
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")

CameraInput = str | int


@dataclass(frozen=True, slots=True)
class CameraSettings:
    """A camera: ``source`` is its main stream, ``detect`` a stream of low resolution in which faces are looked for.

    ``min_face`` is in pixels of the main stream; None: that of the run. ``attendance`` is for servers with a site.
    """

    name: str
    source: CameraInput = field(repr=False)  # it may hold a password
    detect: CameraInput | None = field(default=None, repr=False)
    every: int = 1
    min_face: float | None = None
    zones: Zones = field(default_factory=Zones)
    attendance: CameraAttendance | None = None

    @property
    def files(self) -> tuple[str, ...]:
        """The streams that are files or folders: neither devices nor addresses."""
        streams = (str(stream) for stream in (self.source, self.detect) if stream is not None)
        return tuple(stream for stream in streams if device_number(stream) is None and not is_address(stream))


@dataclass(frozen=True, slots=True)
class CameraFile:
    """All cameras, and the seconds within which the same person in two of them is one sighting.

    At doors, a stranger who passes within ``tailgating_seconds`` of an employee is a tail-gater, and a camera without a
    frame for ``outage_minutes`` has failed.
    """

    cameras: tuple[CameraSettings, ...]
    sighting_seconds: float = SIGHTING_SECONDS
    tailgating_seconds: float = TAILGATING_SECONDS
    outage_minutes: float = OUTAGE_MINUTES

    @property
    def doors(self) -> tuple[CameraSettings, ...]:
        """The cameras for attendance."""
        return tuple(camera for camera in self.cameras if camera.attendance is not None)


def read_camera_file(path: str | os.PathLike[str]) -> CameraFile:
    """Read a TOML file; UsageError, which names the file, the camera and the key, where it is not valid.

    ``${NAME}`` in a source stands for an environment variable; paths are relative to the file. Warns where other users
    can read a file with passwords.
    """
    file = Path(path)
    text = read_text(file, most=TOML_BYTES)
    try:
        content = parse_toml(text)
    except ValueError as error:
        what = str(error).partition("\n")[0]
        raise UsageError(f"{shown(str(file))} is not TOML: {what}.") from error
    if re.search(r"://[^/\s\"']*@", text):
        permissions.warn_if_readable([file], contents="passwords of cameras")
    with errors_in(file):
        return _parse(content, file.parent)


def _parse(content: Mapping[str, object], folder: Path) -> CameraFile:
    _check_keys(content, GENERAL_KEYS, "the file")
    tables = content.get("camera")
    if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
        raise UsageError("it names no camera: write a table [[camera]] with name and source for each.")
    cameras = tuple(_parse_camera(table, number, folder) for number, table in enumerate(tables, 1))
    names = [camera.name for camera in cameras]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"two cameras are called {name!r}: give each a name of its own.")
    seconds, tailgating = (
        check_number(content.get(key, default), f"{key} is a number of seconds", least=0, most=DAY)
        for key, default in (("sighting_seconds", SIGHTING_SECONDS), ("tailgating_seconds", TAILGATING_SECONDS))
    )
    minutes = check_number(
        content.get("outage_minutes", OUTAGE_MINUTES), "outage_minutes is a number", least=1, most=DAY / 60
    )
    return CameraFile(cameras, seconds, tailgating, minutes)


def _parse_camera(table: Mapping[str, object], number: int, folder: Path) -> CameraSettings:
    name = table.get("name")
    if not isinstance(name, str) or not name.strip():
        raise UsageError(f"camera number {number} has no name.")
    what = f"camera {name!r}"
    _check_keys(table, KEYS, what)
    if "source" not in table:
        raise UsageError(f"{what} has no source: a path, the number of a device, or an address such as rtsp://...")
    every = check_whole(table.get("every", 1), f"{what}: every is a number of frames", least=1)
    min_face = table.get("min_face")
    if min_face is not None:
        min_face = check_number(min_face, f"{what}: min_face is a side in pixels", least=1)
    look, ignore = (_parse_polygons(table.get(key, []), f"{what}: a zone of {key}") for key in ("look", "ignore"))
    detect = _parse_source(table["detect"], f"{what}: detect", folder) if "detect" in table else None
    source = _parse_source(table["source"], f"{what}: source", folder)
    settings = CameraSettings(name, source, detect, every, min_face, Zones(look, ignore))
    return replace(settings, attendance=parse_attendance(table, what, is_file=bool(settings.files)))


def _check_keys(table: Mapping[str, object], keys: tuple[str, ...], what: str) -> None:
    for key in table:
        if key not in keys:
            raise UsageError(f"{what} has an unknown key {key!r}: the keys are {', '.join(keys)}.")


def _parse_source(value: object, what: str, folder: Path) -> CameraInput:
    if isinstance(value, int) and not isinstance(value, bool):
        return check_whole(value, f"{what}: the number of a device is", least=0, most=LARGEST_DEVICE)
    if not isinstance(value, str) or not value or value == "-":
        raise UsageError(f"{what} is a path, the number of a device, or an address such as rtsp://...")
    text = _VARIABLE.sub(lambda match: _look_up(match[1], what), value)
    if is_address(text) and (fault := find_port_fault(text)):
        raise UsageError(f"{what}: {fault}.")
    return text if is_address(text) or device_number(text) is not None else str(folder / text)


def _look_up(variable: str, what: str) -> str:
    if variable not in os.environ:
        raise UsageError(f"{what} names the environment variable {variable}, which is not set.")
    return os.environ[variable]


def _parse_polygons(value: object, what: str) -> tuple[Floats, ...]:
    if not isinstance(value, list):
        raise UsageError(f"{what} is a list of 3 or more corners, each [x, y]; write a list of zones.")
    polygons = []
    for polygon in value:
        try:
            polygons.append(make_polygon(polygon))
        except UsageError as error:
            raise UsageError(f"{what} {error}.") from None
    return tuple(polygons)
