"""Tables of a site's database. Times are microseconds since 1970 in UTC, or text in ISO 8601; days are ISO 8601."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)

VERSION = 1
"""Version of the tables; a database of another version is refused."""

METADATA = MetaData()

META = Table(
    "attendance_meta",
    METADATA,
    Column("version", Integer, nullable=False),
    Column("key_mark", Text),  # tells the key of the ledger from others; NULL until the first ledger opened it
)

CHANGES = text("kind != 'punch'")
"""Records that replace what is recorded of a punch, and those of anything else: few beside the punches."""

RECORDS = Table(
    "attendance_records",
    METADATA,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),  # see visavis.attendance.ledger.records.KINDS
    Column("punch_id", Text),
    Column("employee", Text),  # employee number
    Column("at", BigInteger),  # microseconds
    Column("utc_offset", Integer),  # seconds
    Column("zone", Text),
    Column("direction", Text),
    Column("device", Text),
    Column("method", Text),
    Column("distance", Double),
    Column("probability", Double),
    Column("liveness", Double),
    Column("recorded", BigInteger),  # microseconds, by the clock of the database
    Column("actor", Text),
    Column("reason", Text),
    Column("detail", Text),  # JSON
    Column("salt", LargeBinary),  # NULL: the content was erased
    Column("digest", LargeBinary),  # of the content, where that was erased
    Column("mac", LargeBinary, nullable=False),
    Index("attendance_records_at", "at"),
    Index("attendance_records_employee", "employee", "at"),
    Index("attendance_records_punch", "punch_id", "number"),
)
"""The ledger. All columns from ``punch_id`` to ``detail`` are content: they are NULL in an erased record."""

PARTIAL_INDEXES = {
    name: f"CREATE INDEX IF NOT EXISTS {name} ON attendance_records ({columns}) WHERE {CHANGES.text}"
    for name, columns in (
        ("attendance_records_kind", "kind, number"),
        ("attendance_records_changes", "punch_id, number"),
    )
}
"""Statements by index. An Index of a part of the rows loads the dialect of PostgreSQL, in each worker of a server."""

EMPLOYEES = Table(
    "attendance_employees",
    METADATA,
    Column("number", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("department", Text, nullable=False),
    Column("person_id", BigInteger),
    Column("joined", Text),
    Column("left", Text),
    Column("manages", Text, nullable=False),  # departments, as a JSON list
)

LEAVES = Table(
    "attendance_leaves",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("employee", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("first", Text, nullable=False),
    Column("last", Text, nullable=False),
    Column("part", Text, nullable=False),
    Index("attendance_leaves_days", "first", "last"),
)

OUTAGES = Table(
    "attendance_outages",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("device", Text, nullable=False),
    Column("start", BigInteger, nullable=False),
    Column("end", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
)

REQUESTS = Table(
    "attendance_requests",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("employee", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("content", Text, nullable=False),  # JSON
    Column("reason", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("created", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("decided", Text),
    Column("decided_by", Text, nullable=False),
    Column("decision", Text, nullable=False),  # why
    Index("attendance_requests_employee", "employee"),
)

CLOSINGS = Table(
    "attendance_closings",
    METADATA,
    Column("month", Text, primary_key=True),  # YYYY-MM
    Column("state", Text, nullable=False),
    Column("last_record", BigInteger, nullable=False),  # newest of the ledger when the figures were computed
    Column("changed", Text, nullable=False),
    Column("changed_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
)

FIGURES = Table(
    "attendance_figures",
    METADATA,
    Column("id", Text, primary_key=True),  # month and employee
    Column("month", Text, nullable=False),
    Column("employee", Text, nullable=False),
    Column("figures", Text, nullable=False),  # JSON
    Column("carried", Text, nullable=False),  # differences of earlier months by month, JSON
    Index("attendance_figures_month", "month"),
    Index("attendance_figures_employee", "employee"),
)
"""What a closed month came to for each employee."""

CONSENTS = Table(
    "attendance_consents",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("employee", Text, nullable=False),
    Column("text_version", Text, nullable=False),
    Column("given", Text, nullable=False),  # day
    Column("recorded_by", Text, nullable=False),
    Column("withdrawn", Text),  # time
    Column("withdrawn_by", Text, nullable=False),
    Index("attendance_consents_employee", "employee"),
)

ACCESSES = Table(
    "attendance_accesses",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("at", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("employee", Text, nullable=False),  # empty: all employees
)
"""Who looked at what."""

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

CONTACTS = Table(
    "attendance_terminal_contacts",
    METADATA,
    Column("serial", Text, primary_key=True),
    Column("since", Text, nullable=False),  # since when there was no gap in the contact
    Column("complete", Text),  # end of the last contact before that which lasted; NULL: there was none
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

ERASED = Table(
    "attendance_erased",
    METADATA,
    Column("content", Text, primary_key=True),  # what was erased: "punches"
    Column("before", Text, nullable=False),  # time up to which retention has erased it
)

CREDENTIALS = Table(
    "attendance_credentials",
    METADATA,
    Column("employee", Text, primary_key=True),
    Column("pin", LargeBinary),  # salt and hash
    Column("badge", Text, unique=True),  # code of the badge number
)

KIOSK_REFUSALS = Table(
    "attendance_kiosk_refusals",
    METADATA,
    Column("attempt", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("kiosk", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("number_mark", Text),  # code of the employee number that was typed, for an hour
    Index("attendance_kiosk_refusals_at", "at"),
)
"""Attempts at kiosks that were refused."""

SETTLED_REFUSALS = Table(
    "attendance_settled_refusals",
    METADATA,
    Column("day", Text, primary_key=True),
    Column("device", Text, primary_key=True),
    Column("until", Text, nullable=False),  # time of the newest refusal that is settled
    Column("actor", Text, nullable=False),
    Column("at", Text, nullable=False),
)
"""Days of devices whose refused attempts a person has looked at: they were visitors."""

EXCUSES = Table(
    "attendance_excuses",
    METADATA,
    Column("id", Text, primary_key=True),  # day and employee
    Column("employee", Text, nullable=False),
    Column("day", Text, nullable=False),
    Column("minutes", Integer, nullable=False),  # late: what is later than that is not excused
    Column("reason", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Index("attendance_excuses_day", "day"),
    Index("attendance_excuses_employee", "employee"),
)
"""Late arrivals that are accepted, with the reason."""

TRACKED = (EMPLOYEES, LEAVES, OUTAGES, REQUESTS, CLOSINGS, FIGURES, CONSENTS, ERASED, EXCUSES)
"""Tables whose every change is a record of the ledger too, which ``verify`` compares them with."""

INDEXES = {
    *PARTIAL_INDEXES,
    *(str(index.name) for table in METADATA.tables.values() for index in table.indexes),
}
"""Names of all indexes: a database that an earlier version made may lack some."""
