"""Calls of Odoo's models: by JSON-2, or by XML-RPC for versions that do not have it.

An answer in XML comes from another machine: it is UTF-8 without a document type, so no entity can be expanded, and
:mod:`visavis.attendance.integrations.connection` bounds its size.
"""

from __future__ import annotations

import xmlrpc.client
from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from xml.parsers.expat import ExpatError

from visavis.attendance.integrations.connection import TargetAnswer, TargetConnection, excerpt
from visavis.attendance.integrations.errors import DelayedError, RefusedRecordError, RejectedError
from visavis.attendance.integrations.targets import Target

ACCESS_FAULTS = frozenset({3, 4})
USER_FAULT = 2
ARGUMENTS: Mapping[str, Sequence[str]] = {
    "create": ("vals_list",), "write": ("ids", "vals"), "unlink": ("ids",), "search_read": ("domain",),
}  # fmt: skip
"""Arguments of the methods that XML-RPC gives by place: their names differ between versions."""


class OdooClient(Protocol):
    """Calls methods of models."""

    def call(self, model: str, method: str, **arguments: Any) -> Any:
        """Return what a method returns; raises RefusedRecordError where it refuses the values."""


class JsonClient:
    """JSON-2: since Odoo 19."""

    def __init__(self, connection: TargetConnection, target: Target) -> None:
        self._connection = connection
        self._headers = {"X-Odoo-Database": target.database} if target.database else {}

    def call(self, model: str, method: str, **arguments: Any) -> Any:
        """See :class:`OdooClient`."""
        answer = self._connection.send("POST", f"/json/2/{model}/{method}", json=arguments, headers=self._headers)
        content = answer.json()
        if answer.status < 400:
            return content
        name, message = (content.get("name"), content.get("message")) if isinstance(content, dict) else (None, None)
        if not isinstance(name, str) or name.startswith("werkzeug."):
            raise RejectedError(f"JSON-2 does not work there ({answer.status}: {excerpt(message)}).")
        raise RefusedRecordError(excerpt(message), is_repeated=answer.is_repeated)


class XmlClient:
    """XML-RPC: until Odoo 21. ``key`` is an API key, or a password."""

    def __init__(self, connection: TargetConnection, target: Target, key: str) -> None:
        self._connection, self._target, self._key = connection, target, key
        self._user = 0

    def call(self, model: str, method: str, **arguments: Any) -> Any:
        """See :class:`OdooClient`."""
        if not self._user:
            self._user = self._log_in()
        positional = [arguments.pop(name) for name in ARGUMENTS[method]]
        call = (self._target.database, self._user, self._key, model, method, positional, arguments)
        return self._send("object", "execute_kw", call)

    def _log_in(self) -> int:
        user = self._send("common", "authenticate", (self._target.database, self._target.user, self._key, {}))
        if not isinstance(user, int) or not user:
            raise RejectedError("it refuses the user or the key.")
        return user

    def _send(self, service: str, method: str, values: tuple[Any, ...]) -> Any:
        body = xmlrpc.client.dumps(values, method).encode()
        headers = {"Content-Type": "text/xml"}
        answer = self._connection.send("POST", f"/xmlrpc/2/{service}", data=body, headers=headers)
        try:
            return read_xml(answer)
        except xmlrpc.client.Fault as fault:
            text = excerpt(str(fault.faultString).strip().rpartition("\n")[2])
            if fault.faultCode in ACCESS_FAULTS:
                raise RejectedError(f"it refuses the key: {text}") from fault
            if fault.faultCode == USER_FAULT:
                raise RefusedRecordError(excerpt(fault.faultString), is_repeated=answer.is_repeated) from fault
            raise DelayedError(f"it failed: {text}", answered=True) from fault


def read_xml(answer: TargetAnswer) -> Any:
    """Return the value of an answer of XML-RPC.

    Raises xmlrpc.client.Fault, and RejectedError for anything else, such as a document type.
    """
    try:
        text = answer.body.decode("utf-8")
        if answer.status != 200 or "<!" in text:
            raise RejectedError(f"the answer {answer.status} is not one of XML-RPC: is this the address of Odoo?")
        (value,), _ = xmlrpc.client.loads(text)
    except xmlrpc.client.Fault:
        raise
    except (ExpatError, xmlrpc.client.Error, ValueError, TypeError, LookupError, RecursionError) as error:
        raise RejectedError("the answer is not one of XML-RPC: is this the address of Odoo?") from error
    return value


def make_client(connection: TargetConnection, target: Target, secret: str) -> OdooClient:
    """Return the client of a target."""
    if target.protocol == "xmlrpc":
        return XmlClient(connection, target, secret)
    return JsonClient(connection, target)
