"""A real nginx with the configuration of docs/serving.md in front of a real server."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import requests

from free_port import free_port
from visavis.server.services import FAILURES_PER_MINUTE

from .running_server import RunningServer, photos
from .serving_page import make_admin_key, make_certificate, read_blocks

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(NGINX is None or shutil.which("openssl") is None, reason="nginx or openssl is not installed"),
]
NAME = "faces.example.com"
MAIN = """
{user}
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/visavis.conf;
}}
"""


class Nginx:
    """nginx on free ports of this machine, in front of a server."""

    def __init__(self, folder: Path, server: RunningServer) -> None:
        (text,) = read_blocks("Behind nginx", "nginx")
        self.certificate, key = make_certificate(folder)
        self.plain_port, self.port = free_port(), free_port()
        changes = {
            "listen 80;": f"listen 127.0.0.1:{self.plain_port};",
            "listen 443 ssl;": f"listen 127.0.0.1:{self.port} ssl;",
            "127.0.0.1:8000": f"127.0.0.1:{server.port}",
            f"/etc/ssl/{NAME}.pem": str(self.certificate),
            f"/etc/ssl/private/{NAME}.key": str(key),
        }
        for shown, used in changes.items():
            assert text.count(shown) == 1, shown
            text = text.replace(shown, used)
        (folder / "visavis.conf").write_text(text)
        user = "user root;" if os.geteuid() == 0 else ""
        (folder / "nginx.conf").write_text(MAIN.format(user=user, folder=folder))
        self.folder = folder
        command = [str(NGINX), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", "daemon off;"]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 60
        while not self._is_up():
            assert time.monotonic() < end, (folder / "error.log").read_text()
            time.sleep(0.05)

    def _is_up(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    @contextmanager
    def open(
        self, path: str, *, source: str = "127.0.0.1", headers: Mapping[str, str] | None = None
    ) -> Iterator[http.client.HTTPResponse]:
        """Ask from an address of this machine."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        address = (source, 0)
        with closing(
            http.client.HTTPSConnection("127.0.0.1", self.port, context=context, source_address=address, timeout=60)
        ) as connection:
            connection.request("GET", path, headers={"Host": NAME, **(headers or {})})
            with connection.getresponse() as answer:
                yield answer

    def get(self, path: str, *, source: str = "127.0.0.1", headers: Mapping[str, str] | None = None) -> int:
        """Return the status of an answer."""
        with self.open(path, source=source, headers=headers) as answer:
            return answer.status

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(60)


def start_server(folder: Path) -> RunningServer:
    """Start a server with the configuration of the page, on SQLite, and the key of an administrator."""
    (text,) = read_blocks("Behind nginx", "toml")
    (folder / "server.toml").write_text(text.replace("postgresql://visavis@/faces", "faces.db"))
    key = make_admin_key(folder)
    running = RunningServer("--config", "server.toml", folder=folder)
    running.key = key
    return running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    running = start_server(tmp_path_factory.mktemp("behind"))
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def nginx(server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    running = Nginx(tmp_path_factory.mktemp("nginx"), server)
    yield running
    running.stop()


def test_photos_pass_through_and_lie_nowhere(server: RunningServer, nginx: Nginx, sample_photos: Path) -> None:
    def post(files: object) -> requests.Response:
        headers = {"x-api-key": str(server.key), "Host": NAME}
        with requests.Session() as session:
            session.trust_env = False
            session.verify = str(nginx.certificate)
            return session.post(f"https://localhost:{nginx.port}/v1/detect", headers=headers, files=files, timeout=60)  # type: ignore[arg-type]

    files = photos("photo", sample_photos / "obama.jpg")
    answer = post(files)
    assert (answer.status_code, len(answer.json()["photos"][0]["faces"])) == (200, 1)
    assert "temporary file" not in (nginx.folder / "error.log").read_text(), "nginx warns of what it writes there"
    large = [("photo", ("a.jpg", bytes(20_500_000)))]
    refused = post(large)
    assert (refused.status_code, refused.json()["code"]) == (413, "too_large")


def test_plain_http_leads_to_https(nginx: Nginx) -> None:
    answer = requests.get(
        f"http://127.0.0.1:{nginx.plain_port}/v1/people?x=1", headers={"Host": NAME}, timeout=60, allow_redirects=False
    )
    assert (answer.status_code, answer.headers["Location"]) == (301, f"https://{NAME}/v1/people?x=1")


def test_the_origin_of_the_page_itself_is_taken_and_the_scheme_is_https(server: RunningServer, nginx: Nginx) -> None:
    key = {"x-api-key": str(server.key)}
    assert nginx.get("/v1/people", headers={**key, "Origin": f"https://{NAME}"}) == 200
    assert nginx.get("/v1/people", headers={**key, "Origin": "https://evil.example"}) == 403
    assert nginx.get("/v1/people", headers={**key, "Host": "evil.example"}) == 421
    with nginx.open("/docs/") as redirect:
        assert (redirect.status, redirect.headers["Location"]) == (307, f"https://{NAME}/docs")


def test_a_page_at_another_port_than_443_is_of_the_same_origin(server: RunningServer, nginx: Nginx) -> None:
    """A browser names that port in Host and Origin; nginx passes it on."""

    def sign_in(origin: str) -> int:
        headers = {"Host": f"{NAME}:{nginx.port}", "Origin": origin}
        with requests.Session() as session:
            session.trust_env, session.verify = False, str(nginx.certificate)
            return session.post(
                f"https://localhost:{nginx.port}/sign-in",
                headers=headers, data={"key": server.key}, timeout=60, allow_redirects=False,
            ).status_code  # fmt: skip

    assert sign_in(f"https://{NAME}:{nginx.port}") == 303
    assert sign_in(f"https://{NAME}:{nginx.port + 1}") == 403


def test_wrong_keys_are_counted_for_the_address_of_the_client(server: RunningServer, nginx: Nginx) -> None:
    """Not for nginx's, and not for one that the client makes up."""
    forged = [{"x-api-key": "x", "X-Forwarded-For": f"1.2.3.{number}"} for number in range(2 * FAILURES_PER_MINUTE)]
    statuses = [nginx.get("/v1/people", source="127.0.0.2", headers=headers) for headers in forged]
    assert statuses[:FAILURES_PER_MINUTE] == [401] * FAILURES_PER_MINUTE
    assert 429 in statuses[FAILURES_PER_MINUTE:]
    assert nginx.get("/v1/people", source="127.0.0.3", headers={"x-api-key": "x"}) == 401
    assert nginx.get("/v1/people", source="127.0.0.2", headers={"x-api-key": str(server.key)}) == 200


def test_streams_are_not_buffered(server: RunningServer, nginx: Nginx) -> None:
    with nginx.open("/v1/events/stream", headers={"x-api-key": str(server.key)}) as answer:
        assert answer.readline() == b": events\n"  # within a minute; nginx would keep the first kilobytes longer


def test_metrics_are_for_this_machine(nginx: Nginx) -> None:
    assert nginx.get("/metrics") == 200
    assert nginx.get("/metrics", source="127.0.0.2") == 403


def test_a_server_that_is_away_is_502_and_comes_back(tmp_path: Path) -> None:
    for name in ("server", "nginx"):
        (tmp_path / name).mkdir()
    server = start_server(tmp_path / "server")
    nginx = Nginx(tmp_path / "nginx", server)
    assert server.stop() == 0
    assert nginx.get("/livez") == 502
    again = RunningServer("--config", "server.toml", folder=server.folder, port=server.port)
    assert nginx.get("/livez") == 200
    assert again.stop() == 0
    nginx.stop()
