"""attendance who-is-in: list who is in now."""

from __future__ import annotations

from typing import Annotated

import typer

from visavis.cli._options import Json
from visavis.cli._output import Output
from visavis.cli.attendance._options import SITE, SiteFolder, actor_name

COLUMNS = ("department", "name", "employee", "state", "since", "device")


def who_is_in(
    *,
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="At another time than now.", show_default="now")
    ] = None,
    site: SiteFolder = SITE,
    json: Json = False,
) -> None:
    """List who is in, by department.

    "perhaps" stands where a punch may have been forgotten.
    """
    from datetime import UTC, datetime

    from visavis.attendance.local_time import read_time
    from visavis.attendance.presence import LOOK_BACK, find_present
    from visavis.attendance.site import Site

    with Site(site) as opened:
        moment = datetime.now(UTC) if at is None else read_time(at, opened.zone)
        present = find_present(opened.employees(), opened.ledger.punches(moment - LOOK_BACK, None), moment)
        with Output(*COLUMNS, json=json) as output:
            for each in present:
                cells = [each.department, each.name, each.employee, each.state, f"{each.since:%Y-%m-%d %H:%M}"]
                output.answer(each.to_dict(), [*cells, each.device])
            if not present:
                output.line("no employee is in.")
        # After the list, which may be needed while the database cannot be written.
        opened.record_access("who is in", actor=actor_name())
