"""The list of who is in as a report, to be read aloud after an evacuation."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from visavis.attendance.presence import Devices, Present
from visavis.attendance.reports.types import ReportColumn, ReportTable
from visavis.attendance.rules.read import read_rules
from visavis.attendance.rules.schedule import Planner
from visavis.attendance.site import Site

PERHAPS = "perhaps: a punch may have been forgotten, or given twice"


def read_devices(site: Site, moment: datetime) -> Devices:
    """Return the entrances and exits of the rules at a time; none without rules. Raises as read_rules."""
    if not site.rules_path.exists():
        return {}
    rules = read_rules(site.rules_path, zone=site.zone)
    return Planner(rules).version(moment.astimezone(rules.zone).date()).devices


def presence_report(present: Iterable[Present], moment: datetime) -> ReportTable:
    """Return who is in at ``moment``, in the order of ``present``: by department and name."""
    columns = (
        ReportColumn("department", "Department"), ReportColumn("name", "Name"), ReportColumn("employee", "Number"),
        ReportColumn("state", "State"), ReportColumn("since", "Since"), ReportColumn("device", "Device"),
    )  # fmt: skip
    rows = [
        (each.department, each.name, each.employee, each.state, f"{each.since:%Y-%m-%d %H:%M}", each.device)
        for each in present
    ]
    return ReportTable(f"Who is in on {moment:%Y-%m-%d at %H:%M}", columns, tuple(rows), (PERHAPS,))
