"""The clock of this machine, set to another time than that of the database."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo

import pytest

from visavis.server.state import cameras, database, jobs


def set_clock(monkeypatch: pytest.MonkeyPatch, hours: float) -> None:
    """Let everything that stores the state of a server see a clock that is some hours ahead."""

    class Shifted(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + timedelta(hours=hours)

    for module in (cameras, database, jobs):
        monkeypatch.setattr(module, "datetime", Shifted, raising=False)
