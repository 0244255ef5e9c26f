"""Importing is cheap, silent and explicit."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import visavis

from .source import READS_SOURCE, ROOT, Module, faults

PUBLIC = [
    "__version__",
    "Calibration",
    "Candidate",
    "Challenge",
    "Characteristic",
    "Client",
    "Cluster",
    "Clustering",
    "Face",
    "Faces",
    "Gallery",
    "GalleryError",
    "Identification",
    "ImageError",
    "Liveness",
    "LivenessCheck",
    "Lookalike",
    "NoFaceError",
    "Photo",
    "PhotoFaces",
    "PhotoVerification",
    "Quality",
    "Recognizer",
    "UsageError",
    "Verification",
    "VisavisError",
    "WeightsError",
    "average_face",
    "check_liveness",
    "cluster",
    "detect",
    "embed",
    "extract",
    "load_classifier",
    "read",
    "representative",
    "similar",
    "train_classifier",
    "verify",
    "video",
]

STUB_HEAD = '"""The public names for editors and type checkers, generated from the table in ``__init__.py``."""\n'

SECONDS = 0.1
MODULES = 30
"""Of the standard library, beside what Python has loaded at its start; 10 or so are loaded today."""


def told(program: str) -> Any:
    """What a fresh process prints, as JSON; anything else it says is an error."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    assert done.stderr == ""
    return json.loads(done.stdout)


def newly_loaded(statement: str) -> set[str]:
    program = "import json, sys; before = set(sys.modules); {}; print(json.dumps([*sys.modules.keys() - before]))"
    return set(told(program.format(statement)))


def test_importing_visavis_loads_nothing_but_itself() -> None:
    loaded = newly_loaded("import visavis")
    assert {name for name in loaded if name.startswith("visavis")} == {"visavis"}
    others = {name.partition(".")[0] for name in loaded} - {"visavis"}
    assert others <= sys.stdlib_module_names
    assert len(loaded) < MODULES


def test_importing_visavis_takes_little() -> None:
    """The quickest of thirty at most, since the machine may be busy."""
    program = "import time; start = time.perf_counter(); import visavis; print(time.perf_counter() - start)"
    times = [told(program)]
    while min(times) >= SECONDS and len(times) < 30:
        times.append(told(program))
    assert min(times) < SECONDS


@pytest.mark.parametrize(
    ("statement", "light"),
    [
        ("import visavis.cli", {"numpy", "cv2", "onnxruntime", "sqlalchemy", "PIL", "rich"}),
        ("import visavis.pipeline", {"cv2", "onnxruntime", "sqlalchemy", "PIL", "typer", "rich"}),
        ("from visavis import Face, NoFaceError", {"cv2", "onnxruntime", "sqlalchemy", "PIL", "typer"}),
        ("from visavis import Gallery", {"cv2", "onnxruntime", "PIL", "typer", "rich"}),
    ],
)
def test_a_part_loads_what_it_needs(statement: str, light: set[str]) -> None:
    assert newly_loaded(statement) & light == set()


def test_public_names() -> None:
    assert visavis.__all__ == PUBLIC
    assert dir(visavis) == sorted(PUBLIC)


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    value = getattr(visavis, name)
    if name == "__version__":
        assert value == "0.1.0"
        return
    assert value.__name__ == name
    assert value.__module__.startswith("visavis.")
    assert value.__doc__


def test_from_visavis_import_star() -> None:
    space: dict[str, object] = {}
    exec("from visavis import *", space)
    assert set(space) - {"__builtins__"} == set(PUBLIC)


def test_the_stub_names_what_the_package_has() -> None:
    """Editors and type checkers read it; VISAVIS_WRITE_STUB=1 renews it."""
    stub = Path(visavis.__file__).with_suffix(".pyi")
    imports = [f"from {module} import {name} as {name}" for module, names in visavis._PUBLIC.items() for name in names]
    text = "\n".join([STUB_HEAD, *imports, "", "__version__: str", ""])
    if os.environ.get("VISAVIS_WRITE_STUB"):
        stub.write_text(text, encoding="utf-8")
    assert stub.read_text(encoding="utf-8") == text


def test_a_type_checker_sees_the_types_of_the_public_names() -> None:
    """In the strict mode of mypy, which also reports an error that the script expects and that is not there."""
    mypy = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary"]
    done = subprocess.run(
        [*mypy, "tests/architecture/users_script.py"],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match="module 'visavis' has no attribute 'recognize'"):
        visavis.recognize  # noqa: B018


@READS_SOURCE
def test_every_module_says_what_it_is_for() -> None:
    def bad_beginnings(module: Module) -> list[str]:
        first = (ast.get_docstring(module.tree) or "").partition("\n")[0]
        return [] if first.endswith((".", ":")) else [first]

    assert faults(bad_beginnings) == {}
