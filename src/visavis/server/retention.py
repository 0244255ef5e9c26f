"""What is old is removed: events, ended jobs, the log, strangers, what an attendance site keeps no longer.

Events and faces put aside forget who is removed.
"""

from __future__ import annotations

import logging
import threading
from contextlib import closing
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from visavis.errors import VisavisError
from visavis.gallery.face_groups import list_face_ids
from visavis.gallery.gallery import Gallery
from visavis.server.config import ServerConfig
from visavis.server.state.database import StateDatabase
from visavis.server.state.events import Events
from visavis.server.state.expiry import Expiry
from visavis.server.state.set_aside import FacesSetAside
from visavis.videos.strangers import forget_old_strangers

if TYPE_CHECKING:
    from visavis.attendance.rights import Removed

CHECK_SECONDS = 600.0
"""Time between two runs."""
SITE_SECONDS = 86_400.0
"""Time between two removals from the attendance site, each of which is a record of its ledger."""
ACTOR = "retention"
"""Who forgets strangers, in the audit log of a gallery, and punches, in the ledger of a site."""

log = logging.getLogger("visavis.server")


def tidy_events(config: ServerConfig, stopping: threading.Event) -> None:
    """Remove what is old, and names, now and then, until ``stopping`` is set."""
    site_due = 0.0
    while not stopping.is_set():
        for tidy in (_tidy_database, forget_strangers):
            try:
                tidy(config)
            except VisavisError as error:  # a database is away: the others are tidied
                log.warning("events and strangers are tidied later: %s", error)
        if config.attendance_site is not None and monotonic() >= site_due:
            try:
                tidy_site(config.attendance_site)
                site_due = monotonic() + SITE_SECONDS
            except VisavisError as error:
                log.warning("what the attendance site keeps no longer is removed later: %s", error)
        stopping.wait(CHECK_SECONDS)


def _tidy_database(config: ServerConfig) -> None:
    with closing(StateDatabase(config.state_url)) as database:
        Expiry(database, config.kept_days).remove()
        forget_removed_people(Events(database), config)
        forget_removed_faces(FacesSetAside(database), config)


def tidy_site(folder: Path) -> Removed:
    """Remove what an attendance site keeps no longer, and log how much; return it."""
    from visavis.attendance.rights import apply_retention
    from visavis.attendance.site import Site

    with Site(folder) as site:
        removed = apply_retention(site, actor=ACTOR)
    counts = {name: count for name, count in removed.to_dict().items() if count}
    if counts:
        log.info("attendance site: %s removed", ", ".join(f"{count} {name}" for name, count in counts.items()))
    return removed


def forget_strangers(config: ServerConfig) -> int:
    """Forget strangers whose days have passed, also while no camera runs; return their number."""
    days = config.video.strangers
    if days is None or config.cameras is None:
        return 0
    with Gallery(config.galleries[config.video.gallery], create=False, actor=ACTOR) as gallery:
        return len(forget_old_strangers(gallery, days=days))


def forget_removed_people(events: Events, config: ServerConfig) -> int:
    """Take the names of people who are not in their gallery any more out of events; return the number of events."""
    changed = 0
    for name, url in config.galleries.items():
        named = events.people(name)  # before the gallery is read: who is enrolled meanwhile is in it
        if named:
            with Gallery(url, create=False) as gallery:
                named -= {person.id for person in gallery.people()}
        changed += events.forget_people(name, named) if named else 0
    return changed


def forget_removed_faces(set_aside: FacesSetAside, config: ServerConfig) -> int:
    """Forget the faces that were put aside and are not in their gallery any more; return their number."""
    forgotten = 0
    for name, url in config.galleries.items():
        faces = set_aside.read(name)
        if faces:
            with Gallery(url, create=False) as gallery:
                forgotten += set_aside.remove(name, faces - list_face_ids(gallery.opened))
    return forgotten
