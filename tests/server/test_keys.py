"""Keys of a running server: who may do what, and what a wrong key is answered."""

from __future__ import annotations

from pathlib import Path

import pytest

from visavis.server.auth import Principal
from visavis.server.compat.people import gallery_of
from visavis.server.problems import ProblemError

from .running_server import RunningServer, photos


def make_key(server: RunningServer, name: str, role: str, galleries: list[str] | None = None) -> str:
    answer = server.post("/v1/keys", json={"name": name, "role": role, "galleries": galleries})
    assert answer.status_code == 201, answer.text
    assert {**answer.json(), "key": ""} == {"name": name, "role": role, "key": ""}
    key: str = answer.json()["key"]
    return key


@pytest.mark.parametrize("key", [None, "vv_0_wrong", "no key at all", ""])
def test_a_request_without_a_valid_key_is_refused(server: RunningServer, key: str | None) -> None:
    answer = server.get("/v1/people", key=key)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_key_is_also_taken_as_a_bearer_token(server: RunningServer) -> None:
    headers = {"Authorization": f"Bearer {server.key}"}
    assert server.get("/v1/galleries", key=None, headers=headers).status_code == 200


def test_a_key_with_one_wrong_character_is_refused(server: RunningServer) -> None:
    key = make_key(server, "almost", "read")
    assert server.get("/v1/people", key=key).status_code == 200
    assert server.get("/v1/people", key=key[:-1] + ("A" if key[-1] != "A" else "B")).status_code == 401


@pytest.mark.parametrize(("role", "statuses"), [("read", (200, 403, 403)), ("enroll", (200, 422, 403))])
def test_a_role_has_its_rights_and_no_others(server: RunningServer, role: str, statuses: tuple[int, ...]) -> None:
    key = make_key(server, f"a key to {role}", role)
    seen = (
        server.get("/v1/people", key=key),
        server.post("/v1/people", key=key, json={"name": "Ann"}),  # no photo: 422 where the right is there
        server.get("/v1/keys", key=key),
    )
    assert tuple(answer.status_code for answer in seen) == statuses


def test_a_revoked_key_is_refused_and_stays_in_the_list(server: RunningServer) -> None:
    key = make_key(server, "short-lived", "read")
    assert server.request("DELETE", "/v1/keys/short-lived").status_code == 204
    assert server.get("/v1/people", key=key).status_code == 401
    (listed,) = (item for item in server.get("/v1/keys").json()["keys"] if item["name"] == "short-lived")
    assert listed["revoked"] is not None
    assert listed["created_by"] == "first admin"


def test_a_rotated_key_has_a_new_text_and_the_old_one_is_refused(server: RunningServer) -> None:
    old = make_key(server, "turning", "read")
    new = server.post("/v1/keys/turning/rotate").json()["key"]
    assert server.get("/v1/people", key=old).status_code == 401
    assert server.get("/v1/people", key=new).status_code == 200


def test_a_key_sees_its_galleries_alone(server: RunningServer, spare_gallery: str) -> None:
    key = make_key(server, "of one gallery", "read", [spare_gallery])
    assert server.get("/v1/galleries", key=key).json() == {"galleries": [spare_gallery]}
    assert server.get(f"/v1/people?gallery={spare_gallery}", key=key).status_code == 200
    forbidden = server.get("/v1/people?gallery=default", key=key)
    missing = server.get("/v1/people?gallery=nowhere", key=key)
    assert (forbidden.status_code, forbidden.json()["detail"]) == (404, missing.json()["detail"])
    assert server.get("/v1/galleries/default", key=key).status_code == 404


@pytest.mark.parametrize(("galleries", "status"), [(["defualt"], 404), (["default", "nowhere"], 404), ([], 422)])
def test_a_key_is_for_galleries_of_the_server(server: RunningServer, galleries: list[str], status: int) -> None:
    answer = server.post("/v1/keys", json={"name": "of a wrong gallery", "role": "read", "galleries": galleries})
    assert answer.status_code == status, answer.text
    assert "of a wrong gallery" not in [key["name"] for key in server.get("/v1/keys").json()["keys"]]


def test_a_key_of_no_gallery_means_none_to_other_servers_clients() -> None:
    assert gallery_of(Principal("all", frozenset())) == "default"
    assert gallery_of(Principal("of two", frozenset(), ("staff", "default"))) == "default"
    assert gallery_of(Principal("of one", frozenset(), ("staff",))) == "staff"
    with pytest.raises(ProblemError, match="there is no gallery"):
        gallery_of(Principal("of none", frozenset(), ()))


def test_a_name_is_given_once_and_a_role_exists(server: RunningServer) -> None:
    make_key(server, "twice", "read")
    again = server.post("/v1/keys", json={"name": "twice", "role": "read"})
    assert (again.status_code, again.json()["code"]) == (400, "usage")
    assert "there is no role 'god'" in server.post("/v1/keys", json={"name": "x", "role": "god"}).json()["detail"]


def test_the_one_time_code_works_once(server: RunningServer) -> None:
    code = server.text.partition("first key: ")[2].split()[0]
    answer = server.post("/v1/setup", key=None, json={"code": code, "name": "second"})
    assert (answer.status_code, answer.json()["code"]) == (403, "wrong_code")
    assert answer.json()["detail"] == "this server has a key already: create others by visavis keys create."


def test_no_file_of_the_server_holds_a_key(server: RunningServer) -> None:
    key = make_key(server, "secret", "read")
    secret = key.split("_", 2)[2].encode()
    folder = Path(server.folder)
    files = [path for path in folder.iterdir() if path.is_file()]
    assert any(path.name == "faces.server.db" for path in files)
    assert [path.name for path in files if secret in path.read_bytes()] == []
    assert key not in server.text


def test_the_audit_log_names_the_key_that_changed_people(
    server: RunningServer, sample_photos: Path, spare_gallery: str
) -> None:
    key = make_key(server, "registrar", "enroll")
    path = f"/v1/people?gallery={spare_gallery}"
    added = server.post(path, key=key, data={"name": "Joe"}, files=photos("photo", sample_photos / "biden.jpg"))
    assert added.status_code == 201, added.text
    from visavis import Gallery

    with Gallery(server.folder / f"{spare_gallery}.db", create=False) as gallery:
        assert [(entry.action, entry.actor) for entry in gallery.audit()][-1] == ("enroll", "registrar")


def test_a_key_request_with_a_field_that_is_not_read_makes_no_key(server: RunningServer) -> None:
    order = {"name": "of a gallery", "role": "read", "gallery": "spare1"}  # "galleries" limits a key
    answer = server.post("/v1/keys", json=order)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_value")
    assert "of a gallery" not in [key["name"] for key in server.get("/v1/keys").json()["keys"]]
