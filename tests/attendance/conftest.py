from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import datetime
from pathlib import Path

import pytest

from visavis.attendance.settings import SiteSettings
from visavis.attendance.site import Site
from visavis.attendance.types import Employee, Punch

ZONE = "Europe/Berlin"
ANN, BEN, EVE = (
    Employee("1", "Ann", "Sales", manages=("Sales",)),
    Employee("2", "Ben", "Sales"),
    Employee("3", "Eve", "Plant"),
)
NewSite = Callable[[], Site]


@pytest.fixture
def new_site(tmp_path: Path) -> Iterator[Callable[[str], Site]]:
    """Make a site with three employees; its database has a URL."""
    with ExitStack() as stack:

        def make(database: str) -> Site:
            settings = SiteSettings("Berlin", ZONE, database=database)
            site = stack.enter_context(closing(Site.create(tmp_path / "site", settings)))
            site.put_employees([ANN, BEN, EVE], actor="tester")
            return site

        yield make


@pytest.fixture(params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, new_site: Callable[[str], Site]) -> Site:
    """A site in each kind of database."""
    sqlite = request.param == "sqlite"
    return new_site("sqlite:///attendance.db" if sqlite else request.getfixturevalue("postgres").new())


@pytest.fixture
def file_site(new_site: Callable[[str], Site]) -> Site:
    """A site in SQLite."""
    return new_site("sqlite:///attendance.db")


def punch(number: int, employee: str, at: str, direction: str = "unspecified") -> Punch:
    """Return a punch at the gate; its time has an offset."""
    return Punch(f"p{number}", employee, datetime.fromisoformat(at), ZONE, direction, "gate", "badge")  # type: ignore[arg-type]
