"""Options of the commands of attendance, and how they show punches."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from visavis.attendance.types import Direction, Punch

SITE = Path("attendance")

SiteFolder = Annotated[
    Path,
    typer.Option("--site", envvar="VISAVIS_SITE", metavar="DIR", file_okay=False, help="Folder of the site."),
]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for the ledger.")]
EmployeeNumber = Annotated[str, typer.Argument(metavar="EMPLOYEE", help="Employee number.", show_default=False)]
Incoming = Annotated[bool, typer.Option("--in", help="The employee comes.")]
Outgoing = Annotated[bool, typer.Option("--out", help="The employee goes.")]
PUNCH_COLUMNS = ("employee", "at", "direction", "punch")


def choose_direction(*, incoming: bool, outgoing: bool) -> Direction | None:
    """Return the direction of ``--in`` or ``--out``, None for neither; UsageError for both."""
    from visavis.errors import UsageError

    if incoming and outgoing:
        raise UsageError("--in and --out exclude each other.")
    return "in" if incoming else "out" if outgoing else None


def actor_name() -> str:
    """Return the name of this process's user, for the ledger."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user id without a name
        return "command line"


def punch_row(punch: Punch) -> list[str]:
    """Return the cells of a punch in a table of ``PUNCH_COLUMNS``."""
    return [punch.employee, f"{punch.at:%Y-%m-%d %H:%M:%S%z}", punch.direction, punch.id]
