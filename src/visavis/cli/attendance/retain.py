"""attendance retain: remove what is older than the site keeps."""

from __future__ import annotations

from visavis.cli._options import Json
from visavis.cli._output import Output
from visavis.cli.attendance._options import SITE, SiteFolder, actor_name


def retain(*, site: SiteFolder = SITE, json: Json = False) -> None:
    """Remove what is older than site.toml allows.

    Its table [retention] has the days for punches and for the log of who looked.
    """
    from visavis.attendance.rights import apply_retention
    from visavis.attendance.site import Site

    with Site(site) as opened, Output("records erased", "log entries removed", json=json) as output:
        removed = apply_retention(opened, actor=actor_name())
        output.answer(
            {"records": removed.records, "accesses": removed.accesses}, [str(removed.records), str(removed.accesses)]
        )
