"""Write the sample site into a folder."""

from __future__ import annotations

from pathlib import Path

from visavis import atomic
from visavis.attendance.absences import add_leave, add_outage
from visavis.attendance.demo.people import RULES, ZONE, make_employees, make_leaves
from visavis.attendance.demo.punches import make_outages, make_punches
from visavis.attendance.rules.read import parse_rules
from visavis.attendance.settings import FILE, SiteSettings
from visavis.attendance.site import Site
from visavis.errors import AttendanceError

ACTOR = "demo"
PROPOSED_FILE = "proposed.toml"
"""Other rules, for ``attendance replay``."""
PROPOSED_RULES = RULES.replace("grace_late = 5", "grace_late = 2")


def create_demo(folder: Path) -> Site:
    """Make the sample site in a folder, and return it open; AttendanceError where a site or rules are already."""
    settings = SiteSettings("Sample site", ZONE)
    for name in (settings.rules, PROPOSED_FILE):
        if not (folder / FILE).exists() and (folder / name).exists():
            raise AttendanceError(f"there is {folder / name} already: name a new folder.")
    site = Site.create(folder, settings)
    try:
        atomic.write_text(site.rules_path, RULES)
        atomic.write_text(folder / PROPOSED_FILE, PROPOSED_RULES)
        site.put_employees(make_employees(), actor=ACTOR)
        with site.ledger.write(actor=ACTOR) as writer:
            for leave in make_leaves():
                add_leave(writer, leave)
            for outage in make_outages():
                add_outage(writer, outage)
        site.ledger.add(make_punches(parse_rules(RULES)), actor=ACTOR, reason="sample")
    except BaseException:
        site.close()
        raise
    return site
