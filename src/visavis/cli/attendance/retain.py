"""attendance retain: remove what is older than the site keeps."""

from __future__ import annotations

from visavis.cli._options import Json
from visavis.cli._output import Output, note
from visavis.cli.attendance._options import SITE, SiteFolder, actor_name


def retain(*, site: SiteFolder = SITE, json: Json = False) -> None:
    """Remove what is older than site.toml allows.

    Its table [retention] has the days for punches, the log of who looked, and pictures and strangers of the gallery.
    """
    from visavis.attendance.rights import apply_retention
    from visavis.attendance.site import Site

    columns = "records erased", "log entries removed", "pictures removed", "strangers forgotten"
    with Site(site) as opened, Output(*columns, json=json) as output:
        removed = apply_retention(opened, actor=actor_name())
        counts = {name: getattr(removed, name) for name in ("records", "accesses", "pictures", "strangers")}
        output.answer(counts, ["-" if count is None else str(count) for count in counts.values()])
        if not opened.settings.gallery:
            note("the site has no gallery: no pictures and no strangers are stored.")
