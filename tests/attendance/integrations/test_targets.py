from __future__ import annotations

import json
import re
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from architecture.documents import sections
from attendance.peers.frappe import Frappe
from attendance.peers.webhook import Webhook
from cli.conftest import Run
from conftest import ROOT
from visavis.attendance.integrations.push import push
from visavis.attendance.integrations.targets import read_targets
from visavis.attendance.integrations.zkteco.receive import receive
from visavis.attendance.integrations.zkteco.terminals import read_terminals
from visavis.attendance.site import Site
from visavis.attendance.types import Punch
from visavis.errors import UnknownNameError, UsageError, VisavisWarning

from .conftest import configure, target

AddPunch = Callable[..., Punch]
GOOD = "[targets.hr]\nkind = 'odoo'\nurl = 'https://erp.example.com/'\nkey_variable = 'HR_KEY'\n"


def targets_of(folder: Path) -> dict[str, Any]:
    with Site(folder) as site:
        return {**read_targets(site)}


def test_a_target_has_the_defaults_of_its_kind(folder: Path) -> None:
    configure(folder, GOOD)
    hr = targets_of(folder)["hr"]
    assert (hr.url, hr.protocol, hr.employee_field, hr.zone) == (
        "https://erp.example.com", "json2", "barcode", "Asia/Ho_Chi_Minh",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (GOOD.replace("odoo", "sap"), r"\[targets.hr\] needs kind = 'frappe' or 'odoo' or 'webhook'"),
        (GOOD + "key = 'SECRET-1'", r"has no key 'key': .* The key is in a file of its own: key_file"),
        (GOOD + "shift_types = ['Day']", "has no key 'shift_types'"),
        (GOOD + "key_file = 'x'", "needs either key_file or key_variable"),
        (GOOD.replace("key_variable", "employee_field"), "needs either key_file or key_variable"),
        (GOOD.replace("https://", "https://user:SECRET-1@"), "without a user or a password"),
        (GOOD.replace("https://", "ftp://"), "url is an address such as"),
        (GOOD.replace("example.com", "example.com:99999"), "url is an address such as"),
        (GOOD + "protocol = 'xmlrpc'", "XML-RPC needs database and user"),
        (GOOD + "protocol = 'soap'", "protocol is 'json2' or 'xmlrpc'"),
        (GOOD + "first_day = '2026-01-01'", "first_day is a day, such as 2026-01-01, without quotation marks"),
        (GOOD + "first_day = 2026-01-01T00:00:00", "first_day is a day"),
        (GOOD + "longest_hours = 0", "longest_hours is a number"),
        (GOOD.replace("'odoo'", "'frappe'") + "zone = 'Mars/Base'", "there is no time zone 'Mars/Base'"),
        (GOOD.replace("'odoo'", "'frappe'") + "shift_types = 'Day'", "shift_types is a list of names"),
        ("[targets]\nhr = 1", "targets are tables"),
    ],
)
def test_mistakes_are_named_and_secrets_are_not(folder: Path, table: str, message: str) -> None:
    configure(folder, table)
    with pytest.raises(UsageError, match=message) as caught:
        targets_of(folder)
    assert "site.toml" in str(caught.value)
    assert "SECRET-1" not in str(caught.value)


def test_a_secret_is_read_from_a_file_or_the_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(folder, GOOD + target("webhook", "https://example.com"), webhook="a-secret")
    targets = targets_of(folder)
    assert targets["webhook"].read_secret() == "a-secret"
    with pytest.raises(UsageError, match="target hr: the environment variable HR_KEY is not set"):
        targets["hr"].read_secret()
    monkeypatch.setenv("HR_KEY", "another\n")
    assert targets["hr"].read_secret() == "another"
    (folder / "webhook.key").write_text("\n")
    with pytest.raises(UsageError, match=r"webhook\.key' is empty"):
        targets["webhook"].read_secret()


@pytest.mark.parametrize("secret", ["key-1:\nsecret-1", "key-1:secret-1\u00fc\u4e2d"])
def test_a_key_that_no_header_can_hold_is_not_printed(
    folder: Path, frappe: Frappe, punch: AddPunch, secret: str
) -> None:
    punch("7", "08:00")
    (folder / "frappe.key").write_text(secret, encoding="utf-8")
    with Site(folder) as site, pytest.raises(UsageError, match="the key is one line of ASCII") as caught:
        push(site, "frappe", pauses=())
    assert "secret-1" not in str(caught.value)


def test_a_secret_that_others_can_read_is_warned_of(folder: Path) -> None:
    configure(folder, target("webhook", "https://example.com"), webhook="a-secret")
    folder.chmod(0o755)
    (folder / "webhook.key").chmod(0o644)
    with pytest.warns(VisavisWarning, match=r"can read .*webhook\.key, which holds the key of webhook"):
        targets_of(folder)["webhook"].read_secret()


def test_a_key_without_tls_is_warned_of() -> None:
    from visavis.attendance.integrations.connection import TargetConnection

    with pytest.warns(VisavisWarning, match=r"http://erp\.example\.com is reached without TLS"):
        TargetConnection("http://erp.example.com").close()
    TargetConnection("http://127.0.0.1:8069").close()


def test_a_name_that_no_target_has(folder: Path) -> None:
    configure(folder, GOOD)
    with (
        Site(folder) as site,
        pytest.raises(UnknownNameError, match="there is no target 'payroll'; the targets are hr"),
    ):
        push(site, "payroll")


def test_what_netrc_says_does_not_replace_the_key(
    folder: Path, frappe: Frappe, punch: AddPunch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login user password other\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    punch("7", "08:00")
    with Site(folder) as site:
        assert push(site, "frappe", pauses=()).created == 1
    assert {request.headers["authorization"] for request in frappe.requests} == {"token key-1:secret-1"}


def documented(command: str) -> Any:
    """The JSON that the page of the commands shows."""
    page = ROOT / "docs" / "commands" / "attendance-integrations.md"
    match = re.search(r"```json\n(.*?)```", sections(page)[f"attendance {command}"], re.DOTALL)
    assert match is not None
    return json.loads(match[1])


def test_the_commands(folder: Path, frappe: Frappe, punch: AddPunch, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_SITE", str(folder))
    punch("7", "08:00")
    punch("9", "08:00")
    done = run("attendance", "push", "--to", "frappe", "--json")
    report = json.loads(done.out)
    assert (done.code, report["created"], len(report["refused"])) == (1, 1, 1)
    shown = documented("push")
    assert ([*report], [*report["refused"][0]], report["notes"]) == ([*shown], [*shown["refused"][0]], shown["notes"])
    assert "visavis: refused: employee 9 at " in done.err
    assert "secret-1" not in done.out + done.err
    key = report["refused"][0]["key"]
    done = run("attendance", "push", "--to", "frappe", "--dismiss", key)
    assert (done.code, done.out.splitlines()[-1].split()) == (0, ["frappe", "0", "0", "0", "0", "0"])
    frappe.close()
    punch("7", "17:00", "out")
    state = json.loads(run("attendance", "targets", "--json").out)
    assert (state["target"], state["waiting"], state["refused"]) == ("frappe", 1, [])
    assert [*state] == [*documented("targets")]
    done = run("attendance", "push", "--to", "nothing")
    assert (done.code, done.err) == (
        2, "visavis: there is no target 'nothing'; the targets are frappe.\n",
    )  # fmt: skip


def test_terminals_are_listed(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_SITE", str(folder))
    configure(folder, "[zkteco.gate]\nserial = 'ZK1'\naddresses = ['10.0.0.5']")
    with Site(folder) as site:
        terminal = read_terminals(site)["ZK1"]
        receive(site, terminal, b"12\t2026-06-01 08:00:00\t0\t15\n", at=datetime(2026, 6, 1, 5, tzinfo=UTC))
    done = run("attendance", "terminals", "--json")
    state, shown = json.loads(done.out), documented("terminals")
    assert ([*state], [*state["held"][0]]) == ([*shown], [*shown["held"][0]])
    assert {name: state["held"][0][name] for name in ("line", "reason")} == {
        name: shown["held"][0][name] for name in ("line", "reason")
    }
    done = run("attendance", "terminals", "--clear", "gate")
    assert (done.code, done.err, done.out.split()[-1]) == (0, "", "0")
    assert run("attendance", "terminals", "--clear", "door").code == 2


def test_export_to_frappe_and_odoo(folder: Path, punch: AddPunch, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_SITE", str(folder))
    first = punch("7", "08:00")
    punch("7", "17:00:30", "out", device="=gate")
    punch("8", "09:00", "unspecified")
    day = first.at.date()
    done = run("attendance", "export", "--to", "frappe", "--from", day.isoformat(), "--until", day.isoformat())
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        "Employee,Log Type,Time,Location / Device ID,Skip Auto Attendance",
        f"7,IN,{day} 08:00:00,door,0",
        f"8,,{day} 09:00:00,door,0",
        f"7,OUT,{day} 17:00:30,'=gate,0",
    ]
    done = run("attendance", "export", "--to", "odoo")
    assert done.out.splitlines() == [
        "employee_id,check_in,check_out", f"Ann Li,{day} 01:00:00,{day} 10:00:30",
    ]  # fmt: skip
    assert done.err == "visavis: 1 punches have no check-in or check-out, and are left out.\n"
    looked = [line["action"] for line in run("attendance", "access", "--json").lines]
    assert looked == ["export to odoo", "export to frappe"]
    assert run("attendance", "export", "--to", "sap").code == 2
    for bound in (("--from", "0001-01-01"), ("--until", "9999-12-31")):
        assert run("attendance", "export", "--to", "odoo", *bound).code == 2


def test_the_lock_and_the_key_are_for_one_user(folder: Path, webhook: Webhook, punch: AddPunch) -> None:
    punch("7", "08:00")
    with Site(folder) as site:
        push(site, "webhook", pauses=())
    modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir() if path.name != "site.toml"}
    assert modes == {0o600}
    assert not [path for path in folder.iterdir() if path.suffix == ".lock"]
