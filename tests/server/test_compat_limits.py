"""What no client of CompreFace or DeepStack sends by intention: never an error of the server, always their form."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests

from visavis.errors import UsageError
from visavis.server.config import Compat, read_config

from .compat_requests import CompatClient

ODD = ["%00", "%FF%FE", "..%2F..%2Fetc", "a%2Fb", "%F0%9F%98%80", "x" * 3000, "%E2%80%AE", "'%3B--", "%0A"]


@pytest.mark.parametrize("name", ODD)
def test_odd_names_are_refused_or_names(client: CompatClient, name: str) -> None:
    answers = [
        client.request("DELETE", f"recognition/subjects/{name}"),
        client.request("PUT", f"recognition/subjects/{name}", json={"subject": "Ann"}),
        client.request("GET", f"recognition/faces?subject={name}"),
        client.request("DELETE", f"recognition/faces?subject={name}"),
        client.request("GET", f"recognition/faces/{name}/img"),
    ]
    assert all(answer.status_code in {200, 400, 404, 405, 431} for answer in answers), [
        (answer.status_code, answer.text) for answer in answers
    ]
    for failed in (answer for answer in answers if answer.status_code != 200):
        assert failed.json().keys() == {"message", "code"}


BODIES = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"1",
    b'{"subject": 1}',
    b'{"subject": null}',
    b"[" * 10_000,
    b'{"subject": "\\ud800"}',
]


@pytest.mark.parametrize("body", BODIES)
def test_odd_bodies_are_refused(client: CompatClient, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    for method, path in (
        ("POST", "recognition/subjects"), ("PUT", "recognition/subjects/Ann"), ("POST", "recognition/recognize"),
        ("POST", "recognition/faces?subject=Ann"), ("POST", "verification/verify"),
    ):  # fmt: skip
        answer = client.request(method, path, data=body, headers=headers)
        assert answer.status_code in {400, 404}, (path, answer.status_code, answer.text)
        assert answer.json().keys() == {"message", "code"}


def test_odd_forms_are_refused_in_the_form_of_deepstack(client: CompatClient) -> None:
    headers = {"x-api-key": client.key}
    bodies: list[tuple[str, bytes]] = [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=b", b"--b\r\n"),
        (
            "multipart/form-data; boundary=b",
            b"--b\r\nContent-Disposition: form-data; name=image\r\n\r\n\xff\r\n--b--\r\n",
        ),
        ("application/json", b"{}"),
        ("application/x-www-form-urlencoded", b"image=1&userid=%ff%fe"),
        ("text/plain", b"image"),
    ]
    for kind, body in bodies:
        for path in ("", "/recognize", "/register", "/match"):
            answer = send(client, path, body, {**headers, "Content-Type": kind})
            assert answer.status_code == 400, (kind, path, answer.status_code, answer.text)
            assert answer.json().keys() == {"success", "error", "duration"}


def send(client: CompatClient, path: str, body: bytes, headers: dict[str, str]) -> requests.Response:
    return client.server.post(f"/v1/vision/face{path}", key=None, data=body, headers=headers)


def test_rates_stand_in_the_configuration(tmp_path: Path) -> None:
    file = tmp_path / "server.toml"
    file.write_text("[compat]\nfar = 1e-4\n")
    assert read_config(file).compat == Compat(far=1e-4, fpir=0.01)
    assert read_config(None).compat == Compat(far=1e-3, fpir=0.01)
    for text, message in (
        ("far = 1.5", "far is an error rate between 0 and 1, got 1.5"),
        ("fpir = 0", "fpir is an error rate between 0 and 1"),
        ("fpir = 'low'", "fpir is an error rate"),
        ("rate = 0.1", "no key 'rate': the keys are far and fpir"),
    ):
        file.write_text(f"[compat]\n{text}\n")
        with pytest.raises(UsageError, match=message):
            read_config(file)
