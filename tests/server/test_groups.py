"""Groups of faces by REST: rights, changes by two users, groups that are put aside, and what is forgotten."""

from __future__ import annotations

import hashlib
import io
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import requests
from PIL import Image

from gallery.grouped import TABLE, add_group, make_embedding
from visavis import Client, Gallery
from visavis.errors import GroupChangedError, SamePhotoError, UnknownNameError
from visavis.gallery.types import IndexedPhoto, Template
from visavis.server.config import ServerConfig
from visavis.server.retention import forget_removed_faces
from visavis.server.state.database import StateDatabase
from visavis.server.state.set_aside import FacesSetAside

from .running_server import RunningServer
from .test_keys import make_key


def add_groups(server: RunningServer, gallery: str, *sizes: int) -> list[list[int]]:
    """Add groups 1, 2 ... of faces of one person each; return their ids."""
    with Gallery(server.folder / f"{gallery}.db") as opened:
        opened.calibrate(TABLE)
        return [
            add_group(opened, number, [make_embedding(number, face) for face in range(size)])
            for number, size in enumerate(sizes, 1)
        ]


def test_a_group_is_named_by_one_user_and_not_by_another_who_saw_it_before(
    server: RunningServer, spare_gallery: str
) -> None:
    first, second = add_groups(server, spare_gallery, 3, 2)
    with Client(server.url, server.key, spare_gallery) as client:
        assert [(group.number, group.faces) for group in client.groups().groups] == [(1, 3), (2, 2)]
        details = client.group(1)
        assert {face.template_id for face in details.faces} == {*first}
        assert {face.photo for face in details.faces} == {f"1-{n}.jpg" for n in range(3)}
        named = client.name_group(1, first, "Ann")
        assert (named.name, named.new, client.person(named.person_id).name) == ("Ann", True, "Ann")
        with pytest.raises(GroupChangedError, match="group 1 was changed meanwhile"):
            client.name_group(1, first, "Ben")
        with pytest.raises(UnknownNameError):
            client.group(1)
        client.unname_faces(1, first, named.person_id)
        assert client.people() == []
        assert [near.number for near in client.near_groups(1)] == [2]
        assert client.move_to_group(2, second, 1) == 1
        assert client.move_to_group(1, second[:1]) == 2
        assert [(group.number, group.faces) for group in client.groups().groups] == [(1, 4), (2, 1)]
    answer = server.post(f"/v1/groups/1/name?gallery={spare_gallery}", json={"template_ids": second, "name": "Ann"})
    assert (answer.status_code, answer.json()["code"]) == (409, "group_changed")


def test_groups_are_put_aside_until_they_are_brought_back(server: RunningServer, spare_gallery: str) -> None:
    first, second, third = add_groups(server, spare_gallery, 3, 2, 1)
    with Client(server.url, server.key, spare_gallery) as client:
        client.put_aside(1)
        assert [group.number for group in client.groups().groups] == [2, 3]
        assert (client.groups().aside, [group.number for group in client.groups(aside=True).groups]) == (1, [1])
        client.move_to_group(3, third, 1)  # a face that joins them is put aside with them
        assert [group.faces for group in client.groups(aside=True).groups] == [4]
        client.move_to_group(1, first[:1], 2)  # one that leaves them is not
        assert [(group.number, group.faces) for group in client.groups().groups] == [(2, 3)]
        client.put_aside(1, aside=False)
        assert client.groups(aside=True).groups == ()
        client.put_aside(2)
        client.name_group(2, [*second, first[0]], "Ann")
        assert (client.groups(aside=True).groups, client.groups().aside) == ((), 0)
        with pytest.raises(UnknownNameError):
            client.put_aside(99)


def test_two_faces_of_a_photo_stay_apart(server: RunningServer, spare_gallery: str) -> None:
    add_groups(server, spare_gallery, 2)
    with Gallery(server.folder / f"{spare_gallery}.db") as opened:
        (other,) = add_group(opened, 5, [make_embedding(9, 0)])
        same = opened.faces().sha256[0]
        with opened.opened.database.write() as conn:
            conn.exec_driver_sql("UPDATE templates SET photo_sha256 = ? WHERE id = ?", (same, other))
    with Client(server.url, server.key, spare_gallery) as client, pytest.raises(SamePhotoError, match="two people"):
        client.move_to_group(5, [other], 1)


def test_no_group_gets_a_number_that_the_pages_cannot_show(server: RunningServer, spare_gallery: str) -> None:
    (ids,) = add_groups(server, spare_gallery, 3)
    move = f"/v1/groups/1/move?gallery={spare_gallery}"
    for number in (2**62, 2**31):
        assert server.post(move, json={"template_ids": ids[:1], "to": number}).status_code == 422
    assert server.post(move, json={"template_ids": ids[:1], "to": 2**31 - 1}).json() == {"number": 2**31 - 1}
    assert server.post(move, json={"template_ids": ids[1:2]}).json() == {"number": 2**31}
    for number in (2**31, 2**62):
        page = server.get(f"/groups?gallery={spare_gallery}&group={number}")
        assert (page.status_code, "Traceback" in server.text) == (200, False)
    listed = server.get(f"/v1/groups?gallery={spare_gallery}").json()["groups"]
    assert [group["number"] for group in listed] == [1, 2**31 - 1, 2**31]


def test_a_key_that_reads_changes_no_group(server: RunningServer, spare_gallery: str) -> None:
    ((face,),) = add_groups(server, spare_gallery, 1)
    key = make_key(server, f"reader of {spare_gallery}", "read")
    order = {"template_ids": [face]}
    query = f"?gallery={spare_gallery}"
    assert server.get(f"/v1/groups{query}", key=key).json()["groups"] == [{"number": 1, "faces": 1, "cover": None}]
    refused = [
        server.post(f"/v1/groups/1/move{query}", key=key, json=order),
        server.post(f"/v1/groups/1/name{query}", key=key, json={**order, "name": "Ann"}),
        server.post(f"/v1/groups/1/unname{query}", key=key, json={**order, "person_id": 1}),
        server.request("PUT", f"/v1/groups/1/aside{query}", key=key, json={"aside": True}),
    ]
    assert [answer.status_code for answer in refused] == [403] * 4
    with Client(server.url, server.key, spare_gallery) as client:
        assert [group.number for group in client.groups().groups] == [1]


def test_the_log_names_the_key_that_named_a_group(server: RunningServer, spare_gallery: str) -> None:
    (faces,) = add_groups(server, spare_gallery, 2)
    key = make_key(server, "who names", "enroll")
    with Client(server.url, key, spare_gallery) as client:
        named = client.name_group(1, faces, "Ann")
        assert [(entry.actor, entry.action) for entry in client.history(named.person_id)] == [("who names", "enroll")]
        client.unname_faces(1, faces, named.person_id)
    with Client(server.url, server.key, spare_gallery) as client:
        log = [(entry.actor, entry.action, entry.person_id) for entry in client.audit()]
    assert log[-2:] == [("who names", "unassign", named.person_id), ("who names", "remove", named.person_id)]


def test_faces_have_pictures_where_their_photos_lie_below_an_index_root(
    server: RunningServer, spare_gallery: str, tmp_path: Path
) -> None:
    """The photo is green with a red face; it is shown as long as its file has the bytes that were indexed."""
    root = server.folder / "photos" / spare_gallery
    root.mkdir()
    picture = Image.new("RGB", (200, 100), (0, 200, 0))
    picture.paste((200, 0, 0), (100, 20, 160, 80))
    picture.save(root / "a.png")
    Image.new("RGB", (200, 100), (0, 0, 200)).save(tmp_path / "outside.png")
    Image.new("RGB", (200, 100), (0, 0, 100)).save(tmp_path / "target.png")
    (root / "link.png").symlink_to(tmp_path / "target.png")
    box = np.array([100, 20, 160, 80], np.float32)
    with Gallery(server.folder / f"{spare_gallery}.db") as opened:
        for number, place in enumerate([root / "a.png", tmp_path / "outside.png", root / "link.png"]):
            face = Template(make_embedding(number, 0), box=box, quality=0.9)
            digest = hashlib.sha256(place.read_bytes()).hexdigest()
            opened.add_photos([IndexedPhoto(str(place.parent.resolve() / place.name), digest, "ok", (face,))])
        below, outside, link = opened.faces().ids.tolist()
        opened.set_clusters([below, outside, link], [1, 2, 3])

    def ask(face: int) -> requests.Response:
        return server.get(f"/v1/faces/{face}/crop?gallery={spare_gallery}&side=64")

    answer = ask(below)
    assert answer.headers["Content-Type"] == "image/jpeg"
    with Image.open(io.BytesIO(answer.content)) as shown:
        assert shown.size == (64, 64)
        red, green = shown.getpixel((32, 32)), shown.getpixel((2, 2))
    assert (red[0] > 180, red[1] < 40, green[0] < 40, green[1] > 180) == (True, True, True, True)
    assert [ask(face).status_code for face in (outside, link, link + 1)] == [404] * 3
    assert server.get(f"/v1/faces/{below}/crop?gallery={spare_gallery}").status_code == 404  # no crop is kept
    with Client(server.url, server.key, spare_gallery) as client:
        assert [(group.number, group.cover) for group in client.groups().groups] == [(1, below), (2, None), (3, link)]
        assert [face.has_picture for face in client.group(1).faces] == [True]
    picture.rotate(180).save(root / "a.png")
    assert server.get(f"/v1/faces/{below}/crop?gallery={spare_gallery}&side=65").status_code == 404


@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_faces_that_were_removed_are_forgotten(tmp_path: Path, store: str, request: pytest.FixtureRequest) -> None:
    url = f"sqlite:///{tmp_path / 'faces.db'}"
    state = f"sqlite:///{tmp_path / 'state.db'}"
    database = StateDatabase(state if store == "sqlite" else request.getfixturevalue("postgres").new())
    with closing(database), Gallery(url) as gallery:
        first, second = add_group(gallery, 1, [make_embedding(1, n) for n in range(2)])
        set_aside = FacesSetAside(database)
        set_aside.add("default", [first, second])
        set_aside.add("default", [second])
        set_aside.add("other", [first])
        gallery.remove_template(first)
        assert forget_removed_faces(set_aside, ServerConfig(galleries={"default": url})) == 1
        assert (set_aside.read("default"), set_aside.read("other")) == ({second}, {first})
