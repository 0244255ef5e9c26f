"""The other requests of REST: quality, points, liveness, rankings, faces, clusters, thresholds, logs, backup."""

from __future__ import annotations

import io
import shutil
import zipfile
from pathlib import Path

import pytest

import visavis
from visavis import Gallery, compare
from visavis.classify import classify
from visavis.gallery.types import IndexedPhoto, Template
from visavis.landmarks import dlib_boxes, load_predictor
from visavis.photo_liveness import check_liveness

from .running_server import RunningServer, photos
from .test_keys import make_key
from .test_people import enroll


def test_quality_has_a_score_and_its_reasons(server: RunningServer, sample_photos: Path) -> None:
    answer = server.post("/v1/quality", files=photos("photo", sample_photos / "obama.jpg"))
    assert answer.status_code == 200, answer.text
    (face,) = answer.json()["photos"][0]["faces"]
    assert (face["quality"], face["reasons"]) == (pytest.approx(0.9794, abs=1e-3), ["grainy", "squeezed"])
    assert face["worst_parts"] == ["clarity", "proportions"]
    assert face["quality_parts"]["sharpness"] == pytest.approx(0.999, abs=2e-3)


def test_landmarks_are_those_of_the_library(server: RunningServer, sample_photos: Path) -> None:
    photo = sample_photos / "obama.jpg"
    answer = server.post("/v1/landmarks?points=5", files=photos("photo", photo))
    assert answer.status_code == 200, answer.text
    (face,) = answer.json()["photos"][0]["faces"]
    read = visavis.read(photo)
    expected = load_predictor(points=5).predict(read.pixels, dlib_boxes(visavis.detect(photo)))[0]
    assert face["points"] == [pytest.approx(point, abs=0.01) for point in expected.tolist()]
    wrong = server.post("/v1/landmarks?points=6", files=photos("photo", photo))
    assert (wrong.status_code, wrong.json()["code"]) == (400, "usage")


def test_liveness_has_the_scores_of_the_library(
    server: RunningServer, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISAVIS_WEIGHTS", str(data.parent / "weights"))
    folder = data / "photos" / "spoof"
    names = sorted(path for path in folder.iterdir() if path.suffix == ".jpg")
    answer = server.post("/v1/liveness", files=photos("photo", *names))
    assert answer.status_code == 200, answer.text
    for line, path in zip(answer.json()["photos"], names, strict=True):
        (expected,) = check_liveness(path)
        (face,) = line["faces"]
        assert (face["real"], face["score"]) == (expected.real, pytest.approx(expected.score, abs=1e-4))
    assert {line["photo"]: line["faces"][0]["real"] for line in answer.json()["photos"]}["image_T1.jpg"] is True


def test_classify_needs_a_model_that_is_there(server: RunningServer, sample_photos: Path) -> None:
    files = photos("photo", sample_photos / "obama.jpg")
    unknown = server.post("/v1/classify?model=nothing", files=files)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_name")
    damaged = server.post("/v1/classify?model=damaged", files=files)
    assert (damaged.status_code, damaged.json()["code"]) == (503, "server")
    assert str(server.folder) not in damaged.text


def test_classify_names_the_people_of_a_classifier_that_the_library_trained(
    server: RunningServer, sample_photos: Path, tmp_path: Path
) -> None:
    """Its answers are those of the library; a classifier that is trained again answers without a restart."""
    missing = server.post("/v1/classify?model=presidents", files=photos("photo", sample_photos / "obama.jpg"))
    assert (missing.status_code, missing.json()["code"]) == (503, "server")
    for people in (("Joe", "Barack"), ("Biden", "Obama")):
        for name, files in zip(people, (["biden.jpg"], ["obama.jpg", "obama2.jpg"]), strict=True):
            (tmp_path / people[0] / name).mkdir(parents=True)
            for file in files:
                shutil.copyfile(sample_photos / file, tmp_path / people[0] / name / file)
        trained = visavis.train_classifier(tmp_path / people[0])
        trained.save(server.folder / "run")
        probes = [sample_photos / "obama3.jpg", sample_photos / "biden.jpg"]
        answer = server.post("/v1/classify?model=presidents&top=2", files=photos("photo", *probes))
        assert answer.status_code == 200, answer.text
        expected = [faces for _, faces in classify(probes, model=trained.classifier, top=2)]
        for line, (face,) in zip(answer.json()["photos"], expected, strict=True):
            (shown,) = line["faces"]
            assert shown["known"] == face.known
            assert shown["names"] == [[name, pytest.approx(probability, abs=0.01)] for name, probability in face.names]
        likeliest = [line["faces"][0]["names"][0][0] for line in answer.json()["photos"]]
        assert likeliest == [people[1], people[0]]


def test_similar_ranks_photos_and_stored_faces(
    server: RunningServer, sample_photos: Path, enrolled: dict[str, int]
) -> None:
    probe = photos("photo", sample_photos / "obama3.jpg")
    others = photos("others", sample_photos / "biden.jpg", sample_photos / "obama.jpg", sample_photos / "obama2.jpg")
    answer = server.post("/v1/similar?top=2", files=probe + others)
    assert answer.status_code == 200, answer.text
    expected = visavis.similar(
        sample_photos / "obama3.jpg", [sample_photos / name for name in ("biden.jpg", "obama.jpg", "obama2.jpg")], top=2
    )
    ranking = [(face["photo"], face["distance"]) for face in answer.json()["faces"]]
    assert ranking == [(Path(face.photo).name, pytest.approx(face.distance, abs=1e-5)) for face in expected]
    stored = server.post("/v1/gallery/similar?top=5", files=probe).json()["faces"]
    assert [face["name"] for face in stored] == ["Obama", "Obama", "Biden"]
    assert stored[0]["person_id"] == enrolled["Obama"]
    assert "face" not in stored[0]


def test_representative_ranks_an_outlier_last(server: RunningServer, sample_photos: Path) -> None:
    names = ("biden.jpg", "obama.jpg", "obama2.jpg", "obama3.jpg")
    answer = server.post("/v1/representative", files=photos("photo", *(sample_photos / name for name in names)))
    assert answer.status_code == 200, answer.text
    faces = answer.json()["faces"]
    assert [(face["photo"], face["outlier"]) for face in faces][-1] == ("biden.jpg", True)
    assert [face["outlier"] for face in faces] == [False, False, False, True]
    none = server.post("/v1/representative", files=[("photo", ("gray.pgm", b"P5 64 64 255\n" + bytes(4096)))])
    assert (none.status_code, none.json()["code"]) == (422, "no_face")


def test_templates_are_moved_and_removed(server: RunningServer, sample_photos: Path, spare_gallery: str) -> None:
    query = {"gallery": spare_gallery}
    first = enroll(server, spare_gallery, "One", sample_photos / "obama.jpg", sample_photos / "obama2.jpg")
    second = enroll(server, spare_gallery, "Two", sample_photos / "obama3.jpg")
    faces = server.get("/v1/faces", params=query).json()["faces"]
    assert [(face["person_id"], face["photo"]) for face in faces] == [
        (first, "obama.jpg"), (first, "obama2.jpg"), (second, "obama3.jpg")
    ]  # fmt: skip
    moved = server.post(f"/v1/people/{second}/faces", params=query, json={"template_ids": [faces[1]["template_id"]]})
    assert sorted(template["photo"] for template in moved.json()["templates"]) == ["obama2.jpg", "obama3.jpg"]
    last = server.request("DELETE", f"/v1/faces/{faces[0]['template_id']}", params=query)
    assert (last.status_code, last.json()["code"]) == (400, "usage")
    assert server.request("DELETE", f"/v1/faces/{faces[1]['template_id']}", params=query).status_code == 204
    assert server.request("DELETE", f"/v1/faces/{faces[1]['template_id']}", params=query).status_code == 404
    page = server.get("/v1/faces", params={**query, "limit": 1}).json()
    assert page["next"] == faces[0]["template_id"]


def test_unassigned_faces_are_clustered_and_named(
    server: RunningServer, sample_photos: Path, spare_gallery: str
) -> None:
    folder = server.folder / "photos" / spare_gallery
    folder.mkdir()
    for name in ("obama.jpg", "obama2.jpg", "obama3.jpg", "biden.jpg"):
        (folder / name).write_bytes((sample_photos / name).read_bytes())
    with Gallery(server.folder / f"{spare_gallery}.db") as gallery:
        faces = [photo for answer in gallery.recognizer.represent(folder) if (photo := _as_indexed(answer)) is not None]
        gallery.add_photos(faces)
    query = {"gallery": spare_gallery}
    unassigned = server.get("/v1/faces", params={**query, "unassigned": True}).json()["faces"]
    assert [face["photo"] for face in unassigned] == ["biden.jpg", "obama.jpg", "obama2.jpg", "obama3.jpg"]
    clusters = server.post("/v1/clusters", params=query).json()["clusters"]
    assert [(cluster["size"], cluster["unassigned"]) for cluster in clusters] == [(3, 3), (1, 1)]
    assert server.get("/v1/clusters", params=query).json()["clusters"] == clusters
    path = f"/v1/clusters/{clusters[0]['cluster']}/name"
    person = server.post(path, params=query, json={"name": "Barack"}).json()
    assert (person["name"], len(person["templates"])) == ("Barack", 3)
    assert server.post(path, params=query, json={"name": "Barack"}).status_code == 404
    ids = clusters[1]["template_ids"]
    named = server.post("/v1/faces/name", params=query, json={"name": "Joe", "template_ids": ids})
    assert (named.status_code, named.json()["name"]) == (200, "Joe")
    again = server.get("/v1/clusters", params=query).json()["clusters"]
    assert [(cluster["people"], cluster["unassigned"]) for cluster in again] == [
        ([person["id"]], 0),
        ([named.json()["id"]], 0),
    ]


def _as_indexed(answer: visavis.PhotoFaces) -> IndexedPhoto:
    assert answer.photo is not None
    assert answer.embeddings is not None
    templates = tuple(
        Template(embedding, answer.photo.sha256, answer.name, face.box, 0.9)
        for embedding, face in zip(answer.embeddings, answer.faces, strict=True)
    )
    return IndexedPhoto(answer.name, answer.photo.sha256, "ok", templates)


def test_photos_are_compared_by_the_shipped_table_with_its_histogram(server: RunningServer) -> None:
    table = server.get("/v1/calibration").json()
    expected = compare.calibration("sface")
    assert expected is not None
    assert expected.histogram is not None
    assert table["far_threshold"] == [[far, expected.threshold(far)] for far in expected.far]
    assert table["histogram"]["impostors"] == [*expected.histogram.impostors]


def test_calibration_is_read_set_and_reset(server: RunningServer, spare_gallery: str) -> None:
    path = f"/v1/galleries/{spare_gallery}"
    shipped = server.get(f"{path}/calibration").json()
    expected = compare.calibration("sface")
    assert expected is not None
    assert (shipped["model"], shipped["far_threshold"][0]) == ("sface", [expected.far[0], expected.thresholds[0]])
    own = {"model": "sface", "far_threshold": [[0.1, 0.9], [0.001, 0.5]], "logistic": [-20, 12]}
    assert server.request("PUT", f"{path}/calibration", json=own).status_code == 200
    assert server.get(f"/v1/galleries/{spare_gallery}").json()["thresholds"] == "own"
    threshold = server.get(f"{path}/threshold", params={"fpir": 0.1}).json()
    assert (threshold["distance"], threshold["people"]) == (pytest.approx(0.9), 0)
    wrong = server.request("PUT", f"{path}/calibration", json={**own, "model": "dlib-resnet"})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "usage")
    assert server.request("DELETE", f"{path}/calibration").status_code == 204
    assert server.get(f"/v1/galleries/{spare_gallery}").json()["thresholds"] == "shipped"


def test_models_say_which_are_present_and_used(server: RunningServer) -> None:
    models = {model["name"]: model for model in server.get("/v1/models").json()["models"]}
    assert (models["sface"]["present"], models["sface"]["task"]) == (True, "embed")
    assert "default" in models["sface"]["used_by"]
    assert models["vggface-vgg16"]["license"]


def test_logs_name_keys_and_no_people(server: RunningServer, sample_photos: Path, spare_gallery: str) -> None:
    person = enroll(server, spare_gallery, "Secret Name", sample_photos / "biden.jpg")
    log = server.get(f"/v1/galleries/{spare_gallery}/audit").json()
    assert [(entry["action"], entry["actor"], entry["person_id"]) for entry in log["entries"]][-1] == (
        "enroll", "first admin", person
    )  # fmt: skip
    assert "Secret Name" not in str(log)
    make_key(server, "in the log", "read")
    entries = server.get("/v1/log?limit=1000").json()["entries"]
    assert ("create key", "first admin", "in the log (read)") in [
        (entry["action"], entry["actor"], entry["detail"]) for entry in entries
    ]
    page = server.get("/v1/log?limit=1").json()
    assert (len(page["entries"]), page["next"]) == (1, page["entries"][0]["number"])
    reader = make_key(server, "no reader of logs", "enroll")
    for path in ("/v1/log", f"/v1/galleries/{spare_gallery}/audit", f"/v1/galleries/{spare_gallery}/backup"):
        assert server.get(path, key=reader).status_code == 403


def test_a_key_of_some_galleries_has_no_right_over_the_server(server: RunningServer, spare_gallery: str) -> None:
    key = make_key(server, "admin of one", "admin", [spare_gallery])
    assert server.get(f"/v1/galleries/{spare_gallery}/audit", key=key).status_code == 200
    assert server.get("/v1/galleries/default/audit", key=key).status_code == 404
    for method, path in (("GET", "/v1/keys"), ("POST", "/v1/keys"), ("GET", "/v1/log"), ("DELETE", "/v1/keys/x")):
        answer = server.request(method, path, key=key, json={"name": "more", "role": "admin"})
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_a_backup_is_imported_to_the_same_gallery(
    server: RunningServer, sample_photos: Path, spare_gallery: str, tmp_path: Path
) -> None:
    person = enroll(server, spare_gallery, "Barack", sample_photos / "obama.jpg", sample_photos / "obama2.jpg")
    answer = server.get(f"/v1/galleries/{spare_gallery}/backup")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/zip")
    (tmp_path / "export").mkdir(mode=0o700)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        archive.extractall(tmp_path / "export")
    with Gallery(tmp_path / "copy.db") as copy:
        copy.import_from(tmp_path / "export")
        (restored,) = copy.people()
        assert (restored.id, restored.name, len(restored.templates)) == (person, "Barack", 2)
        (answered,) = copy.identify(sample_photos / "obama3.jpg")
        assert answered.name == "Barack"


def test_the_documentation_needs_no_other_host(server: RunningServer) -> None:
    answer = server.get("/docs", key=None)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "script" not in answer.headers["Content-Security-Policy"]
    assert "<script" not in answer.text
    assert "http" not in answer.text.replace("http</code>", "").partition("<body>")[0]
    for text in ("/v1/people/{person_id}/merge", "multipart/form-data", "Problem", "curl -X POST"):
        assert text in answer.text
