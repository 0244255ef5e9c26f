"""Clients that lie, break off, send too much or what means nothing: each gets a 4xx, and the next client an answer."""

from __future__ import annotations

import gzip
import struct
import time
import zlib
from collections.abc import Iterator

import pytest

from .raw_connection import RawConnection, count_failures, read_problem, read_statuses
from .running_server import RunningServer

GRAY = b"P5 64 64 255\n" + bytes([128]) * 64 * 64
FORM = "Content-Type: multipart/form-data; boundary=b"
PART = b'--b\r\nContent-Disposition: form-data; name="photo"; filename="%b"\r\n\r\n%b\r\n'
END = b"--b--\r\n"


@pytest.fixture(autouse=True)
def no_request_fails(server: RunningServer) -> Iterator[None]:
    """After each test the server answers, and has answered no request by a status of 500 and above."""
    before = count_failures(server)
    yield
    assert server.get("/livez").status_code == 200
    assert count_failures(server) == before
    assert "Traceback" not in server.text


def send_form(server: RunningServer, body: bytes, path: str = "/v1/detect") -> bytes:
    connection = RawConnection(server)
    connection.begin("POST", path, FORM, f"Content-Length: {len(body)}", "Connection: close")
    connection.send(body)
    return connection.read()


@pytest.mark.parametrize(
    ("lines", "status", "code"),
    [
        (["Content-Length: -1"], 400, "invalid_http"),
        (["Content-Length: ten"], 400, "invalid_http"),
        (["Content-Length: 2", "Content-Length: 3"], 400, "invalid_http"),
        (["Content-Length: " + "9" * 5000], 400, "invalid_http"),
        (["Content-Length: 99999999999999999999"], 413, "too_large"),
        (["Content-Length: 4000001"], 413, "too_large"),
        (["Transfer-Encoding: gzip, chunked"], 400, "invalid_http"),
        (["X: a\x00b"], 400, "invalid_http"),
        (["Connection: close", "Origin: http://["], 403, "wrong_origin"),
    ],
)
def test_a_head_that_lies_is_refused_by_a_problem(
    server: RunningServer, lines: list[str], status: int, code: str
) -> None:
    connection = RawConnection(server)
    connection.begin("POST", "/v1/detect", *lines)
    connection.socket.shutdown(1) if status == 413 else None  # the body that was announced never comes
    problem = read_problem(connection.read())
    assert (problem["status"], problem["code"], len(problem["request_id"])) == (status, code, 16)


@pytest.mark.parametrize("lines", [[b"X: " + b"x" * 70_000], [b"X: " + b"x" * 100] * 700], ids=["long", "many"])
def test_headers_beyond_the_limit_are_refused(server: RunningServer, lines: list[bytes]) -> None:
    connection = RawConnection(server)
    connection.send(b"\r\n".join([b"GET /livez HTTP/1.1", b"Host: 127.0.0.1", *lines, b""]))  # and more to come
    problem = read_problem(connection.read())
    assert (problem["status"], problem["code"], len(problem["request_id"])) == (431, "headers_too_large", 16)


@pytest.mark.parametrize("host", ["[", "[::1", "a b", "", "\xff", "127.0.0.1:99999999999"])
def test_a_host_that_is_none_is_refused_or_taken_for_an_address(server: RunningServer, host: str) -> None:
    connection = RawConnection(server)
    head = f"GET /v1/people HTTP/1.1\r\nHost: {host}\r\nx-api-key: {server.key}\r\nConnection: close\r\n\r\n"
    connection.send(head.encode("latin-1"))
    (status,) = read_statuses(connection.read())
    assert status == (200 if host.startswith("127.0.0.1") else 421)


@pytest.mark.parametrize(
    "garbage", [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"SSH-2.0-x\r\n\r\n", b"\r\n" * 9 + b"\x00"]
)
def test_what_is_not_http_is_refused(server: RunningServer, garbage: bytes) -> None:
    connection = RawConnection(server)
    connection.send(garbage + b"\r\n\r\n")
    assert read_problem(connection.read())["code"] == "invalid_http"


def test_twenty_megabytes_of_headers_are_not_read(server: RunningServer) -> None:
    started = time.monotonic()
    connection = RawConnection(server)
    connection.begin("GET", "/livez", *(f"X-{number}: {'x' * 1000}" for number in range(20_000)))
    assert read_statuses(connection.read()) in ([431], [])  # none where the answer is lost with the rest of the headers
    assert time.monotonic() - started < 60


def test_a_websocket_is_refused_and_other_upgrades_are_passed_over(server: RunningServer) -> None:
    """Either way on a connection that goes on, and without a word in the log on packages that would be missing."""
    lines = [
        "Connection: keep-alive, Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
    ]
    connection = RawConnection(server)
    connection.begin("GET", "/v1/events/stream", "Upgrade: WebSocket", *lines)
    refused = connection.read_answer()
    problem = read_problem(refused)
    assert (problem["status"], problem["code"]) == (400, "no_websocket")
    connection.begin("GET", "/livez", "Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABk")
    assert read_statuses(connection.read_answer()) == [200]
    connection.socket.close()
    assert "pgrade" not in server.text
    assert "WebSocket" not in server.text


def test_a_body_longer_than_announced_is_another_request(server: RunningServer) -> None:
    connection = RawConnection(server)
    connection.begin("POST", "/v1/detect", "Content-Type: application/json", "Content-Length: 2")
    connection.send(b"{}{}{}{}\r\n\r\n")
    answer = connection.read()
    assert read_statuses(answer) == [422, 400]
    assert read_problem(answer)["code"] == "invalid_http"


def test_a_body_without_an_end_is_refused(server: RunningServer) -> None:
    connection = RawConnection(server)
    connection.begin("POST", "/v1/detect", FORM, "Transfer-Encoding: chunked", "Connection: close")
    connection.send(b"%x\r\n%b\r\n" % (len(PART), PART))
    for _ in range(50):
        connection.send(b"%x\r\n%b\r\n" % (100_000, b"x" * 100_000))
    assert read_statuses(connection.read()) in ([413], [])  # none where the rest of the body is in the way


def test_garbage_after_a_refusal_closes_the_connection(server: RunningServer) -> None:
    connection = RawConnection(server)
    connection.begin("POST", "/v1/nothing", FORM, "Transfer-Encoding: chunked")
    first = connection.read_answer()
    connection.send(b"no length of a chunk\r\n\r\n")
    assert read_statuses(first + connection.read()) == [404]


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_clients_that_break_off_cost_nothing(server: RunningServer, share: float) -> None:
    body, before = PART % (b"a.pgm", GRAY) + END, _count_broken_off(server)
    for _ in range(10):
        connection = RawConnection(server)
        connection.begin("POST", "/v1/detect", FORM, f"Content-Length: {len(body)}")
        connection.send(body[: int(share * len(body))])
        connection.socket.close()
    deadline = time.monotonic() + 60
    while _count_broken_off(server) < before + 10:
        assert time.monotonic() < deadline, server.get("/metrics").text
        time.sleep(0.05)


def _count_broken_off(server: RunningServer) -> float:
    """Return how many requests had no answer since their client had left."""
    lines = server.get("/metrics").text.splitlines()
    return sum(
        float(line.split()[-1]) for line in lines if line.startswith("visavis_requests_total") and '"499"' in line
    )


def test_ten_thousand_parts_are_refused(server: RunningServer) -> None:
    started = time.monotonic()
    files = PART % (b"a.pgm", b"x") * 10_000 + END
    fields = b'--b\r\nContent-Disposition: form-data; name="note"\r\n\r\nx\r\n' * 10_000 + END
    for body in (files, fields):
        for path in ("/v1/detect", "/v1/vision/face", "/api/v1/detection/detect"):
            assert read_statuses(send_form(server, body, path)) == [400]
    assert read_problem(send_form(server, files))["code"] == "invalid_form"
    answer = server.post("/v1/detect", json={"photo": ["QUJD"] * 10_000})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_many_photos")
    assert time.monotonic() - started < 100


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b",
        b"--b\r\n" + b"X: y\r\n" * 100_000 + b"\r\nx\r\n" + END,
        b"--b\r\n\r\nno name\r\n" + END,
        b'--b\r\nContent-Disposition: form-data; name="photo"; filename="a"\r\n\r\nno end',
        b'--b\r\nContent-Disposition: form-data; name="note"\r\n\r\n' + b"x" * 200_000 + b"\r\n" + END,
    ],
    ids=["empty", "cut", "headers", "nameless", "endless", "long field"],
)
def test_a_form_that_is_none_is_refused(server: RunningServer, body: bytes) -> None:
    (status,) = read_statuses(send_form(server, body))
    assert 400 <= status < 500


def make_bomb(side: int) -> bytes:
    """Return a black PNG with a bit a pixel: 1.6 gigapixels take 200 kB."""
    rows = zlib.compressobj(9)
    row = bytes(side // 8 + 1)
    data = b"".join(rows.compress(row) for _ in range(side)) + rows.flush()
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)), (b"IDAT", data), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )


def test_a_picture_that_would_fill_the_memory_is_refused(server: RunningServer) -> None:
    bomb = make_bomb(40_000)
    started = time.monotonic()
    answer = server.post("/v1/verify", files=[("a", ("a.png", bomb)), ("b", ("b.pgm", GRAY))])
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    (line,) = server.post("/v1/detect", files=[("photo", ("a.png", bomb))]).json()["photos"]
    assert line["status"] == "too_large"
    assert time.monotonic() - started < 60


def test_a_compressed_body_is_not_expanded(server: RunningServer) -> None:
    body = gzip.compress(PART % (b"a.pgm", bytes(100_000_000)) + END)
    connection = RawConnection(server)
    connection.begin(
        "POST", "/v1/detect", FORM, "Content-Encoding: gzip", f"Content-Length: {len(body)}", "Connection: close"
    )
    connection.send(body)
    assert read_problem(connection.read())["code"] == "invalid_form"


@pytest.mark.parametrize(
    "name", [b"../../../etc/passwd", b"C:\\\\x", b"a\x00.pgm", b'\\"', b"%2e%2e%2f", b"\xff\xfe", b"a" * 4000, b"."]
)
def test_the_name_of_a_photo_names_no_file(server: RunningServer, name: bytes) -> None:
    (status,) = read_statuses(answer := send_form(server, PART % (name, GRAY) + END))
    assert (status, b"root:" in answer, str(server.folder).encode() in answer) == (200, False, False)


PATHS = [
    "/../../../../etc/passwd",
    "/v1/galleries/..%2F..%2Fetc%2Fpasswd",
    "/v1/galleries/%2Fetc%2Fpasswd/backup",
    "/v1/galleries/default%00/backup",
    "/v1/people/%00",
    "/v1/people/99999999999999999999999",
    "/v1/people?name=%00",
    "/v1/people?name=%ED%A0%80",
    "/v1/people?who=%00",
    "/v1/people?gallery=..%2Ffaces.db",
    "/v1/jobs/..%2F..%2Fx",
    "/v1/jobs/%00",
    "/v1/events?camera=%00",
    "/v1//people",
    "//evil.example/v1/people",
    "/v1/people/1;jsessionid=2",
    "*",
]


@pytest.mark.parametrize("path", PATHS)
def test_a_path_leads_to_no_file(server: RunningServer, path: str) -> None:
    connection = RawConnection(server)
    connection.begin("GET", path, "Connection: close")
    (status,) = read_statuses(answer := connection.read())
    assert (status < 500, b"root:" in answer, str(server.folder).encode() in answer) == (True, False, False)
    assert status >= 400 or path.startswith(("/v1/people?name=", "/v1/events?")), answer


@pytest.mark.parametrize("text", ["\\ud800", "\\u0000", "a\\u202eb"])
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/setup", '{"code": "%s"}'),
        ("POST", "/v1/keys", '{"name": "%s", "role": "read"}'),
        ("POST", "/v1/keys", '{"name": "of a gallery %s", "role": "read", "galleries": ["%s"]}'),
        ("PATCH", "/v1/people/1?gallery=emptied", '{"name": "%s"}'),
        ("PATCH", "/v1/people/1?gallery=emptied", '{"note": "%s"}'),
        ("POST", "/v1/jobs/index", '{"folder": "%s"}'),
        ("POST", "/v1/detect", '{"photo": "%s"}'),
        ("POST", "/v1/people?gallery=emptied", '{"name": "%s", "photo": "QUJD"}'),
    ],
)
def test_text_that_no_database_holds_is_refused(
    server: RunningServer, method: str, path: str, body: str, text: str
) -> None:
    data = body.replace("%s", text).encode()
    answer = server.request(method, path, data=data, headers={"Content-Type": "application/json"})
    assert 400 <= answer.status_code < 500, answer.text


def test_requests_that_come_together_are_answered_in_order(server: RunningServer) -> None:
    connection = RawConnection(server)
    lines = f"Host: 127.0.0.1\r\nx-api-key: {server.key}\r\n"
    first, second = (f"GET {path} HTTP/1.1\r\n{lines}" for path in ("/v1/people/77", "/v1/galleries"))
    connection.send(f"{first}\r\n{second}Connection: close\r\n\r\n".encode())
    assert read_statuses(connection.read()) == [404, 200]


def test_a_photo_that_was_sent_by_halves_is_answered(server: RunningServer) -> None:
    body = PART % (b"a.pgm", GRAY) + END
    connection = RawConnection(server)
    connection.begin("POST", "/v1/detect", FORM, f"Content-Length: {len(body)}", "Connection: close")
    for start in range(0, len(body), 1000):
        connection.send(body[start : start + 1000])
        time.sleep(0.01)
    assert read_statuses(connection.read()) == [200]
    assert server.post("/v1/detect", files=[("photo", ("a.pgm", GRAY))]).json()["photos"][0]["faces"] == []
