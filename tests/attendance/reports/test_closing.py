"""Months of a site are closed with what can be computed of them, and changes are carried over once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from attendance.conftest import punch
from visavis.attendance.closings import close_month, read_carried, read_closings
from visavis.attendance.reports import closing
from visavis.attendance.reports.closing import close_figures
from visavis.attendance.rights import apply_retention
from visavis.attendance.site import Site
from visavis.errors import UsageError

RULES = """
[[versions]]
from = 2020-01-01
shifts.day = { start = "08:00", end = "16:00" }
[[assignments]]
shifts = ["day"]
"""
NOW = datetime.now(UTC)
LAST_MONTH = (NOW.replace(day=1) - timedelta(1)).replace(day=1)
OLD = (NOW - timedelta(200)).replace(day=1)


def test_what_retention_removes_is_no_change_of_a_closed_month(file_site: Site) -> None:
    file_site.rules_path.write_text(RULES, encoding="utf-8")
    file_site.ledger.add([punch(hour, "1", f"{OLD:%Y-%m}-02T{hour:02}:00:00+00:00") for hour in (8, 12)], actor="gate")
    old = f"{OLD:%Y-%m}"
    assert close_figures(file_site, old, actor="boss")[1]["1"].worked == 240
    path = file_site.folder / "site.toml"
    settings = path.read_text(encoding="utf-8").replace("punches_days = 0", "punches_days = 100")
    path.write_text(settings, encoding="utf-8")
    with Site(file_site.folder) as kept:
        assert apply_retention(kept, actor="job").records == 2
        last = f"{LAST_MONTH:%Y-%m}"
        close_figures(kept, last, actor="boss")
        with kept.database.read() as conn:
            assert read_carried(conn, last) == {}
        with pytest.raises(UsageError, match="cannot be computed: the site keeps punches for 100 days"):
            close_figures(kept, f"{OLD - timedelta(1):%Y-%m}", actor="boss")


def test_a_month_is_not_over_before_its_last_day_off(file_site: Site) -> None:
    file_site.rules_path.write_text(RULES.replace('shifts = ["day"]', ""), encoding="utf-8")
    with pytest.raises(UsageError, match="is not over: it is closed after its last day"):
        close_figures(file_site, f"{NOW + timedelta(2):%Y-%m}", actor="boss")
    with file_site.database.read() as conn:
        assert read_closings(conn) == []


def test_two_months_that_are_closed_at_once_do_not_carry_the_same(
    file_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    file_site.rules_path.write_text(RULES, encoding="utf-8")
    compute, last = closing.compute_site_days, f"{LAST_MONTH:%Y-%m}"

    def close_another(*arguments: object) -> object:
        monkeypatch.setattr(closing, "compute_site_days", compute)
        with file_site.ledger.write(actor="eve") as writer:
            close_month(writer, "2020-02", {}, last_record=1)
        return compute(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(closing, "compute_site_days", close_another)
    with pytest.raises(UsageError, match=f"closed or opened meanwhile: close {last} again"):
        close_figures(file_site, last, actor="boss")
    with file_site.database.read() as conn:
        assert [each.month for each in read_closings(conn)] == ["2020-02"]
