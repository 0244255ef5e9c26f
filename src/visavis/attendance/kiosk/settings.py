"""How the kiosks of a site work: the table ``kiosk`` of ``site.toml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, get_args

from visavis import compare
from visavis._checks import check_whole
from visavis.attendance.kiosk.types import KioskLiveness, KioskSettings
from visavis.attendance.site import Site
from visavis.errors import UsageError
from visavis.images import shown

FRAMES = (3, 8)
"""Least and most frames that have to agree: liveness is judged by three at least."""
_FLAGS = ("pin", "badge", "sound", "offline_frames")


def read_kiosk_settings(site: Site) -> KioskSettings:
    """Return the settings of the kiosks of a site; UsageError for wrong values."""
    return make_kiosk_settings(site.settings.tables.get("kiosk", {}))


def make_kiosk_settings(table: Mapping[str, Any]) -> KioskSettings:
    """Return the settings of a table; UsageError for wrong values."""
    names = [item.name for item in fields(KioskSettings)]
    for key in table:
        if key not in names:
            raise UsageError(f"[kiosk] has no key {shown(key)}: the keys are {', '.join(names)}.")
    settings = KioskSettings(**table)
    if settings.liveness not in get_args(KioskLiveness):
        raise UsageError(f"liveness of a kiosk is passive, active or off, got {shown(repr(settings.liveness))}.")
    for name in _FLAGS:
        if not isinstance(getattr(settings, name), bool):
            raise UsageError(f"{name} of a kiosk is true or false.")
    if settings.offline_frames and settings.liveness == "active":
        raise UsageError("offline_frames of a kiosk needs liveness passive or off: a challenge needs the server.")
    check_whole(settings.frames, "frames of a kiosk is a whole number", least=FRAMES[0], most=FRAMES[1])
    check_whole(settings.queue_days, "queue_days of a kiosk is a whole number", least=1, most=31)
    if settings.fpir is not None:
        compare.check_fpir(settings.fpir)
    return settings
