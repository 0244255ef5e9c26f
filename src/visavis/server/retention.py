"""Events are removed when they are old, and no longer name people who were removed from their gallery."""

from __future__ import annotations

import logging
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta

from visavis.errors import VisavisError
from visavis.gallery.gallery import Gallery
from visavis.server.config import ServerConfig
from visavis.server.state.database import StateDatabase
from visavis.server.state.events import Events

CHECK_SECONDS = 600.0
"""Time between two looks at the events."""

log = logging.getLogger("visavis.server")


def tidy_events(config: ServerConfig, stopping: threading.Event) -> None:
    """Remove old events and names now and then, until ``stopping`` is set."""
    while not stopping.is_set():
        try:
            with closing(StateDatabase(config.state_url)) as database:
                remove_old_events(Events(database), config.video.event_days)
                forget_removed_people(Events(database), config)
        except VisavisError as error:  # a database is away
            log.warning("events are tidied later: %s", error)
        stopping.wait(CHECK_SECONDS)


def remove_old_events(events: Events, days: int) -> int:
    """Remove the events that are older than some days; return their number. With 0 days all are kept."""
    if not days:
        return 0
    return events.remove_before((datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="microseconds"))


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
