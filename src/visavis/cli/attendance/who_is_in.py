"""attendance who-is-in: list who is in now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli._options import Json
from visavis.cli._output import Output, note
from visavis.cli.attendance._options import SITE, SiteFolder, actor_name

if TYPE_CHECKING:
    from datetime import datetime

    from visavis.attendance.presence import Devices
    from visavis.attendance.site import Site

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

    "perhaps" stands where a punch may have been forgotten. Entrances and exits are those of the rules.
    """
    from datetime import UTC, datetime

    from visavis.attendance.local_time import read_time
    from visavis.attendance.presence import LOOK_BACK, find_present
    from visavis.attendance.site import Site

    with Site(site) as opened:
        moment = datetime.now(UTC) if at is None else read_time(at, opened.zone)
        devices = _read_devices(opened, moment)
        present = find_present(opened.employees(), opened.ledger.punches(moment - LOOK_BACK, None), moment, devices)
        with Output(*COLUMNS, json=json) as output:
            for each in present:
                cells = [each.department, each.name, each.employee, each.state, f"{each.since:%Y-%m-%d %H:%M}"]
                output.answer(each.to_dict(), [*cells, each.device])
            if not present:
                output.line("no employee is in.")
        # After the list, which may be needed while the database cannot be written.
        opened.record_access("who is in", actor=actor_name())


def _read_devices(site: Site, moment: datetime) -> Devices:
    """Return the entrances and exits of the rules; none, and a note, where they cannot be read: the list must come."""
    from visavis.attendance.reports.presence import read_devices
    from visavis.errors import VisavisError

    try:
        return read_devices(site, moment)
    except VisavisError as error:
        note(f"entrances and exits are not known: {error}")
        return {}
