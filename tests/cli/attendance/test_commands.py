"""The commands of a site, from its beginning to the erasure of an employee, and wrong lines."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from pathlib import Path

import pytest

from cli.conftest import Run
from cli.terminal import run_in_terminal

PEOPLE = (
    "number,name,department,joined,left,manages\n"
    "1,Ann,Sales,2020-02-29,,Sales|Plant\n"
    "2,Ben,Sales,,,\n"
    "3,Wolfeschlegelsteinhausen Hubert,Plant,,2026-06-30,\n"
)
PUNCHES = (
    "employee;time;direction;device\n"
    "2;2026-03-02 08:00;IN;gate\n"
    "2;2026-03-02T17:00:00;out;gate\n"
    "3;2026-03-02 07:00+00:00;;\n"
)


@pytest.fixture
def site(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site with three employees, which the environment names."""
    monkeypatch.setenv("VISAVIS_SITE", "office")
    (tmp_path / "people.csv").write_text(PEOPLE, encoding="utf-8")
    (tmp_path / "punches.csv").write_text(PUNCHES, encoding="utf-8")
    assert run("attendance", "init", "--zone", "Europe/Berlin").code == 0
    assert run("attendance", "import-people", "people.csv").code == 0
    return tmp_path / "office"


def test_a_site_is_made_once(run: Run, tmp_path: Path) -> None:
    done = run("attendance", "init", "--site", "office", "--zone", "Asia/Ho_Chi_Minh", "--json")
    assert done.line == {
        "site": "office", "name": "office", "zone": "Asia/Ho_Chi_Minh", "database": "sqlite:///office/attendance.db",
    }  # fmt: skip
    again = run("attendance", "init", "--site", "office", "--zone", "Asia/Ho_Chi_Minh")
    assert (again.code, again.err) == (3, "visavis: there is a site in office already.\n")
    kept = run("attendance", "init", "--site", "other", "--zone", "UTC", "--name", "Gate 'A'", "--gallery", "faces.db")
    assert "keep a copy of other/ledger.key elsewhere" in kept.err
    files = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "other").iterdir()}
    assert {*files.values()} == {0o600}
    assert {"site.toml", "attendance.db", "ledger.key", "ledger.head"} <= files.keys()
    assert (
        (tmp_path / "other" / "site.toml").read_text(encoding="utf-8").startswith('name = "Gate \'A\'"\nzone = "UTC"\n')
    )


def test_people_are_added_changed_and_kept(run: Run, site: Path) -> None:
    again = PEOPLE.replace("2,Ben,Sales", "2,Benjamin,Sales") + "4,山田花子,,,,\n"
    (site.parent / "more.csv").write_text(again, encoding="utf-16")
    assert run("attendance", "import-people", "more.csv", "--json").line == {"added": 1, "changed": 1, "unchanged": 2}
    (site.parent / "names.csv").write_text("Name,Number\nAnna,1\n", encoding="utf-8")
    assert run("attendance", "import-people", "names.csv", "--json").line == {"added": 0, "changed": 1, "unchanged": 0}
    people = run("attendance", "people", "--json").lines
    assert people[0] == {
        "number": "1", "name": "Anna", "department": "Sales", "person_id": None, "joined": "2020-02-29", "left": None,
        "manages": ["Plant", "Sales"],
    }  # fmt: skip
    assert [each["name"] for each in people[1:]] == ["Benjamin", "Wolfeschlegelsteinhausen Hubert", "山田花子"]


def test_punches_are_imported_once(run: Run, site: Path) -> None:
    assert run("attendance", "import-punches", "punches.csv", "--json").line == {"added": 3, "present": 0}
    assert run("attendance", "import-punches", "punches.csv", "--json").line == {"added": 0, "present": 3}
    lines = run("attendance", "history", "2", "--json").lines
    punches = [line["punch"] for line in lines if line["punch"]]
    assert [(each["at"], each["direction"], each["device"], each["method"]) for each in punches] == [
        ("2026-03-02T08:00:00+01:00", "in", "gate", "import"), ("2026-03-02T17:00:00+01:00", "out", "gate", "import"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("command", "text", "message"),
    [
        ("people", "number,name\n1,Ann\n1,Bob\n", "'wrong.csv', line 3: employee '1' is in the file twice."),
        ("people", "number,name\n,Ann\n", "line 2: an employee needs a number"),
        ("people", "number,name,joined\n1,Ann,1.2.2026\n", "line 2: '1.2.2026' is no day"),
        ("people", "name\nAnn\n", "line 1: the head must have the columns number and name"),
        ("punches", "employee,time\n1,2026-03-02 08:00\n9,2026-03-02 08:00\n", "line 3: there is no employee '9'"),
        ("punches", "employee,time\n1,2026-03-29 02:30\n", "line 2: there is no 02:30 on 2026-03-29 in Europe/Berlin"),
        ("punches", "employee,time,direction\n1,2026-03-02 08:00,up\n", "line 2: a direction is in, out or empty"),
        ("punches", "employee,time,zone\n1,2026-03-02 08:00,Mars\n", "line 2: there is no time zone 'Mars'"),
        ("punches", "employee,time\n1\n", "line 2: expected 2 cells, got 1"),
    ],
)
def test_a_file_with_a_fault_changes_nothing(run: Run, site: Path, command: str, text: str, message: str) -> None:
    (site.parent / "wrong.csv").write_text(text, encoding="utf-8")
    before = run("attendance", "verify", "--json").line
    done = run("attendance", f"import-{command}", "wrong.csv")
    assert (done.code, done.out, len(done.err.splitlines())) == (2, "", 1)
    assert message in done.err
    assert run("attendance", "verify", "--json").line == before == {"records": 3, "whole": True}


def test_a_punch_is_corrected_made_void_and_restored(run: Run, site: Path) -> None:
    first = run("attendance", "punch", "2", "--in", "--at", "2026-03-02 08:00", "--id", "a", "--json").line
    assert (first["at"], first["direction"], first["method"]) == ("2026-03-02T08:00:00+01:00", "in", "administrator")
    assert run("attendance", "punch", "2", "--in", "--at", "2026-03-02 08:00", "--id", "a", "--json").line == first
    moved = run("attendance", "correct", "a", "--at", "2026-03-02 07:42", "--reason", "bus", "--json").line
    assert (moved["at"], moved["void"]) == ("2026-03-02T07:42:00+01:00", False)
    assert run("attendance", "correct", "a", "--void", "--reason", "x", "--json").line["void"] is True
    assert run("attendance", "who-is-in", "--at", "2026-03-02 09:00").out == "no employee is in.\n"
    assert run("attendance", "correct", "a", "--restore", "--reason", "x").code == 0
    (line,) = run("attendance", "who-is-in", "--at", "2026-03-02 09:00", "--json").lines
    assert (line["name"], line["state"], line["since"]) == ("Ben", "in", "2026-03-02T07:42:00+01:00")
    kinds = [each["kind"] for each in run("attendance", "history", "2", "--punch", "a", "--json").lines]
    assert kinds == ["punch", "correction", "void", "restore"]
    looked = [each["action"] for each in run("attendance", "access", "--json").lines]
    assert looked == ["history", "who is in", "who is in"]


def test_requests_are_decided(run: Run, site: Path) -> None:
    leave = ["--leave", "vacation", "--from", "2026-03-09", "--reason", "a wedding", "--json"]
    first = run("attendance", "request", "2", *leave).line
    content = {"kind": "vacation", "first": "2026-03-09", "last": "2026-03-09", "part": "whole"}
    assert (first["content"], first["state"]) == (content, "pending")
    run("attendance", "punch", "3", "--at", "2026-03-02 08:00", "--id", "b")
    wrong = run("attendance", "request", "3", "--punch", "b", "--void", "--reason", "a visitor", "--json").line
    missing = run(
        "attendance", "request", "3", "--at", "2026-03-02 16:00", "--out", "--reason", "forgot", "--json"
    ).line
    assert missing["content"] == {"at": "2026-03-02T15:00:00+00:00", "direction": "out"}
    assert [each["id"] for each in run("attendance", "requests", "--json").lines] == [
        first["id"], wrong["id"], missing["id"],
    ]  # fmt: skip
    refused = run("attendance", "approve", first["id"], "--by", "3")
    assert (refused.code, "does not manage the department 'Sales'" in refused.err) == (2, True)
    done = run("attendance", "approve", first["id"], "--by", "1", "--reason", "enjoy", "--json").line
    assert (done["state"], done["decided_by"], done["decision"]) == ("approved", "employee 1", "enjoy")
    assert run("attendance", "approve", wrong["id"], "--decline", "--json").line["state"] == "declined"
    assert run("attendance", "approve", missing["id"], "--by", "1").code == 0
    assert run("attendance", "requests").out == "no request waits.\n"
    assert len(run("attendance", "requests", "--all", "--employee", "3", "--json").lines) == 2
    assert run("attendance", "requests", "--by", "1").code == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["punch", "9"], "there is no employee '9'"),
        (["punch", "2", "--in", "--out"], "--in and --out exclude each other"),
        (["punch", "2", "--at", "8:00"], "'8:00' is no time"),
        (["punch", "2", "--at", "2199-01-01 08:00"], "is in the future"),
        (["correct", "a", "--reason", "x"], "give --at, --in, --out or --employee"),
        (["correct", "a", "--void", "--in", "--reason", "x"], "give --at, --in, --out or --employee"),
        (["correct", "a", "--void", "--reason", "x"], "there is no punch 'a'"),
        (["request", "2", "--reason", "x"], "give --at for a punch that is missing"),
        (["request", "2", "--reason", "x", "--leave", "sick"], "leave takes --from DATE"),
        (["request", "2", "--reason", "x", "--leave", "sick", "--void"], "--leave excludes"),
        (["request", "2", "--reason", "x", "--punch", "a"], "with --punch give --at, --in or --out"),
        (["request", "2", "--reason", "x", "--leave", "sick", "--from", "2026-3-9"], "'2026-3-9' is no day"),
        (["approve", "7"], "there is no request '7'"),
        (["outage", "--from", "2026-03-02 09:00", "--to", "2026-03-02 08:00"], "not after its start"),
        (["consent", "2", "--withdraw", "--text", "1"], "--withdraw excludes"),
        (["consent", "2", "--person", "1"], "has given no consent"),
        (["history", "9"], "there is no employee '9'"),
        (["export-person", "9", "--out", "x.json"], "there is no employee '9'"),
        (["erase-person", "9", "--reason", "x", "--yes"], "there is no employee '9'"),
    ],
)
def test_wrong_lines_are_a_sentence(run: Run, site: Path, words: list[str], message: str) -> None:
    done = run("attendance", *words)
    assert (done.code, done.out, len(done.err.splitlines())) == (2, "", 1)
    assert message in done.err
    assert run("attendance", "verify", "--json").line["whole"] is True


def test_a_folder_that_is_no_site_and_one_that_was_damaged(run: Run, site: Path) -> None:
    done = run("attendance", "people", "--site", "nothing")
    assert (done.code, done.err) == (
        3, "visavis: nothing is not a site: visavis attendance init --site nothing makes one.\n",
    )  # fmt: skip
    for name, content, code, message in (
        ("site.toml", "name = 1\n", 2, "site.toml', a site needs zone"),
        ("site.toml", 'name = "x"\nzone = "UTC"\ncolour = "red"\n', 2, "a site has no setting 'colour'"),
        ("site.toml", 'name = 7\nzone = "UTC"\n', 2, "name of a site must be text, got int"),
        ("site.toml", 'name = "x"\nzone = "UTC"\n[retention]\npunches_days = -1\n', 2, "punches_days of a site"),
        ("ledger.key", "", 3, "is not the key of a ledger"),
        ("ledger.key", "ab" * 32, 3, "is not the key of the ledger in"),
        ("attendance.db", "no database", 3, "the attendance database"),
    ):
        path = site / name
        before = path.read_bytes()
        path.write_text(content, encoding="utf-8")
        done = run("attendance", "people")
        assert (done.code, done.out, message in done.err) == (code, "", True), done.err
        path.write_bytes(before)
    (site / "ledger.key").rename(site / "away")
    assert "the key of the ledger office/ledger.key cannot be read" in run("attendance", "people").err


def test_verify_exits_with_1_where_something_was_changed(run: Run, site: Path) -> None:
    run("attendance", "import-punches", "punches.csv")
    assert run("attendance", "verify").out == "the ledger is whole: 6 records.\n"
    with sqlite3.connect(site / "attendance.db") as raw:
        raw.execute("UPDATE attendance_records SET at = at - 3600000000 WHERE number = 4")
    raw.close()
    done = run("attendance", "verify")
    assert (done.code, done.out.splitlines()[-1].split(maxsplit=1)) == (
        1, ["4", "record 4 is not the one that was written there."],
    )  # fmt: skip
    assert run("attendance", "verify", "--json").lines == [
        {"number": 4, "message": "record 4 is not the one that was written there."}
    ]


def test_the_head_is_accepted_after_a_backup(run: Run, site: Path) -> None:
    (site / "ledger.head").unlink()
    assert run("attendance", "verify").code == 1
    assert run("attendance", "verify", "--accept-head", "").code == 2
    assert run("attendance", "verify", "--accept-head", "restored").out == "the ledger is whole: 4 records.\n"
    assert run("attendance", "verify", "--json").line == {"records": 4, "whole": True}


def test_rights_of_an_employee(run: Run, site: Path) -> None:
    given = run("attendance", "consent", "2", "--text", "2026-01", "--on", "2026-01-02", "--json").line
    assert (given["text_version"], given["given"], given["withdrawn"]) == ("2026-01", "2026-01-02", None)
    assert run("attendance", "consent", "3").out == "employee 3 has given no consent.\n"
    assert run("attendance", "consent", "2", "--withdraw", "--json").line["withdrawn"] is not None
    run("attendance", "import-punches", "punches.csv")
    assert run("attendance", "export-person", "2", "--out", "ben.json", "--json").line["file"] == "ben.json"
    export = json.loads((site.parent / "ben.json").read_text(encoding="utf-8"))
    assert (export["employee"]["name"], len(export["consents"]), export["gallery"]) == ("Ben", 1, None)
    assert (site.parent / "ben.json").stat().st_mode & 0o777 == 0o600
    erased = run("attendance", "erase-person", "2", "--reason", "asked for", "--yes", "--json").line
    assert (erased["employee"], erased["people"], erased["records"] > 4) == ("2", 0, True)
    assert [each["number"] for each in run("attendance", "people", "--json").lines] == ["1", "3"]
    assert run("attendance", "retain", "--json").line == {
        "records": 0,
        "accesses": 0,
        "pictures": None,
        "strangers": None,
    }
    assert run("attendance", "verify").code == 0
    aborted = run("attendance", "erase-person", "3", "--reason", "asked for", stdin=b"n\n")
    assert (aborted.code, len(run("attendance", "people", "--json").lines)) == (1, 2)


def test_who_is_in_knows_entrances_and_exits(run: Run, site: Path) -> None:
    """Two punches at the entrance are of one who is in; without the rules every other punch is a departure."""
    for time in ("08:00", "11:00"):
        run("attendance", "punch", "2", "--at", f"2026-03-02 {time}", "--device", "gate")
    asked = ("attendance", "who-is-in", "--at", "2026-03-02 12:00", "--json")
    assert run(*asked).lines == []
    rules = '[[versions]]\nfrom = 2026-01-01\ndevices = { gate = "in" }\nshifts = {}\n'
    (site / "rules.toml").write_text(rules, encoding="utf-8")
    (line,) = run(*asked).lines
    assert (line["employee"], line["state"], line["since"]) == ("2", "in", "2026-03-02T11:00:00+01:00")
    (site / "rules.toml").write_text("versions = 1", encoding="utf-8")
    broken = run(*asked)
    assert (broken.code, broken.lines, "entrances and exits are not known" in broken.err) == (0, [], True)


def test_an_outage_is_recorded(run: Run, site: Path) -> None:
    words = ["--from", "2026-03-02 08:00", "--to", "2026-03-02 10:00", "--device", "gate", "--reason", "no power"]
    line = run("attendance", "outage", *words, "--json").line
    assert (line["device"], line["reason"]) == ("gate", "no power")
    assert (line["start"], line["end"]) == ("2026-03-02T08:00:00+01:00", "2026-03-02T10:00:00+01:00")


def test_the_tables_fit(run: Run, site: Path) -> None:
    run("attendance", "import-punches", "punches.csv")
    run("attendance", "request", "2", "--leave", "vacation", "--from", "2026-03-09", "--reason", "a wedding in Kyiv")
    program = "from visavis.__main__ import main; main()"
    present = ["who-is-in", "--at", "2026-03-02 12:00"]
    for words in (["history", "3"], ["requests"], present):
        line = ["attendance", *words]
        code, shown = run_in_terminal(site.parent, *line, columns=60, program=program, env={**os.environ})
        assert code == 0, shown
        assert max(map(len, shown.splitlines())) <= 60
        assert len(re.findall(r"\w+", shown)) > 5


def test_a_pin_and_a_badge_are_given_shown_once_and_taken_away(run: Run, site: Path) -> None:
    given = run("attendance", "credential", "2", "--new-pin", "--badge", "0004711", "--json").line
    assert re.fullmatch(r"\d{6}", str(given.pop("pin")))
    assert given == {"employee": "2", "badge": "set"}
    assert run("attendance", "credential", "2", "--json").line == {"employee": "2", "pin": "set", "badge": "set"}
    assert "cannot be shown again" in run("attendance", "credential", "1", "--new-pin").err
    taken = run("attendance", "credential", "1", "--badge", "0004711")
    assert (taken.code, taken.err) == (2, "visavis: another employee has this badge.\n")
    assert run("attendance", "credential", "2", "--remove", "--new-pin").code == 2
    removed = run("attendance", "credential", "2", "--remove", "--json").line
    assert removed == {"employee": "2", "pin": "-", "badge": "-"}
    kept = (site / "attendance.db").read_bytes() + (site / "ledger.head").read_bytes()
    assert b"0004711" not in kept
