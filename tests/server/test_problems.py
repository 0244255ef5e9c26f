"""Errors are problems (RFC 9457): a code, a sentence, an id, and nothing of the server's machine."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .running_server import RunningServer, photos

KEYS = {"type", "title", "status", "code", "detail", "request_id"}
GRAY = ("gray.pgm", b"P5 64 64 255\n" + bytes([128]) * 64 * 64)
SMALL_FORM = {"files": [("photo", GRAY)]}

CASES = [
    ("GET", "/v1/people/77", {}, 404, "unknown_name"),
    ("GET", "/v1/people?gallery=none", {}, 404, "unknown_gallery"),
    ("GET", "/v1/nothing", {}, 404, "not_found"),
    ("PUT", "/v1/people", {}, 405, "method_not_allowed"),
    ("POST", "/v1/verify", {"files": [("a", GRAY), ("b", GRAY)]}, 422, "no_face"),
    ("POST", "/v1/verify", {"files": [("a", GRAY)]}, 422, "photo_missing"),
    ("POST", "/v1/verify", {"files": [("a", GRAY), ("b", ("b", b"")), ("c", GRAY)]}, 422, "unknown_field"),
    ("POST", "/v1/verify", {"files": [("a", ("a.jpg", b"text")), ("b", GRAY)]}, 422, "unreadable"),
    ("POST", "/v1/detect", {"data": b"x", "headers": {"Content-Type": "image/jpeg"}}, 415, "unsupported_body"),
    ("POST", "/v1/detect", {"data": {"photo": "x"}}, 415, "unsupported_body"),
    ("POST", "/v1/detect", {"data": b"{", "headers": {"Content-Type": "application/json"}}, 400, "invalid_json"),
    ("POST", "/v1/detect", {"json": {"photo": "%%%"}}, 422, "invalid_base64"),
    ("POST", "/v1/detect", {"json": [1]}, 422, "invalid_json"),
    ("POST", "/v1/detect", {"files": [("photo", ("big", b"x" * 4_100_000))]}, 413, "too_large"),
    ("POST", "/v1/detect?min_face=0", SMALL_FORM, 422, "invalid_value"),
    ("POST", "/v1/detect?min_face=nan", SMALL_FORM, 422, "invalid_value"),
    ("POST", "/v1/verify?far=1e-300", {"files": [("a", GRAY), ("b", GRAY)]}, 400, "usage"),
    ("GET", "/v1/people", {"headers": {"Host": "evil.example"}}, 421, "wrong_host"),
    ("GET", "/v1/people", {"headers": {"Origin": "https://evil.example"}}, 403, "wrong_origin"),
    ("GET", "/v1/people", {"headers": {"Origin": "null"}}, 403, "wrong_origin"),
    ("GET", "/v1/people", {"headers": {"Origin": "http://127.0.0.1:9"}}, 403, "wrong_origin"),
    ("GET", "/v1/people", {"headers": {"Origin": "http://localhost"}}, 403, "wrong_origin"),
    ("GET", "/v1/people", {"headers": {"Origin": "http://["}}, 403, "wrong_origin"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "code"), CASES, ids=[f"{c[3]}-{c[4]}-{i}" for i, c in enumerate(CASES)]
)
def test_each_error_is_a_problem(
    server: RunningServer, method: str, path: str, options: dict[str, object], status: int, code: str
) -> None:
    answer = server.request(method, path, **options)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert set(problem) == KEYS
    assert problem["status"] == status
    assert problem["type"] == f"urn:visavis:problem:{code}"
    assert problem["request_id"] == answer.headers["X-Request-Id"]
    assert str(server.folder) not in answer.text
    assert "Traceback" not in answer.text


def test_mistakes_of_a_first_request_are_explained(server: RunningServer) -> None:
    why = server.post("/v1/why", files=[("photo", GRAY)])
    assert why.json()["detail"] == "person: this parameter is missing from the address (?person=...)."
    job = server.post("/v1/jobs/index", data='{"folder": "photos"}', headers={"Content-Type": "text/plain"})
    assert (job.status_code, job.json()["detail"]) == (422, "the body: send it with Content-Type: application/json.")
    assert server.get("/nothing").json()["detail"] == "there is no such address: /docs lists all requests."


def test_every_answer_has_an_id_of_its_own_and_the_headers(server: RunningServer) -> None:
    answers = [server.get("/v1/galleries") for _ in range(3)]
    ids = {answer.headers["X-Request-Id"] for answer in answers}
    assert len(ids) == 3
    assert all(re.fullmatch("[0-9a-f]{16}", text) for text in ids)
    for name, value in (("X-Content-Type-Options", "nosniff"), ("Cache-Control", "no-store")):
        assert answers[0].headers[name] == value
    assert "default-src 'none'" in answers[0].headers["Content-Security-Policy"]


def test_origin_and_host_of_the_server_itself_are_taken(server: RunningServer) -> None:
    port = server.url.rpartition(":")[2]
    for host in ("localhost", "127.0.0.1"):
        headers = {"Host": f"{host}:{port}", "Origin": f"http://{host}:{port}"}
        assert server.get("/v1/galleries", headers=headers).status_code == 200


def test_names_of_photos_are_not_taken_for_files(
    server: RunningServer, sample_photos: Path, spare_gallery: str
) -> None:
    """The name of a photo is text that comes back: it names no file of the server, in whatever form."""
    data = (sample_photos / "biden.jpg").read_bytes()
    for name in ("/etc/passwd", "../../faces.db", "-", "data:image/png;base64,AAAA", "x" * 300):
        answer = server.post("/v1/detect", files=[("photo", (name, data))])
        assert answer.status_code == 200, answer.text
        (photo,) = answer.json()["photos"]
        assert (photo["photo"], photo["status"], len(photo["faces"])) == (name[:200], "ok", 1)


def test_no_answer_holds_a_path_of_the_server(server: RunningServer, enrolled: dict[str, int]) -> None:
    paths = (
        "/v1/galleries",
        "/v1/galleries/default",
        "/v1/people",
        "/v1/keys",
        "/livez",
        "/readyz",
        "/metrics",
        "/openapi.json",
    )
    for path in paths:
        answer = server.get(path)
        assert answer.status_code == 200, answer.text
        assert str(server.folder) not in answer.text
        assert ".db" not in answer.text


def test_a_problem_of_the_database_hides_its_place(server: RunningServer, sample_photos: Path) -> None:
    """A gallery whose file is destroyed: 503 with Retry-After, the reason in the log alone; then restored."""
    name = "destroyed"  # no other test uses it: what was written lately is read from the log
    assert server.get(f"/v1/galleries/{name}").status_code == 200
    file = server.folder / f"{name}.db"
    whole = file.read_bytes()
    file.write_bytes(b"this is no database" * 1000)
    try:
        answer = server.post(
            "/v1/people",
            params={"gallery": name},
            data={"name": "Ann"},
            files=photos("photo", sample_photos / "biden.jpg"),
        )
        assert answer.status_code == 503, answer.text
        assert answer.json()["code"] == "gallery"
        assert answer.headers["Retry-After"] == "1"
        assert name not in answer.text
        assert server.has_printed(answer.json()["request_id"])
        readiness = server.get("/readyz")
        assert (readiness.status_code, readiness.json()["checks"]["database"]) == (503, False)
    finally:  # the tests after it share the server
        file.write_bytes(whole)
    assert server.get("/readyz").status_code == 200
