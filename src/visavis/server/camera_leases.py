"""Which cameras no server runs: those without a holder, and those whose holder gives no sign of life."""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic

from visavis.server.state.cameras import LAPSE_SECONDS, CameraLease

BLIND_SECONDS = 5.0
"""Time without a look, as while the database is away, after which all leases are watched anew."""


class LeaseWatch:
    """Watches the leases of cameras by this machine's clock. ``server`` is the own name as a holder."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._since: dict[str, tuple[CameraLease, float]] = {}
        self._looked = 0.0

    def find_free(self, leases: Mapping[str, CameraLease]) -> dict[str, CameraLease]:
        """Return the leases that can be taken over: of no server, or without a beat for ``LAPSE_SECONDS``."""
        moment = monotonic()
        if moment - self._looked > BLIND_SECONDS:  # signs of life may have been missed
            self._since.clear()
        self._looked = moment
        for name, lease in leases.items():
            if name not in self._since or self._since[name][0] != lease:
                self._since[name] = lease, moment
        return {name: lease for name, lease in leases.items() if self._is_free(name, lease, moment)}

    def _is_free(self, name: str, lease: CameraLease, moment: float) -> bool:
        if lease.holder == self._server:
            return False
        return lease.holder is None or moment - self._since[name][1] > LAPSE_SECONDS
