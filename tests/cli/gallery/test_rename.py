"""gallery rename."""

from __future__ import annotations

import pytest

from cli.conftest import Run


@pytest.mark.usefixtures("enrolled")
def test_rename_keeps_the_id(run: Run) -> None:
    assert run("gallery", "rename", "Ann", "Ann Lee", "--json").line["person_id"] == 1
    assert [line["name"] for line in run("gallery", "list", "--json").lines] == ["Ann Lee", "Bea"]
    assert run("gallery", "rename", "2", "Bea Poe", "--json").line["name"] == "Bea Poe"


@pytest.mark.usefixtures("enrolled")
def test_rename_to_a_name_that_another_has(run: Run) -> None:
    done = run("gallery", "rename", "Ann", "Bea", "--json")
    assert (done.code, done.line["person_id"], done.line["name"]) == (0, 1, "Bea")
    assert done.err == (
        "visavis: Bea (id 2) is another person than Bea (id 1): refer to them by id, or, if they are one person, "
        "run visavis gallery merge 1 2.\n"
    )


@pytest.mark.usefixtures("enrolled")
def test_rename_to_a_name_like_that_of_another_says_so(run: Run) -> None:
    assert "Bea (id 2) is another person than bea (id 1)" in run("gallery", "rename", "Ann", "bea").err


@pytest.mark.usefixtures("enrolled")
@pytest.mark.parametrize("name", ["Anna", "ann", "Ann"])
def test_rename_to_a_name_that_nobody_else_has_says_nothing(run: Run, name: str) -> None:
    assert run("gallery", "rename", "Ann", name).err == ""
