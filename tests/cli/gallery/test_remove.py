"""gallery remove."""

from __future__ import annotations

import pytest

from cli.conftest import Photos, Run


@pytest.mark.usefixtures("enrolled")
def test_the_removed_are_unknown(know: Run, run: Run, photos: Photos) -> None:
    removed = run("gallery", "remove", "Ann", "--json").line
    assert (removed["person_id"], removed["removed"]) == (1, True)
    done = know("identify", photos.red, "--threshold", 0.1, "--json")
    assert (done.code, done.line["faces"][0]["name"]) == (1, None)


@pytest.mark.usefixtures("enrolled")
def test_a_name_that_nobody_has(run: Run) -> None:
    done = run("gallery", "remove", "An")
    assert (done.code, done.out) == (2, "")
    assert "did you mean 'Ann'?" in done.err


def test_remove_says_that_it_removed(know: Run, run: Run, photos: Photos) -> None:
    know("enroll", "Ann", photos.red)
    know("enroll", "Bea", photos.blue)
    done = run("gallery", "remove", "Ann")
    assert done.out == "removed Ann (id 1) with 1 template.\n"
    assert done.err.startswith(
        "visavis: not erased, if there are any: exports, backups, reports, and what visavis video "
    )
    assert run("gallery", "remove", "Ann").err.count("not erased") == 0
    assert [line["name"] for line in run("gallery", "list", "--json").lines] == ["Bea"]
