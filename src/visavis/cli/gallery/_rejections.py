"""JSON lines and table rows of rejections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from visavis.cli._output import decimals
from visavis.cli._table import Column

if TYPE_CHECKING:
    from visavis.gallery import Rejection

COLUMNS = ("rejection", "photo", "name", Column("box", drop=1), "since", "until")


def rejection_line(rejection: Rejection) -> dict[str, object]:
    return {**rejection.to_dict(), "box": rejection.box and decimals(rejection.box)}


def rejection_row(rejection: Rejection) -> list[str]:
    box = " ".join(f"{value:.0f}" for value in rejection.box) if rejection.box else "-"
    days = (f"{rejection.created:%Y-%m-%d}", f"{rejection.expires:%Y-%m-%d}")
    return [str(rejection.id), rejection.photo, rejection.name, box, *days]
