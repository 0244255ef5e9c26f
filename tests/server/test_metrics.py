"""The metrics of cameras: numbers by state, also while the database is away."""

from __future__ import annotations

from pathlib import Path

import pytest

from visavis.errors import ServerError
from visavis.server.config import ServerConfig
from visavis.server.resources.health import metrics
from visavis.server.services import Services
from visavis.server.state.cameras import CameraReport


def read_numbers(services: Services) -> dict[str, float]:
    """Return the metrics of cameras, by state."""
    lines = bytes(metrics(services).body).decode().splitlines()
    rows = [line.rsplit(" ", 1) for line in lines if line.startswith("visavis_cameras{")]
    return {name.removeprefix('visavis_cameras{state="').removesuffix('"}'): float(number) for name, number in rows}


def test_cameras_are_counted_by_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["door", "gate", "hall", "yard"]
    services = Services(ServerConfig(state=f"sqlite:///{tmp_path / 'server.db'}"), names)
    try:
        services.cameras.register([*names, "of a file that was used before"], "default")
        services.cameras.claim("a", services.cameras.leases(names), gallery="default")
        services.cameras.report("a", {name: CameraReport("running") for name in ("door", "yard")})
        services.cameras.report("a", {"gate": CameraReport("failed", "'gate' is away.")})
        states = {"running": 2, "failed": 1, "starting": 1, "silent": 0, "stopping": 0, "stopped": 0, "ended": 0}
        assert read_numbers(services) == states

        def away(**_: object) -> None:
            raise ServerError("the server's database cannot be used.")

        with monkeypatch.context() as patch:
            patch.setattr(services.cameras, "read", away)
            assert read_numbers(services) == {}
        assert read_numbers(services) == states
    finally:
        services.close()
