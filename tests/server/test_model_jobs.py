"""Jobs about models: files fetched, speeds measured, models evaluated, classifiers trained; and runs that are read."""

from __future__ import annotations

import hashlib
import platform
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cli.fakes import MODEL
from train.colors import PEOPLE as COLORS
from visavis.evaluate import verification
from visavis.evaluate.data.templates import Templates
from visavis.evaluate.identification import measure_identification, split
from visavis.evaluate.result_lines import describe_identification, describe_verification
from visavis.server.state.database import StateDatabase
from visavis.server.state.speeds import Speeds
from visavis.train.classifier_file import load_classifier
from visavis.train.config import Settings
from visavis.train.health import Epoch
from visavis.train.run_folder import write_log
from visavis.weights.spec import spec

from .measuring_server import PEOPLE, PHOTOS, WRONG, WeightServer, make_embeddings, serve_weights, start_measuring
from .running_server import RunningServer
from .test_jobs_to_the_end import wait_for, wait_until
from .test_keys import make_key

pytestmark = pytest.mark.enable_socket
CSP = re.compile(r"sandbox; default-src 'none'; style-src 'sha256-[\w+/=]+'; img-src data:; form-action 'none'")


@pytest.fixture(scope="module")
def weights() -> Iterator[WeightServer]:
    with serve_weights() as serving:
        yield serving


@pytest.fixture(scope="module")
def measuring(weights: WeightServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    running = start_measuring(tmp_path_factory.mktemp("measuring"), weights)
    yield running
    running.stop()
    assert "Traceback" not in running.text


def order(server: RunningServer, path: str, **content: Any) -> dict[str, Any]:
    """Order a job of the gallery ``colors``; return it."""
    gallery = content.pop("gallery", "colors")
    answer = server.post(path, params={"gallery": gallery}, json=content)
    assert answer.status_code == 202, answer.text
    job: dict[str, Any] = answer.json()
    return job


def is_present(server: RunningServer, name: str) -> bool:
    models = {model["name"]: model for model in server.get("/v1/models").json()["models"]}
    return bool(models[name]["present"])


# ------------------------------------------------------------------------------------------------------- weights


def test_a_missing_file_is_fetched_and_checked(measuring: RunningServer, weights: WeightServer) -> None:
    assert not is_present(measuring, "yunet-float")
    job = order(measuring, "/v1/models/yunet-float/fetch")
    done = wait_for(measuring, job, "done")
    size = len(weights.files["/face_detection_yunet_2023mar.onnx"])
    assert (done["done"], done["total"], done["result"]) == (size, size, {"bytes": size})
    stored = measuring.folder / "cache/weights/face_detection_yunet_2023mar.onnx"
    assert hashlib.sha256(stored.read_bytes()).hexdigest() == spec("yunet-float").sha256
    assert is_present(measuring, "yunet-float")
    again = wait_for(measuring, order(measuring, "/v1/models/yunet-float/fetch"), "done")
    assert again["result"] == {"bytes": size}
    stored.write_bytes(b"damaged")
    failed = wait_for(measuring, order(measuring, "/v1/models/yunet-float/fetch"), "failed")
    assert failed["message"] == (
        "the server has another file face_detection_yunet_2023mar.onnx than the published one: delete it there."
    )
    stored.unlink()


def test_a_wrong_file_is_a_sentence_and_not_kept(measuring: RunningServer, weights: WeightServer) -> None:
    job = order(measuring, "/v1/models/scrfd-500m/fetch", accept_license=True)
    failed = wait_for(measuring, job, "failed")
    assert failed["message"] == (
        f"scrfd_500m_kps.onnx was not fetched: what {weights.url}{WRONG} sent is not the published scrfd-500m "
        f"(its SHA-256 is not {spec('scrfd-500m').sha256})."
    )
    assert not is_present(measuring, "scrfd-500m")
    assert not [*(measuring.folder / "cache/weights").glob("scrfd_500m*")]


def test_a_license_that_forbids_some_uses_is_accepted_first(measuring: RunningServer) -> None:
    refused = measuring.post("/v1/models/dlib-68-points/fetch", json={})
    assert (refused.status_code, refused.json()["code"]) == (400, "usage")
    assert "iBUG 300-W" in refused.json()["detail"]
    assert not [
        job for job in measuring.get("/v1/jobs").json()["jobs"] if job["order"].get("model") == "dlib-68-points"
    ]
    unknown = measuring.post("/v1/models/nothing/fetch", json={})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_name")


def test_a_canceled_download_goes_on_where_it_stopped(measuring: RunningServer, weights: WeightServer) -> None:
    name = "/scrfd_2.5g_kps.onnx"
    weights.slow.add(name)
    job = order(measuring, "/v1/models/scrfd-2.5g/fetch", accept_license=True)
    wait_until(lambda: measuring.get(f"/v1/jobs/{job['id']}").json()["done"] > 0)
    measuring.post(f"/v1/jobs/{job['id']}/cancel")
    canceled = wait_for(measuring, job, "canceled")
    assert 0 < canceled["done"] < len(weights.files[name])
    weights.slow.clear()
    weights.ranges.clear()
    measuring.post(f"/v1/jobs/{job['id']}/resume")
    wait_until(lambda: measuring.get(f"/v1/jobs/{job['id']}").json()["state"] == "done")
    (asked,) = weights.ranges
    assert int(asked.removeprefix("bytes=").removesuffix("-")) >= canceled["done"]
    assert is_present(measuring, "scrfd-2.5g")


def test_speeds_are_measured_and_kept(measuring: RunningServer) -> None:
    measured = []
    for _ in range(2):
        job = wait_for(measuring, order(measuring, "/v1/models/measure", models=[MODEL], threads=1), "done")
        assert (job["result"], job["done"], job["total"]) == ({"models": 1}, 1, 1)
        database = StateDatabase(f"sqlite:///{measuring.folder / 'default.server.db'}")
        measured.append([speed for speed in Speeds(database).list() if speed.model == MODEL])
        database.close()
    ((first,), (second,)) = measured
    assert (second.machine, second.threads) == (platform.node(), 1)
    assert second.measured > first.measured
    assert 0 < second.ms_of_many < 10_000
    assert 0 < second.ms_one < 10_000
    assert measuring.post("/v1/models/measure", json={"models": ["../model"]}).status_code == 404
    assert measuring.post("/v1/models/measure", json={"models": []}).status_code == 422


@pytest.mark.slow(seconds=12)
def test_the_speed_of_a_model_stands_beside_it(measuring: RunningServer) -> None:
    job = order(measuring, "/v1/models/measure", models=["sface"], threads=1)
    wait_until(lambda: measuring.get(f"/v1/jobs/{job['id']}").json()["state"] == "done", seconds=300)
    (sface,) = [model for model in measuring.get("/v1/models").json()["models"] if model["name"] == "sface"]
    assert [(speed["model"], speed["threads"]) for speed in sface["speeds"]] == [("sface", 1)]


# --------------------------------------------------------------------------------------------------- evaluations


def take_made_up() -> tuple[Templates, list[str]]:
    """The templates of the gallery ``colors`` as an evaluation sees them, and its people."""
    values, _ = make_embeddings()
    people = [str(1 + row // PHOTOS) for row in range(len(values))]
    photos = tuple(f"person {person}, template {row + 1}" for row, person in enumerate(people))
    count = len(photos)
    return Templates(
        MODEL, "as stored", photos, ("ok",) * count, values, np.zeros((count, 4), np.float32),
        np.zeros(count, np.float32), np.ones(count, np.intp),
    ), people  # fmt: skip


def test_the_people_of_a_gallery_are_evaluated(measuring: RunningServer) -> None:
    job = wait_for(measuring, order(measuring, "/v1/evaluations"), "done")
    assert job["result"] == {"photos": PEOPLE * PHOTOS, "people": PEOPLE}
    evaluation = measuring.get(f"/v1/evaluations/{job['id']}").json()
    templates, people = take_made_up()
    expected = describe_verification(verification.of_people(templates, people, data="the people of colors"))
    assert evaluation["result"] == expected
    assert [rate["far"] for rate in expected["rates"]] == [0.1, 0.01, 0.001]  # type: ignore[attr-defined]
    assert (evaluation["kind"], evaluation["gallery"], evaluation["folder"]) == ("verification", "colors", None)
    assert [far for far, _ in evaluation["scale"]["far_threshold"]] == [0.1, 0.01, 0.001]
    assert sum(evaluation["scale"]["histogram"]["genuine"]) == pytest.approx(1, abs=1e-3)
    report = measuring.get(f"/v1/evaluations/{job['id']}/report")
    assert CSP.match(report.headers["Content-Security-Policy"])
    assert "person 1, template" in report.text
    assert "P01" not in report.text  # no name
    assert str(measuring.folder) not in report.text


def test_searches_in_a_gallery_are_evaluated(measuring: RunningServer) -> None:
    job = wait_for(measuring, order(measuring, "/v1/evaluations", kind="identification"), "done")
    evaluation = measuring.get(f"/v1/evaluations/{job['id']}").json()
    templates, people = take_made_up()
    expected = describe_identification(measure_identification(templates, people, split(people)))
    assert {key: evaluation["result"][key] for key in expected} == expected
    assert evaluation["scale"] is None
    assert "CMC" in measuring.get(f"/v1/evaluations/{job['id']}/report").text


def test_a_folder_is_evaluated_and_deleted(measuring: RunningServer) -> None:
    job = wait_for(measuring, order(measuring, "/v1/evaluations", folder="photos/people", model=MODEL), "done")
    evaluation = measuring.get(f"/v1/evaluations/{job['id']}").json()
    assert (evaluation["folder"], evaluation["gallery"], evaluation["model"]) == ("photos/people", None, MODEL)
    assert (evaluation["result"]["photos"], evaluation["result"]["people"]) == (72, 6)
    assert evaluation["result"]["data"] == "photos/people"
    report = measuring.get(f"/v1/evaluations/{job['id']}/report").text
    assert "Verification on photos/people" in report
    assert str(measuring.folder) not in report
    missing = measuring.post("/v1/evaluations", json={"folder": "photos/people", "model": "sface-float"})
    assert missing.json()["detail"] == "the file of sface-float is missing on this server: fetch it first."
    key = make_key(measuring, "evaluates colors", "admin", ["colors"])
    for path in ("", "/report"):
        assert measuring.get(f"/v1/evaluations/{job['id']}{path}", key=key).status_code == 404
    assert measuring.request("DELETE", f"/v1/evaluations/{job['id']}", key=key).status_code == 404
    refused = measuring.post("/v1/evaluations", json={"folder": "photos/people"}, key=key)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert measuring.request("DELETE", f"/v1/evaluations/{job['id']}").status_code == 204
    assert measuring.get(f"/v1/evaluations/{job['id']}").status_code == 404
    assert measuring.get("/v1/log?limit=1000").json()["entries"][-1]["action"] == "remove evaluation"


def test_a_key_sees_the_evaluations_of_its_galleries_alone(measuring: RunningServer) -> None:
    job = wait_for(measuring, order(measuring, "/v1/evaluations"), "done")
    own = make_key(measuring, "admin of colors", "admin", ["colors"])
    other = make_key(measuring, "admin of few", "admin", ["few"])
    reader = make_key(measuring, "reader", "read")
    assert job["id"] in [item["id"] for item in measuring.get("/v1/evaluations", key=own).json()["evaluations"]]
    assert measuring.get("/v1/evaluations", key=other).json() == {"evaluations": []}
    assert measuring.get(f"/v1/evaluations/{job['id']}/report", key=other).status_code == 404
    assert measuring.get(f"/v1/evaluations/{job['id']}/report", key=reader).status_code == 403
    assert measuring.get("/v1/classifiers", key=own).status_code == 403


@pytest.mark.parametrize("gallery", ["single", "default"])
def test_a_gallery_with_too_few_people_is_a_sentence(measuring: RunningServer, gallery: str) -> None:
    failed = wait_for(measuring, order(measuring, "/v1/evaluations", gallery=gallery), "failed")
    count = 1 if gallery == "single" else 0
    assert failed["message"] == (
        f"the gallery {gallery!r} cannot be evaluated: that takes two people, one of them with two photos or more, "
        f"and it has {count}, {count} of them with two photos."
    )


# -------------------------------------------------------------------------------------------------------- training


def test_a_classifier_is_trained_on_the_people_of_a_gallery(measuring: RunningServer, tmp_path: Path) -> None:
    job = wait_for(measuring, order(measuring, "/v1/jobs/train", classifier="staff", head="nearest-mean"), "done")
    assert (job["result"]["people"], job["result"]["photos"]) == (PEOPLE, PEOPLE * PHOTOS)
    assert "P01" not in str(job["result"])
    classifier = measuring.get("/v1/classifiers/staff").json()
    assert (classifier["present"], classifier["gallery"]) == (True, "colors")
    report = classifier["report"]
    assert (report["chosen"], report["split"], report["test_photos"]) == ("nearest-mean", "10-fold", PEOPLE * PHOTOS)
    assert report["accuracy"] == pytest.approx(job["result"]["accuracy"], abs=1e-6)
    confused = {person["name"]: person["test"] - person["right"] for person in report["per_person"]}
    assert sum(confused.values()) == round((1 - report["accuracy"]) * report["test_photos"]) > 0
    assert sum(count for person in report["per_person"] for _, count in person["mistaken_for"]) == sum(
        confused.values()
    )
    page = measuring.get("/v1/classifiers/staff/report")
    assert CSP.match(page.headers["Content-Security-Policy"])
    assert "&lt;b&gt;P01" in page.text
    stored = load_classifier(measuring.folder / "runs/staff")
    assert (len(stored.people), stored.model, len(stored.training)) == (PEOPLE, MODEL, PEOPLE * PHOTOS)

    photo = (measuring.folder / "photos/people/Red/1.png").read_bytes()
    ask = {"params": {"model": "staff"}, "files": [("photo", ("a.png", photo))]}
    (answer,) = measuring.post("/v1/classify", **ask).json()["photos"]
    assert answer["faces"][0]["names"][0][0].startswith("<b>P")
    other = make_key(measuring, "asks few", "read", ["few"])
    hidden = measuring.post("/v1/classify", key=other, **ask)
    assert (hidden.status_code, hidden.json()["detail"]) == (
        404,
        "there is no classifier 'staff' that this key may ask.",
    )
    own = make_key(measuring, "asks colors", "read", ["colors"])
    assert measuring.post("/v1/classify", key=own, **ask).status_code == 200

    assert measuring.request("DELETE", "/v1/classifiers/staff").status_code == 204
    assert [*(measuring.folder / "runs/staff").iterdir()] == []
    assert measuring.get("/v1/classifiers/staff").json()["present"] is False
    assert measuring.get("/v1/classifiers/staff/report").status_code == 404
    assert measuring.request("DELETE", "/v1/classifiers/staff").status_code == 404


def test_a_classifier_of_a_folder_may_be_asked_by_all_keys(measuring: RunningServer) -> None:
    wait_for(measuring, order(measuring, "/v1/jobs/train", classifier="mouse", head="nearest-mean"), "done")
    content = {"classifier": "mouse", "folder": "photos/people", "model": MODEL, "head": "nearest-mean"}
    wait_for(measuring, order(measuring, "/v1/jobs/train", **content), "done")
    listed = {item["name"]: item for item in measuring.get("/v1/classifiers").json()["classifiers"]}
    assert (listed["mouse"]["gallery"], listed["keyboard"]["present"]) == (None, False)
    assert load_classifier(measuring.folder / "runs/mouse").people == tuple(sorted(COLORS))
    assert str(measuring.folder) not in measuring.get("/v1/classifiers/mouse").text


def test_people_with_few_photos_are_refused_in_a_sentence(measuring: RunningServer) -> None:
    before = len(measuring.get("/v1/jobs?limit=1000").json()["jobs"])
    refused = measuring.post("/v1/jobs/train?gallery=few", json={"classifier": "staff"})
    assert (refused.status_code, refused.json()["detail"]) == (
        400,
        "a classifier needs two people or more with 4 photos each, and 0 of the 3 people of the gallery have as many: "
        "enroll more photos of the others.",
    )
    assert measuring.post("/v1/jobs/train", json={"classifier": "staff", "head": "oracle"}).status_code == 404
    assert len(measuring.get("/v1/jobs?limit=1000").json()["jobs"]) == before


def test_a_run_is_read_also_where_its_loss_is_no_number(measuring: RunningServer) -> None:
    assert measuring.get("/v1/training-runs?folder=photos/people").json()["code"] == "usage"
    folder = measuring.folder / "photos/net"
    folder.mkdir()
    (folder / "settings.json").write_text(f'{{"settings": {{"epochs": {Settings().epochs}}}, "data": "x"}}')
    assert measuring.get("/v1/training-runs?folder=photos/net").json()["epochs"] == []
    epochs = [
        Epoch(1, 10, 0.25, 0.01, 0.5, 0.4, 1.5, 1.0, 0.9, 100.0, 2.0, tar=0.5),
        Epoch(2, 20, float("nan"), 0.01, None, 0.4, 1.5, 1.0, 0.9, 100.0, 2.0),
    ]
    write_log(folder, epochs)
    run = measuring.get("/v1/training-runs?folder=photos/net").json()
    assert (run["folder"], run["settings"]["epochs"]) == ("photos/net", Settings().epochs)
    assert [(row["epoch"], row["loss"], row["tar"]) for row in run["epochs"]] == [(1, 0.25, 0.5), (2, None, None)]
    (folder / "log.csv").write_text("epoch,loss\n1,high\n")
    damaged = measuring.get("/v1/training-runs?folder=photos/net")
    assert (damaged.status_code, damaged.json()["detail"]) == (
        400, "the run in 'photos/net' cannot be read: its files are damaged."
    )  # fmt: skip
    (folder / "log.csv").unlink()
    (folder / "log.csv").symlink_to("/etc/passwd")
    linked = measuring.get("/v1/training-runs?folder=photos/net")
    assert "links that lead out of its root" in linked.json()["detail"]
