"""Tables of the server's database. Times are text in ISO 8601, UTC."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Float, ForeignKey, Index, Integer, MetaData, Table, Text

VERSION = 3
"""Version of the tables; a database of another version is refused."""

METADATA = MetaData()

META = Table("server_meta", METADATA, Column("version", Integer, nullable=False))

KEYS = Table(
    "server_keys",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("role", Text, nullable=False),
    Column("secret_hash", Text, nullable=False),
    Column("galleries", Text),  # names as a JSON list; NULL: all galleries
    Column("created", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("revoked", Text),
)

KEY_EMPLOYEES = Table(
    "server_key_employees",
    METADATA,
    Column("key_id", Text, ForeignKey("server_keys.id"), primary_key=True),
    Column("employee", Text, nullable=False),  # employee number
    Column("first_record", BigInteger, nullable=False),
)
"""Keys that belong to an employee of the site of attendance.

``first_record`` is the number of the oldest record about the employee in the ledger: where the employee was erased, and
another one has the number now, that one has a later record.
"""

SETUP = Table("server_setup", METADATA, Column("code_hash", Text, nullable=False), Column("created", Text))
"""The one-time code that makes the first key of an administrator; no row once it was used."""

SESSIONS = Table(
    "server_sessions",
    METADATA,
    Column("token_hash", Text, primary_key=True),
    Column("key_id", Text, ForeignKey("server_keys.id"), nullable=False),
    Column("begun", Text, nullable=False),
    Column("used", Text, nullable=False),  # by the last request, to the minute
)

JOBS = Table(
    "server_jobs",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("gallery", Text, nullable=False),  # its name on this server
    Column("order", Text, nullable=False),  # what to do, as JSON
    Column("state", Text, nullable=False),  # see visavis.server.state.jobs.STATES
    Column("done", Integer, nullable=False),
    Column("total", Integer),
    Column("message", Text, nullable=False),
    Column("result", Text),  # as JSON
    Column("created", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("updated", Text, nullable=False),
    Column("lease", Text),  # token of the runner that has it
    Column("renewed", Text, nullable=False),  # when the runner last said that it is alive
    Column("starts", Integer, nullable=False),  # number of claims since "farthest" grew, without orderly stops
    Column("farthest", Integer, nullable=False),  # greatest "done" of all claims
)

EVENTS = Table(
    "server_events",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),
    Column("at", Text, nullable=False),
    Column("gallery", Text, nullable=False),  # its name on this server
    Column("camera", Text),
    Column("event", Text, nullable=False),
    Column("person_id", Integer),
    Column("content", Text, nullable=False),  # the whole event as JSON
    Index("server_events_at", "at"),
    sqlite_autoincrement=True,  # the numbers of removed events are not given again: readers go on after a number
)

CAMERAS = Table(
    "server_cameras",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("gallery", Text, nullable=False),  # its name on this server
    Column("wanted", Text, nullable=False),  # "running" or "stopped"
    Column("orders", Integer, nullable=False),  # number of the last start or stop
    Column("followed", Integer, nullable=False),  # number of the last order that was followed
    Column("holder", Text),  # the server that runs it; NULL: none
    Column("beat", Integer, nullable=False),  # changes as long as the holder lives
    Column("state", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("silent_since", Text),
    Column("frames_per_second", Float, nullable=False),
    Column("dropped", Integer, nullable=False),
    Column("reopened", Integer, nullable=False),
    Column("updated", Text, nullable=False),
    Column("latest", Integer),  # number of its latest event
)

PASSAGES = Table(
    "server_passages",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("camera", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("direction", Text, nullable=False),
    Column("person_id", BigInteger),  # NULL: unknown, or recorded
    Column("distance", Double),
    Column("probability", Double),
    Column("liveness", Double),
    Column("outcome", Text),  # see visavis.attendance.passages.types.PassageOutcome; NULL: not recorded yet
    Index("server_passages_camera", "camera", "at"),
)
"""Passages before cameras, until they are recorded in the site of attendance, and a while longer."""

DOORS = Table(
    "server_doors",
    METADATA,
    Column("camera", Text, primary_key=True),
    Column("last_frame", Text, nullable=False),  # when it was noted last that it sends frames
    Column("until", Text),  # up to when an outage is recorded at the site; NULL: there is none
)

SUBJECTS = Table(
    "server_subjects",
    METADATA,
    Column("gallery", Text, primary_key=True),
    Column("folded", Text, primary_key=True),  # the name without case and spaces
    Column("name", Text, nullable=False),
)
"""Subjects of CompreFace's clients that have no face yet: see :mod:`visavis.server.state.subjects`."""

SEARCH_RATES = Table(
    "server_search_rates",
    METADATA,
    Column("gallery", Text, primary_key=True),  # its name on this server
    Column("fpir", Float, nullable=False),
    Column("set_at", Text, nullable=False),
    Column("set_by", Text, nullable=False),
)
"""Rates of galleries that an administrator has set: see :mod:`visavis.server.state.search_rates`."""

SET_ASIDE = Table(
    "server_set_aside",
    METADATA,
    Column("gallery", Text, primary_key=True),
    Column("template_id", BigInteger, primary_key=True, autoincrement=False),
)
"""Unassigned faces of groups that are put aside: see :mod:`visavis.server.state.set_aside`."""

EVALUATIONS = Table(
    "server_evaluations",
    METADATA,
    Column("id", Text, primary_key=True),  # that of its job
    Column("kind", Text, nullable=False),
    Column("gallery", Text),  # its name on this server; NULL: photos of a folder
    Column("folder", Text),  # as requests name it; NULL: the people of the gallery
    Column("model", Text, nullable=False),
    Column("result", Text, nullable=False),  # as JSON
    Column("scale", Text),  # what the distance scale shows, as JSON
    Column("page", Text, nullable=False),  # the report in HTML
    Column("created", Text, nullable=False),
    Column("created_by", Text, nullable=False),
)

SPEEDS = Table(
    "server_speeds",
    METADATA,
    Column("model", Text, primary_key=True),
    Column("machine", Text, primary_key=True),  # its name
    Column("threads", Integer, primary_key=True),
    Column("ms_one", Float, nullable=False),
    Column("ms_of_many", Float, nullable=False),
    Column("measured", Text, nullable=False),
)

CLASSIFIERS = Table(
    "server_classifiers",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("gallery", Text, nullable=False),  # whose people it was trained on
)
"""Classifiers that name the people of a gallery: keys of other galleries may not ask them."""

LOG = Table(
    "server_log",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("at", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("detail", Text, nullable=False),
)
"""Who changed the server itself: keys, jobs, evaluations, cameras. Changes of people are in their gallery's log."""
