"""attendance export-person: write all that is stored about an employee."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from visavis.cli._options import Json
from visavis.cli._output import Output
from visavis.cli.attendance._options import SITE, EmployeeNumber, SiteFolder, actor_name


def export_person(
    employee: EmployeeNumber,
    *,
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE.json", dir_okay=False, help="File to write.", show_default=False)
    ],
    site: SiteFolder = SITE,
    json: Json = False,
) -> None:
    """Write all that is stored about an employee to a file.

    The JSON has pictures, too, and who looked.
    """
    from visavis import atomic
    from visavis.attendance.rights import export_employee
    from visavis.attendance.site import Site
    from visavis.printable import dump_json

    with Site(site) as opened, Output("employee", "records", "file", json=json) as output:
        opened.record_access("export of a person", actor=actor_name(), employees=[employee])
        export = export_employee(opened, employee)
        atomic.write_text(out, dump_json(export.to_dict(), indent=1) + "\n")
        records = len(export.records)
        output.answer({"employee": employee, "records": records, "file": str(out)}, [employee, str(records), str(out)])
