"""serve: what stops it before it listens."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from .conftest import Run


@pytest.mark.parametrize("name", ["fastapi", "uvicorn", "pydantic", "prometheus_client"])
def test_a_missing_package_of_the_extra_is_a_sentence(run: Run, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for module in list(sys.modules):
        if module.startswith(("visavis.server.", f"{name}.")):
            monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, name, None)
    done = run("serve", "--port", 0)
    assert (done.code, done.out) == (3, "")
    assert done.err == f"visavis: the server needs {name}: pip install 'visavis[server]'.\n"


def test_other_machines_are_answered_only_with_a_key(run: Run) -> None:
    done = run("serve", "--host", "0.0.0.0", "--port", 0)
    assert (done.code, done.out) == (2, "")
    advice = "create a key first, by visavis keys create NAME --role admin, with the same --config or --gallery."
    assert advice in done.err


def test_a_variable_that_is_no_list_is_a_sentence(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_SERVER_HOSTS", "faces.example.com")
    done = run("serve", "--port", 0)
    advice = "write a list as '[\"faces.example.com\"]'"
    assert (done.code, done.out) == (2, "")
    assert done.err == f"visavis: VISAVIS_SERVER_HOSTS is 'faces.example.com', which is no value of TOML: {advice}.\n"


def test_a_port_in_use_is_a_sentence(run: Run) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        done = run("serve", "--port", other.getsockname()[1])
    assert done.code != 70
    assert done.err.splitlines()[-1].startswith("visavis: the server cannot listen at 127.0.0.1:")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[server]\nport = 70000\n", "port is a whole number"),
        ("[server]\nprot = 1\n", "[server] has no key 'prot'"),
        ("[server]\ncameras = 'c.toml'\n", "c.toml' cannot be read: No such file"),
        ("[server]\ncameras = 'server.toml'\n", "server.toml', the file has an unknown key 'server'"),
        ("[video]\nspeed = 3\n", "[video] has no key 'speed'"),
        ("[video]\nevent_days = -1\n", "event_days is a whole number of days from 0"),
        ("[video]\nstrangers = 0\n", "strangers is a whole number of days from 1"),
        ("[video]\nfpir = 2\n", "fpir must be between 0 and 1"),
        ("[video]\nliveness = 'maybe'\n", "liveness is one of off, observe, require"),
        ("[video]\ngallery = 3\n", "gallery is text, got"),
        ("[retention]\nevent_days = 3\n", "[retention] has no key 'event_days': the keys are job_days and log_days."),
        ("[retention]\nlog_days = 0.5\n", "log_days is a whole number of days from 0"),
        ("[cameras]\n", "there is no table ['cameras']"),
        ("a" + ".a" * 30 + " = 1\n", "a key has more than 20 parts"),
        ("[server]\nindex = 'nope'\n", "'server.toml', no index is called 'nope'"),
        ("[server]\ndetector = 'nope'\n", "'server.toml', no detector is called 'nope'"),
        ("[server]\ncertificate = 'c.pem'\n", "TLS needs both certificate and private_key."),
    ],
)
def test_a_wrong_configuration_is_a_sentence(run: Run, tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "server.toml").write_text(text, encoding="utf-8")
    done = run("serve", "--config", "server.toml", "--port", 0)
    assert (done.code, done.out, len(done.err.splitlines())) == (2, "", 1)
    assert words in done.err


CAMERAS = "[[camera]]\nname = 'door'\nsource = 'door.mp4'\n"


def test_cameras_are_checked_before_the_server_listens(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cameras.toml").write_text(CAMERAS + "speed = 3\n", encoding="utf-8")
    done = run("serve", "--cameras", "cameras.toml", "--port", 0)
    assert (done.code, done.out) == (2, "")
    assert "'cameras.toml', camera 'door' has an unknown key 'speed'" in done.err
    (tmp_path / "cameras.toml").write_text(CAMERAS, encoding="utf-8")
    (tmp_path / "server.toml").write_text("[video]\ngallery = 'staff'\n", encoding="utf-8")
    done = run("serve", "--cameras", "cameras.toml", "--config", "server.toml", "--port", 0)
    assert (done.code, done.out) == (2, "")
    assert "searches the gallery 'staff', and there is none of this name" in done.err
    monkeypatch.setitem(sys.modules, "av", None)
    done = run("serve", "--cameras", "cameras.toml", "--port", 0)
    assert (done.code, done.out) == (3, "")
    assert done.err == "visavis: videos need av: pip install 'visavis[video]'.\n"
    assert not list(tmp_path.glob("*.db"))
