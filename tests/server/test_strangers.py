"""Strangers and pictures of the cameras of a running server: seen, named, recognized, forgotten."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import numpy as np
import pytest
from PIL import Image

import visavis
from visavis.server import retention
from visavis.server.config import ServerConfig, VideoSettings
from visavis.server.services import MOST_VIEWERS
from visavis.server.state.database import StateDatabase
from visavis.server.state.events import Events
from visavis.server.types import SeenStranger
from visavis.types import Quality
from visavis.videos.strangers import Strangers, list_strangers

from .running_server import RunningServer
from .test_cameras import await_camera, await_that, events_of
from .test_keys import make_key
from .watched_strangers import watch_strangers

STREAM = "/v1/camera-pictures/stream"
GOOD = Quality(0.9, *[0.99] * 10)


@pytest.fixture(scope="module")
def watching(sample_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with watch_strangers(sample_photos, tmp_path_factory.mktemp("strangers")) as running:
        yield running


@pytest.fixture
def client(watching: RunningServer) -> Iterator[visavis.Client]:
    with visavis.Client(watching.url, watching.key) as made:
        yield made


def play_door(server: RunningServer) -> list[dict[str, Any]]:
    """Let the door play its film again; return the events of that."""
    before = len(events_of(server, "door"))
    server.post("/v1/cameras/door/start")
    await_that(lambda: len(events_of(server, "door")) > before, "an event of the door", server)
    await_camera(server, "door", "ended")
    return events_of(server, "door")[before:]


def find_only(client: visavis.Client) -> SeenStranger:
    (stranger,) = client.strangers()
    return stranger


def test_a_named_stranger_is_recognized_and_the_undo_brings_the_stranger_back(
    watching: RunningServer, client: visavis.Client
) -> None:
    stranger = find_only(client)
    assert (stranger.number, stranger.sightings, stranger.cameras) == (stranger.template_ids[0], 1, ("door",))
    assert datetime.now(UTC) - stranger.last < timedelta(hours=1)
    registrar = make_key(watching, "registrar of strangers", "enroll")
    path = f"/v1/strangers/{stranger.number}/name"
    named = watching.post(path, json={"name": "Ben"}, key=registrar)
    ben = named.json()
    assert (named.status_code, ben["name"], [template["id"] for template in ben["templates"]]) == (
        200, "Ben", [*stranger.template_ids],
    )  # fmt: skip
    assert str(watching.folder) not in named.text
    assert client.strangers() == []
    assert [event["name"] for event in play_door(watching)] == ["Ben", "Ben"]
    entry = next(entry for entry in client.audit() if entry.person_id == ben["id"])
    assert (entry.action, entry.actor) == ("enroll", "registrar of strangers")
    assert client.unassign_faces(stranger.template_ids, with_person=True) == [ben["id"]]
    again = find_only(client)
    assert (again.number, again.template_ids) == (stranger.number, stranger.template_ids)
    assert [(event["name"], event["stranger"]) for event in play_door(watching)][-1] == (None, stranger.number)
    assert find_only(client).number == stranger.number


def test_a_stranger_turns_out_to_be_a_person_of_the_gallery(watching: RunningServer, client: visavis.Client) -> None:
    stranger = find_only(client)
    near = client.people_near_stranger(stranger.number)
    assert [person.name for person in near] == ["Ann"]
    assert near[0].distance > 0.5
    answer = watching.post(f"/v1/strangers/{stranger.number}/name", json={"person_id": near[0].person_id})
    assert (answer.status_code, answer.json()["name"], len(answer.json()["templates"])) == (
        200, "Ann", 1 + len(stranger.template_ids),
    )  # fmt: skip
    assert client.unassign_faces(stranger.template_ids) == []
    assert find_only(client).number == stranger.number
    for order in ({}, {"name": "Ben", "person_id": 1}, {"name": ""}, {"name": "Ben", "age": 3}):
        assert watching.post(f"/v1/strangers/{stranger.number}/name", json=order).status_code == 422
    unknown = watching.post("/v1/strangers/999999/name", json={"name": "Ben"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_name")


def test_the_best_picture_of_a_stranger(watching: RunningServer, client: visavis.Client) -> None:
    stranger = find_only(client)
    assert stranger.picture in stranger.template_ids
    crop = watching.get(f"/v1/faces/{stranger.picture}/crop?side=96")
    with Image.open(BytesIO(crop.content)) as image:
        assert image.size == (96, 96)
        assert np.asarray(image.convert("RGB")).std() > 20  # a face, not the gray wall


def test_keys_may_do_with_strangers_what_their_role_and_galleries_allow(
    watching: RunningServer, client: visavis.Client
) -> None:
    number = find_only(client).number
    reader = make_key(watching, "reader of strangers", "read")
    assert len(watching.get("/v1/strangers", key=reader).json()["strangers"]) == 1
    for method, path in (("POST", f"{number}/name"), ("DELETE", str(number)), ("DELETE", "")):
        answer = watching.request(method, f"/v1/strangers/{path}".rstrip("/"), key=reader, json={"name": "Ben"})
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    other = make_key(watching, "of no stranger", "admin", ["elsewhere"])
    assert watching.get("/v1/strangers", key=other).status_code == 404
    assert watching.get("/v1/strangers?gallery=elsewhere", key=other).json() == {"strangers": []}
    assert watching.request("DELETE", f"/v1/strangers/{number}?gallery=elsewhere", key=other).status_code == 404
    assert watching.request("DELETE", "/v1/cameras/door/data", key=other).status_code == 404
    assert watching.request("DELETE", "/v1/cameras/door/data", key=reader).status_code == 403
    assert find_only(client).number == number


def test_a_picture_has_the_frame_with_its_faces_and_is_kept_nowhere(
    watching: RunningServer, client: visavis.Client
) -> None:
    await_camera(watching, "yard", "running")
    stream = client.stream_pictures("yard")
    picture = next(item for item in stream if any(face["name"] for face in item.get("faces", [])))
    stream.close()
    (face,) = picture["faces"]
    assert (picture["camera"], picture["width"], picture["height"], face["name"]) == ("yard", 320, 240, "Ann")
    left, top, right, bottom = face["box"]
    assert 40 < left < right < 40 + 160
    assert 40 < top < bottom < 40 + 160
    jpeg = base64.b64decode(picture["jpeg"])
    with Image.open(BytesIO(jpeg)) as image:
        assert image.size == (320, 240)
    part = jpeg[len(jpeg) // 2 :][:64]
    files = [path for path in watching.folder.rglob("*") if path.is_file()]
    assert [path.name for path in files if part in path.read_bytes()] == []


def test_a_stopped_camera_shows_nothing(watching: RunningServer, client: visavis.Client) -> None:
    await_camera(watching, "yard", "running")
    try:
        stream = client.stream_pictures()
        assert next(stream)["camera"] == "yard"
        watching.post("/v1/cameras/yard/stop")
        assert next(item for item in stream if "jpeg" not in item) == {"camera": "yard"}
        await_camera(watching, "yard", "stopped")
        stream.close()
    finally:
        watching.post("/v1/cameras/yard/start")
    await_camera(watching, "yard", "running")
    stream = client.stream_pictures("yard", "door")
    assert next(stream)["camera"] == "yard"
    stream.close()


def test_who_sees_pictures_and_how_many_viewers(watching: RunningServer) -> None:
    await_camera(watching, "yard", "running")
    assert watching.get(STREAM, key=None).status_code == 401
    other = make_key(watching, "viewer of another gallery", "read", ["elsewhere"])
    with watching.get(STREAM, key=other, stream=True, headers={"accept-encoding": "identity"}) as answer:
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
        seen = answer.raw.read1(100) if hasattr(answer.raw, "read1") else next(answer.iter_content(None))
        assert seen == b": pictures\n\n"
    with ExitStack() as stack:
        answers = []
        for _ in range(MOST_VIEWERS + 3):  # the place of the viewer who left may not be free yet
            answers.append(stack.enter_context(watching.get(STREAM, stream=True)))
        refused = [answer for answer in answers if answer.status_code != 200]
        assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {(503, "busy")}
        assert len(answers) - len(refused) in {MOST_VIEWERS, MOST_VIEWERS - 1}
    await_that(lambda: can_look(watching), "a free place", watching)


def can_look(server: RunningServer) -> bool:
    with server.get(STREAM, stream=True) as answer:
        return answer.status_code == 200


def test_a_server_without_the_option_shows_no_pictures(server: RunningServer) -> None:
    answer = server.get(STREAM)
    assert (answer.status_code, answer.json()["code"]) == (404, "no_pictures")
    assert "pictures = true" in answer.json()["detail"]


def test_strangers_are_forgotten_one_or_all_or_with_the_data_of_a_camera(
    watching: RunningServer, client: visavis.Client
) -> None:
    client.forget_stranger(find_only(client).number)
    assert client.strangers() == []
    with pytest.raises(visavis.UsageError, match="no stranger 999999"):
        client.forget_stranger(999999)
    play_door(watching)
    assert client.forget_strangers(camera="yard") == 0
    assert client.forget_strangers() == 1
    play_door(watching)
    assert len(events_of(watching, "door")) > 2
    erased = client.erase_camera_data("door")
    assert (erased.events > 2, erased.sightings, client.strangers()) == (True, 1, [])
    assert events_of(watching, "door") == []
    assert client.camera("door").latest_event is None
    assert watching.get("/v1/log?limit=1000").json()["entries"][-1]["detail"] == f"door: {erased.events} events"
    assert "forget" in {entry.action for entry in client.audit() if entry.actor == "first admin"}
    assert play_door(watching)[-1]["stranger"] is not None


def test_the_days_of_strangers_pass_while_no_camera_runs(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'faces.db'}"
    with visavis.Gallery(url, model="sface") as gallery:
        strangers = Strangers(gallery, days=36_500, fpir=0.01, threshold=0.4)
        for axis, at in ((1, datetime.now(UTC) - timedelta(days=31)), (2, datetime.now(UTC) - timedelta(days=29))):
            embedding = np.eye(128, dtype=np.float32)[axis]
            strangers.remember(embedding, GOOD, number=None, camera="door", seconds=0, at=at)
        config = ServerConfig(galleries={"default": url}, cameras=tmp_path, video=VideoSettings(strangers=30))
        assert retention.forget_strangers(replace(config, video=VideoSettings())) == 0
        assert retention.forget_strangers(config) == 1
        assert [stranger.number for stranger in list_strangers(gallery)] == [2]
        assert retention.forget_strangers(config) == 0


def test_the_days_of_strangers_pass_while_another_gallery_is_away(tmp_path: Path) -> None:
    urls = {name: f"sqlite:///{tmp_path / name}.db" for name in ("default", "away")}
    state = f"sqlite:///{tmp_path / 'server.db'}"
    config = ServerConfig(galleries=urls, state=state, cameras=tmp_path, video=VideoSettings(strangers=30))
    with closing(StateDatabase(state)) as database:
        Events(database).add("away", {"id": "1", "event": "known", "camera": "door", "person_id": 1, "name": "Ann"})
    with visavis.Gallery(urls["default"], model="sface") as gallery:
        strangers = Strangers(gallery, days=36_500, fpir=0.01, threshold=0.4)
        at = datetime.now(UTC) - timedelta(days=31)
        strangers.remember(np.eye(128, dtype=np.float32)[1], GOOD, number=None, camera="door", seconds=0, at=at)
        stopping = threading.Event()
        thread = threading.Thread(target=retention.tidy_events, args=(config, stopping))
        thread.start()
        try:
            deadline = monotonic() + 60
            while list_strangers(gallery) and monotonic() < deadline:
                sleep(0.05)
            assert list_strangers(gallery) == []
        finally:
            stopping.set()
            thread.join(60)
