"""Galleries of older schemas, statement by statement as the versions of their day made them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from .faces import DIMENSION, MODEL, person

DDL = {
    1: """
CREATE TABLE meta (format TEXT NOT NULL, schema INTEGER NOT NULL, model TEXT NOT NULL, dimension INTEGER,
    change INTEGER NOT NULL, PRIMARY KEY (format));
CREATE TABLE people (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, note TEXT NOT NULL,
    consent TEXT, created TEXT NOT NULL);
CREATE INDEX ix_people_name ON people (name);
CREATE TABLE removals (template_id INTEGER NOT NULL, change INTEGER NOT NULL, PRIMARY KEY (template_id));
CREATE INDEX ix_removals_change ON removals (change);
CREATE TABLE audit (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, action TEXT NOT NULL,
    person_id INTEGER, detail TEXT NOT NULL);
CREATE TABLE templates (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, person_id INTEGER NOT NULL,
    change INTEGER NOT NULL, model TEXT NOT NULL, photo_sha256 TEXT, photo TEXT NOT NULL, box JSON, quality FLOAT,
    created TEXT NOT NULL, vector BLOB NOT NULL, FOREIGN KEY(person_id) REFERENCES people (id));
CREATE INDEX ix_templates_person_id ON templates (person_id);
CREATE INDEX ix_templates_change ON templates (change);
CREATE INDEX ix_templates_photo_sha256 ON templates (photo_sha256);
"""
}
DDL[2] = DDL[1].replace(
    "change INTEGER NOT NULL, PRIMARY KEY (format)", "change INTEGER NOT NULL, calibration TEXT, PRIMARY KEY (format)"
)

NOW = "2026-11-22T08:00:00.000+00:00"


def write(path: Path, schema: int, *, people: int) -> None:
    """Write a gallery of so many people, and of one more who was removed."""
    raw = sqlite3.connect(path)
    raw.executescript(DDL[schema])
    columns = "format, schema, model, dimension, change"
    raw.execute(
        f"INSERT INTO meta ({columns}) VALUES ('visavis gallery', ?, ?, ?, ?)", (schema, MODEL, DIMENSION, people + 2)
    )
    for i in range(people + 1):
        name, templates = person(i)
        raw.execute("INSERT INTO people (name, note, consent, created) VALUES (?, ?, 'yes', ?)", (name, f"n{i}", NOW))
        for one in templates:
            raw.execute(
                "INSERT INTO templates (person_id, change, model, photo_sha256, photo, box, quality, created, vector) "
                "VALUES (?, ?, ?, ?, ?, '[1.0, 2.0, 31.0, 42.0]', 0.5, ?, ?)",
                (i + 1, i + 1, MODEL, one.photo_sha256, one.photo, NOW, one.embedding.astype("<f4").tobytes()),
            )
    raw.execute("DELETE FROM templates WHERE person_id = ?", (people + 1,))
    raw.execute("DELETE FROM people WHERE id = ?", (people + 1,))
    for template in range(3 * people + 1, 3 * people + 4):
        raw.execute("INSERT INTO removals VALUES (?, ?)", (template, people + 2))
    raw.execute("INSERT INTO audit (at, action, person_id, detail) VALUES (?, 'remove', ?, '')", (NOW, people + 1))
    raw.commit()
    raw.close()


def layout(path: Path) -> dict[str, object]:
    """Columns and indexes of every table, in an order of their own."""
    raw = sqlite3.connect(path)
    query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name != 'sqlite_sequence'"  # of AUTOINCREMENT
    tables = [row[0] for row in raw.execute(query)]
    found: dict[str, object] = {}
    for table in tables:
        columns = raw.execute(f"SELECT name, type, \"notnull\", pk FROM pragma_table_info('{table}')").fetchall()
        keys = raw.execute(f'SELECT "table", "from", "to" FROM pragma_foreign_key_list(\'{table}\')').fetchall()
        indexes = [
            (unique, [row[2] for row in raw.execute(f"PRAGMA index_info({name})")])
            for _, name, unique, *_ in raw.execute(f"PRAGMA index_list({table})")
        ]
        found[table] = sorted(columns), sorted(keys), sorted(indexes)
    raw.close()
    return found
