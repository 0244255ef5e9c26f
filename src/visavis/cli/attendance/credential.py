"""attendance credential: give an employee a PIN or a badge for kiosks."""

from __future__ import annotations

from typing import Annotated

import typer

from visavis.cli._options import Json
from visavis.cli._output import Output, note
from visavis.cli.attendance._options import SITE, EmployeeNumber, SiteFolder, actor_name

COLUMNS = ("employee", "pin", "badge")


def credential(
    employee: EmployeeNumber,
    *,
    new_pin: Annotated[bool, typer.Option("--new-pin", help="Draw a new PIN, which is shown this once.")] = False,
    badge: Annotated[
        str | None, typer.Option("--badge", metavar="TEXT", help="What the reader of a badge types.")
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take PIN and badge away.")] = False,
    site: SiteFolder = SITE,
    json: Json = False,
) -> None:
    """Give an employee a PIN or badge for kiosks."""
    from visavis.attendance.kiosk.credentials import draw_pin, list_credentials, set_badge, set_pin
    from visavis.attendance.site import Site
    from visavis.errors import UsageError

    if remove and (new_pin or badge is not None):
        raise UsageError("--remove excludes --new-pin and --badge.")
    with Site(site) as opened, Output(*COLUMNS, json=json) as output:
        opened.employee(employee)
        pin = draw_pin() if new_pin else None
        if new_pin or remove:
            set_pin(opened, employee, pin, actor=actor_name())
        if badge is not None or remove:
            set_badge(opened, employee, badge, actor=actor_name())
        with opened.database.read() as conn:
            there = list_credentials(conn, employee)
        states = {name: "set" if name in there else "-" for name in ("pin", "badge")}
        states |= {} if pin is None else {"pin": pin}
        output.answer({"employee": employee, **states}, [employee, *states.values()])
    if pin is not None and not json:
        note("give the employee the PIN now: it cannot be shown again.")
