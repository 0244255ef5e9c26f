"""The notebook of the documentation runs from top to bottom in a real kernel, and shows what its text says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = ROOT / "docs" / "notebook.ipynb"

PROGRAM = """
import sys
import nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": "."}}).execute()
sys.stdout.write(nbformat.writes(notebook))
"""


@pytest.fixture(scope="module")
def executed(sample_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The code cells after all were run, in a process of their own: the kernel speaks over sockets."""
    folder = tmp_path_factory.mktemp("notebook")
    own = {"IPYTHONDIR": str(folder), "JUPYTER_RUNTIME_DIR": str(folder), "JUPYTER_CONFIG_DIR": str(folder)}
    own["PYTHONUNBUFFERED"] = ""  # with it a write that a signal interrupts is not completed
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(NOTEBOOK)],
        cwd=folder,
        env={**os.environ, **own, "VISAVIS_CACHE": str(sample_photos.parent), "VISAVIS_OFFLINE": "1"},
        capture_output=True,
        encoding="utf-8",
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return code_cells(json.loads(done.stdout))


def code_cells(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def output(cells: list[dict[str, Any]], last_line: str) -> dict[str, str]:
    """What the cell with that last line shows, by kind."""
    (cell,) = (cell for cell in cells if "".join(cell["source"]).splitlines()[-1] == last_line)
    (shown,) = cell["outputs"]
    assert shown["output_type"] == "execute_result"
    return {kind: "".join(text) for kind, text in shown["data"].items()}


def words(shown: dict[str, str]) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", shown["text/html"])).strip()


def pictures_in(shown: dict[str, str]) -> int:
    return shown["text/html"].count('src="data:image/jpeg;base64,')


def test_it_is_kept_without_outputs() -> None:
    """They would hold photos of people."""
    cells = code_cells(json.loads(NOTEBOOK.read_text(encoding="utf-8")))
    assert len(cells) == 9
    assert [cell for cell in cells if cell["outputs"] or cell["execution_count"] is not None] == []


def test_every_cell_runs_without_a_warning(executed: list[dict[str, Any]]) -> None:
    assert [cell["execution_count"] for cell in executed] == [*range(1, 10)]
    streams = [shown for cell in executed for shown in cell["outputs"] if shown["output_type"] != "execute_result"]
    assert streams == []
    assert len(json.dumps(executed)) < 600_000


def test_a_photo_and_its_face(executed: list[dict[str, Any]]) -> None:
    photo, faces = output(executed, "obama3"), output(executed, "faces")
    assert words(photo) == "obama3.jpg, 1434 x 2333 pixels, taken 2010-05-10 10:04"
    assert words(faces).startswith("obama3.jpg: 1 face face box score quality 1 641 257 912 609 1.000 0.8")
    assert pictures_in(photo) == pictures_in(faces) == 1
    assert faces["text/plain"].startswith("PhotoFaces(name='obama3.jpg', status='ok', photo=<Photo>, faces=<1 Face>")


def test_the_same_person_and_different_people(executed: list[dict[str, Any]]) -> None:
    same, different = output(executed, "same"), output(executed, "different")
    assert words(same).startswith("the same person cosine distance 0.2449")
    assert words(different).startswith("different people cosine distance 0.88")
    assert pictures_in(same) == pictures_in(different) == 2
    assert same["text/plain"].startswith("Verification(same=True, distance=0.24")


def test_he_is_named_and_the_other_is_unknown(executed: list[dict[str, Any]]) -> None:
    named, unknown = output(executed, "identified"), output(executed, "unknown")
    assert words(named).startswith("obama3.jpg: 1 face face who distance threshold probability 1 Barack Obama 0.")
    assert words(unknown).startswith("unknown: no person of the gallery is near enough")
    assert re.search(r"1 Barack Obama 1 0\.\d{4} -$", words(unknown))


def test_clusters_thresholds_and_rows(executed: list[dict[str, Any]]) -> None:
    clusters = output(executed, "clustering")
    assert words(clusters).startswith("2 clusters of 4 faces, threshold 0.")
    assert words(clusters).endswith("cluster 1: 3 faces cluster 2: 1 face")
    assert pictures_in(clusters) == 4
    (thresholds,) = (cell for cell in executed if "far=1e-5" in "".join(cell["source"]))
    shown = "".join(thresholds["outputs"][0]["data"]["text/plain"])
    assert re.fullmatch(r"\{'far 1e-5': \(True, 0\.4\d+\),\s+'threshold 0.2': \(False, .*\)\}", shown), shown
    rows = output(executed, "rows")["text/plain"]
    expected = [(1, "obama.jpg"), (1, "obama2.jpg"), (1, "obama3.jpg"), (2, "biden.jpg")]
    assert re.sub(r"\s+", " ", rows) == str(expected)
