"""``--report`` of the commands of evaluate: refused early where it cannot be written, and a page where it can."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from cli.conftest import Run
from cli.fakes import BLUE, DARK_RED, DETECTOR, MODEL, RED, photo

KNOW = ("--detector", DETECTOR, "--model", MODEL)
COMMANDS = {
    "pairs": ("people", *KNOW),
    "lfw": ("people", *KNOW),
    "identification": ("people", *KNOW),
    "clusters": ("clusters.csv",),
    "detection": ("faces.csv", "--detector", DETECTOR),
    "groups": ("people", "--groups", "groups.csv", "--threshold", "0.1", *KNOW),
}


@pytest.fixture
def data(tmp_path: Path) -> None:
    """People of two photos each, a list of clusters, a table of faces and one of groups."""
    green = (0, 255, 0)
    people = {"ann": (RED, DARK_RED), "bob": (BLUE, (10, 0, 200)), "cat": (green, (0, 200, 10)), "dan": (RED, BLUE)}
    for name, colors in people.items():
        for number, color in enumerate(colors):
            photo(tmp_path / "people" / name / f"{number}.png", (color, 40, 50, 60))
    (tmp_path / "clusters.csv").write_text("photo,cluster\nann/1.png,1\nann/2.png,2\nbob/1.png,2\n")
    (tmp_path / "faces.csv").write_text("photo,x1,y1,x2,y2\npeople/ann/0.png,40,50,100,110\n")
    (tmp_path / "groups.csv").write_text("person,letter\nann,a\nbob,b\ncat,b\ndan,a\n")


def _figures(table: str) -> list[str]:
    """The lines of a table, without the milliseconds that differ from run to run."""
    return [line for line in table.splitlines() if not line.strip().startswith("ms a ")]


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize("command", [command for command in COMMANDS if command != "lfw"])
def test_a_page_is_written_beside_the_answer(run: Run, tmp_path: Path, command: str) -> None:
    done = run("evaluate", command, *COMMANDS[command], "--report", "page.html")
    assert done.code == 0
    without = run("evaluate", command, *COMMANDS[command]).out
    assert _figures(done.out) == _figures(without)
    root = ElementTree.fromstring((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert (root.tag, len(list(root.iter("table"))) >= 1) == ("html", True)


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("page", "said"), [("page.pdf", "must end in"), ("none/page.html", "there is no folder")])
def test_a_page_that_cannot_be_written_is_refused(run: Run, command: str, page: str, said: str) -> None:
    done = run("evaluate", command, *COMMANDS[command], "--report", page)
    assert (done.code, done.out) == (2, "")
    assert said in done.err or command == "lfw"  # which looks for the lists of LFW first
