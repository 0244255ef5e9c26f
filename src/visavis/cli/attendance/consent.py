"""attendance consent: record or withdraw the consent to be recognized by the face."""

from __future__ import annotations

from typing import Annotated

import typer

from visavis.cli._options import Json
from visavis.cli._output import Output, note
from visavis.cli.attendance._options import SITE, EmployeeNumber, SiteFolder, actor_name

COLUMNS = ("employee", "text", "given", "withdrawn", "by")


def consent(
    employee: EmployeeNumber,
    *,
    text: Annotated[
        str | None, typer.Option("--text", metavar="VERSION", help="Record consent to this version of the text.")
    ] = None,
    on: Annotated[
        str | None, typer.Option("--on", metavar="DATE", help="Day of the consent.", show_default="today")
    ] = None,
    person: Annotated[
        int | None, typer.Option("--person", metavar="ID", help="Id of the employee in the gallery of the site.")
    ] = None,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Withdraw it: the templates are removed at once.")
    ] = False,
    site: SiteFolder = SITE,
    json: Json = False,
) -> None:
    """Record, withdraw or list consent to recognition by face."""
    from datetime import datetime

    from visavis.attendance.consents import give_consent, link_person, read_consents
    from visavis.attendance.local_time import read_day, read_zone
    from visavis.attendance.rights import withdraw_consent
    from visavis.attendance.site import Site
    from visavis.errors import UsageError

    if withdraw and (text is not None or person is not None):
        raise UsageError("--withdraw excludes --text and --person.")
    with Site(site) as opened, Output(*COLUMNS, json=json) as output:
        opened.employee(employee)
        if withdraw:
            removed = withdraw_consent(opened, employee, actor=actor_name()).people
            if removed:
                note(f"the templates of employee {employee} were removed from the gallery.")
        if text is not None or person is not None:
            day = datetime.now(read_zone(opened.zone)).date() if on is None else read_day(on)
            with opened.ledger.write(actor=actor_name()) as writer:
                if text is not None:
                    give_consent(writer, employee, text_version=text, given=day)
                if person is not None:
                    link_person(writer, employee, person)
        with opened.database.read() as conn:
            consents = read_consents(conn, employee)
        for each in consents:
            until = "-" if each.withdrawn is None else f"{each.withdrawn:%Y-%m-%d}"
            cells = [employee, each.text_version, each.given.isoformat(), until, each.withdrawn_by or each.recorded_by]
            output.answer(each.to_dict(), cells)
        if not consents:
            output.line(f"employee {employee} has given no consent.")
