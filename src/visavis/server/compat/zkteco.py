"""ZKTeco's push protocol: terminals send the punches that they recorded, and ask for commands, of which there are none.

Off unless the configuration names a site of attendance whose ``site.toml`` has terminals. A terminal is let in by its
serial number and the address that it comes from: the protocol has neither keys nor encryption.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import Depends, Request
from fastapi.responses import PlainTextResponse

from visavis.attendance.integrations.zkteco.receive import receive
from visavis.attendance.integrations.zkteco.terminals import Terminal, note_contact, read_stamp, store_stamp
from visavis.attendance.site import Site
from visavis.server.auth import ServicesOf, count_failure, refuse_after_failures
from visavis.server.problems import NO_ADDRESS, ProblemError
from visavis.server.routes import Router

router = Router(prefix="/iclock", include_in_schema=False, default_response_class=PlainTextResponse)
PUNCHES = "ATTLOG"
POLL_SECONDS = 10
ERROR_SECONDS = 30
"""How long a terminal waits after a failure before it sends again."""
_STAMP = re.compile(r"\d{1,20}", re.ASCII)


def get_site(services: ServicesOf) -> Site:
    """Return the site; raises ProblemError where nothing is received."""
    if not services.terminals or services.attendance_site is None:
        raise ProblemError(404, "not_found", NO_ADDRESS)
    return services.attendance_site


SiteOf = Annotated[Site, Depends(get_site)]


def admit_terminal(request: Request, services: ServicesOf, _site: SiteOf) -> Terminal:
    """Return the terminal that asks; raises ProblemError, the same for a wrong serial number and a wrong address."""
    refuse_after_failures(request, services)
    terminal = services.terminals.get(request.query_params.get("SN", ""))
    address = "" if request.client is None else request.client.host
    if terminal is None or not terminal.may_come_from(address):
        count_failure(request, services)
        raise ProblemError(403, "forbidden", "this terminal, or its address, is not in site.toml.")
    return terminal


TerminalOf = Annotated[Terminal, Depends(admit_terminal)]


async def read_body(request: Request, _terminal: TerminalOf) -> bytes:
    """Return the body, once it is clear who sends it."""
    return await request.body()


@router.get("/cdata")
def greet(terminal: TerminalOf, site: SiteOf) -> str:
    """TargetAnswer a terminal that was switched on: which punches it should send, and how often it should ask."""
    note_contact(site, terminal.serial)
    offset = datetime.now(ZoneInfo(terminal.zone)).utcoffset() or timedelta()
    stamp = read_stamp(site, terminal.serial)
    options = {
        "ATTLOGStamp": stamp,
        "Stamp": stamp,
        "OPERLOGStamp": "9999",
        "ErrorDelay": ERROR_SECONDS,
        "Delay": POLL_SECONDS,
        "TransTimes": "00:00;12:00",
        "TransInterval": 1,
        "TransFlag": "TransData AttLog",
        "Realtime": 1,
        "Encrypt": "None",
    }
    if not offset % timedelta(hours=1):
        options["TimeZone"] = offset // timedelta(hours=1)
    lines = [f"GET OPTION FROM: {terminal.serial}", *(f"{name}={value}" for name, value in options.items())]
    return "\r\n".join(lines) + "\r\n"


@router.get("/getrequest")
@router.get("/ping")
def poll(terminal: TerminalOf, site: SiteOf) -> str:
    """TargetAnswer that there are no commands."""
    note_contact(site, terminal.serial)
    return "OK"


@router.post("/devicecmd")
def end_command(terminal: TerminalOf, site: SiteOf, _body: Annotated[bytes, Depends(read_body)]) -> str:
    """Take the result of a command."""
    return poll(terminal, site)


@router.post("/cdata")
def upload(request: Request, terminal: TerminalOf, site: SiteOf, body: Annotated[bytes, Depends(read_body)]) -> str:
    """Record punches; what else a terminal sends (people, fingerprints, photos) is neither read nor stored."""
    if request.query_params.get("table", "").upper() != PUNCHES:
        note_contact(site, terminal.serial)
        return "OK"
    report = receive(site, terminal, body, at=datetime.now(UTC))
    stamp = request.query_params.get("Stamp", "")
    if _STAMP.fullmatch(stamp):
        store_stamp(site, terminal.serial, stamp)
    return f"OK: {report.added + report.repeated + report.held}"
