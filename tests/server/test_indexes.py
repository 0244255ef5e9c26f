"""The setting ``index``: a server whose galleries are searched by Milvus, in its small form."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from visavis.gallery import Gallery

from .running_server import RunningServer, photos


@pytest.mark.slow
@pytest.mark.skipif(find_spec("milvus_lite") is None, reason="milvus-lite is not installed")
def test_people_are_found_by_milvus(sample_photos: Path, tmp_path: Path) -> None:
    environment = {"VISAVIS_SERVER_INDEX": "milvus:./embeddings.db"}
    server = RunningServer("--gallery", "faces.db", folder=tmp_path, environment=environment)
    server.set_up()
    for name, file in (("Barack", "obama.jpg"), ("Joe", "biden.jpg")):
        body = {"data": {"name": name}, "files": photos("photo", sample_photos / file)}
        assert server.post("/v1/people", **body).status_code == 201
    answer = server.post("/v1/identify", files=photos("photo", sample_photos / "obama2.jpg"))
    assert [face["name"] for face in answer.json()["photos"][0]["faces"]] == ["Barack"]
    assert server.stop() == 0
    with Gallery(tmp_path / "faces.db", index=f"milvus:{tmp_path / 'embeddings.db'}") as gallery:
        assert gallery.check() == []


def test_an_index_that_does_not_exist_ends_the_start_with_a_sentence(tmp_path: Path) -> None:
    environment = {**os.environ, "VISAVIS_SERVER_INDEX": "nothing"}
    command = [sys.executable, "-m", "visavis", "serve", "--port", "0"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "'nothing'" in done.stderr.splitlines()[-1]
