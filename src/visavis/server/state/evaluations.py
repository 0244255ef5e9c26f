"""Evaluations of models that were measured on this server, each with its report."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, insert, select, true

from visavis.errors import UnknownNameError
from visavis.server.state import tables
from visavis.server.state.database import StateDatabase
from visavis.server.types import Evaluation
from visavis.sql_database import now

EVALUATIONS = tables.EVALUATIONS
SHOWN = [column for column in EVALUATIONS.c if column.name != "page"]


class Evaluations:
    """The evaluations of a server's database."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def add(self, values: Mapping[str, Any], *, page: str) -> None:
        """Store an evaluation with its report; one of the same id is replaced: its job ran again.

        ``values`` are the fields of :class:`Evaluation` but the time.
        """
        texts = {key: None if values[key] is None else json.dumps(values[key]) for key in ("result", "scale")}
        with self._database.write() as conn:
            conn.execute(delete(EVALUATIONS).where(EVALUATIONS.c.id == values["id"]))
            conn.execute(insert(EVALUATIONS).values({**values, **texts, "page": page, "created": now()}))

    def list(self, *, galleries: Sequence[str] | None = None, limit: int = 100) -> list[Evaluation]:
        """Return the newest evaluations first; with ``galleries`` those of their people alone."""
        query = select(*SHOWN).where(_is_allowed(galleries))
        query = query.order_by(EVALUATIONS.c.created.desc(), EVALUATIONS.c.id).limit(limit)
        with self._database.read() as conn:
            return [_make_evaluation(row) for row in conn.execute(query)]

    def read(self, evaluation_id: str, *, galleries: Sequence[str] | None = None) -> Evaluation:
        """Return an evaluation; raises UnknownNameError, also for one of photos or people beyond ``galleries``."""
        with self._database.read() as conn:
            return _make_evaluation(_find(conn, SHOWN, evaluation_id, galleries))

    def read_page(self, evaluation_id: str, *, galleries: Sequence[str] | None = None) -> str:
        """Return the report of an evaluation in HTML; raises UnknownNameError as :meth:`read`."""
        with self._database.read() as conn:
            page: str = _find(conn, [EVALUATIONS.c.page], evaluation_id, galleries).page
            return page

    def remove(self, evaluation_id: str, *, galleries: Sequence[str] | None = None, actor: str) -> None:
        """Delete an evaluation and its report; raises UnknownNameError as :meth:`read`."""
        with self._database.write() as conn:
            _find(conn, [EVALUATIONS.c.id], evaluation_id, galleries)
            conn.execute(delete(EVALUATIONS).where(EVALUATIONS.c.id == evaluation_id))
            self._database.log(conn, actor, "remove evaluation", evaluation_id)


def _is_allowed(galleries: Sequence[str] | None) -> ColumnElement[bool]:
    return true() if galleries is None else EVALUATIONS.c.gallery.in_(galleries)


def _find(conn: Connection, columns: Sequence[Any], evaluation_id: str, galleries: Sequence[str] | None) -> Row[Any]:
    query = select(*columns).where(EVALUATIONS.c.id == evaluation_id, _is_allowed(galleries))
    row = conn.execute(query).one_or_none()
    if row is None:
        raise UnknownNameError(f"there is no evaluation {evaluation_id!r} on this server.")
    return row


def _make_evaluation(row: Row[Any]) -> Evaluation:
    values = dict(row._mapping)
    scale = values.pop("scale")
    result = json.loads(values.pop("result"))
    return Evaluation(**values, result=result, scale=None if scale is None else json.loads(scale))
