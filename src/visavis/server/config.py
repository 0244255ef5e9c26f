"""Configuration of the server: a TOML file, environment variables, and options of the command line before both."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visavis import defaults, runtime
from visavis._checks import check_number, check_whole
from visavis.errors import UnknownNameError, UsageError
from visavis.images import shown
from visavis.server.state.database import beside_gallery
from visavis.structured_text import TOML_BYTES, parse_toml
from visavis.text_files import errors_in, read_text

if TYPE_CHECKING:
    from visavis.videos.real_tracks import LivenessMode

DEFAULT_GALLERY = "default"
"""Name of the gallery that a request means which names none."""
SQLITE = "sqlite:///"
_FILES = frozenset({"index_roots", "classifiers"})
"""Tables of names and paths."""
_TABLES = ("server", "limits", "galleries", "compat", "video", "retention", *sorted(_FILES))
VARIABLE = "VISAVIS_SERVER_"
"""Begins the environment variable of each key of the table ``server``; the key follows in capitals."""


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """Limits a worker. ``waiting`` is the number of requests that are answered or wait; ``seconds`` the time for one.

    ``upload_mb`` bounds the body of a request, ``photos`` the photos in it, ``pictures_mb`` the memory that the decoded
    photos of all requests take at a time, ``per_minute`` the requests a key, and an address without a key; 0: no bound.
    """

    upload_mb: float = 20.0
    photos: int = 100
    pictures_mb: float = 1000.0
    waiting: int = 128
    seconds: float = 30.0
    per_minute: int = 0


@dataclass(frozen=True, slots=True)
class Compat:
    """What CompreFace's and DeepStack's clients take for the same person: the threshold of an error rate.

    ``far`` is the rate of false accepts of a comparison of two faces, ``fpir`` the rate at which a whole search names
    a stranger.
    """

    far: float = defaults.FAR
    fpir: float = defaults.FPIR


@dataclass(frozen=True, slots=True)
class VideoSettings:
    """How cameras are watched: the name of the ``gallery`` that is searched, and the options of ``visavis video``.

    Events are kept for ``event_days`` days; 0: for ever. ``pictures`` is whether the pages show the newest pictures of
    the cameras, and the faces of strangers.
    """

    gallery: str = DEFAULT_GALLERY
    min_face: float = defaults.MIN_FACE
    fpir: float = defaults.FPIR
    liveness: LivenessMode = "off"
    strangers: int | None = None
    event_days: int = 30
    pictures: bool = False


@dataclass(frozen=True, slots=True)
class ExpiryDays:
    """Days for which jobs that have ended, and entries of the server's log, are kept; 0: for ever."""

    job_days: int = 0
    log_days: int = 0


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """All settings. ``galleries`` maps names to URLs; ``state`` is the URL of the server's own database.

    ``hosts`` are the names under which clients may ask beside those of this machine; ``certificate`` and
    ``private_key`` are PEM files for TLS. ``trusted_proxies`` are addresses and networks whose ``X-Forwarded-For`` and
    ``X-Forwarded-Proto`` say who asks. ``index`` is the search index of all galleries. ``fetch_urls`` lets requests
    name photos by URL. ``cameras`` is the file of the cameras to watch, ``attendance_site`` the folder of the site of
    attendance, which is served, whose terminals may send punches, and whose retention is applied daily. ``index_roots``
    maps names to the folders whose photos jobs may index, ``classifiers`` to the runs of ``visavis train classifier``.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    threads: int | None = None
    hosts: tuple[str, ...] = ()
    certificate: Path | None = None
    private_key: Path | None = None
    trusted_proxies: tuple[str, ...] = ()
    detector: str = defaults.DETECTOR
    index: str = "exact"
    fetch_urls: bool = False
    cameras: Path | None = None
    attendance_site: Path | None = None
    state: str = ""
    galleries: Mapping[str, str] = field(default_factory=lambda: {DEFAULT_GALLERY: "sqlite:///faces.db"})
    limits: RequestLimits = field(default_factory=RequestLimits)
    index_roots: Mapping[str, Path] = field(default_factory=dict)
    classifiers: Mapping[str, Path] = field(default_factory=dict)
    compat: Compat = field(default_factory=Compat)
    video: VideoSettings = field(default_factory=VideoSettings)
    retention: ExpiryDays = field(default_factory=ExpiryDays)

    @property
    def kept_days(self) -> dict[str, int]:
        """Days for which what the server stores is kept, by kind: see :mod:`visavis.server.state.expiry`."""
        days = self.retention
        return {"events": self.video.event_days, "jobs": days.job_days, "log": days.log_days}

    @property
    def state_url(self) -> str:
        """The URL of the server's database: ``state``, else beside the default gallery, else beside the first."""
        first = next(iter(self.galleries.values()))
        return self.state or beside_gallery(self.galleries.get(DEFAULT_GALLERY, first))

    def require_galleries(self, names: Iterable[str]) -> None:
        """Raise UnknownNameError for a name that no gallery of this server has."""
        for name in names:
            if name not in self.galleries:
                there = ", ".join(shown(gallery) for gallery in self.galleries)
                raise UnknownNameError(f"there is no gallery {shown(name)} on this server; there are: {there}.")

    @property
    def threads_per_process(self) -> int:
        """Number of threads of the networks of a process: ``threads``, else a worker's part of the processors."""
        return self.threads or max(1, runtime.thread_count(None) // self.workers)

    @property
    def is_local(self) -> bool:
        """Whether the server answers this machine alone: a proxy on it asks for clients elsewhere."""
        return is_loopback(self.host) and not self.trusted_proxies


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine for itself alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def read_config(path: str | os.PathLike[str] | None, **options: Any) -> ServerConfig:
    """Read the configuration; ``options`` that are not None come before the environment, and that before the file.

    ``gallery`` among the options is the URL of the default gallery. Raises UsageError, which names the file and the
    key, for unknown keys and wrong values.
    """
    content: Mapping[str, Any] = {}
    config = ServerConfig()
    if path is not None:
        file = Path(path)
        text = read_text(file, most=TOML_BYTES)
        with errors_in(file):
            content = _parse(text)
            config = _apply(config, content, file.parent)
    config = _with_server(config, _read_environment(), Path())
    gallery = options.pop("gallery", None)
    if gallery is not None:
        config = replace(config, galleries={**config.galleries, DEFAULT_GALLERY: gallery})
    return _with_server(config, {key: value for key, value in options.items() if value is not None}, Path())


def _parse(text: str) -> Mapping[str, Any]:
    try:
        return parse_toml(text)
    except ValueError as error:
        raise UsageError(f"this is not TOML: {str(error).partition(chr(10))[0]}.") from error


def _apply(config: ServerConfig, content: Mapping[str, Any], folder: Path) -> ServerConfig:
    for key, table in content.items():
        if key not in _TABLES:
            names = ", ".join(f"[{name}]" for name in _TABLES)
            raise UsageError(f"there is no table [{shown(key)}]: the tables are {names}.")
        if not isinstance(table, dict):
            raise UsageError(f"{key} is a table: write [{key}].")
    config = _with_server(config, content.get("server", {}), folder)
    if "limits" in content:
        config = replace(config, limits=_make_limits(content["limits"]))
    if "compat" in content:
        config = replace(config, compat=_make_compat(content["compat"]))
    if "video" in content:
        config = replace(config, video=_make_video(content["video"]))
    if "retention" in content:
        config = replace(config, retention=_make_retention(content["retention"]))
    if "galleries" in content:
        config = replace(config, galleries=_make_galleries(content["galleries"], folder))
    paths: dict[str, Any] = {
        key: {name: _path(f"{key}.{name}", value, folder) for name, value in content[key].items()}
        for key in _FILES.intersection(content)
    }
    return replace(config, **paths)


def _with_server(config: ServerConfig, values: Mapping[str, Any], folder: Path) -> ServerConfig:
    changes: dict[str, Any] = {}
    for key, value in values.items():
        if key not in _CHECKS:
            raise UsageError(f"[server] has no key {shown(key)}: the keys are {', '.join(_CHECKS)}.")
        changes[key] = _CHECKS[key](key, value, folder)
    return replace(config, **changes)


def _read_environment() -> dict[str, Any]:
    """Return the values of ``VISAVIS_SERVER_...``; numbers, truth values and lists are written as in TOML."""
    values: dict[str, Any] = {}
    for name, text in os.environ.items():
        if name.startswith(VARIABLE):
            key = name.removeprefix(VARIABLE).lower()
            values[key] = text if key in _TEXTS else _parse_value(name, text)
    return values


def _parse_value(name: str, text: str) -> object:
    try:
        return parse_toml(f"value = {text}")["value"]
    except (ValueError, KeyError) as error:
        raise UsageError(
            f"{name} is {shown(text)}, which is no value of TOML: write a list as '[\"faces.example.com\"]'."
        ) from error


def _make_limits(table: Mapping[str, Any]) -> RequestLimits:
    names = [item.name for item in fields(RequestLimits)]
    for key, value in table.items():
        if key not in names:
            raise UsageError(f"[limits] has no key {shown(key)}: the keys are {', '.join(names)}.")
        if key in {"upload_mb", "pictures_mb", "seconds"}:
            check_number(value, f"{key} is a number", least=0.01, most=100_000)
        else:
            check_whole(value, f"{key} is a whole number", least=0 if key == "per_minute" else 1, most=1_000_000)
    return RequestLimits(**table)


def _make_compat(table: Mapping[str, Any]) -> Compat:
    for key, value in table.items():
        if key not in {"far", "fpir"}:
            raise UsageError(f"[compat] has no key {shown(key)}: the keys are far and fpir.")
        if not 0 < check_number(value, f"{key} is an error rate") < 1:
            raise UsageError(f"{key} is an error rate between 0 and 1, got {value:g}.")
    return Compat(**table)


def _make_video(table: Mapping[str, Any]) -> VideoSettings:
    from visavis.videos.recognize import VideoOptions

    names = [item.name for item in fields(VideoSettings)]
    for key, value in table.items():
        if key not in names:
            raise UsageError(f"[video] has no key {shown(key)}: the keys are {', '.join(names)}.")
        if key in {"strangers", "event_days"}:
            least = 0 if key == "event_days" else 1
            check_whole(value, f"{key} is a whole number of days", least=least, most=100_000)
    settings = VideoSettings(**table)
    _text("gallery", settings.gallery, Path())
    _flag("pictures", settings.pictures, Path())
    VideoOptions(settings.min_face, settings.fpir, liveness=settings.liveness)
    return settings


def _make_retention(table: Mapping[str, Any]) -> ExpiryDays:
    names = [item.name for item in fields(ExpiryDays)]
    for key, value in table.items():
        if key not in names:
            raise UsageError(f"[retention] has no key {shown(key)}: the keys are {' and '.join(names)}.")
        check_whole(value, f"{key} is a whole number of days", least=0, most=100_000)
    return ExpiryDays(**table)


def _make_galleries(table: Mapping[str, Any], folder: Path) -> dict[str, str]:
    if not table:
        raise UsageError("[galleries] names no gallery: write default = 'sqlite:///faces.db'.")
    for name, url in table.items():
        if not isinstance(url, str) or not url:
            raise UsageError(f"gallery {shown(name)!r} is the URL of a gallery, such as 'sqlite:///faces.db'.")
    return {name: _resolve_url(url, folder) for name, url in table.items()}


def _resolve_url(url: str, folder: Path) -> str:
    """Return the URL of a database; a file of SQLite, with or without ``sqlite:///``, is relative to ``folder``."""
    path = url.removeprefix(SQLITE)
    if "://" in path or path in {"", ":memory:"}:
        return url
    return f"{SQLITE}{folder / path}"


def _text(key: str, value: object, _folder: Path) -> str:
    if not isinstance(value, str) or not value:
        raise UsageError(f"{key} is text, got {shown(repr(value))}.")
    return value


def _url(key: str, value: object, folder: Path) -> str:
    return _resolve_url(_text(key, value, folder), folder)


def _path(key: str, value: object, folder: Path) -> Path:
    return folder / value if isinstance(value, Path) else folder / _text(key, value, folder)


def _port(_key: str, value: object, _folder: Path) -> int:
    return check_whole(value, "port is a whole number", least=0, most=65_535)


def _count(key: str, value: object, _folder: Path) -> int:
    return check_whole(value, f"{key} is a whole number", least=1, most=1024)


def _flag(key: str, value: object, _folder: Path) -> bool:
    if not isinstance(value, bool):
        raise UsageError(f"{key} is true or false, got {shown(repr(value))}.")
    return value


def _names(key: str, value: object, _folder: Path) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) and item for item in value):
        raise UsageError(f"{key} is a list of texts, such as ['faces.example.com'], got {shown(repr(value))}.")
    return tuple(value)


def _detector(key: str, value: object, folder: Path) -> str:
    from visavis.detectors import DETECTORS

    name = _text(key, value, folder)
    DETECTORS.check(name)
    return name


def _index(key: str, value: object, folder: Path) -> str:
    from visavis.gallery.index import INDEXES

    name = _text(key, value, folder)
    INDEXES.check(name.partition(":")[0])
    return name


def _networks(key: str, value: object, folder: Path) -> tuple[str, ...]:
    texts = _names(key, value, folder)
    try:
        return tuple(str(ipaddress.ip_network(text)) for text in texts)
    except ValueError as error:
        raise UsageError(
            f"{key} is a list of addresses and networks, such as ['127.0.0.1', '10.0.0.0/8']: {error}."
        ) from error


_CHECKS = {
    "host": _text,
    "port": _port,
    "workers": _count,
    "threads": _count,
    "hosts": _names,
    "certificate": _path,
    "private_key": _path,
    "trusted_proxies": _networks,
    "detector": _detector,
    "index": _index,
    "fetch_urls": _flag,
    "cameras": _path,
    "attendance_site": _path,
    "state": _url,
}
"""Check of each key of the table ``server``."""
_TEXTS = {key for key, check in _CHECKS.items() if check in (_text, _url, _path, _detector, _index)}
