"""The commands of attendance that compute days, on the sample site."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

import pytest
from openpyxl import load_workbook

from cli.conftest import Run
from cli.terminal import run_in_terminal
from visavis.attendance.closings import read_carried
from visavis.attendance.demo.people import RULES
from visavis.attendance.site import Site


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from visavis.attendance.demo.site import create_demo

    folder = tmp_path_factory.mktemp("attendance") / "sample"
    create_demo(folder).close()
    return folder


def test_the_demo_makes_a_site_once(run: Run, tmp_path: Path) -> None:
    done = run("attendance", "demo", "sample", "--json")
    assert (done.code, done.line["site"], done.line["employees"]) == (0, "sample", 30)
    assert (tmp_path / "sample" / "rules.toml").read_text(encoding="utf-8") == RULES
    again = run("attendance", "demo", "sample")
    assert (again.code, "there is a site in sample already" in again.err) == (3, True)


def test_the_demo_replaces_no_rules(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "rules.toml").write_text("# mine", encoding="utf-8")
    done = run("attendance", "demo", "mine")
    assert (done.code, "name a new folder" in done.err) == (3, True)
    assert [(each.name, each.read_text(encoding="utf-8")) for each in (tmp_path / "mine").iterdir()] == [
        ("rules.toml", "# mine")
    ]


def test_who_looked_is_logged(run: Run, sample: Path) -> None:
    here = ("--site", sample, "--json")
    run("attendance", "day", "2024-02-20", *here)
    run("attendance", "report", "--month", "2024-02", "--kind", "late", "--employee", "1007", *here)
    (sample / "same.toml").write_text(RULES, encoding="utf-8")
    run("attendance", "replay", "--rules", sample / "same.toml", "--to", "2024-02-02", "--from", "2024-02-01", *here)
    lines = run("attendance", "access", *here).lines[:3]
    assert [(line["action"], line["employee"]) for line in lines] == [
        ("replay", ""), ("report late 2024-02", "1007"), ("day 2024-02-20", ""),
    ]  # fmt: skip


def test_a_day_is_shown_and_explained(run: Run, sample: Path) -> None:
    lines = run("attendance", "day", "2024-02-20", "--site", sample, "--json").lines
    assert len(lines) == 28  # neither who joins in March nor who left on February 16
    row = next(line for line in lines if line["employee"] == "1007")
    assert (row["status"], row["worked"], row["late"]) == ("present", 255, 0)
    done = run("attendance", "day", "2024-02-20", "--site", sample, "--employee", "1007", "--why")
    assert done.out.splitlines()[:2] == [
        "2024-02-20 1007: present 4:15 (workday, rules from 2024-01-01)", "day 08:00 to 16:30: 8:00 planned",
    ]  # fmt: skip
    (why,) = run("attendance", "day", "2024-02-20", "--site", sample, "--employee", "1007", "--why", "--json").lines
    assert why["why"] == done.out.splitlines()


def test_a_month_is_the_same_in_every_form(run: Run, sample: Path, tmp_path: Path) -> None:
    asked = ("attendance", "report", "--month", "2024-02", "--site", sample, "--department", "Security")
    lines = run(*asked, "--format", "json").lines
    assert lines == run(*asked, "--json").lines
    assert [line["employee"] for line in lines] == ["1025", "1026", "1027", "1028", "1029", "1030"]
    rows = list(csv.DictReader(io.StringIO(run(*asked, "--format", "csv").out)))
    assert [row["2024-02-29"] for row in rows] == [line["2024-02-29"] for line in lines]
    hours = [f"{line['worked'] // 60}:{line['worked'] % 60:02}" for line in lines]
    assert [row["worked"] for row in rows] == hours
    assert run(*asked, "--format", "xlsx", "--output", "month.xlsx").code == 0
    sheet = load_workbook(tmp_path / "month.xlsx").active
    assert sheet is not None
    assert [sheet.cell(row, 1).value for row in range(2, 8)] == [line["employee"] for line in lines]
    assert run(*asked, "--format", "html", "-o", "month.html").code == 0
    page = (tmp_path / "month.html").read_text(encoding="utf-8")
    assert all(f">{text}</td>" in page for text in hours)
    table = run(*asked).out
    assert all(text in table for text in hours)


@pytest.mark.parametrize("kind", ["person", "late", "overtime", "departments", "notices"])
def test_the_other_reports(run: Run, sample: Path, kind: str) -> None:
    asked = ("attendance", "report", "--month", "2024-03", "--site", sample, "--kind", kind)
    lines = run(*asked, "--json").lines
    assert len(list(csv.DictReader(io.StringIO(run(*asked, "--format", "csv").out)))) == len(lines) > 0


def test_a_month_is_closed_corrected_and_opened_again(run: Run) -> None:
    run("attendance", "demo", "sample")
    here = ("--site", "sample")
    asked = ("attendance", "report", "--month", "2024-03", *here, "--employee", "1009", "--json")
    before = run(*asked).line
    done = run("attendance", "close", "--month", "2024-03", *here, "--json")
    assert (done.line["month"], done.line["state"], done.line["employees"]) == ("2024-03", "closed", 29)
    assert "could not be decided: see report --kind notices" in done.err
    # Of 2024-03-05 there is one punch, 12:20. With 8:00 to 12:20 the day has 4:20 less 0:20 of the break
    assert run("attendance", "punch", "1009", "--at", "2024-03-05 08:00", *here).code == 0
    after = run(*asked).line
    assert (before["2024-03-05"], after["2024-03-05"]) == ("?", "P")
    assert (after["worked"], after["present"]) == (before["worked"], before["present"])
    changes = {line["figure"]: line["difference"] for line in run(*asked[:-1], "--kind", "changes", "--json").lines}
    assert (changes["Worked"], changes["Present"], changes["Undecided"]) == (240, 1, -1)
    # The next month that is closed carries the change over, once
    assert run("attendance", "close", "--month", "2024-04", *here).code == 0
    with Site("sample") as site, site.database.read() as conn:
        (carried,) = read_carried(conn, "2024-04").items()
    assert (carried[0], carried[1]["2024-03"]["worked"], [*carried[1]]) == ("1009", 240, ["2024-03"])
    lines = run("attendance", "report", "--month", "2024-04", "--kind", "carried", *here, "--json").lines
    (worked,) = [line for line in lines if line["figure"] == "Worked"]
    assert (worked["employee"], worked["month"], worked["difference"]) == ("1009", "2024-03", 240)
    assert worked["first_day"] == "2024-03-05"
    why = run("attendance", "day", "2024-03-05", "--employee", "1009", "--why", *here).out
    assert "changes after 2024-03 was closed, carried into 2024-04: " in why
    assert "worked +4:00" in why
    assert run("attendance", "close", "--month", "2024-02", *here).code == 0
    again = run("attendance", "close", "--month", "2024-03", *here)
    assert (again.code, "was closed by" in again.err) == (2, True)
    assert run("attendance", "close", "--month", "2024-03", "--reopen", *here).code == 2
    opened = run("attendance", "close", "--month", "2024-03", "--reopen", "--reason", "a strike", *here, "--json")
    assert opened.line["state"] == "open"
    assert run(*asked).line["worked"] == before["worked"] + 240


def test_replay_shows_what_would_change(run: Run, sample: Path, tmp_path: Path) -> None:
    asked = ("attendance", "replay", "--site", sample, "--from", "2024-02-01", "--to", "2024-02-29")
    (tmp_path / "same.toml").write_text(RULES, encoding="utf-8")
    done = run(*asked, "--rules", "same.toml")
    assert (done.out, done.err) == ("", "0 days from 2024-02-01 to 2024-02-29 would change.\n")
    (tmp_path / "strict.toml").write_text(RULES.replace("grace_late = 5", "grace_late = 0"), encoding="utf-8")
    lines = run(*asked, "--rules", "strict.toml", "--json").lines
    assert {tuple(line["fields"]) for line in lines} == {("late",)}
    assert all(line["before"]["late"] == 0 < line["after"]["late"] <= 5 for line in lines)
    assert lines


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        (("day", "2024-13-01"), 2, "2024-13-01"),
        (("day", "2023-12-31"), 2, "no rules apply to 2023-12-31: the first version begins on 2024-01-01"),
        (("day", "2024-02-20", "--employee", "9"), 2, "there is no employee '9' at the site"),
        (("day", "2024-02-20", "--department", "Moon"), 2, "there is no department 'Moon' at the site; there are"),
        (("day", "0001-01-01"), 2, "is not a day from 1900-01-01 to 9998-12-31"),
        (("day", "9999-12-31"), 2, "is not a day from 1900-01-01 to 9998-12-31"),
        (("replay", "--rules", "same.toml", "--to", "0001-01-05"), 2, "is not a day from 1900-01-01 to 9998-12-31"),
        (("report", "--month", "2024-2"), 2, "'2024-2' is no month"),
        (("report", "--month", "2024-02", "--kind", "year"), 2, "--kind is one of month, person"),
        (("report", "--month", "2024-02", "--format", "pdf"), 2, "--format is one of table, json"),
        (("report", "--month", "2024-02", "--output", "x"), 2, "add --format"),
        (("replay", "--rules", "missing.toml"), 2, "missing.toml' cannot be read"),
        (("replay", "--rules", "bad.toml"), 2, "has no key 'versoins'"),
        (("replay", "--rules", "bad.toml", "--from", "x"), 2, ""),
    ],
)
def test_faults_are_one_sentence(
    run: Run, sample: Path, tmp_path: Path, line: tuple[str, ...], code: int, words: str
) -> None:
    (tmp_path / "bad.toml").write_text(f"versoins = 1\n{RULES}", encoding="utf-8")
    (tmp_path / "same.toml").write_text(RULES, encoding="utf-8")
    done = run("attendance", *line, "--site", sample)
    assert (done.code, words in done.err, done.out) == (code, True, "")
    assert len(done.err.splitlines()) == 1


def test_a_folder_without_a_site_is_code_3(run: Run) -> None:
    done = run("attendance", "day", "2024-02-20", "--site", "nowhere")
    assert (done.code, "nowhere is not a site" in done.err) == (3, True)


@pytest.mark.parametrize(
    "line",
    [
        ("day", "2024-03-13"),
        ("report", "--month", "2024-03", "--kind", "notices"),
        ("report", "--month", "2024-03", "--department", "Security"),
        ("replay", "--rules", "proposed.toml", "--from", "2024-02-01", "--to", "2024-02-29"),
    ],
)
def test_tables_fit_the_terminal(sample: Path, line: tuple[str, ...]) -> None:
    program = "from visavis.__main__ import main; main()"
    words = ["attendance", *line, "--site", "."]
    code, shown = run_in_terminal(sample, *words, columns=80, program=program, env={**os.environ})
    assert (code, max(map(len, shown.splitlines())) <= 80) == (0, True), shown
    assert "1025" in shown or "1001" in shown
