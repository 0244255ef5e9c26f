"""The rate of a gallery: who may set it, which searches follow it, and what another would change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from visavis import Gallery, defaults
from visavis.gallery.rate_effect import measure_rate_effect

from .running_server import RunningServer, photos
from .test_keys import make_key

pytestmark = pytest.mark.enable_socket


def identify(server: RunningServer, photo: Path, **query: object) -> dict[str, Any]:
    """Return the answer to the only face of a photo."""
    (answer,) = server.post("/v1/identify", params=query, files=photos("photo", photo)).json()["photos"]
    (face,) = answer["faces"]
    return dict(face)


def threshold(server: RunningServer, gallery: str, fpir: float | None = None) -> float:
    query = {} if fpir is None else {"fpir": fpir}
    return float(server.get(f"/v1/galleries/{gallery}/threshold", params=query).json()["distance"])


def test_searches_follow_the_rate_of_their_gallery(
    server: RunningServer, sample_photos: Path, spare_gallery: str
) -> None:
    path = f"/v1/galleries/{spare_gallery}/rate"
    server.post("/v1/people", params={"gallery": spare_gallery, "new": True}, data={"name": "Barack"},
                files=photos("photo", sample_photos / "obama.jpg"))  # fmt: skip
    assert server.get(path).json() == {"fpir": defaults.FPIR, "set_at": None, "set_by": None}
    strict, usual = threshold(server, spare_gallery, 1e-4), threshold(server, spare_gallery)
    assert strict < usual == threshold(server, spare_gallery, defaults.FPIR)
    stored = server.request("PUT", path, json={"fpir": 1e-4}).json()
    assert (stored["fpir"], stored["set_by"], stored["set_at"][:4].isdigit()) == (1e-4, "first admin", True)
    assert threshold(server, spare_gallery) == strict
    photo = sample_photos / "obama2.jpg"
    followed = identify(server, photo, gallery=spare_gallery)["threshold"]
    assert followed == identify(server, photo, gallery=spare_gallery, fpir=1e-4)["threshold"]
    assert identify(server, photo, gallery=spare_gallery, fpir=defaults.FPIR)["threshold"] > followed
    why = server.post("/v1/why", params={"gallery": spare_gallery, "person": "Barack"}, files=photos("photo", photo))
    assert why.json()["faces"][0]["threshold"] == followed
    assert server.get(f"/v1/galleries/{spare_gallery}/coach").json()["fpir"] == 1e-4
    assert server.get("/v1/galleries/default/rate").json()["fpir"] == defaults.FPIR
    assert server.request("DELETE", path).status_code == 204
    assert threshold(server, spare_gallery) == usual
    entries = server.get("/v1/log?limit=1000").json()["entries"]
    assert [(entry["action"], entry["detail"]) for entry in entries if spare_gallery in entry["detail"]] == [
        ("set rate", f"{spare_gallery}: 0.0001"), ("reset rate", spare_gallery),
    ]  # fmt: skip


def test_who_may_set_a_rate(server: RunningServer, spare_gallery: str) -> None:
    path = f"/v1/galleries/{spare_gallery}/rate"
    for name, role, galleries, status in (
        ("rates of a reader", "read", None, 403),
        ("rates of an enroller", "enroll", None, 403),
        ("rates of another gallery", "admin", ["default"], 404),
        ("rates of this gallery", "admin", [spare_gallery], 200),
    ):
        key = make_key(server, name, role, **({"galleries": galleries} if galleries else {}))
        answer = server.request("PUT", path, key=key, json={"fpir": 0.05})
        assert (answer.status_code, server.get(path, key=key).status_code == 200) == (status, status != 404)
    assert server.get(path).json()["set_by"] == "rates of this gallery"
    for wrong in ({"fpir": 0}, {"fpir": 1e-320}, {"fpir": 1}, {"fpir": "often"}, {}, {"fpir": 0.1, "far": 0.1}):
        assert server.request("PUT", path, json=wrong).status_code == 422
    assert server.get("/v1/galleries/none/rate").status_code == 404


def test_the_effect_is_that_of_the_library(server: RunningServer, sample_photos: Path, spare_gallery: str) -> None:
    for name, files in (("Barack", ("obama.jpg", "obama2.jpg", "obama3.jpg")), ("Joe", ("biden.jpg",))):
        server.post("/v1/people", params={"gallery": spare_gallery, "new": True}, data={"name": name},
                    files=photos("photo", *(sample_photos / file for file in files)))  # fmt: skip
    path = f"/v1/galleries/{spare_gallery}/rate/effect"
    answer = server.get(path, params={"fpir": 1e-5}).json()
    with Gallery(server.folder / f"{spare_gallery}.db") as gallery:
        expected = measure_rate_effect(gallery.opened, fpir=1e-5, fpir_before=defaults.FPIR)
    assert answer == expected.to_dict()
    assert (answer["people"], answer["untested"]) == (2, 1)
    assert server.get(path).status_code == 422
    assert server.get("/v1/galleries/none/rate/effect?fpir=0.1").status_code == 404
