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
    assert "create a key first, by visavis keys create NAME --role admin." in done.err


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
        ("[server]\ncameras = 'c.toml'\n", "[server] has no key 'cameras'"),
        ("[cameras]\n", "there is no table ['cameras']"),
        ("a" + ".a" * 30 + " = 1\n", "a key has more than 20 parts"),
        ("[server]\ncertificate = 'c.pem'\n", "TLS needs both certificate and private_key."),
    ],
)
def test_a_wrong_configuration_is_a_sentence(run: Run, tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "server.toml").write_text(text, encoding="utf-8")
    done = run("serve", "--config", "server.toml", "--port", 0)
    assert (done.code, done.out, len(done.err.splitlines())) == (2, "", 1)
    assert words in done.err
