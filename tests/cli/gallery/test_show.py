"""gallery show."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.conftest import Photos, Run


@pytest.mark.usefixtures("enrolled")
def test_show(run: Run, photos: Photos) -> None:
    line = run("gallery", "show", "Ann", "--json").line
    assert [one["photo"] for one in line["templates"]] == [
        str(Path.cwd() / one) for one in (photos.red, photos.dark_red)
    ]
    assert line["templates"][0]["box"] == [40, 50, 100, 110]
    assert run("gallery", "show", "1", "--json").line == line
    assert "red.png" in run("gallery", "show", "Ann").out


def test_show_tells_all_that_is_stored_and_the_ids_of_templates(know: Run, run: Run, photos: Photos) -> None:
    know("enroll", "Ann", photos.red, photos.dark_red, "--note", "at the desk", "--consent", "in writing")
    run("gallery", "describe", "Ann", "--metadata", '{"desk": 4}', "--consented", "2026-01-03")
    facts, templates = run("gallery", "show", "Ann").out.split("\n\n")
    shown = dict(line.split(maxsplit=1) for line in facts.splitlines())
    assert shown["person"] == "1"
    assert (shown["name"], shown["note"], shown["consent"]) == ("Ann", "at the desk", "in writing")
    assert (shown["consented"], shown["metadata"]) == ("2026-01-03", '{"desk": 4}')
    rows = [line.split() for line in templates.splitlines()]
    assert rows[0] == ["template", "photo", "box", "quality", "since"]
    assert [row[:6] for row in rows[2:]] == [
        ["1", str(Path.cwd() / "red.png"), "40", "50", "100", "110"],
        ["2", str(Path.cwd() / "dark.png"), "140", "90", "220", "170"],
    ]


def test_an_unknown_person_costs_the_others_nothing(know: Run, run: Run, photos: Photos) -> None:
    know("enroll", "Ann", photos.red)
    know("enroll", "Bea", photos.blue)
    done = run("gallery", "show", "2", "Annn", "Ann", "--json")
    assert (done.code, [line["person_id"] for line in done.lines]) == (1, [2, 1, None])
    assert [one["photo"] for one in done.lines[0]["templates"]] == [str(Path.cwd() / photos.blue)]
    assert (done.lines[2]["name"], "did you mean 'Ann'?" in done.lines[2]["message"]) == ("Annn", True)
    done = run("gallery", "show", "Bea", "Ann")
    assert (done.code, done.err) == (0, "")
    assert [part.split()[0] for part in done.out.split("\n\n")] == ["person", "template", "person", "template"]
    done = run("gallery", "remove", "Ann", "Cleo", "#1", "Bea")
    assert done.code == 1
    assert done.out == "removed Ann (id 1) with 1 template.\nremoved Bea (id 2) with 1 template.\n"
    assert "visavis: no person in this gallery is called 'Cleo'." in done.err.splitlines()
    done = run("gallery", "remove", "Ann", "Bea", "--json")
    assert (done.code, [line["removed"] for line in done.lines]) == (2, [False, False])
