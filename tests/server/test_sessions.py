"""Sessions of pages: their cookie, their ends, and requests that another site makes a browser send."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import requests

from visavis.server.state import sessions as state_sessions
from visavis.server.state import tables
from visavis.server.state.database import StateDatabase
from visavis.server.state.keys import Keys
from visavis.server.state.sessions import IDLE, LONGEST, LONGEST_KIOSK, PRECISION, Sessions, make_csrf_token
from visavis.server.types import ApiKey

from .running_server import RunningServer
from .test_keys import make_key

COOKIE = "visavis"


@contextmanager
def browser(**headers: str) -> Iterator[requests.Session]:
    """What a browser keeps and sends: cookies, and these headers."""
    with requests.Session() as session:
        session.trust_env = False
        session.headers.update(headers)
        yield session


def sign_in(page: requests.Session, server: RunningServer, key: str) -> str:
    """Sign in; return the CSRF token of the page."""
    answer = page.post(f"{server.url}/sign-in", data={"key": key})
    assert answer.status_code == 200, answer.text
    (token,) = re.findall(r'name="csrf" value="(\w+)"', answer.text)
    return str(token)


def test_a_page_signs_in_asks_changes_and_signs_out(server: RunningServer) -> None:
    key = make_key(server, "page of Ann", "enroll")
    with browser(Origin=server.url) as page:
        assert "autofocus" in page.get(f"{server.url}/sign-in").text
        csrf = sign_in(page, server, key)
        assert "Key: page of Ann" in page.get(f"{server.url}/sign-in").text
        assert page.get(f"{server.url}/v1/galleries").status_code == 200
        faces = {"template_ids": [999], "name": "Ann"}
        refused = page.post(f"{server.url}/v1/faces/name", json=faces)
        assert (refused.status_code, refused.json()["code"]) == (403, "wrong_csrf_token")
        taken = page.post(f"{server.url}/v1/faces/name", json=faces, headers={"x-csrf-token": csrf})
        assert (taken.status_code, taken.json()["code"]) == (404, "unknown_name")
        forbidden = page.post(f"{server.url}/v1/keys", json={}, headers={"x-csrf-token": csrf})
        assert (forbidden.status_code, forbidden.json()["code"]) == (403, "forbidden")
        token = page.cookies[COOKIE]
        assert page.post(f"{server.url}/sign-out").status_code == 403
        assert page.get(f"{server.url}/v1/galleries").status_code == 200
        out = page.post(f"{server.url}/sign-out", data={"csrf": csrf}, allow_redirects=False)
        assert (out.status_code, out.headers["Location"], COOKIE in page.cookies) == (303, "/sign-in", False)
        assert out.headers["Clear-Site-Data"] == '"storage"'
    replay = requests.get(f"{server.url}/v1/galleries", cookies={COOKIE: token}, timeout=30)
    assert replay.status_code == 401
    actions = [(entry["action"], entry["actor"]) for entry in server.get("/v1/log?limit=1000").json()["entries"]]
    assert actions.count(("sign in", "page of Ann")) == actions.count(("sign out", "page of Ann")) == 1


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(server: RunningServer) -> None:
    key = make_key(server, "cookie", "read")
    for headers, name, is_secure in (({}, COOKIE, False), ({"X-Forwarded-Proto": "https"}, "__Host-visavis", True)):
        with browser(**headers) as page:
            answer = page.post(f"{server.url}/sign-in", data={"key": key}, allow_redirects=False)
        parts = answer.headers["Set-Cookie"].split("; ")
        assert parts[0].startswith(f"{name}=")
        assert {part.lower() for part in parts[1:]} == {
            "path=/", "httponly", "samesite=strict", *(["secure"] if is_secure else [])
        }  # fmt: skip


def test_the_page_has_a_strict_policy_and_lets_its_form_name_its_origin(server: RunningServer) -> None:
    headers = server.get("/sign-in", key=None).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self'" in policy
    assert "script" not in policy
    assert (headers["Referrer-Policy"], headers["X-Frame-Options"]) == ("same-origin", "DENY")


def test_a_wrong_key_begins_no_session(server: RunningServer) -> None:
    with browser() as page:
        answer = page.post(f"{server.url}/sign-in", data={"key": "<script>vv_1_wrong"})
        assert (answer.status_code, "wrong or was revoked" in answer.text) == (401, True)
        assert "<script" not in answer.text
        assert len(page.cookies) == 0


def test_a_token_that_a_request_brings_is_never_taken(server: RunningServer) -> None:
    """Session fixation: signing in draws a new token, and ends the session that the browser had."""
    key = make_key(server, "fixed", "read")
    with browser() as attacker, browser() as victim:
        sign_in(attacker, server, key)
        planted = attacker.cookies[COOKIE]
        victim.cookies.set(COOKIE, planted, domain="127.0.0.1", path="/")
        sign_in(victim, server, key)
        assert planted not in victim.cookies.values()
        assert attacker.get(f"{server.url}/v1/galleries").status_code == 401


def test_of_two_cookies_none_is_taken(server: RunningServer) -> None:
    """Another program of this machine can plant a second cookie, for a longer path, which is sent first."""
    key = make_key(server, "two cookies", "read")
    with browser() as attacker, browser() as victim:
        sign_in(attacker, server, key)
        sign_in(victim, server, key)
        assert victim.get(f"{server.url}/v1/galleries").status_code == 200
        victim.cookies.set(COOKIE, attacker.cookies[COOKIE], domain="127.0.0.1", path="/v1")
        assert victim.get(f"{server.url}/v1/galleries").status_code == 401


def test_the_token_of_another_session_changes_nothing(server: RunningServer) -> None:
    key = make_key(server, "two pages", "admin")
    with browser() as one, browser() as other:
        csrf = sign_in(one, server, key)
        sign_in(other, server, key)
        answer = other.delete(f"{server.url}/v1/keys/nothing", headers={"x-csrf-token": csrf})
        assert (answer.status_code, answer.json()["code"]) == (403, "wrong_csrf_token")
        answer = one.delete(f"{server.url}/v1/keys/nothing", headers={"x-csrf-token": csrf})
        assert answer.status_code == 404
        for headers, status in (({}, 200), ({"x-csrf-token": csrf}, 403), ({"x-csrf-token": ""}, 403)):
            assert other.get(f"{server.url}/v1/galleries", headers=headers).status_code == status
        assert one.get(f"{server.url}/v1/galleries", headers={"x-csrf-token": csrf}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://127.0.0.1:9"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://["},
    ],
    ids=str,
)
def test_pages_of_another_origin_neither_change_nor_sign_in(server: RunningServer, headers: dict[str, str]) -> None:
    """Another port of this machine is another program, to which browsers send the same cookies."""
    key = make_key(server, f"another origin {headers}", "admin")
    with browser() as page:
        csrf = sign_in(page, server, key)
        answer = page.delete(f"{server.url}/v1/keys/nothing", headers={"x-csrf-token": csrf, **headers})
        assert (answer.status_code, answer.json()["code"]) == (403, "wrong_origin")
        again = page.post(f"{server.url}/sign-in", data={"key": key}, headers=headers)
        assert (again.status_code, again.json()["code"]) == (403, "wrong_origin")


def test_a_key_needs_no_token(server: RunningServer) -> None:
    key = make_key(server, "key beside a cookie", "admin")
    with browser() as page:
        sign_in(page, server, key)
        assert page.delete(f"{server.url}/v1/keys/nothing", headers={"x-api-key": key}).status_code == 404


@pytest.mark.parametrize("end", ["DELETE /v1/keys/{}", "POST /v1/keys/{}/rotate"])
def test_a_session_ends_with_its_key(server: RunningServer, end: str) -> None:
    name = f"ends by {end.partition(' ')[0]}"
    key = make_key(server, name, "read")
    with browser() as page:
        sign_in(page, server, key)
        method, path = end.format(name).split(" ", 1)
        assert server.request(method, path).ok
        assert page.get(f"{server.url}/v1/galleries").status_code == 401


def test_no_file_of_the_server_holds_a_token(server: RunningServer) -> None:
    key = make_key(server, "hashed", "read")
    with browser() as page:
        csrf = sign_in(page, server, key)
        secrets = [page.cookies[COOKIE].encode(), csrf.encode()]
        files = [path for path in Path(server.folder).iterdir() if path.is_file()]
        assert not [path.name for path in files if any(secret in path.read_bytes() for secret in secrets)]
        assert not any(secret.decode() in server.text for secret in secrets)


def test_a_restart_keeps_sessions_and_extends_none(tmp_path: Path) -> None:
    """One session goes on; one whose time ran out while the server was away does not."""
    running = RunningServer(folder=tmp_path)
    try:
        key = running.set_up()
        with browser() as page, browser() as late:
            sign_in(page, running, key)
            sign_in(late, running, key)
            running.stop()
            with open_database(tmp_path) as database:
                token = late.cookies[COOKIE]
                age(database, token, idle=IDLE - PRECISION)
                running = RunningServer(folder=tmp_path)
                assert page.get(f"{running.url}/v1/galleries").status_code == 200
                age(database, token, idle=PRECISION + timedelta(seconds=1))
                assert late.get(f"{running.url}/v1/galleries").status_code == 401
    finally:
        running.stop()


def test_a_page_that_takes_its_parts_again_keeps_no_session_alive(server: RunningServer) -> None:
    assert server.key is not None
    with browser() as page, open_database(server.folder) as database:
        sign_in(page, server, server.key)
        for headers, ends in (({}, False), ({"x-refresh": "1"}, True)):
            age(database, page.cookies[COOKIE], idle=IDLE - PRECISION)
            assert page.get(f"{server.url}/live", headers=headers).url == f"{server.url}/live"
            age(database, page.cookies[COOKIE], idle=PRECISION + timedelta(seconds=1))
            answer = page.get(f"{server.url}/v1/galleries")
            assert answer.status_code == (401 if ends else 200)


@pytest.mark.slow
def test_over_tls_the_cookie_is_secure(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed, so there is no certificate")
    files = ["-keyout", "key.pem", "-out", "cert.pem"]
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "1",
        *files,
        *subject,
    ]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    (tmp_path / "server.toml").write_text("[server]\ncertificate = 'cert.pem'\nprivate_key = 'key.pem'\n")
    with open_database(tmp_path) as database:
        key = Keys(database).create("Ann", "read", actor="Bob").key
    running = RunningServer("--config", "server.toml", folder=tmp_path)
    try:
        with browser() as page:
            page.verify = str(tmp_path / "cert.pem")
            sign_in(page, running, key)
            (cookie,) = page.cookies
            assert (cookie.name, cookie.secure) == ("__Host-visavis", True)
            assert page.get(f"{running.url}/v1/galleries").status_code == 200
            plain = {"Cookie": f"{COOKIE}={cookie.value}"}
            refused = requests.get(f"{running.url}/v1/galleries", headers=plain, verify=page.verify, timeout=30)
            assert refused.status_code == 401
    finally:
        running.stop()


# The database


@contextmanager
def open_database(folder: Path) -> Iterator[StateDatabase]:
    database = StateDatabase(f"sqlite:///{folder / 'faces.server.db'}")
    yield database
    database.close()


def age(database: StateDatabase, token: str, *, idle: timedelta = timedelta(), total: timedelta | None = None) -> None:
    """Let a session be older than it is."""
    with database.write() as conn:
        digest = state_sessions._hash(token)
        row = conn.execute(tables.SESSIONS.select().where(tables.SESSIONS.c.token_hash == digest)).one()
        used = state_sessions.datetime.fromisoformat(row.used) - idle
        begun = state_sessions.datetime.fromisoformat(row.begun) - (idle if total is None else total)
        values = {"used": used.isoformat(timespec="microseconds"), "begun": begun.isoformat(timespec="microseconds")}
        conn.execute(tables.SESSIONS.update().where(tables.SESSIONS.c.token_hash == digest).values(values))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[StateDatabase]:
    with open_database(tmp_path) as opened:
        yield opened


def make_stored_key(database: StateDatabase, name: str = "Ann") -> ApiKey:
    key = Keys(database).find(Keys(database).create(name, "read", galleries=["one"], actor="Bob").key)
    assert key is not None
    return key


def test_a_session_is_of_its_key(database: StateDatabase) -> None:
    key = make_stored_key(database)
    token = Sessions(database).begin(key)
    session = Sessions(database).find(token)
    assert session is not None
    assert (session.key, session.csrf) == (key, make_csrf_token(token))
    assert Sessions(database).find(token + "x") is None
    assert Sessions(database).find("") is None


def test_a_session_ends_when_it_is_not_used(database: StateDatabase) -> None:
    sessions = Sessions(database)
    token = sessions.begin(make_stored_key(database))
    for _ in range(3):  # used within the time again and again
        age(database, token, idle=IDLE - PRECISION)
        assert sessions.find(token) is not None
    age(database, token, idle=IDLE + timedelta(seconds=1))
    assert sessions.find(token) is None
    assert sessions.find(token) is None  # the failed use extended nothing


def test_a_stream_keeps_no_session_alive(database: StateDatabase) -> None:
    sessions = Sessions(database)
    token = sessions.begin(make_stored_key(database))
    age(database, token, idle=IDLE - PRECISION)
    assert sessions.find(token, is_use=False) is not None
    age(database, token, idle=PRECISION + timedelta(seconds=1))
    assert sessions.find(token) is None


def test_a_session_ends_after_its_longest_time_however_often_it_is_used(database: StateDatabase) -> None:
    sessions = Sessions(database)
    token = sessions.begin(make_stored_key(database))
    age(database, token, total=LONGEST - PRECISION)
    assert sessions.find(token) is not None
    age(database, token, total=PRECISION + timedelta(seconds=1))
    assert sessions.find(token) is None


def test_a_session_of_a_kiosk_lasts_without_use(database: StateDatabase) -> None:
    keys, sessions = Keys(database), Sessions(database)
    key = keys.find(keys.create("door", "kiosk", actor="Bob").key)
    assert key is not None
    token = sessions.begin(key)
    age(database, token, idle=LONGEST_KIOSK - PRECISION)
    sessions.begin(make_stored_key(database))  # which removes those that have ended
    assert sessions.find(token) is not None
    age(database, token, total=PRECISION + timedelta(seconds=1))
    assert sessions.find(token) is None
    revoked = sessions.begin(key)
    keys.revoke("door", actor="Bob")
    assert sessions.find(revoked) is None


def test_ended_sessions_are_removed_when_another_begins(database: StateDatabase) -> None:
    sessions, key = Sessions(database), make_stored_key(database)
    age(database, sessions.begin(key), idle=IDLE * 2)
    kept = sessions.begin(key)
    with database.read() as conn:
        rows = conn.execute(tables.SESSIONS.select()).all()
    assert [row.token_hash for row in rows] == [state_sessions._hash(kept)]


def test_sessions_of_a_revoked_key_end_and_those_of_others_stay(database: StateDatabase) -> None:
    sessions = Sessions(database)
    tokens = [sessions.begin(make_stored_key(database, name)) for name in ("Ann", "Cyd")]
    Keys(database).revoke("Ann", actor="Bob")
    assert [sessions.find(token) is not None for token in tokens] == [False, True]
