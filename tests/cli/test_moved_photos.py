"""Photos that were moved or replaced after they were looked at, and photos that a gallery is to forget."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from visavis import bulk
from visavis.gallery import Gallery, IndexedPhoto, Template
from visavis.images import read
from visavis.pipeline import Recognizer
from visavis.ranking.representatives import average_face, collect_faces, rank_faces

from .conftest import Run
from .fakes import BLUE, DARK_RED, DETECTOR, MODEL, RED, photo

NEAR = ("--threshold", 0.1)


class Here:
    """An engine that works in this process."""

    def run(self, tasks, stage, admit):  # type: ignore[no-untyped-def]
        recognizer = stage.load(threads=1)
        for task in tasks:
            data = bulk.embed_stage.read(task)
            if isinstance(data, bulk.Failure):
                yield [bulk.Answer(task, data)]
            elif admit([(task, read(data).sha256)]):
                yield [*stage.answers(recognizer, [(task, data)])]
            else:
                yield []


def index(folder: str) -> list[tuple[str, str]]:
    """Index a folder into faces.db as the command does; return name and status of each photo."""
    with Gallery("faces.db", model=MODEL) as gallery:
        outcomes = bulk.index(gallery, folder, engine=Here(), detector=DETECTOR)
        return [(Path(one.photo).name, one.status) for one in outcomes]


def stored() -> dict[str, tuple[str, list[float]]]:
    """Return file name and box of each template's photo, by the photo's hash."""
    with Gallery("faces.db") as gallery:
        faces = gallery.faces()
    rows = zip(faces.sha256, faces.photos, faces.boxes.tolist(), strict=True)
    return {str(sha256): (Path(path).name, box) for sha256, path, box in rows}


@pytest.fixture
def album(tmp_path: Path) -> Path:
    photo(tmp_path / "p" / "a.png", (RED, 40, 50, 60))
    photo(tmp_path / "p" / "b.png", (BLUE, 150, 20, 80))
    photo(tmp_path / "p" / "@eaDir" / "a.png", (RED, 20, 25, 30))
    return tmp_path / "p"


def test_a_photo_that_took_the_name_of_another(know: Run, run: Run, album: Path, tmp_path: Path) -> None:
    """shared/data/faults/replaced_in_place.sh, with squares for faces."""
    red, blue = read(album / "a.png").sha256, read(album / "b.png").sha256
    assert run("gallery", "list").code == 3  # in the folder of the album there is no gallery yet
    assert index("p") == [("a.png", "ok"), ("b.png", "ok")]
    (album / "a.png").rename(album / "new.png")
    (album / "b.png").rename(album / "a.png")
    assert index("p") == [("a.png", "known"), ("new.png", "known")]
    assert stored() == {red: ("new.png", [40, 50, 100, 110]), blue: ("a.png", [150, 20, 230, 100])}
    lines = run("cluster", "--gallery", "faces.db", *NEAR, "--json").lines
    assert {(line["photo"], line["template_id"]) for line in lines} == {
        (str(album / "new.png"), 1), (str(album / "a.png"), 2),
    }  # fmt: skip


def test_a_photo_that_was_replaced_is_a_new_one(run: Run, album: Path) -> None:
    red = read(album / "a.png").sha256
    index("p")
    photo(album / "a.png", (DARK_RED, 10, 10, 90))
    assert sorted(index("p")) == [("a.png", "ok"), ("b.png", "known")]
    names = stored()
    assert names[red][0] == ""
    assert names[read(album / "a.png").sha256] == ("a.png", [10, 10, 100, 100])


def crops(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.png"))


def test_no_crop_is_cut_from_a_photo_that_was_replaced(run: Run, album: Path, tmp_path: Path) -> None:
    """The page, the folder of crops and the strip pass over a file of other bytes, with a sentence each."""
    index("p")
    photo(album / "a.png", (DARK_RED, 10, 10, 90))
    done = run("cluster", "--gallery", "faces.db", *NEAR, "--report", "page.html", "--out", "cut", "--json")
    assert done.code == 0
    assert done.err == (
        f"visavis: '{album / 'a.png'}' holds another photo by now than the one with the face: "
        "its faces have no picture.\n"
    )
    assert (tmp_path / "page.html").read_text(encoding="utf-8").count(
        "data:image/jpeg;base64,"
    ) == 2  # the crop and its photo
    (only,) = crops(tmp_path / "cut")
    with Image.open(only) as image:
        assert image.convert("RGB").getpixel((112, 112)) == BLUE


def test_the_strip_leaves_a_replaced_photo_out(know: Run, run: Run, album: Path, tmp_path: Path) -> None:
    index("p")
    probe = photo(tmp_path / "probe.png", (DARK_RED, 30, 30, 60))
    arguments = ("similar", probe, "--gallery", "faces.db", "--detector", DETECTOR, "--out", "strip.png", "--json")
    assert run(*arguments).err == ""
    with Image.open(tmp_path / "strip.png") as image:
        before = image.width
    photo(album / "a.png", (BLUE, 10, 10, 90))
    (album / "b.png").unlink()
    done = run(*arguments)
    assert done.code == 0
    assert len(done.lines) == 2
    assert "a.png' holds another photo by now than the one with the face: it is left out of the strip" in done.err
    assert "b.png' does not exist: it is left out of the strip" in done.err
    with Image.open(tmp_path / "strip.png") as image:
        assert (before, image.width) == (3 * image.width, image.width)


def test_the_average_leaves_a_replaced_photo_out(tmp_path: Path) -> None:
    paths = [photo(tmp_path / f"{n}.png", (RED, 40 + n, 50, 60)) for n in range(3)]
    found = rank_faces(collect_faces(Recognizer(detector=DETECTOR, embedder=MODEL).represent(paths)), model=MODEL)
    kept = [one for one in found if one.photo != str(paths[1])]
    photo(paths[1], (BLUE, 0, 0, 200))
    skipped: list[str] = []
    picture = average_face(found, skipped=skipped)
    np.testing.assert_array_equal(picture, average_face(kept))
    assert skipped == [f"'{paths[1]}' holds another photo by now than the one with the face."]


def test_forgetting_a_photo(know: Run, run: Run, album: Path) -> None:
    index("p")
    done = run("gallery", "forget", "p/a.png", "--gallery", "faces.db", "--json")
    sha256 = read(album / "a.png").sha256
    assert done.line == {
        "photo": str(album / "a.png"), "sha256": sha256, "templates": 1, "people": [], "removed": [],
    }  # fmt: skip
    assert {name for name, _ in stored().values()} == {"b.png"}
    done = run("gallery", "forget", sha256, "--gallery", "faces.db")
    assert (done.code, done.out) == (2, "")
    assert "this gallery holds no photo" in done.err


def test_forgetting_a_photo_of_somebody_takes_yes(know: Run, run: Run, album: Path) -> None:
    know("enroll", "Ann", "p/a.png", "--gallery", "faces.db")
    done = run("gallery", "forget", "p/a.png", "--gallery", "faces.db")
    assert (done.code, done.err) == (
        2, "visavis: this photo shows people of the gallery (Ann): give --yes to remove those templates too.\n",
    )  # fmt: skip
    done = run("gallery", "forget", "p/a.png", "--yes", "--gallery", "faces.db", "--json")
    assert (done.line["people"], done.line["removed"]) == ([{"person_id": 1, "name": "Ann"}], [1])
    audit = run("gallery", "audit", "--gallery", "faces.db", "--json").lines
    assert [(one["action"], one["person_id"]) for one in audit[-3:]] == [("forget", None), ("forget", 1), ("remove", 1)]


def test_hashes_go_along_with_faces(know: Run, tmp_path: Path) -> None:
    """A photo that is replaced while the others are looked at has no crop either."""
    from visavis.clustering import cluster_faces
    from visavis.clustering.faces import gather_faces
    from visavis.clustering.pictures import of_photos

    paths: Sequence[Path] = [photo(tmp_path / f"{n}.png", (RED, 40, 50, 60 + n)) for n in range(3)]
    faces, _ = gather_faces(Recognizer(detector=DETECTOR, embedder=MODEL).represent(paths))
    assert faces.sha256 == tuple(read(path).sha256 for path in paths)
    shutil.copy(paths[0], paths[2])
    skipped: list[str] = []
    found = cluster_faces(faces, threshold=0.1, model=MODEL)
    assert [rows for _, rows in of_photos(found.faces, skipped=skipped)] == [[0], [1]]
    assert len(skipped) == 1


def test_two_photos_at_one_path_are_told_apart(run: Run, album: Path) -> None:
    """The one whose bytes are there has its picture, whichever was stored first."""
    path = str(album / "a.png")
    face = Template(np.ones(3, np.float32), box=np.array([0, 0, 40, 40], np.float32))
    with Gallery("faces.db", model=MODEL) as gallery:
        gallery.add_photos([IndexedPhoto(path, "5" * 64, "ok", (face,))])
        gallery.add_photos([IndexedPhoto(path, read(album / "a.png").sha256, "ok", (face,))])
    done = run("cluster", "--gallery", "faces.db", *NEAR, "--report", "page.html", "--json")
    assert done.err.count("holds another photo") == 1
    assert Path("page.html").read_text(encoding="utf-8").count("data:image/jpeg;base64,") == 2  # the crop and its photo
