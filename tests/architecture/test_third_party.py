"""What is not ours: pinned with hashes, its licenses listed, and the bill of materials made of both."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from importlib import metadata
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from visavis.weights.spec import all_specs

from .source import ROOT
from .test_package import PROJECT, _pins

HASHED = (ROOT / "requirements-hashed.txt").read_text(encoding="utf-8")
ENTRY = re.compile(r"([a-z0-9-]+)==([0-9][^ ]*)(?: ; sys_platform == 'win32')?(?: --hash=sha256:[0-9a-f]{64})+")

SAME = {
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "MIT License": "MIT",
    "MIT license": "MIT",
    "3-Clause BSD License": "BSD-3-Clause",
    "BSD License": "BSD-3-Clause",
    "ISC License": "ISC",
}
"""SPDX expressions of licenses that packages name in other words."""


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("third_party", ROOT / "tools" / "third_party.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["third_party"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def entries() -> dict[str, str]:
    lines = " ".join(HASHED.replace("\\\n", " ").split(" ")).splitlines()
    lines = [re.sub(r" +", " ", line).strip() for line in lines if not line.startswith("#")]
    matches = [ENTRY.fullmatch(line) for line in lines]
    assert all(matches), [line[:60] for line, match in zip(lines, matches, strict=True) if not match]
    return {match[1]: match[2] for match in matches if match}


def needed() -> set[str]:
    """What the default installation needs here, by what the installed packages say."""
    waiting, names = [Requirement(wanted) for wanted in PROJECT["project"]["dependencies"]], set()
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        if name in names or (wanted.marker and not wanted.marker.evaluate({"extra": ""})):
            continue
        names.add(name)
        waiting += map(Requirement, metadata.requires(name) or [])
    return names


def test_the_hashed_requirements_are_the_default_installation_at_the_pinned_versions() -> None:
    pinned = dict(line.split("==") for line in _pins() if not line.startswith("#"))
    versions = {canonicalize_name(name): version for name, version in pinned.items()}
    elsewhere = {"colorama": "0.4.6"}  # on Windows
    assert entries() == {name: versions[name] for name in needed()} | elsewhere


def test_the_hashed_requirements_name_no_place() -> None:
    assert not re.search(r"https?:|@|-i |--index|--find", HASHED)


def test_continuous_integration_downloads_by_hash() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "-m pip download --quiet --require-hashes -r requirements-hashed.txt" in script


def test_the_page_and_the_bill_are_what_the_command_writes(tool: ModuleType) -> None:
    assert tool.PAGE.read_text(encoding="utf-8") == tool.write_page(), "run tools/third_party.py"
    assert tool.BILL.read_text(encoding="utf-8") == tool.write_bill(), "run tools/third_party.py"


def test_the_bill_names_every_package_and_all_weights(tool: ModuleType) -> None:
    bill = json.loads(tool.write_bill())
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    kinds = {
        kind: [c for c in bill["components"] if c["type"] == kind] for kind in ("library", "machine-learning-model")
    }
    assert {c["name"]: c["version"] for c in kinds["library"]} == entries()
    assert [c["name"] for c in kinds["machine-learning-model"]] == [row.name for row in all_specs()]
    references = [c["bom-ref"] for c in bill["components"]]
    assert len(references) == len({*references})
    (direct,) = bill["dependencies"]
    assert len(direct["dependsOn"]) == len(PROJECT["project"]["dependencies"])
    assert {*direct["dependsOn"]} < {*references}
    hashes = {c["name"]: c["hashes"][0]["content"] for c in kinds["machine-learning-model"] if "hashes" in c}
    assert hashes == {row.name: row.sha256 for row in all_specs() if row.sha256}


def test_licenses_are_those_that_the_packages_declare(tool: ModuleType) -> None:
    compared = 0
    for name, expression in tool.LICENSES.items():
        try:
            package = metadata.metadata(name)
        except metadata.PackageNotFoundError:
            continue
        classifiers = [c.split(" :: ")[-1] for c in package.get_all("Classifier") or [] if c.startswith("License")]
        words = [package.get("License-Expression"), package.get("License"), *classifiers]
        assert expression in [SAME.get(word, word) for word in words if word], (name, words)
        compared += 1
    assert compared > 25


def test_every_package_of_an_extra_has_a_license(tool: ModuleType) -> None:
    assert {name for names in tool.read_extras().values() for name in names} <= tool.LICENSES.keys()
    assert tool.BUNDLED.keys() <= tool.LICENSES.keys()
