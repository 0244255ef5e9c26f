"""What payroll systems get: files that they import, and deliveries to the targets of the site."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Path
from fastapi.responses import Response
from pydantic import BaseModel, Field

from visavis.attendance.integrations import export
from visavis.attendance.integrations.push import dismiss, read_states
from visavis.attendance.integrations.targets import find_target
from visavis.attendance.integrations.types import TargetState
from visavis.csv_text import format_row, format_text
from visavis.gallery.check_text import NAME_LENGTH
from visavis.server.auth import ServicesOf
from visavis.server.problems import responses
from visavis.server.push_job import PUSH
from visavis.server.resources import V1
from visavis.server.resources.site_options import MEDIA_TYPES, PeriodOf, Whole, bounded
from visavis.server.routes import Router
from visavis.server.schema import model_of
from visavis.server.types import Job

router = Router(prefix=f"{V1}/attendance", tags=["attendance"])
TargetName = Annotated[str, Path(max_length=NAME_LENGTH, description="Name of a target of site.toml.")]
ExportKind = Annotated[Literal["frappe", "odoo"], Path(description="Which system imports the file.")]
EXPORTS = {
    "frappe": (export.FRAPPE_COLUMNS, export.export_frappe),
    "odoo": (export.ODOO_COLUMNS, export.export_odoo),
}
FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file.", "content": {"text/csv": {"schema": {"type": "string"}}}}
}


class TargetList(BaseModel):
    """The targets of the site, with what waits and what they refused."""

    targets: list[model_of(TargetState)]  # type: ignore[valid-type]


class PushOrder(BaseModel, extra="forbid"):
    """With ``retry`` what a webhook refused is sent again; payroll systems get it again each time."""

    retry: bool = False


class Dismissal(BaseModel, extra="forbid"):
    """The ``id`` of a refused record that need not be delivered."""

    id: str = Field(min_length=1, max_length=200)


@router.get("/targets", response_model=TargetList, responses=responses(404))
def list_targets(view: Whole) -> dict[str, Any]:
    """List where punches are sent, how many changes wait, and what was refused and why."""
    states = read_states(view.site)
    view.log("deliveries", {record.employee for state in states for record in state.refused if record.employee})
    return {"targets": [state.to_dict() for state in states]}


@router.post("/targets/{name}/push", response_model=model_of(Job), status_code=202, responses=responses(404))
def push_to_target(services: ServicesOf, view: Whole, name: TargetName, order: PushOrder) -> dict[str, Any]:
    """Queue a job that sends to a target what it does not have yet; one that waits already is the answer."""
    target = find_target(view.site, name).name
    wanted = {"target": target, "retry": order.retry}
    for job in services.jobs.list(kinds=[PUSH]):
        if job.state == "queued" and job.order == wanted:
            return job.to_dict()
    return services.jobs.create(PUSH, "", wanted, actor=view.name).to_dict()


@router.post("/targets/{name}/dismiss", status_code=204, responses=responses(404))
def dismiss_refused(view: Whole, name: TargetName, order: Dismissal) -> None:
    """Let a record that a target refused be: it need not be delivered."""
    dismiss(view.site, name, order.id)


@router.get("/exports/{kind}", response_class=Response, responses={**FILE, **responses(404)})
def export_punches(services: ServicesOf, view: Whole, kind: ExportKind, period: PeriodOf) -> Response:
    """Return the punches of a month, or of at most 31 days, as the file that a payroll system imports."""
    columns, make = EXPORTS[kind]
    with bounded(services):
        rows = make(view.site, period.first, period.last).rows
    view.log(f"export {kind} {period.name}", (), is_all=True)
    lines = [columns, *([format_text(str(row[column])) for column in columns] for row in rows)]
    text = "".join(map(format_row, lines))
    name = f"{kind}-{period.name.replace(' ', '-')}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text.encode("utf-8"), media_type=MEDIA_TYPES["csv"], headers=headers)
