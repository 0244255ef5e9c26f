"""Tables of deliveries and terminals in a site's database. Times are text in ISO 8601, in UTC."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, Table, Text

METADATA = MetaData()

CURSORS = Table(
    "attendance_targets",
    METADATA,
    Column("target", Text, primary_key=True),
    Column("cursor", BigInteger, nullable=False),  # number of the last change that was dealt with
    Column("failing_since", Text),  # since when the next change gets an answer that is a failure
    Column("synced", Text),  # the last_sync_of_checkin of Frappe HR
)

SENT = Table(
    "attendance_sent",
    METADATA,
    Column("target", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("employee", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("content", Text, nullable=False),  # JSON: what the target has, or is about to get
    Column("is_open", Boolean, nullable=False),  # a check-in whose check-out may still come
    Column("remote", Text),  # id at the target; NULL: it was asked to create the record, and no answer came yet
    Index("attendance_sent_employee", "target", "employee", "at"),
)

REFUSED = Table(
    "attendance_refused",
    METADATA,
    Column("target", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("employee", Text, nullable=False),
    Column("at", Text),
    Column("change", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("since", Text, nullable=False),
    Column("dismissed", Boolean, nullable=False),
)

TERMINALS = Table(
    "attendance_terminals",
    METADATA,
    Column("serial", Text, primary_key=True),
    Column("contact", Text, nullable=False),  # last request of any kind
    Column("upload", Text),  # last upload of punches
    Column("stamp", Text),  # what the terminal called that upload: it sends what came later
    Column("clock_seconds", Integer),  # how far its clock was ahead at the last upload that showed it
    Column("clock_noted", Text),
)

HELD = Table(
    "attendance_held_lines",
    METADATA,
    Column("serial", Text, primary_key=True),
    Column("line", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("received", Text, nullable=False),
)
"""Lines of terminals of which no punch could be made."""
