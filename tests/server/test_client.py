"""The client: one script runs with the library and with a server, and has the same results and errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import chdir
from dataclasses import asdict, is_dataclass, replace
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import count
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import visavis
from visavis.client import Client
from visavis.compare import Calibration
from visavis.errors import BusyError, ServerError, UnknownNameError, VisavisError
from visavis.gallery.types import IdentifiedPhoto
from visavis.landmarks import dlib_boxes, load_predictor

from .running_server import RunningServer
from .test_keys import make_key


@pytest.fixture
def client(server: RunningServer, spare_gallery: str) -> Iterator[Client]:
    with Client(server.url, server.key, spare_gallery) as opened:
        yield opened


def library(folder: Path) -> Any:
    """The functions of the library and the methods of a gallery under the names of the client."""
    gallery = visavis.Gallery(folder / "faces.db", actor="first admin")
    predictor = load_predictor(points=5)

    def landmarks(photo: str, *, points: int) -> Any:
        assert points == predictor.points
        return predictor.predict(visavis.read(photo).pixels, dlib_boxes(visavis.detect(photo)))

    def similar(photo: str, others: list[str] | None = None, *, top: int) -> Any:
        return gallery.similar(photo, top=top)[0] if others is None else visavis.similar(photo, others, top=top)

    names = ("enroll", "identify", "people", "find", "person", "rename", "describe", "merge", "move", "remove",
             "remove_template", "threshold", "name_faces", "identify_photos", "why", "reject", "rejections",
             "rejection_effect", "undo_rejection", "coach", "calibrate")  # fmt: skip
    return SimpleNamespace(
        detect=visavis.detect, embed=visavis.embed, verify=visavis.verify, representative=visavis.representative,
        represent=gallery.recognizer.represent, similar=similar, landmarks=landmarks,
        **{name: getattr(gallery, name) for name in names}, close=gallery.close,
    )  # fmt: skip


def script(api: Any) -> Iterator[Any]:
    """What a user may do; yields each result, or the error."""

    def attempt(name: str, *arguments: Any, **options: Any) -> Any:
        try:
            answer = getattr(api, name)(*arguments, **options)
            return list(answer) if isinstance(answer, Iterator) else answer
        except VisavisError as error:
            return type(error), str(error)

    yield attempt("detect", "obama.jpg")
    yield attempt("detect", np.asarray(visavis.read("biden.jpg").pixels))
    yield attempt("detect", "gray.png")
    yield attempt("detect", "missing.jpg")
    yield attempt("detect", "letter.jpg")
    yield attempt("detect", "obama.jpg", min_face=0)[0]  # the sentence is another
    yield attempt("embed", Path("obama.jpg"))
    yield attempt("represent", ["obama.jpg", "missing.jpg", "gray.png", Path("biden.jpg").read_bytes()])
    yield attempt("verify", "obama.jpg", "obama2.jpg")
    yield attempt("verify", "obama.jpg", "biden.jpg", threshold=0.5)
    yield attempt("verify", "obama.jpg", "gray.png")
    yield attempt("verify", "obama.jpg", "biden.jpg", far=1e-12)
    yield attempt("landmarks", "obama.jpg", points=5)
    yield attempt("similar", "obama.jpg", ["biden.jpg", "obama2.jpg", "obama3.jpg"], top=2)
    yield attempt("representative", ["obama.jpg", "obama2.jpg", "biden.jpg", "obama3.jpg"])
    yield attempt("enroll", "Barack", ["obama.jpg", "obama2.jpg", "gray.png"], note="44th", consented=date(2026, 1, 2))
    yield attempt("enroll", "Joe", "biden.jpg", metadata={"room": [1, None, "Å"]})
    yield attempt("enroll", "JOE", "obama3.jpg")
    yield attempt("enroll", "Nobody", "gray.png")
    yield attempt("enroll", "Nobody", "missing.jpg")
    yield attempt("enroll", 2, "biden.jpg")
    yield attempt("identify", "obama3.jpg")
    yield attempt("identify", "obama3.jpg", threshold=0.01, top=1)
    yield attempt("identify", "gray.png")
    yield attempt("similar", "obama3.jpg", top=5)
    yield from correct(attempt)
    yield attempt("people")
    yield attempt("people", "Joe", 1)
    yield attempt("find", "#2")
    yield attempt("find", "nobody")
    yield attempt("person", 99)
    yield attempt("threshold", fpir=0.01)
    yield attempt("rename", "Joe", "Joseph")
    yield attempt("describe", "Joseph", note="46th", consent="by letter", metadata={})
    yield attempt("find", 2)
    yield attempt("move", [2], "Joseph")
    yield attempt("remove_template", 1)
    yield attempt("remove_template", 3)
    yield attempt("people")
    yield attempt("merge", 1, "Joseph")
    yield attempt("merge", 2, 2)
    yield attempt("people")
    yield attempt("remove", 2, "nobody")
    yield attempt("remove", 2)
    yield attempt("people")


def correct(attempt: Callable[..., Any]) -> Iterator[Any]:
    """Explain and correct answers, and change thresholds, once people are enrolled."""
    yield attempt("identify_photos", ["obama3.jpg", "missing.jpg", "gray.png", "letter.jpg", "biden.jpg"])
    yield attempt("why", "obama3.jpg", "Barack")
    yield attempt("why", "gray.png", 2)
    yield attempt("why", "obama3.jpg", "nobody")
    yield attempt("rejection_effect", "obama3.jpg", "Barack")
    yield attempt("reject", "obama3.jpg", "Barack", days=5)
    yield attempt("reject", "obama.jpg", "Barack")
    yield attempt("rejections")
    yield attempt("rejections", "Joe")
    yield attempt("identify", "obama3.jpg")
    yield attempt("undo_rejection", 1)
    yield attempt("undo_rejection", 1)
    yield attempt("coach", fpir=0.05)
    yield attempt("calibrate", Calibration("sface", (0.1, 0.001), (0.9, 0.5), -20, 12))
    yield attempt("threshold", fpir=0.1)
    yield attempt("calibrate", None)


OMITTED = {"created", "expires", "crops", "sha256"}


def comparable(value: Any) -> Any:
    """A result without pixels, times and digits that a batch of another size changes."""
    if isinstance(value, IdentifiedPhoto):
        return [comparable(replace(value.photo, embeddings=None)), comparable(value.identifications)]
    if isinstance(value, visavis.PhotoFaces):
        value = {
            name: getattr(value, name) for name in ("name", "status", "faces", "quality", "embeddings", "captured")
        }
    elif is_dataclass(value) and not isinstance(value, type):
        value = {"": type(value), **{item: getattr(value, item) for item in asdict(value)}}
    if isinstance(value, dict):
        line = {key: comparable(item) for key, item in value.items() if key not in OMITTED}
        return {**line, "photo": Path(line["photo"]).name} if isinstance(line.get("photo"), str) else line
    if isinstance(value, list | tuple):
        return [comparable(item) for item in value]
    if isinstance(value, np.ndarray):
        return comparable(value.tolist())
    return round(value, 2) if isinstance(value, float) and abs(value) < 1e3 else value


@pytest.fixture
def photo_folder(sample_photos: Path, tmp_path: Path) -> Path:
    """Photos whose paths are the names of their files, beside one without a face and one that is none."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for path in sample_photos.glob("*.jpg"):
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "letter.jpg").write_text("Dear Ann,")
    visavis.images.save(np.full((64, 64, 3), 128, np.uint8), folder / "gray.png")
    return folder


@pytest.mark.slow(seconds=20)
def test_one_script_has_the_same_results_with_the_library_and_with_a_server(
    client: Client, photo_folder: Path, tmp_path: Path
) -> None:
    with chdir(photo_folder):
        own = library(tmp_path)
        expected = [comparable(result) for result in script(own)]
        own.close()
        answers = [comparable(result) for result in script(client)]
    pairs = enumerate(zip(answers, expected, strict=True))
    assert {number: pair for number, pair in pairs if pair[0] != pair[1]} == {}


def test_what_only_the_client_of_an_administrator_does(client: Client, photo_folder: Path, tmp_path: Path) -> None:
    client.enroll("Ann", photo_folder / "biden.jpg")
    assert len(client) == 1
    assert (client.stats().people, client.stats().model, client.stats().url) == (1, "sface", client.gallery)
    entry = client.audit()[-1]
    assert (entry.action, entry.actor, entry.person_id) == ("enroll", "first admin", 1)
    client.back_up(tmp_path / "backup.zip")
    assert (tmp_path / "backup.zip").read_bytes()[:2] == b"PK"
    assert repr(client) == f"Client({client.url!r}, gallery={client.gallery!r})"
    with pytest.raises(UnknownNameError):
        list(client.classify(photo_folder / "biden.jpg", model="nothing"))


def test_keys_and_addresses_that_are_wrong(server: RunningServer, sample_photos: Path) -> None:
    with Client(server.url, "vv_0_wrong") as client, pytest.raises(visavis.UsageError, match="wrong or was revoked"):
        client.people()
    with Client(server.url, server.key, "nowhere") as client, pytest.raises(UnknownNameError, match="no gallery"):
        client.people()
    key = make_key(server, "client that reads", "read")
    with Client(server.url, key) as client, pytest.raises(visavis.UsageError, match="no right to enroll"):
        client.enroll("Ann", sample_photos / "biden.jpg")
    reason = r"^the server at http://127\.0\.0\.1:9 cannot be reached: Connection refused\.$"
    with Client("http://127.0.0.1:9") as client, pytest.raises(ServerError, match=reason):
        client.people()
    for url in ("127.0.0.1:8000", "ftp://x", "http://", ""):
        with pytest.raises(visavis.UsageError, match="is not the URL of a server"):
            Client(url)


class Busy(BaseHTTPRequestHandler):
    """Is busy twice, or always; answers with something else at /none."""

    tries: Iterator[int]
    free_from = 2

    def do_GET(self) -> None:
        if next(self.tries) < self.free_from:
            body, status = b'{"code": "busy", "detail": "the server is busy."}', 503
        else:
            body, status = b'{"people": [], "next": null}', 200
        self.send_response(status)
        self.send_header("Retry-After", "0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.mark.parametrize("free_from", [2, 99])
def test_a_busy_server_is_asked_again_a_few_times(monkeypatch: pytest.MonkeyPatch, free_from: int) -> None:
    monkeypatch.setattr(Busy, "tries", count(), raising=False)
    monkeypatch.setattr(Busy, "free_from", free_from)
    host = HTTPServer(("127.0.0.1", 0), Busy)
    thread = Thread(target=host.serve_forever, args=[0.02], daemon=True)
    thread.start()
    with Client(f"http://127.0.0.1:{host.server_port}") as client:
        if free_from == 2:
            assert client.people() == []
            assert next(Busy.tries) == 3
        else:
            with pytest.raises(BusyError, match="the server is busy"):
                client.people()
            assert next(Busy.tries) == 4
    host.shutdown()
    thread.join()
    host.server_close()
