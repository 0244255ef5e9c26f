"""Months are closed once, with their figures, and opened again with a reason."""

from __future__ import annotations

from datetime import date

import pytest

from visavis.attendance.closings import (
    close_month,
    find_closed,
    read_carried,
    read_closings,
    read_figures,
    read_month,
    reopen_month,
)
from visavis.attendance.site import Site
from visavis.errors import UsageError

FIGURES = {"1": {"worked": 9600, "late": 7.5}, "2": {"worked": 9540, "late": 0}}


def test_figures_are_frozen_until_the_month_is_opened_again(site: Site) -> None:
    with site.ledger.write(actor="boss") as writer:
        close_month(writer, "2026-02", FIGURES, last_record=7)
    with site.database.read() as conn:
        (closing,) = read_closings(conn)
        assert (closing.month, closing.state, closing.last_record, closing.changed_by) == (
            "2026-02",
            "closed",
            7,
            "boss",
        )
        assert read_figures(conn, "2026-02") == FIGURES
        assert find_closed(conn, date(2026, 2, 28)) == closing
        assert find_closed(conn, date(2026, 3, 1)) is None
    with pytest.raises(UsageError, match="was closed by boss already"), site.ledger.write(actor="eve") as writer:
        close_month(writer, "2026-02", {}, last_record=7)
    with pytest.raises(UsageError, match="takes a reason"), site.ledger.write(actor="eve") as writer:
        reopen_month(writer, "2026-02", reason="")
    with site.ledger.write(actor="eve") as writer:
        opened = reopen_month(writer, "2026-02", reason="a strike was forgotten")
    assert (opened.state, opened.changed_by, opened.reason) == ("open", "eve", "a strike was forgotten")
    with site.database.read() as conn:
        assert (read_figures(conn, "2026-02"), find_closed(conn, date(2026, 2, 1))) == ({}, None)
    with pytest.raises(UsageError, match="2026-02 is not closed"), site.ledger.write(actor="eve") as writer:
        reopen_month(writer, "2026-02", reason="again")
    with site.ledger.write(actor="boss") as writer:
        close_month(writer, "2026-02", {"1": {"worked": 1}}, last_record=20, carried={"2": {"2026-01": {"late": -3}}})
    with site.database.read() as conn:
        assert read_figures(conn, "2026-02") == {"1": {"worked": 1}, "2": {}}
        assert read_carried(conn, "2026-02") == {"2": {"2026-01": {"late": -3}}}
    assert site.verify() == []


def test_months() -> None:
    assert read_month("2024-02") == (date(2024, 2, 1), date(2024, 2, 29))
    assert read_month("2026-12") == (date(2026, 12, 1), date(2026, 12, 31))
    for text in ("2026-13", "2026-00", "2026-1", "26-01", "", "2026-01-01", "1999-01"):
        with pytest.raises(UsageError, match="is no month"):
            read_month(text)
