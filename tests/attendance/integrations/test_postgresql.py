from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from attendance.peers.odoo import Odoo
from servers import Postgres
from visavis.attendance.integrations.deliveries import claim_target
from visavis.attendance.integrations.push import push
from visavis.attendance.integrations.zkteco.receive import UploadReport, receive
from visavis.attendance.integrations.zkteco.terminals import read_terminals
from visavis.attendance.settings import SiteSettings
from visavis.attendance.site import Site
from visavis.errors import AttendanceError

from .conftest import ODOO_KEY, PEOPLE, ZONE, configure, target


@pytest.fixture
def lone_odoo() -> Iterator[Odoo]:
    """A server of a single database, which requests need not name."""
    with Odoo(key=ODOO_KEY, hosts_several=False) as odoo:
        odoo.add_employee("Ann", barcode="7")
        yield odoo


def test_a_site_in_postgresql(tmp_path: Path, postgres: Postgres, lone_odoo: Odoo) -> None:
    """The same deliveries; a lock of the database excludes pushes of other machines, and ends with its transaction."""
    folder, url = tmp_path / "site", postgres.new()
    with Site.create(folder, SiteSettings("Plant", ZONE, database=url)) as site:
        site.put_employees(PEOPLE, actor="test")
    configure(folder, target("odoo", lone_odoo.url), odoo=ODOO_KEY)
    configure(folder, "[zkteco.gate]\nserial = 'ZK1'\naddresses = ['127.0.0.1']")
    noon = datetime.now(UTC).replace(hour=5, minute=0, second=0, microsecond=0) - timedelta(days=2)
    day = f"{noon:%Y-%m-%d}"
    with Site(folder) as site, Site(folder) as other:
        terminal = read_terminals(site)["ZK1"]
        body = f"7\t{day} 08:00:00\t0\t15\n7\t{day} 11:00:00\t1\t15\nbad\n".encode()
        assert receive(site, terminal, body, at=noon) == UploadReport(2, 0, 1)
        assert receive(other, terminal, body, at=noon) == UploadReport(0, 2, 1)
        last = f"7\t9999-12-31 23:59:59\t0\t15\n8\t{day} 08:00:00\t0\t15\n".encode()
        assert receive(site, terminal, last, at=noon) == UploadReport(1, 0, 1)
        with claim_target(other.database, folder, "odoo"), pytest.raises(AttendanceError, match="another process"):
            push(site, "odoo", pauses=())
        assert push(site, "odoo", pauses=()).created == 1
    (row,) = lone_odoo.attendances
    assert (row["check_in"], row["check_out"]) == (f"{day} 01:00:00", f"{day} 04:00:00")
