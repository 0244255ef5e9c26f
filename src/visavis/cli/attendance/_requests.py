"""How commands show requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from visavis.attendance.types import StaffRequest

COLUMNS = ("request", "employee", "kind", "asks", "state", "by")


def request_row(request: StaffRequest) -> list[str]:
    """Return the cells of a request."""
    asks = ", ".join(str(value) for value in request.content.values() if value)
    return [request.id, request.employee, request.kind, asks, request.state, request.decided_by or request.created_by]
