"""Every command on photos, folders and people with hostile names: nothing but text reaches the terminal."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from command_tree import COMMANDS
from visavis.printable import make_printable

from .conftest import Run
from .fakes import BLUE, DETECTOR, GRAY, MODEL, RED, photo
from .test_classify import MODEL as CLASSIFIER

EVIL = "a\x1b]0;owned\x07\x9b31m\u202egpj\u200b\n\x7f"
"""Sets the title, turns red (C1), reorders, hides, breaks the line."""
SHOWN = "a\\x1b]0;owned\\x07\\x9b31m\\u202egpj\\u200b\\n\\x7f"

PHOTO, OTHER, BROKEN, MISSING = (f"{EVIL}{kind}.png" for kind in ("red", "blue", "broken", "missing"))
FOLDER = f"folder {EVIL}"
FIND = ["--detector", DETECTOR]
KNOW = [*FIND, "--model", MODEL]
NEAR = ["--threshold", "0.1"]

SCRIPT: list[list[str]] = [
    ["detect", *FIND, PHOTO, OTHER, BROKEN, MISSING],
    ["detect", *FIND, PHOTO, BROKEN, "--csv"],
    ["detect", *FIND, FOLDER],
    ["extract", *FIND, PHOTO, BROKEN, "--out", f"crops {EVIL}"],
    ["landmarks", *FIND, PHOTO, BROKEN, "--points", "5"],
    ["liveness", *FIND, PHOTO, BROKEN, MISSING],
    ["embed", *KNOW, PHOTO, BROKEN, "--out", f"{EVIL}.npz"],
    ["embed", *KNOW, PHOTO, "--out", f"{FOLDER}/none/{EVIL}"],
    ["verify", *KNOW, *NEAR, PHOTO, OTHER],
    ["verify", *KNOW, *NEAR, PHOTO, OTHER, BROKEN],
    ["verify", *KNOW, *NEAR, PHOTO, FOLDER],
    ["classify", *FIND, "--model", CLASSIFIER, PHOTO, BROKEN],
    ["enroll", "Ann", PHOTO, *KNOW, "--note", "n", "--consent", "c"],
    ["enroll", "Ann", PHOTO, BROKEN, *KNOW],
    ["enroll", f"Bob {EVIL}", OTHER, *KNOW],
    ["enroll", "--from", f"staff {EVIL}", *KNOW],
    ["enroll", EVIL, *KNOW],
    ["identify", *FIND, PHOTO, OTHER, BROKEN, MISSING, *NEAR],
    ["identify", *FIND, PHOTO, "--csv", *NEAR],
    ["why", *FIND, PHOTO, "--person", f"Bob {EVIL}", *NEAR],
    ["why", *FIND, PHOTO, "--person", "Ann", *NEAR],
    ["similar", PHOTO, *KNOW, OTHER, BROKEN],
    ["similar", PHOTO, "--gallery", "faces.db", *FIND],
    ["cluster", *KNOW, *NEAR, PHOTO, OTHER, BROKEN, "--report", "page.html"],
    ["cluster", *KNOW, *NEAR, PHOTO, "--names", f"{EVIL}.json"],
    ["representative", *KNOW, PHOTO, OTHER, BROKEN],
    ["index", *KNOW, PHOTO, OTHER, BROKEN, "--workers", "1"],
    ["gallery list"],
    ["gallery show", "Ann"],
    ["gallery show", EVIL, "none"],
    ["gallery describe", "1", "--note", f"note {EVIL}"],
    ["gallery describe", "1", "--metadata", f'{{"a": "\\u202e{EVIL}'],
    ["gallery rename", "1", EVIL],
    ["gallery merge", EVIL, "1"],
    ["gallery audit"],
    ["gallery strangers"],
    ["gallery reject", PHOTO, "--person", EVIL],
    ["gallery rejections", "--person", EVIL],
    ["gallery coach"],
    ["gallery keep-crops"],
    ["gallery migrate", "--model", EVIL],
    ["gallery migrate", "--thresholds", f"{EVIL}.json", "--model", "sface"],
    ["gallery undo-rejection", "7"],
    ["gallery stats"],
    ["gallery check"],
    ["gallery export", f"out {EVIL}"],
    ["gallery import", f"out {EVIL}", "--gallery", f"{EVIL}.db"],
    ["gallery import", f"none {EVIL}", "--gallery", f"{EVIL}.db"],
    ["gallery list", "--gallery", f"none {EVIL}.db"],
    ["gallery forget", PHOTO],
    ["gallery forget", MISSING, "--yes"],
    ["gallery move", "1", "--to", EVIL],
    ["gallery name", EVIL, "3"],
    ["gallery calibrate", f"{EVIL}.json"],
    ["gallery remove", "1", EVIL, "--yes"],
    ["calibrate", FOLDER, *KNOW, "--out", "table.json"],
    ["evaluate pairs", f"pairs {EVIL}.csv", *KNOW],
    ["evaluate lfw", FOLDER, *KNOW],
    ["evaluate identification", f"staff {EVIL}", *KNOW],
    ["evaluate clusters", f"pairs {EVIL}.csv"],
    ["evaluate detection", f"pairs {EVIL}.csv", *FIND],
    ["evaluate groups", f"staff {EVIL}", "--groups", f"pairs {EVIL}.csv", *KNOW],
    ["video", f"none {EVIL}.mp4", *FIND],
    ["evaluate video", f"none {EVIL}.mp4", "--truth", f"pairs {EVIL}.csv", *KNOW],
    ["train classifier", f"staff {EVIL}", *KNOW, "--out", f"run {EVIL}", "--head", "nearest-mean"],
    ["identify", *FIND, PHOTO, "--classifier", f"run {EVIL}"],
    ["identify", *FIND, PHOTO, "--classifier", f"none {EVIL}"],
    ["train classifier", FOLDER, *KNOW, "--out", "run2"],
    ["evaluate liveness", "--from", f"staff {EVIL}", *FIND],
    ["evaluate camera", PHOTO, *FIND],
    ["train compare", FOLDER, "--out", "run3"],
    ["train network", FOLDER, "--out", "run4", "--config", f"{EVIL}.toml"],
    ["train suspects", f"staff {EVIL}", *KNOW],
    ["models show", EVIL],
    ["models fetch", EVIL],
    ["models bench", EVIL],
    ["models remove", EVIL],
    ["models import", PHOTO],
    ["models quantize", EVIL],
    ["gallery", "compact", "--gallery", f"none {EVIL}.db"],
    ["serve", "--config", f"none {EVIL}.toml"],
    ["serve", "--config", f"{EVIL}.toml"],
    ["serve", "--cameras", f"none {EVIL}.toml"],
    ["serve", "--cameras", f"{EVIL}.toml"],
    ["keys create", EVIL],
    ["keys create", "Ann", "--role", EVIL],
    ["keys create", "Ann", "--only", EVIL],
    ["keys create", "Ann", "--role", "employee", "--employee", EVIL],
    ["keys list"],
    ["keys rotate", EVIL],
    ["keys revoke", EVIL],
    ["attendance init", "--site", f"site {EVIL}", "--name", EVIL, "--zone", "UTC"],
    ["attendance init", "--zone", EVIL],
    ["attendance init", "--zone", "UTC"],
    ["attendance import-people", f"staff {EVIL}.csv"],
    ["attendance import-people", f"pairs {EVIL}.csv"],
    ["attendance import-punches", f"pairs {EVIL}.csv"],
    ["attendance people", "--site", f"none {EVIL}"],
    ["attendance punch", EVIL],
    ["attendance punch", "1", "--at", EVIL],
    ["attendance correct", EVIL, "--void", "--reason", EVIL],
    ["attendance history", EVIL],
    ["attendance who-is-in", "--at", EVIL],
    ["attendance request", EVIL, "--leave", EVIL, "--from", "2026-03-02", "--reason", EVIL],
    ["attendance requests", "--by", EVIL],
    ["attendance approve", EVIL],
    ["attendance outage", "--from", EVIL, "--to", EVIL],
    ["attendance consent", EVIL],
    ["attendance credential", EVIL],
    ["attendance export-person", EVIL, "--out", f"{EVIL}.json"],
    ["attendance erase-person", EVIL, "--reason", EVIL, "--yes"],
    ["attendance retain", "--site", f"none {EVIL}"],
    ["attendance demo", f"demo {EVIL}"],
    ["attendance day", "2024-02-20", "--site", f"demo {EVIL}", "--employee", EVIL],
    ["attendance day", EVIL, "--site", f"demo {EVIL}"],
    ["attendance report", "--month", EVIL, "--site", f"demo {EVIL}"],
    ["attendance report", "--month", "2024-02", "--site", f"demo {EVIL}", "--department", EVIL],
    ["attendance report", "--month", "2024-02", "--site", f"demo {EVIL}", "--kind", EVIL],
    ["attendance close", "--month", EVIL, "--site", f"demo {EVIL}"],
    ["attendance replay", "--rules", f"{EVIL}.toml", "--site", f"demo {EVIL}"],
    ["attendance access", "--site", f"none {EVIL}"],
    ["attendance verify", "--site", f"none {EVIL}"],
    ["attendance export", "--to", EVIL],
    ["attendance push", "--to", EVIL, "--dismiss", EVIL],
    ["attendance targets", "--site", f"none {EVIL}"],
    ["attendance terminals", "--clear", EVIL],
    ["cache", "list", EVIL],
    ["cache", "forget", PHOTO],
    ["cache", "clear", EVIL],
    [f"nothing{EVIL}"],
    ["gallery", EVIL],
    ["verify", f"--{EVIL}", PHOTO],
    [f"--{EVIL}"],
    ["gallery list", EVIL],
    ["detect", *FIND, PHOTO, "--min-face", EVIL],
    ["detect", "--detector", EVIL, PHOTO],
    ["detect", "--device", EVIL, PHOTO],
    ["detect", *FIND, PHOTO, "--exclude", f"/{EVIL}"],
]
QUIET = {"demo", "models list"}
"""Commands that take no name, path or text."""


def test_every_command_is_here() -> None:
    assert {command for command in COMMANDS if not any(" ".join(line).startswith(command) for line in SCRIPT)} == QUIET


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    photo(tmp_path / PHOTO, (RED, 40, 50, 60))
    photo(tmp_path / OTHER, (BLUE, 40, 50, 60))
    (tmp_path / BROKEN).write_bytes(b"no picture")
    photo(tmp_path / FOLDER / "gray.png", (GRAY, 40, 50, 60))
    for number in range(3):
        photo(tmp_path / f"staff {EVIL}" / f"Ann {EVIL}" / f"{number}.png", ((255 - 9 * number, 0, 0), 40, 50, 60))
        photo(tmp_path / f"staff {EVIL}" / f"Bob {EVIL}" / f"{number}.png", ((0, 0, 255 - 9 * number), 40, 50, 60))
    (tmp_path / f"pairs {EVIL}.csv").write_text(f'"{EVIL}","{EVIL}",2\n')
    (tmp_path / f"{EVIL}.json").write_text(f'{{"{EVIL}": ')
    (tmp_path / f"{EVIL}.toml").write_text(f"{EVIL} = 1\n")
    return tmp_path


def check(out: str, err: str, line: list[str]) -> None:
    for text in (out, err):
        lines = [row.removesuffix("\r") for row in text.split("\n")]  # lines of CSV end with CRLF
        assert [row for row in lines if make_printable(row) != row] == [], line


@pytest.mark.usefixtures("folder")
def test_no_command_prints_a_foreign_character(run: Run) -> None:
    quoted = 0
    for line in SCRIPT:
        arguments = (
            [*line[0].split(" ", 1), *line[1:]]
            if line[0].startswith(("gallery ", "models ", "evaluate ", "train ", "attendance "))
            else line
        )
        done = run(*arguments)
        check(done.out, done.err, line)
        quoted += SHOWN in done.out + done.err or repr(EVIL)[1:-1] in done.out + done.err
        if line[0] in {"detect", "identify", "gallery list", "gallery show"} and "--csv" not in line:
            again = run(*arguments, "--json")
            check(again.out, again.err, line)
    assert quoted > len(SCRIPT) // 2


def test_names_of_an_older_gallery_are_shown_escaped_too(run: Run, folder: Path) -> None:
    """Written before the rule, or by another program; also in questions and notes."""
    assert run("enroll", "Ann", PHOTO, *KNOW).code == 0
    assert run("enroll", "Bea", OTHER, *KNOW).code == 0
    with sqlite3.connect(folder / "faces.db") as raw:
        raw.execute(
            "UPDATE people SET name = ?, note = ?, consent = ?, folded = 'ann' WHERE id = 1", (EVIL, EVIL, EVIL)
        )
        raw.execute("UPDATE audit SET actor = ?, detail = ?", (EVIL, EVIL))
    raw.close()
    for line in (
        ["gallery", "list"],
        ["gallery", "show", "1"],
        ["gallery", "audit"],
        ["gallery", "rename", "2", "Ann"],
        ["gallery", "export", "out"],
        ["gallery", "import", "out", "--gallery", "copy.db"],
        ["identify", *FIND, *NEAR, PHOTO],
        ["identify", *FIND, *NEAR, PHOTO, "--csv"],
        ["enroll", "ann", PHOTO, *KNOW],
        ["cluster", "--gallery", "faces.db", *NEAR],
        ["gallery", "forget", PHOTO],
        ["gallery", "remove", "1", "--yes"],
    ):
        done = run(*line)
        check(done.out, done.err, line)
        if "--csv" not in line and line[:2] != ["gallery", "forget"]:
            shown = run(*line, "--json")
            check(shown.out, shown.err, line)


def test_the_page_to_name_people_on_shows_names_escaped(run: Run, folder: Path) -> None:
    assert run("cluster", *KNOW, *NEAR, PHOTO, OTHER, "--report", "page.html").code == 0
    page = (folder / "page.html").read_text(encoding="utf-8")
    assert page.count(PHOTO) == page.count(f'data-photo="{PHOTO}"') == 1  # as it is, for the file that is exported
    assert f'title="{make_printable(PHOTO)}' in page
    shown = [text for text in page.split("data-photo=")[1:] if f'data-shown="{make_printable(PHOTO)}"' in text]
    assert len(shown) == 1


def test_a_crash_prints_no_foreign_character(tmp_path: Path) -> None:
    """Exit code 70: the traceback quotes whatever the error says."""
    program = (
        "import sys; from visavis import __main__, cli\n"
        f"def fail(arguments): raise RuntimeError({EVIL!r})\n"
        "cli.command_line = fail\n__main__.main()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False, timeout=60, cwd=tmp_path)
    assert done.returncode == 70
    check("", done.stderr.decode(), ["crash"])
    assert "a\\x1b]0;owned" in done.stderr.decode()
