"""Arguments shared by several commands of ``models``."""

from __future__ import annotations

from typing import Annotated

import typer

Names = Annotated[list[str], typer.Argument(metavar="NAME", help="A name from models list.")]
AcceptLicense = Annotated[
    bool, typer.Option("--accept-license", help="Accept a license that restricts use; needed once.")
]
