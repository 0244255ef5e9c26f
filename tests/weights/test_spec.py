"""The rows of weight files, and the files of the installed packages against them."""

from __future__ import annotations

import tomllib

import pytest

from conftest import ROOT
from visavis.errors import UnknownNameError
from visavis.weights import spec, store

ROWS = spec.all_specs()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_holds_what_is_needed_to_fetch_and_check(row: spec.WeightSpec) -> None:
    assert spec.spec(row.name) is row
    assert row.url.startswith("https://")
    assert row.url.endswith(("/" + row.file, ".zip"))
    if row.sha256:  # unknown ones are pinned when the file is first fetched
        assert len(row.sha256) == 64
        assert int(row.sha256, 16) > 0
        assert row.size > 0
    assert row.license
    assert row.trained_on
    assert row.channels in {"RGB", "BGR"}


def test_files_that_come_with_packages_are_pinned() -> None:
    assert all(row.sha256 for row in ROWS if row.package)
    assert {row.name for row in ROWS if row.package} >= {"mtcnn-pnet", "dlib-resnet", "dlib-5-points"}


def test_what_a_row_says_of_its_package_is_what_installing_visavis_does() -> None:
    """Rows of an extra lie in a package that the extra installs, and no others do."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    for row in ROWS:
        if row.package:
            installed = extras[row.extra] if row.extra else project["dependencies"]
            name = row.package.replace("_", "-")
            assert [each for each in installed if each.partition("==")[0] == name], row.name
    assert {row.extra for row in ROWS if row.name.startswith("dlib-")} == {"dlib"}
    assert not [row.name for row in ROWS if row.extra and not row.package]


def test_names_and_files_differ() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS) == len({row.file for row in ROWS})


@pytest.mark.parametrize("row", [row for row in ROWS if row.package], ids=lambda row: row.name)
def test_the_installed_packages_carry_the_published_files(
    row: spec.WeightSpec, cache: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISAVIS_OFFLINE", "1")
    path = store.find(row)
    assert path.stat().st_size == row.size
    assert path.name == row.file


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"no weight file is called 'dlib-resnt'; there are: dlib-resnet"):
        spec.spec("dlib-resnt")


def test_a_name_near_to_nothing_lists_them_all() -> None:
    with pytest.raises(UnknownNameError) as caught:
        spec.spec("?")
    assert all(row.name in str(caught.value) for row in ROWS)
