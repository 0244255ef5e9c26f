"""docs/rest.md: its requests and its program run, and its table of paths has every path."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from .running_server import CODE, RunningServer

PAGE = Path(__file__).resolve().parents[2] / "docs" / "rest.md"
NAMES = {"ann1.jpg": "obama.jpg", "ann2.jpg": "obama2.jpg", "party.jpg": "obama3.jpg", "ben.jpg": "biden.jpg"}


def read_blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def test_the_requests_and_the_program_of_the_page_run(
    tmp_path: Path, sample_photos: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, sample in NAMES.items():
        shutil.copyfile(sample_photos / sample, tmp_path / name)
    (tmp_path / "photos" / "2026").mkdir(parents=True)
    (roots,) = read_blocks("toml")
    (tmp_path / "server.toml").write_text(roots.replace('"/srv/photos"', '"photos"'))
    running = RunningServer("--config", "server.toml", folder=tmp_path)
    try:
        (code,) = CODE.findall(running.text)
        environment = {**os.environ, "CODE": code, "SERVER": running.url, "no_proxy": "*"}
        for command in "".join(read_blocks("sh")).splitlines():
            done = subprocess.run(
                ["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, (command, done.stdout, done.stderr)
            if "/v1/setup" in command:
                environment["KEY"] = running.key = json.loads(done.stdout)["key"]
        assert [job["kind"] for job in running.get("/v1/jobs").json()["jobs"]] == ["evaluate", "index"]
        assert (tmp_path / "backup.zip").read_bytes()[:2] == b"PK"
        monkeypatch.chdir(tmp_path)
        exec("".join(read_blocks("py")), {"server": running.url, "key": running.key})
        assert capsys.readouterr().out == "True\n['Ben']\n"
    finally:
        running.stop()


def test_every_path_begins_as_the_table_says(server: RunningServer) -> None:
    paths = server.get("/openapi.json").json()["paths"]
    listed = re.findall(r"`(/[a-z_-]+)", PAGE.read_text(encoding="utf-8"))
    first = {"/" + path.removeprefix("/v1/").lstrip("/").partition("/")[0] for path in paths}
    assert first - {*listed} == set()


def test_the_codes_of_the_page_are_those_of_the_server() -> None:
    from visavis.errors import error_of_code

    rows = [
        line.split("|")[1]
        for line in PAGE.read_text(encoding="utf-8").partition("## Errors")[2].splitlines()
        if "|" in line
    ]
    codes = [code for row in rows for code in re.findall(r"`(\w+)`", row)]
    source: Any = "".join(
        path.read_text(encoding="utf-8") for path in PAGE.parents[1].glob("src/visavis/server/**/*.py")
    )
    assert len(codes) > 15
    assert [code for code in codes if error_of_code(code) is None and f'"{code}"' not in source] == []
