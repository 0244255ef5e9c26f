"""TLS by the server's own options: docs/serving.md's configuration, and certificates that cannot be used."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import time
from pathlib import Path

import pytest
import requests

import visavis
from visavis.errors import ServerError
from visavis.server.config import ServerConfig
from visavis.server.lifeline import GRACE_SECONDS
from visavis.server.run import prepare

from .running_server import RunningServer
from .serving_page import make_admin_key, make_certificate, read_blocks

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


def test_the_server_answers_by_https_alone(tmp_path: Path) -> None:
    certificate, _ = make_certificate(tmp_path)
    (text,) = read_blocks("TLS without a proxy", "toml")
    (tmp_path / "server.toml").write_text(text)
    key = make_admin_key(tmp_path)
    server = RunningServer("--config", "server.toml", "--host", "127.0.0.1", folder=tmp_path)
    try:
        server.key = key
        assert server.url == f"https://127.0.0.1:{server.port}"
        server.session.verify = str(certificate)
        assert server.get("/v1/galleries").json() == {"galleries": ["default"]}
        reason = "its certificate is not trusted .*: name a file with it in REQUESTS_CA_BUNDLE"
        with visavis.Client(server.url, key) as client, pytest.raises(ServerError, match=reason):
            client.galleries()
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(f"{server.url}/livez", timeout=30)  # a certificate that nobody signed
        with pytest.raises(requests.ConnectionError):
            requests.get(f"http://127.0.0.1:{server.port}/livez", timeout=30)
        context = ssl.create_default_context(cafile=str(certificate))
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_3
        with (
            socket.create_connection(("127.0.0.1", server.port), timeout=30) as plain,
            context.wrap_socket(plain, server_hostname="faces.example.com") as connection,
        ):
            assert connection.version() == "TLSv1.3"
    finally:
        stopped = time.monotonic()
        assert server.stop() == 0
    assert time.monotonic() - stopped < GRACE_SECONDS, "an idle client does not hold it up"


@pytest.mark.parametrize(
    ("certificate", "key", "words"),
    [
        ("none.pem", "faces.example.com.key", "No such file or directory."),
        ("faces.example.com.pem", ".", "Is a directory."),
        ("faces.example.com.key", "faces.example.com.key", "not a certificate in PEM and its key."),
        ("faces.example.com.pem", "other.key", "not a certificate in PEM and its key."),
        ("faces.example.com.pem", "locked.key", "locked.key has a password: store it without, readable by one user"),
    ],
)
def test_a_certificate_that_cannot_be_used_is_a_sentence(
    tmp_path: Path, certificate: str, key: str, words: str
) -> None:
    make_certificate(tmp_path)
    for command in (
        "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out other.key",
        "openssl pkey -in faces.example.com.key -aes256 -passout pass:x -out locked.key",
    ):
        subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
    config = ServerConfig(port=0, certificate=tmp_path / certificate, private_key=tmp_path / key)
    with pytest.raises(ServerError) as caught:
        prepare(config, print)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
