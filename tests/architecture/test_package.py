"""What is built and declared: the wheel, the versions of Python, the license, the pinned versions."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from email import message_from_string
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from .source import ROOT, SRC, modules

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PYTHONS = ["3.11", "3.12", "3.13", "3.14"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (path,) = folder.glob("*.whl")
    assert path.name == "visavis-0.1.0-py3-none-any.whl"
    return zipfile.ZipFile(path)


def test_the_wheel_holds_the_package_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    assert {str(module.path.relative_to(SRC).as_posix()) for module in modules().values()} <= names
    data = {name for name in names if not name.endswith(".py") and ".dist-info/" not in name}
    tables = {path.relative_to(SRC).as_posix() for path in SRC.glob("visavis/calibration/*.json")}
    assert tables
    pages = {path.relative_to(SRC).as_posix() for path in SRC.glob("visavis/**/*.j2")}
    assert pages
    parts = {
        path.relative_to(SRC).as_posix()
        for folder in ("clustering/page", "server/pages")
        for path in (SRC / "visavis" / folder).rglob("*")
        if path.suffix in {".js", ".css", ".svg", ".json"}
    }
    assert len(parts) > 7
    assert data == {"visavis/py.typed", "visavis/__init__.pyi", *tables, *pages, *parts}
    assert {name.split("/")[0] for name in names} == {"visavis", "visavis-0.1.0.dist-info"}
    sizes = {one.filename: one.file_size for one in wheel.infolist() if ".dist-info/" not in one.filename}
    assert sizes.pop("visavis/gallery/gallery.py") < 26_000  # all signatures and docstrings of a gallery
    assert max(sizes.values()) < 20_000
    assert sum(one.compress_size for one in wheel.infolist()) < 1_815_000  # code compresses, photos and weights do not
    # Code and text compress to a third, photos and weights not at all.
    assert [one.filename for one in wheel.infolist() if one.compress_size > max(0.6 * one.file_size, 600)] == []
    assert sum(one.compress_size for one in wheel.infolist()) < 0.4 * sum(one.file_size for one in wheel.infolist())


def test_what_the_wheel_says_of_itself(wheel: zipfile.ZipFile) -> None:
    told = message_from_string(wheel.read("visavis-0.1.0.dist-info/METADATA").decode())
    assert (told["Name"], told["Version"], told["License-Expression"]) == ("visavis", "0.1.0", "MIT")
    assert told["Requires-Python"] == ">=3.11"
    assert told.get_payload().startswith("# visavis")
    classified = re.findall(r"Python :: (3\.\d+)", "\n".join(told.get_all("Classifier")))
    assert classified == PYTHONS
    assert wheel.read("visavis-0.1.0.dist-info/licenses/LICENSE").startswith(b"MIT License")
    assert b"visavis = visavis.__main__:main" in wheel.read("visavis-0.1.0.dist-info/entry_points.txt")


def test_tools_look_at_the_lowest_python() -> None:
    assert PROJECT["project"]["requires-python"] == f">={PYTHONS[0]}"
    assert PROJECT["tool"]["mypy"]["python_version"] == PYTHONS[0]
    assert PROJECT["tool"]["mypy"]["strict"] is True
    assert PROJECT["tool"]["pytest"]["ini_options"]["filterwarnings"] == ["error"]
    assert PROJECT["tool"]["coverage"]["report"]["fail_under"] >= 90


def test_the_pinned_versions_are_names_and_versions_only() -> None:
    lines = [line for line in _pins() if line and not line.startswith("#")]
    assert lines == sorted(lines, key=str.lower)
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*", line)] == []


def test_every_dependency_is_pinned_to_a_version_that_it_allows() -> None:
    pinned = dict(line.split("==") for line in _pins() if not line.startswith("#"))
    versions = {canonicalize_name(name): version for name, version in pinned.items()}
    groups = PROJECT["dependency-groups"]
    wanted = [Requirement(one) for one in [*PROJECT["project"]["dependencies"], *groups["test"], *groups["lint"]]]
    assert len(wanted) > 20
    assert [one.name for one in wanted if canonicalize_name(one.name) not in versions] == []
    assert [one for one in wanted if versions[canonicalize_name(one.name)] not in one.specifier] == []


def _pins() -> list[str]:
    return (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()


def test_what_is_kept_names_no_machine() -> None:
    """No path of a developer's machine, no address of a package index."""
    if shutil.which("git") is None:
        pytest.skip("there is no git to say what is kept")
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    texts = [ROOT / name for name in files.split() if Path(name).suffix in {".md", ".toml", ".txt", ".py", ""}]
    if not texts:
        pytest.skip("this is no git checkout")
    told = re.compile(r"/(?:home|Users|root)/\w|index-url\s*=|--index-url[ =]http")
    assert [path.name for path in texts if path.is_file() and told.search(path.read_text(encoding="utf-8"))] == []


def test_slow_tests_are_marked_in_their_own_files() -> None:
    """Continuous integration collects the slow tests of those files alone that contain ``mark.slow``."""
    assert "--include='test_*.py' 'mark\\.slow' tests" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    others = [path for path in (ROOT / "tests").rglob("*.py") if not path.name.startswith("test_")]
    marking = [path.name for path in others if "mark.slow" in path.read_text(encoding="utf-8")]
    assert marking == []
