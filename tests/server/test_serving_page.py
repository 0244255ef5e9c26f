"""docs/serving.md: its configurations are valid, its unit and its container file hold together."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from visavis.server.config import ServerConfig, read_config
from visavis.server.lifeline import KILL_SECONDS

from .serving_page import PAGE, ROOT, read_blocks

SECTIONS = ("In an office", "Behind nginx", "TLS without a proxy", "On several machines")


@pytest.mark.parametrize("section", SECTIONS)
def test_each_configuration_is_read(section: str, tmp_path: Path) -> None:
    (text,) = read_blocks(section, "toml")
    (tmp_path / "server.toml").write_text(text)
    config = read_config(tmp_path / "server.toml")
    written = tomllib.loads(text)
    for key, value in written["server"].items():
        used = getattr(config, key)
        if isinstance(used, Path):
            assert used == tmp_path / value
        elif key == "trusted_proxies":
            assert used == tuple(f"{address}/32" for address in value)
        else:
            assert used == (tuple(value) if isinstance(value, list) else value)
    assert config.galleries == written.get("galleries", ServerConfig().galleries)


def read_unit() -> str:
    (text,) = read_blocks("As a service", "ini")
    return text


def test_the_unit_gives_the_server_its_time() -> None:
    settings = dict(re.findall(r"^(\w+)=(.*)$", read_unit(), re.MULTILINE))
    assert int(settings["TimeoutStopSec"]) > KILL_SECONDS
    assert settings["KillMode"] == "mixed", "the server itself stops its processes"
    assert settings["RestartPreventExitStatus"] == "2"
    assert settings["ExecStart"].split()[1:] == ["serve", "--config", "/etc/visavis/server.toml"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_finds_no_fault_in_the_unit(tmp_path: Path) -> None:
    text = (
        read_unit()
        .replace("/opt/visavis/bin/visavis", "/bin/true")
        .replace("=visavis\nGroup=visavis", "=root\nGroup=root")
    )
    (tmp_path / "visavis.service").write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--recursive-errors=no", str(tmp_path / "visavis.service")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, [line for line in done.stderr.splitlines() if "visavis.service" in line]) == (0, [])
    broken = text.replace("ProtectHome=yes", "ProtectHomes=yes")
    (tmp_path / "visavis.service").write_text(broken)
    done = subprocess.run(
        ["systemd-analyze", "verify", str(tmp_path / "visavis.service")], capture_output=True, text=True, check=False
    )
    assert "ProtectHomes" in done.stderr, "this systemd says what it does not know"


def read_container_file() -> list[tuple[str, str]]:
    """Return the instructions of the container file with their arguments."""
    (text,) = read_blocks("In a container", "dockerfile")
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(line.partition(" ")[0], line.partition(" ")[2]) for line in lines if not line.startswith("#")]


def test_the_container_file_holds_together() -> None:
    instructions = read_container_file()
    names = [name for name, _ in instructions]
    assert names[0] == "FROM"
    known = {
        "FROM",
        "COPY",
        "RUN",
        "USER",
        "WORKDIR",
        "VOLUME",
        "ENV",
        "EXPOSE",
        "STOPSIGNAL",
        "HEALTHCHECK",
        "ENTRYPOINT",
        "CMD",
    }
    assert set(names) <= known
    last = dict(instructions)
    assert last["USER"] not in {"root", "0"}
    assert last["STOPSIGNAL"] == "SIGTERM"
    assert [*json.loads(last["ENTRYPOINT"]), *json.loads(last["CMD"])] == ["visavis", "serve"]
    copied = [part for name, text in instructions if name == "COPY" for part in text.split()[:-1]]
    assert [name for name in copied if not (ROOT / name).exists()] == []
    python = re.search(r"python:(\d+\.\d+)-slim$", last["FROM"])
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert python is not None
    assert f">={python[1]}" == project["requires-python"]
    extras = re.search(r"\[([a-z,]+)\]", last["RUN"])
    assert extras is not None
    assert {*extras[1].split(",")} <= project["optional-dependencies"].keys()
    settings = dict(part.split("=", 1) for part in shlex.split(last["ENV"]))
    assert settings["VISAVIS_GALLERY"] == f"sqlite:///{last['VOLUME']}/faces.db"
    assert settings["VISAVIS_SERVER_HOST"] == "0.0.0.0"
    code = json.loads(last["HEALTHCHECK"].partition("CMD ")[2])[2]
    compile(code, "HEALTHCHECK", "exec")
    assert f"127.0.0.1:{last['EXPOSE']}/readyz" in code


def test_images_are_built_in_the_format_that_has_a_health_check() -> None:
    """An image of OCI, podman's default, has none."""
    builds = re.findall(r"podman build (.*?)-t", PAGE.read_text(encoding="utf-8"))
    assert builds == ["--format docker "] * 2


def test_the_office_is_set_up_in_an_order_that_can_be_followed() -> None:
    """Each path and each user of a command exists by then, and the unit runs what was installed, as that user."""
    install, create_key = read_blocks("In an office", "text")
    settings = dict(re.findall(r"^(\w+)=(.*)$", read_unit(), re.MULTILINE))
    program, _, options = settings["ExecStart"].partition(" ")
    folder, user = settings["WorkingDirectory"], settings["User"]
    steps = (f"useradd --system --home-dir {folder} ", f"-o {user} -g {user} {folder}\n", "m venv", "pip install")
    positions = [install.index(step) for step in (*steps, f"-u postgres createuser {user}\n", "-u postgres createdb")]
    assert positions == sorted(positions)
    for used in (f"-u {user} ", f"cd {folder} ", program, options.removeprefix("serve ")):
        assert used in create_key
    (start,) = read_blocks("As a service", "text")
    assert start.splitlines()[-1] == "sudo systemctl enable --now visavis"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("podman") is None, reason="podman is not installed")
def test_the_container_is_built_and_answers(tmp_path: Path) -> None:
    (text,) = read_blocks("In a container", "dockerfile")
    image = next(argument for name, argument in read_container_file() if name == "FROM")
    if subprocess.run(["podman", "image", "exists", image], check=False).returncode:
        pytest.skip(f"podman has no image {image}")
    (tmp_path / "Containerfile").write_text(text)
    tag = "visavis-test"
    subprocess.run(
        ["podman", "build", "--format", "docker", "-t", tag, "-f", str(tmp_path / "Containerfile"), str(ROOT)],
        check=True,
    )
    done = subprocess.run(
        ["podman", "run", "--rm", tag, "keys", "create", "a"], check=True, capture_output=True, text=True
    )
    assert json.loads(done.stdout)["role"] == "read"
