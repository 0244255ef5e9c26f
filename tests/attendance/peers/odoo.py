"""A stand-in for Odoo over HTTP: JSON-2 of version 19, and the XML-RPC of the versions before.

Written from the documented interfaces, and strict: it refuses what Odoo refuses, in the form of each interface.
"""

from __future__ import annotations

import json
import xmlrpc.client
from collections.abc import Callable
from typing import Any

from attendance.peers.http_peer import Answer, Peer, Request
from attendance.peers.odoo_records import MODELS, OdooError, Records, Values

STATUSES = {
    "odoo.exceptions.ValidationError": 422,
    "odoo.exceptions.MissingError": 404,
    "odoo.exceptions.AccessError": 403,
    "werkzeug.exceptions.Unauthorized": 401,
    "werkzeug.exceptions.NotFound": 404,
    "werkzeug.exceptions.UnprocessableEntity": 422,
    "werkzeug.exceptions.UnsupportedMediaType": 415,
    "werkzeug.exceptions.BadRequest": 400,
}
FAULTS = {
    "odoo.exceptions.ValidationError": 2,
    "odoo.exceptions.MissingError": 2,
    "odoo.exceptions.AccessDenied": 3,
    "odoo.exceptions.AccessError": 4,
}
POSITIONS = {
    "create": ("vals_list",),
    "write": ("ids", "vals"),
    "unlink": ("ids",),
    "read": ("ids", "fields"),
    "search": ("domain", "offset", "limit", "order"),
    "search_read": ("domain", "fields", "offset", "limit", "order"),
    "search_count": ("domain",),
}
"""Names of what XML-RPC passes by position."""
UID = 2


class Odoo(Peer):
    """A server of a database; ``hosts_several`` makes the header X-Odoo-Database a must."""

    def __init__(
        self,
        *,
        database: str = "acme",
        key: str = "a1b2c3",
        login: str = "bot@example.com",
        hosts_several: bool = True,
        has_json2: bool = True,
    ) -> None:
        self.database, self.key, self.login = database, key, login
        self.hosts_several, self.has_json2 = hosts_several, has_json2
        self.records = Records()
        super().__init__()

    def add_employee(self, name: str, **fields: object) -> int:
        return self.records.create("hr.employee", {"name": name, **fields})[0]

    @property
    def attendances(self) -> list[Values]:
        """Stored attendance, by check-in."""
        rows = self.records.rows["hr.attendance"].values()
        return sorted(rows, key=lambda row: (str(row["check_in"]), row["employee_id"]))

    def answer(self, request: Request) -> Answer:
        if request.method == "POST" and request.path.startswith("/json/2/") and self.has_json2:
            return self._answer_json2(request)
        services = {"/xmlrpc/2/common": self._common, "/xmlrpc/2/object": self._object}
        if request.method == "POST" and request.path in services:
            return _answer_xmlrpc(request, services[request.path])
        return Answer(404, b"<!doctype html><h1>Not Found</h1>", {"Content-Type": "text/html; charset=utf-8"})

    def _answer_json2(self, request: Request) -> Answer:
        context: object = {}
        try:
            self._check_headers(request)
            model, _, method = request.path.removeprefix("/json/2/").partition("/")
            try:
                sent = json.loads(request.body)
            except ValueError as error:
                raise OdooError(
                    "werkzeug.exceptions.BadRequest", f"could not parse the body as json: {error}"
                ) from None
            if not isinstance(sent, dict):
                raise OdooError("werkzeug.exceptions.BadRequest", "the body is not a json object")
            context = sent.pop("context", {})
            return _json(200, self.records.call(model, method, sent.pop("ids", None), sent))
        except OdooError as error:
            shown = {"name": error.name, "message": error.message, "arguments": [error.message], "context": context}
            return _json(STATUSES.get(error.name, 500), shown | {"debug": f"Traceback ...\n{error.name}"})

    def _check_headers(self, request: Request) -> None:
        database = request.headers.get("x-odoo-database")
        if (database is None and self.hosts_several) or database not in {None, self.database}:
            raise OdooError("werkzeug.exceptions.NotFound", f"no database {database}")
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or key.strip() != self.key:
            raise OdooError("werkzeug.exceptions.Unauthorized", "Invalid apikey")
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            raise OdooError("werkzeug.exceptions.UnsupportedMediaType", "Content-Type must be application/json")

    def _common(self, method: str, arguments: tuple[Any, ...]) -> object:
        if method == "version":
            return {"server_version": "18.0", "server_version_info": [18, 0, 0, "final", 0, ""], "protocol_version": 1}
        if method in {"authenticate", "login"}:
            database, login, key = arguments[:3]
            if database != self.database:
                raise OdooError("psycopg2.OperationalError", f'FATAL:  database "{database}" does not exist')
            return UID if (login, key) == (self.login, self.key) else False
        raise OdooError("builtins.NameError", f"Method not available {method}")

    def _object(self, method: str, arguments: tuple[Any, ...]) -> object:
        if method != "execute_kw":
            raise OdooError("builtins.NameError", f"Method not available {method}")
        database, uid, key, model, called, positional, *rest = arguments
        if (database, uid, key) != (self.database, UID, self.key):
            raise OdooError("odoo.exceptions.AccessDenied", "Access Denied")
        if model not in MODELS:
            raise OdooError("builtins.KeyError", f"Object {model} doesn't exist")
        named = dict(zip(POSITIONS.get(called, ()), positional, strict=False)) | (rest[0] if rest else {})
        ids = named.pop("ids", None)
        result = self.records.call(model, called, [ids] if isinstance(ids, int) else ids, named)
        if called == "create" and isinstance(positional[0], dict) and isinstance(result, list):
            return result[0]
        return result


def _json(status: int, content: object) -> Answer:
    return Answer(status, json.dumps(content).encode(), {"Content-Type": "application/json; charset=utf-8"})


def _answer_xmlrpc(request: Request, service: Callable[[str, tuple[Any, ...]], object]) -> Answer:
    """Answer with status 200, also for a fault."""
    try:
        arguments, method = xmlrpc.client.loads(request.body)
        body = xmlrpc.client.dumps((service(str(method), arguments),), methodresponse=True)
    except OdooError as error:
        shown = (
            error.message
            if error.name in FAULTS
            else f"Traceback (most recent call last):\n{error.name}: {error.message}\n"
        )
        body = xmlrpc.client.dumps(xmlrpc.client.Fault(FAULTS.get(error.name, 1), shown))
    return Answer(200, body.encode(), {"Content-Type": "text/xml"})
