"""attendance targets: list where punches are sent, and what waits."""

from __future__ import annotations

from visavis.cli._options import Json
from visavis.cli._output import Output, iso_time
from visavis.cli.attendance._options import SITE, SiteFolder

COLUMNS = ("target", "kind", "waiting", "refused", "synced", "url")


def targets(*, site: SiteFolder = SITE, json: Json = False) -> None:
    """List where punches are sent. Shows how many changes wait, and how many records were refused."""
    from visavis.attendance.integrations.push import read_states
    from visavis.attendance.site import Site

    with Site(site) as opened, Output(*COLUMNS, json=json) as output:
        for state in read_states(opened):
            numbers = [str(state.waiting), str(len(state.refused))]
            output.answer(
                state.to_dict(), [state.target, state.kind, *numbers, iso_time(state.synced) or "-", state.url]
            )
