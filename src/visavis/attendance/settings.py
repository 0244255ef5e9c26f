"""Settings of a site: the file ``site.toml`` in its folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from visavis import atomic
from visavis._checks import check_whole
from visavis.attendance.local_time import read_zone
from visavis.errors import AttendanceError, UsageError, reason_of
from visavis.gallery.check_text import NAME_LENGTH, check_text
from visavis.images import shown
from visavis.structured_text import TOML_BYTES, parse_toml
from visavis.text_files import errors_in, read_text

FILE = "site.toml"
SQLITE = "sqlite:///"


@dataclass(frozen=True, slots=True)
class Retention:
    """For how many days data is kept; 0: until it is erased by hand.

    ``pictures_days`` is for the crops of faces, and ``strangers_days`` for strangers without a name, in the gallery of
    the site.
    """

    punches_days: int = 0
    accesses_days: int = 0
    pictures_days: int = 0
    strangers_days: int = 0


@dataclass(frozen=True, slots=True)
class SiteSettings:
    """What ``site.toml`` holds. Paths and files of SQLite are relative to the folder of the site.

    ``zone`` is the IANA name of the time zone of the place. ``gallery`` is the URL of the gallery with the faces of the
    employees, empty for none; ``database`` that of the attendance database. ``tables`` has all other tables of the
    file by name, for the parts of attendance that read them.
    """

    name: str
    zone: str
    gallery: str = ""
    database: str = "sqlite:///attendance.db"
    rules: str = "rules.toml"
    key: str = "ledger.key"
    retention: Retention = field(default_factory=Retention)
    tables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


TEXTS = ("name", "zone", "gallery", "database", "rules", "key")


def read_settings(folder: Path) -> SiteSettings:
    """Return the settings of the site in a folder; AttendanceError where there is none, UsageError for wrong values."""
    path = folder / FILE
    if not path.is_file():
        raise AttendanceError(f"{folder} is not a site: visavis attendance init --site {folder} makes one.")
    text = read_text(path, most=TOML_BYTES)
    with errors_in(path):
        try:
            content = parse_toml(text)
        except ValueError as error:
            raise UsageError(f"it is not TOML: {error}.") from error
        return _make_settings(content)


def write_settings(folder: Path, settings: SiteSettings) -> None:
    """Write the file of a new site; AttendanceError where it cannot be written."""
    lines = [
        f"{name} = {json.dumps(value, ensure_ascii=False)}" for name in TEXTS if (value := getattr(settings, name))
    ]
    kept = [f"{item.name} = {getattr(settings.retention, item.name)}" for item in fields(Retention)]
    text = "\n".join([*lines, "", "[retention] # days; 0: until it is erased by hand", *kept, ""])
    try:
        atomic.write_text(folder / FILE, text)
    except OSError as error:
        raise AttendanceError(f"{folder / FILE} cannot be written: {reason_of(error)}.") from error


def check_settings(settings: SiteSettings) -> SiteSettings:
    """Return settings; UsageError for wrong values."""
    for name in TEXTS:
        check_text(getattr(settings, name), f"{name} of a site", most=NAME_LENGTH, one_line=True)
    if not settings.name.strip():
        raise UsageError("a site needs a name.")
    read_zone(settings.zone)
    for item in fields(Retention):
        check_whole(getattr(settings.retention, item.name), f"{item.name} of a site", least=0, most=36_500)
    return settings


def locate_url(url: str, folder: Path) -> str:
    """Return the URL of a database; a file of SQLite, or a plain path, as seen from a folder."""
    if "://" in url and not url.startswith(SQLITE):
        return url
    return f"{SQLITE}{folder / url.removeprefix(SQLITE)}"


def _make_settings(content: dict[str, Any]) -> SiteSettings:
    tables = {name: value for name, value in content.items() if isinstance(value, dict)}
    values = {name: value for name, value in content.items() if name not in tables}
    retention = tables.pop("retention", {})
    unknown = [name for name in values if name not in TEXTS]
    unknown += [f"retention.{name}" for name in retention if name not in {item.name for item in fields(Retention)}]
    if unknown:
        raise UsageError(f"a site has no setting {shown(unknown[0])}; it has {', '.join(TEXTS)}.")
    if missing := {"name", "zone"} - values.keys():
        raise UsageError(f"a site needs {' and '.join(sorted(missing))}.")
    return check_settings(SiteSettings(**values, retention=Retention(**retention), tables=tables))
