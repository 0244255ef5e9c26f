"""keys: created, listed, given a new secret, and revoked."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from visavis.server.state.database import StateDatabase
from visavis.server.state.keys import Keys

from .conftest import Run

KEY = re.compile(r"vv_[0-9a-f]{12}_[\w-]{43}")


def find_owner(folder: Path, text: str) -> str | None:
    """Return the name of the key that the server accepts by this text."""
    database = StateDatabase(f"sqlite:///{folder / 'faces.server.db'}")
    try:
        key = Keys(database).find(text)
    finally:
        database.close()
    return None if key is None else key.name


def test_a_key_from_its_creation_to_its_end(run: Run, tmp_path: Path) -> None:
    first = run("keys", "create", "registrar", "--role", "enroll", "--json").line
    assert (first["name"], first["role"], list(first)) == ("registrar", "enroll", ["name", "role", "key"])
    assert KEY.fullmatch(first["key"])
    assert find_owner(tmp_path, first["key"]) == "registrar"
    assert (tmp_path / "faces.server.db").read_bytes().find(first["key"].encode()) == -1
    second = run("keys", "rotate", "registrar", "--json").line
    assert (find_owner(tmp_path, first["key"]), find_owner(tmp_path, second["key"])) == (None, "registrar")
    assert run("keys", "revoke", "registrar", "--json").line == {"name": "registrar", "revoked": True}
    assert find_owner(tmp_path, second["key"]) is None
    listed = run("keys", "list", "--json").line
    assert (listed["name"], listed["role"], listed["galleries"]) == ("registrar", "enroll", None)
    assert listed["revoked"] > listed["created"]


def test_a_key_of_an_employee_of_the_site(run: Run, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("number,name\n17,Ann\n", encoding="utf-8")
    assert run("attendance", "init", "--site", "site", "--zone", "UTC").code == 0
    assert run("attendance", "import-people", "people.csv", "--site", "site").code == 0
    (tmp_path / "server.toml").write_text("[server]\nattendance_site = 'site'\n", encoding="utf-8")
    order = ["keys", "create", "Ann", "--role", "employee", "--config", "server.toml"]
    assert run(*order, "--employee", "17").code == 0
    assert run("keys", "list", "--config", "server.toml").out.splitlines()[-1].split()[:4] == [
        "Ann", "employee", "17", "none"
    ]  # fmt: skip
    assert run("keys", "list", "--config", "server.toml", "--json").line["employee"] == "17"
    unknown = run(*order, "--employee", "18")
    assert (unknown.code, "there is no employee '18'" in unknown.err) == (2, True)
    assert (run(*order).code, run(*order[:-2], "--employee", "17").code) == (2, 2)


def test_the_tables(run: Run, tmp_path: Path) -> None:
    config = tmp_path / "server.toml"
    config.write_text("[galleries]\ndefault = 'faces.db'\ndoor = 'door.db'\ngate = 'gate.db'\n", encoding="utf-8")
    done = run("keys", "create", "kiosk", "--only", "door", "--only", "gate", "--config", "server.toml")
    row = done.out.splitlines()[-1].split()
    assert (row[:2], KEY.fullmatch(row[2]) is not None) == (["kiosk", "read"], True)
    assert done.err == "visavis: keep the key now: it cannot be shown again.\n"
    assert re.split(r" {2,}", run("keys", "list").out.splitlines()[-1])[:3] == ["kiosk", "read", "door, gate"]
    assert run("keys", "revoke", "kiosk").out.splitlines()[-1].split() == ["kiosk", "revoked"]
    assert run("keys", "list").out.splitlines()[-1].split()[-1] == "revoked"
    assert run("keys", "rotate", "kiosk").out.splitlines()[-1].split()[:2] == ["kiosk", "read"]
    assert run("keys", "list").out.splitlines()[-1].split()[-1] == "valid"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (["create", "kiosk"], "kiosk"),
        (["create", "other", "--role", "owner"], "read, enroll"),
        (
            ["create", "other", "--only", "defualt"],
            "there is no gallery 'defualt' on this server; there are: 'default'",
        ),
        (["rotate", "nothing"], "nothing"),
        (["revoke", "nothing"], "nothing"),
        (["list", "--config", "none.toml"], "none.toml"),
    ],
)
def test_wrong_lines_are_a_sentence(run: Run, line: list[str], words: str) -> None:
    run("keys", "create", "kiosk")
    done = run("keys", *line)
    assert (done.code, done.out, len(done.err.splitlines())) == (2, "", 1)
    assert words in done.err


TWO = "[galleries]\narchive = '{0}a.db'\ndefault = '{0}b.db'\n"


@pytest.mark.parametrize(
    ("text", "create", "serve", "file"),
    [
        ("", ["--gallery", "b.db"], ["--gallery", "b.db"], "here/b.server.db"),
        ("", ["--gallery", "sqlite:///b.db"], ["--gallery", "b.db"], "here/b.server.db"),
        ("", [], [], "here/faces.server.db"),
        (TWO.format(""), ["--config", "../etc/server.toml"], [], "etc/b.server.db"),
        (TWO.format("sqlite:///"), ["--config", "../etc/server.toml"], [], "etc/b.server.db"),
        (TWO.format(""), ["--config", "../etc/server.toml"], ["--gallery", "../etc/b.db"], "etc/b.server.db"),
        (TWO.format(""), ["--gallery", "sqlite:///c.db", "--config", "../etc/server.toml"], [], "here/c.server.db"),
        (f"[server]\nstate = 's.db'\n{TWO.format('')}", ["--config", "../etc/server.toml"], [], "etc/s.db"),
        ("[server]\nstate = 'sqlite:///s.db'\n", ["--config", "../etc/server.toml"], [], "etc/s.db"),
        ("[galleries]\nstaff = 'a.db'\n", ["--config", "../etc/server.toml"], [], "etc/a.server.db"),
    ],
)
def test_the_server_takes_a_key_from_the_same_file(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, create: list[str], serve: list[str], file: str
) -> None:
    """Without a key in its database it refuses to listen for others; a configuration is read from another folder."""
    for name in ("here", "elsewhere", "etc"):
        (tmp_path / name).mkdir()
    (tmp_path / "etc" / "server.toml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path / "here")
    assert run("keys", "create", "admin", "--role", "admin", *create).code == 0
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.db")] == [file]
    monkeypatch.setattr("visavis.server.run.serve", lambda _config, listener, _cameras: listener.close() or 0)
    if file.startswith("etc"):
        monkeypatch.chdir(tmp_path / "elsewhere")
    done = run("serve", "--host", "0.0.0.0", "--port", 0, *(serve or create))
    assert (done.code, "serving at" in done.err) == (0, True), done.err
