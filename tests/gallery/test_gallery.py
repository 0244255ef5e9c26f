"""People, templates and search, on embeddings."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from visavis import compare
from visavis.compare import Calibration
from visavis.errors import UnknownNameError, UsageError
from visavis.gallery import Duplicate, Gallery, Template
from visavis.gallery.index import INDEXES, Hit, Ids, Origin
from visavis.types import Floats, Identification

from .faces import DIMENSION, MODEL, digest, embedding, in_a_file, person, template


def bare(seed: int) -> Template:
    return Template(embedding(seed))


# Enrollment


def test_what_is_stored_comes_back(gallery: Gallery) -> None:
    done = gallery.add("Ann", [template(1), template(2)], note="desk 4", consent="form of 2 May")
    ann = gallery.person(done.person_id)
    assert (ann.name, ann.note, ann.consent) == ("Ann", "desk 4", "form of 2 May")
    assert [one.id for one in ann.templates] == list(done.added)
    first = ann.templates[0]
    assert (first.photo, first.photo_sha256, first.quality) == ("1.jpg", digest(1), 0.5)
    assert first.box == (1.0, 2.0, 31.0, 42.0)
    assert gallery.people() == [ann]
    assert ann.created.utcoffset() is not None
    assert gallery.check() == []


def test_a_name_that_is_there_gets_more_templates(gallery: Gallery) -> None:
    first = gallery.add("Ann", [template(1)], note="old", consent="yes")
    again = gallery.add("Ann", [template(2)], note="new")
    assert (first.new, again.new) == (True, False)
    assert again.person_id == first.person_id
    (ann,) = gallery.people()
    assert (len(ann.templates), ann.note, ann.consent) == (2, "new", "yes")


def test_names_are_not_unique_but_then_the_id_is_asked_for(gallery: Gallery) -> None:
    one = gallery.add("Ann", [template(1)]).person_id
    two = gallery.add("Ann", [template(2)], new=True).person_id
    assert one != two
    with pytest.raises(UsageError, match=re.escape(f"2 people are called 'Ann' (ids {one}, {two}): give the id")):
        gallery.add("Ann", [template(3)])
    with pytest.raises(UsageError, match="give the id"):
        gallery.find("Ann")
    assert gallery.add("Ann", [template(3)], person_id=two).person_id == two
    assert [len(ann.templates) for ann in gallery.people()] == [1, 2]
    hits = gallery.search(embedding(2)[None], top=2)[0]
    assert {(hit.person_id, hit.name) for hit in hits} == {(one, "Ann"), (two, "Ann")}


def test_an_id_must_be_there_and_of_that_name(gallery: Gallery) -> None:
    ann = gallery.add("Ann", [template(1)]).person_id
    with pytest.raises(UnknownNameError, match="no person 99"):
        gallery.add("Ann", [template(2)], person_id=99)
    with pytest.raises(UsageError, match=f"person {ann} is called 'Ann', not 'Bob'"):
        gallery.add("Bob", [template(2)], person_id=ann)
    with pytest.raises(UsageError, match="not both"):
        gallery.add("Ann", [template(2)], person_id=ann, new=True)
    assert gallery.stats().templates == 1


def test_ids_are_never_given_again(gallery: Gallery) -> None:
    first = gallery.add("Ann", [template(1), template(2)])
    gallery.remove(first.person_id)
    second = gallery.add("Ann", [template(1)])
    assert second.person_id > first.person_id
    assert min(second.added) > max(first.added)


def test_the_same_photo_twice_is_noticed(gallery: Gallery) -> None:
    ann = gallery.add("Ann", [template(1)]).person_id
    again = gallery.add("Ann", [template(1), template(2), template(2)])
    assert len(again.added) == 1
    assert again.duplicates == (
        Duplicate("1.jpg", digest(1), ann, "Ann"),
        Duplicate("2.jpg", digest(2), ann, "Ann"),
    )
    assert gallery.add("Ann", [template(1)]).added == ()
    assert gallery.stats().templates == 2


def test_the_same_photo_of_another_person_is_told_with_whose_it_is(gallery: Gallery) -> None:
    ann = gallery.add("Ann", [template(1)]).person_id
    bob = gallery.add("Bob", [template(2), template(1)])
    assert bob.duplicates == (Duplicate("1.jpg", digest(1), ann, "Ann"),)
    with pytest.raises(
        UsageError,
        match=re.escape(f"'Cy' was not enrolled: every photo is in the gallery already: 1.jpg as 'Ann' (id {ann})."),
    ):
        gallery.add("Cy", [template(1)])
    assert [one.name for one in gallery.people()] == ["Ann", "Bob"]


def test_faces_of_one_group_photo_are_told_apart_by_their_boxes(gallery: Gallery) -> None:
    def face(seed: int, left: float) -> Template:
        box = np.array([left, 0, left + 40, 40], np.float32)
        return Template(embedding(seed), photo_sha256=digest(0), photo="group.jpg", box=box)

    gallery.add("Ann", [face(1, 0)])
    assert gallery.add("Bob", [face(2, 100)]).duplicates == ()
    nearly = gallery.add("Bob", [face(3, 104)])  # 36 of 44 pixels in common: the same face, cut otherwise
    assert [one.name for one in nearly.duplicates] == ["Bob"]
    unknown = Template(embedding(4), photo_sha256=digest(0), photo="group.jpg")
    assert [one.name for one in gallery.add("Bob", [unknown]).duplicates] == ["Ann"]


def test_a_template_without_a_photo_is_never_a_duplicate(gallery: Gallery) -> None:
    assert len(gallery.add("Ann", [bare(1), bare(1)]).added) == 2


def test_an_enrollment_that_fails_changes_nothing(gallery: Gallery) -> None:
    gallery.add("Ann", [template(1)])
    before = gallery.stats()
    for wrong in (np.full(DIMENSION, np.nan), np.zeros(DIMENSION), np.full(DIMENSION, np.inf), np.ones(3)):
        with pytest.raises(UsageError):
            gallery.add("Bob", [template(2), Template(wrong.astype(np.float32))])
    with pytest.raises(UsageError, match="no template"):
        gallery.add("Bob", [])
    with pytest.raises(UsageError, match="holds embeddings of 16 values, got 3"):
        gallery.add("Bob", [Template(np.ones(3, np.float32))])
    assert gallery.stats() == before


# Embeddings and names


def test_embeddings_are_scaled_to_length_1(gallery: Gallery) -> None:
    gallery.add("long", [Template(embedding(1) * 1e30)])
    gallery.add("short", [Template(embedding(2) * 1e-30)])
    for seed, name in ((1, "long"), (2, "short")):
        best = gallery.search(embedding(seed)[None] * 7)[0][0]
        assert best.name == name
        assert best.distance == pytest.approx(0, abs=1e-6)
    assert gallery.check() == []


@pytest.mark.parametrize(
    ("probe", "words"),
    [
        (np.ones((1, 3)), "holds embeddings of 16 values, got 3"),
        (np.ones(DIMENSION), "must have the shape"),
        (np.full((1, DIMENSION), np.nan), "not finite"),
        (np.zeros((1, DIMENSION)), "zero"),
        ([["a"] * DIMENSION], "must be numbers"),
    ],
)
def test_probes_that_mean_nothing_are_refused(gallery: Gallery, probe: object, words: str) -> None:
    gallery.add("Ann", [template(1)])
    with pytest.raises(UsageError, match=words):
        gallery.search(probe)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="top"):
        gallery.search(embedding(1)[None], top=0)


@pytest.mark.parametrize(
    "name",
    [
        "Zoë Kravitz",
        "Владимир",
        "山田 太郎",
        "مريم",
        "👩‍🚀",
        "Robert'); DROP TABLE people;--",
        '" OR 1=1 --',
        "%_\\",
        "x" * 300,
    ],
)
def test_any_line_of_text_is_a_name(gallery: Gallery, name: str) -> None:
    gallery.add("somebody else", [template(1)])
    who = gallery.add(name, [template(2)]).person_id
    assert gallery.find(name).id == who
    assert gallery.search(embedding(2)[None])[0][0].name == name
    assert len(gallery.people()) == 2


@pytest.mark.parametrize("name", ["", "  ", "\t", "a\nb", "a\0b", "\ud800", "x" * 301])
def test_what_is_no_name_is_refused(gallery: Gallery, name: str) -> None:
    with pytest.raises(UsageError, match="a name"):
        gallery.add(name, [template(1)])
    ann = gallery.add("Ann", [template(1)]).person_id
    with pytest.raises(UsageError, match="a name"):
        gallery.rename(ann, name)
    assert gallery.person(ann).name == "Ann"


def test_composed_and_decomposed_letters_are_one_name(gallery: Gallery) -> None:
    one = gallery.add("Zoe\u0308", [template(1)])
    two = gallery.add(" Zo\u00eb ", [template(2)])
    assert two.person_id == one.person_id
    assert gallery.person(one.person_id).name == "Zo\u00eb"


def test_names_of_files_that_are_no_text_do_not_stop_an_enrollment(gallery: Gallery) -> None:
    odd = Template(embedding(1), photo="caf\udce9.jpg")
    done = gallery.add("Ann", [odd])
    assert gallery.person(done.person_id).templates[0].photo == "caf\ufffd.jpg"


# Finding, renaming, removing


def test_find_takes_a_name_or_an_id(gallery: Gallery) -> None:
    ann = gallery.add("Ann", [template(1)]).person_id
    assert {gallery.find(who).id for who in ("Ann", ann, str(ann), f"#{ann}")} == {ann}
    with pytest.raises(UnknownNameError, match="no person in this gallery is called 'Anm'; did you mean 'Ann'"):
        gallery.find("Anm")
    for missing in (99, "#99", 10**30, f"#{10**30}", -1):
        with pytest.raises(UnknownNameError, match="no person"):
            gallery.find(missing)
    with pytest.raises(UnknownNameError):
        gallery.find(str(10**30))


def test_a_number_that_is_a_name_and_an_id_is_asked_about(gallery: Gallery) -> None:
    first = gallery.add("Ann", [template(1)]).person_id
    second = gallery.add(str(first), [template(2)]).person_id
    with pytest.raises(UsageError, match=f"write #{second} or #{first}"):
        gallery.find(str(first))
    assert gallery.find(first).name == "Ann"
    third = gallery.add("0042", [template(3)]).person_id
    assert gallery.find("0042").id == third


def test_renaming_is_seen_by_the_next_search(gallery: Gallery) -> None:
    ann = gallery.add("Ann", [template(1)]).person_id
    gallery.search(embedding(1)[None])
    gallery.rename(ann, " Anna ")
    assert gallery.search(embedding(1)[None])[0][0].name == "Anna"
    with pytest.raises(UnknownNameError, match="no person 99"):
        gallery.rename(99, "Anna")


def test_removing_takes_people_out_of_the_search_all_or_none(gallery: Gallery) -> None:
    ids = [gallery.add(f"p{i}", [template(i)]).person_id for i in range(4)]
    assert gallery.search(embedding(0)[None])[0][0].name == "p0"
    with pytest.raises(UnknownNameError, match="no person 99"):
        gallery.remove(ids[0], 99)
    assert len(gallery.people()) == 4
    gallery.remove(ids[0], ids[2])
    assert {hit.name for hit in gallery.search(embedding(0)[None])[0]} == {"p1", "p3"}
    assert gallery.check() == []


def test_one_template_can_go_but_not_the_last(gallery: Gallery) -> None:
    first, second = gallery.add("Ann", [template(1), template(2)]).added
    assert gallery.lookalikes(embedding(1)[None])[0][0].distance < 1e-6
    gallery.remove_template(first)
    assert gallery.lookalikes(embedding(1)[None])[0][0].distance > 0.1
    with pytest.raises(UsageError, match="the last of person"):
        gallery.remove_template(second)
    with pytest.raises(UnknownNameError, match=f"no template {first}"):
        gallery.remove_template(first)
    assert gallery.check() == []


def test_the_last_template_takes_the_person_along_where_that_is_asked_for(gallery: Gallery) -> None:
    first, second = gallery.add("Ann", [template(1), template(2)]).added
    ben = gallery.add("Ben", [template(3)]).person_id
    gallery.remove_template(first, with_person=True)
    assert [person.name for person in gallery.people()] == ["Ann", "Ben"]
    gallery.remove_template(second, with_person=True)
    assert [person.id for person in gallery.people()] == [ben]
    assert [entry.action for entry in gallery.audit()[-2:]] == ["remove template", "remove"]
    assert gallery.check() == []


@in_a_file
@pytest.mark.parametrize("seed", [0, 4])
def test_removal_leaves_no_trace_but_an_audit_line_without_the_name(gallery: Gallery, path: Path, seed: int) -> None:
    """Many small rows: SQLite then moves rows between pages, and leaves copies behind (seed 4 showed it)."""
    rng = np.random.default_rng(seed)
    traces: dict[int, list[bytes]] = {}
    for i in range(150):
        name, photo, note = (f"{kind}-{rng.bytes(12 + i % 30).hex()}" for kind in ("name", "photo", "note"))
        embeddings = rng.normal(size=(3, DIMENSION)).astype(np.float32)
        hashes = [rng.bytes(32).hex() for _ in embeddings]
        done = gallery.add(
            name,
            [Template(v, h, photo) for v, h in zip(embeddings, hashes, strict=True)],
            note=note,
            consent=note,
        )
        if i % 3 == 0:
            gallery.rename(done.person_id, f"{name} renamed")
        stored = embeddings / np.linalg.norm(embeddings.astype(np.float64), axis=1, keepdims=True)
        texts = [text.encode() for text in (name, photo, note, *hashes)]
        traces[done.person_id] = texts + [row.astype("<f4").tobytes()[:16] for row in stored]
    gone = rng.permutation(list(traces))[:90].tolist()
    everything = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert all(trace in everything for person_id in gone for trace in traces[person_id])
    for chunk in range(0, 90, 30):
        gallery.remove(*gone[chunk : chunk + 30])
    left = {file.name: file.read_bytes() for file in path.parent.iterdir()}
    found = [(i, t) for i in gone for t in traces[i] for content in left.values() if t in content]
    assert found == []
    with sqlite3.connect(path) as raw:
        rows = raw.execute("select person_id, detail from audit where action = 'remove'").fetchall()
    raw.close()
    assert sorted(rows) == sorted((i, "3 templates") for i in gone)
    assert gallery.check() == []


# Identification


@pytest.fixture
def calibrated(monkeypatch: pytest.MonkeyPatch) -> Calibration:
    """Threshold 0.5 at a FAR of 1e-2, 0.3 at 1e-4; probability 0.5 at a distance of 0.4."""
    table = Calibration(MODEL, far=(1e-2, 1e-4), thresholds=(0.5, 0.3), slope=-10, intercept=4)
    monkeypatch.setattr(compare, "calibration", {MODEL: table}.get)
    return table


def at_distance(seed: int, distance: float) -> Floats:
    """A unit vector at this cosine distance from ``vector(seed)``."""
    base, other = embedding(seed).astype(np.float64), embedding(seed + 1).astype(np.float64)
    across = other - (other @ base) * base
    across /= np.linalg.norm(across)
    return ((1 - distance) * base + np.sqrt(1 - (1 - distance) ** 2) * across).astype(np.float32)


def test_the_threshold_follows_from_the_number_of_people(gallery: Gallery, calibrated: Calibration) -> None:
    gallery.add("p0", [bare(0)])
    assert gallery.threshold(fpir=0.01).distance == pytest.approx(0.5)
    for i in range(1, 10):
        gallery.add(f"p{i}", [bare(10 * i)])
    ten = gallery.threshold(fpir=0.01)
    assert ten.far == pytest.approx(1 - 0.99**0.1)  # one search is ten comparisons
    assert ten.distance == pytest.approx(0.4, abs=1e-3)  # half-way in log FAR: 1e-3
    assert (ten.people, ten.measured) == (10, True)
    gallery.add("p1", [bare(n) for n in range(500, 510)])  # a person stays one, with however many templates
    assert gallery.threshold(fpir=0.01) == ten
    gallery.remove(gallery.find("p1").id)
    assert gallery.threshold(fpir=0.01).people == 9
    beyond = gallery.threshold(fpir=1e-4)
    assert (beyond.distance, beyond.measured) == (calibrated.thresholds[-1], False)
    assert gallery.identify_embeddings(embedding(0)[None])[0].threshold == gallery.threshold(fpir=0.01).distance
    with pytest.raises(UsageError, match="fpir"):
        gallery.threshold(fpir=1.0)


def at(*degrees: float) -> Floats:
    """Embeddings in a plane."""
    rows = np.zeros((len(degrees), DIMENSION), np.float32)
    rows[:, 0], rows[:, 1] = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return rows


def test_a_person_of_several_templates_is_as_far_as_all_of_them_say(gallery: Gallery) -> None:
    """Ann at 0 and 60 degrees: their mean points to 30 and is cos 30 long. Seen from 0, by hand."""
    gallery.add("Ann", [Template(one) for one in at(0, 60)])
    gallery.add("Bob", [Template(one) for one in at(12)])
    mean_embedding, each = 1 - np.cos(np.radians(30)), (0 + 1 - np.cos(np.radians(60))) / 2
    bob, ann = gallery.search(at(0))[0]
    assert (bob.name, bob.distance) == ("Bob", pytest.approx(1 - np.cos(np.radians(12)), abs=1e-6))
    assert (ann.name, ann.distance) == ("Ann", pytest.approx(0.4 * mean_embedding + 0.6 * each, abs=1e-6))
    assert gallery.lookalikes(at(0))[0][0].name == "Ann"  # whose nearest template is nearest
    assert [one.name for one in gallery.search(at(0), among=[ann.person_id])[0]] == ["Ann"]


def test_whoever_is_no_nearer_than_another_is_unknown_if_a_margin_is_asked_for(gallery: Gallery) -> None:
    gallery.add("Ann", [Template(one) for one in at(0)])
    gallery.add("Bob", [Template(one) for one in at(20)])
    apart = np.cos(np.radians(5)) - np.cos(np.radians(15))
    for margin, name in ((0.0, "Ann"), (0.9 * apart, "Ann"), (1.1 * apart, None)):
        (found,) = gallery.identify_embeddings(at(5), threshold=0.1, margin=margin, top=1)
        assert (found.name, found.margin, len(found.candidates)) == (name, pytest.approx(apart, abs=1e-6), 1)


def test_a_table_of_ones_own_goes_before_the_shipped_one(gallery: Gallery, calibrated: Calibration, place: str) -> None:
    gallery.add("Ann", [bare(1)])
    own = Calibration(MODEL, (1e-2, 1e-3), (0.2, 0.1), slope=-20, intercept=4, provenance={"data": "my office"})
    with Gallery(place) as other:  # sees what this one is told
        assert (other.calibration, other.stats().thresholds) == (calibrated, "shipped")
        gallery.calibrate(own)
        assert other.calibration == own
        stats = other.stats()
        assert (stats.thresholds, stats.measured_on) == ("own", "my office")
        assert other.threshold(fpir=0.01).distance == pytest.approx(0.2)
        (found,) = other.identify_embeddings(at_distance(1, 0.25)[None])
        assert (found.name, found.threshold) == (None, pytest.approx(0.2))
        assert found.probability is None
        (candidate,) = other.search(at_distance(1, 0.25)[None])[0]
        assert candidate.probability == pytest.approx(1 / (1 + np.exp(1)), abs=1e-5)  # -20 * .25 + 4 = -1
        gallery.calibrate(None)
        assert (other.calibration, other.stats().thresholds) == (calibrated, "shipped")
    assert gallery.check() == []


def test_a_table_of_another_model_is_refused(gallery: Gallery) -> None:
    other = Calibration("other", (1e-2, 1e-3), (0.2, 0.1), slope=-20, intercept=4)
    with pytest.raises(UsageError, match=r"is of other, and test-model is in use"):
        gallery.calibrate(other)
    assert (gallery.calibration, gallery.stats().thresholds) == (None, "uncalibrated")


def test_near_is_named_and_far_is_unknown(gallery: Gallery, calibrated: Calibration) -> None:
    ann = gallery.add("Ann", [bare(1)]).person_id
    near, far = gallery.identify_embeddings(np.stack([at_distance(1, 0.35), at_distance(1, 0.55)]))
    assert (near.name, near.person_id, near.known) == ("Ann", ann, True)
    assert near.distance == pytest.approx(0.35, abs=1e-6)
    assert near.probability == pytest.approx(1 / (1 + np.exp(-0.5)), abs=1e-5)  # slope * .35 + intercept = .5
    assert [one.probability for one in near.candidates] == [near.probability]
    assert (far.name, far.person_id, far.known) == (None, None, False)
    assert far.distance == pytest.approx(0.55, abs=1e-6)
    assert far.probability is None
    assert [(one.name, one.probability) for one in far.candidates] == [("Ann", None)]


def test_a_threshold_of_ones_own_goes_first_and_0_is_one(gallery: Gallery) -> None:
    gallery.add("Ann", [bare(1)])
    probes = np.stack([embedding(1), at_distance(1, 0.2)])
    names = {
        limit: [one.name for one in gallery.identify_embeddings(probes, threshold=limit)] for limit in (1e-6, 0.0, 0.3)
    }
    assert names[1e-6] == ["Ann", None]
    assert names[0.3] == ["Ann", "Ann"]
    assert names[0.0][1] is None


def test_without_a_calibration_a_threshold_is_asked_for(gallery: Gallery) -> None:
    gallery.add("Ann", [bare(1)])
    with pytest.raises(UsageError, match=r"test-model is uncalibrated.*give a threshold"):
        gallery.identify_embeddings(embedding(1)[None])
    assert gallery.search(embedding(1)[None])[0][0].probability is None


def test_an_empty_gallery_knows_nobody(gallery: Gallery) -> None:
    assert gallery.search(np.eye(3)) == [[], [], []]
    unknown = Identification(None, None, None, threshold=0.3, probability=None)
    assert gallery.identify_embeddings(np.eye(2), threshold=0.3) == [unknown, unknown]
    assert gallery.people() == []
    assert gallery.stats().dimension is None
    gallery.remove(gallery.add("Ann", [bare(1)]).person_id)
    assert gallery.search(embedding(1)[None]) == [[]]


def test_no_probes_no_answers(gallery: Gallery) -> None:
    gallery.add("Ann", [bare(1)])
    assert gallery.search(np.empty((0, DIMENSION))) == []


# Sharing, other indexes, import


def test_threads_share_a_gallery(gallery: Gallery) -> None:
    def work(i: int) -> bool:
        done = gallery.add(*person(i))
        hits = gallery.lookalikes(person(i)[1][0].embedding[None], top=1)[0]
        if i % 4 == 0:
            gallery.remove(done.person_id)
        return hits[0].name == f"person {i}"

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(40)))
    assert len(gallery.people()) == 30
    assert gallery.stats().templates == 90
    assert gallery.check() == []


class Listed:
    """An index of one's own: a list."""

    def __init__(self, *, dimension: int, place: str, origin: Origin) -> None:
        self.rows: dict[int, tuple[int, Floats]] = {}

    def add(self, ids: Ids, people: Ids, embeddings: Floats) -> None:
        self.rows.update({int(i): (int(p), v) for i, p, v in zip(ids, people, embeddings, strict=True)})

    def remove(self, ids: Ids) -> None:
        for one in ids:
            self.rows.pop(int(one), None)

    def search(self, probes: Floats, top: int, *, among: Ids | None = None) -> list[list[Hit]]:
        return self.nearest(probes, top)

    def nearest(self, probes: Floats, top: int, *, among: Ids | None = None) -> list[list[Hit]]:
        return [
            sorted((Hit(p, i, float(1 - v @ q)) for i, (p, v) in self.rows.items()), key=lambda h: h[2])[:top]
            for q in probes
        ]

    def entries(self) -> tuple[Ids, Ids]:
        return np.array(list(self.rows), np.int64), np.array([p for p, _ in self.rows.values()], np.int64)


def test_an_index_of_ones_own_joins_by_name(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(INDEXES._factories, "listed", Listed)
    with Gallery(path, model=MODEL, index="listed") as gallery:
        ids = [gallery.add(f"p{i}", [bare(i)]).person_id for i in range(5)]
        assert gallery.search(embedding(3)[None], top=1)[0][0].name == "p3"
        gallery.remove(ids[3])
        assert gallery.search(embedding(3)[None], top=1)[0][0].name != "p3"
        assert gallery.check() == []
    with pytest.raises(UnknownNameError, match="no index is called 'exac'; did you mean exact"):
        Gallery(path, index="exac")


def test_naming_the_gallery_package_loads_no_database() -> None:
    code = "import sys, visavis.gallery; print(*({'sqlalchemy', 'onnxruntime'} & sys.modules.keys()), 'light')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["light"]
