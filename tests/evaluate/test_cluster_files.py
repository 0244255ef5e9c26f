from __future__ import annotations

import json
from pathlib import Path

import pytest

from visavis.errors import UsageError
from visavis.evaluate.data.cluster_files import Clusters, read_clusters


def lines(folder: Path, *some: object) -> Path:
    path = folder / "clusters.jsonl"
    path.write_text("".join(f"{json.dumps(one, ensure_ascii=False)}\n" for one in some), encoding="utf-8")
    return path


def table(folder: Path, text: str, name: str = "clusters.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def face(photo: str, cluster: object, **more: object) -> dict[str, object]:
    return {"cluster": cluster, "photo": photo, **more}


def counts(found: Clusters) -> tuple[int, int, int, int]:
    return found.alone, found.bystanders, found.unlabeled, found.failures


def test_folders_tell_who_it_is(tmp_path: Path) -> None:
    found = read_clusters(lines(tmp_path, face("x/ann/1.jpg", 3), face("x/ann/2.jpg", 3), face("x/bob/1.jpg", 0)))
    assert found.photos == ("x/ann/1.jpg", "x/ann/2.jpg", "x/bob/1.jpg")
    assert found.people == ("ann", "ann", "bob")
    assert found.clusters.tolist() == [0, 0, 1]
    assert counts(found) == (0, 0, 0, 0)


@pytest.mark.parametrize("none", [None, -1, "-1", ""])
def test_faces_in_no_cluster_stand_alone(tmp_path: Path, none: object) -> None:
    found = read_clusters(
        lines(tmp_path, *(face(f"a/{n}.jpg", cluster) for n, cluster in enumerate([none, 2, none, 2])))
    )
    assert found.clusters.tolist() == [0, 1, 2, 1]
    assert found.alone == 2


def test_a_table_says_the_same(tmp_path: Path) -> None:
    text = 'Photo,extra,cluster\nx/ann/1.jpg,,k\n\nx/ann/2.jpg,?,-1\n"x/bob, the first/1.jpg",,k\n'
    found = read_clusters(table(tmp_path, text))
    assert found.people == ("ann", "ann", "bob, the first")
    assert found.clusters.tolist() == [0, 1, 0]
    assert found.alone == 1


def test_numbers_and_their_texts_are_one_cluster_but_no_number_of_a_line_is(tmp_path: Path) -> None:
    found = read_clusters(lines(tmp_path, face("a/1", 3), face("a/2", "3"), face("a/3", None), face("a/4", 1)))
    assert found.clusters.tolist() == [0, 0, 1, 2]


def test_a_person_a_line_goes_before_folders_and_each_face_counts(tmp_path: Path) -> None:
    path = lines(
        tmp_path, face("g/1.jpg", 0, person="ann"), face("g/1.jpg", 1, person="bob"), face("g/1.jpg", 2), face("g/2", 0)
    )
    found = read_clusters(path)
    assert (found.people, found.clusters.tolist()) == (("ann", "bob"), [0, 1])
    assert counts(found) == (0, 0, 2, 0)
    again = read_clusters(table(tmp_path, "photo,cluster,person\ng/1.jpg,0,ann\ng/1.jpg,1,bob\ng/1.jpg,2,\ng/2,0,\n"))
    assert (again.people, again.clusters.tolist(), counts(again)) == (found.people, [0, 1], counts(found))


def test_a_table_of_people_goes_before_all(tmp_path: Path) -> None:
    truth = table(tmp_path, "person,photo\nann,1.jpg\nbob,x/2.jpg\n", "truth.csv")
    path = lines(tmp_path, face("x/1.jpg", 0, person="z"), face("x/2.jpg", 0), face("y/2.jpg", 0), face("x/3.jpg", 1))
    found = read_clusters(path, truth)
    assert (found.people, found.photos) == (("ann", "bob"), ("x/1.jpg", "x/2.jpg"))
    assert counts(found) == (0, 0, 2, 0)


def test_of_a_photo_of_one_person_the_largest_face_is_taken(tmp_path: Path) -> None:
    found = read_clusters(
        lines(
            tmp_path,
            face("ann/1.jpg", 0, box=[0, 0, 10, 10]),
            face("bob/1.jpg", 5, box=[0, 0, 30, 30]),
            face("ann/1.jpg", 1, box=[20, 20, 40.5, 40]),
            face("ann/1.jpg", 2, box=[0, 0, 20.5, 20]),  # as large: the first stays
            face("ann/2.jpg", 1),
        )
    )
    assert found.people == ("bob", "ann", "ann")
    assert found.clusters.tolist() == [0, 1, 1]
    assert found.bystanders == 2


def test_photos_without_a_face_are_counted(tmp_path: Path) -> None:
    no_face = {"photo": "ann/2.jpg", "status": "no_face", "message": "no face"}
    unreadable = face("ann/3.jpg", None, status="unreadable")
    found = read_clusters(lines(tmp_path, face("ann/1.jpg", 0, status="ok"), no_face, unreadable))
    assert (found.photos, found.failures) == (("ann/1.jpg",), 2)


def test_names_are_one_however_they_are_written(tmp_path: Path) -> None:
    found = read_clusters(lines(tmp_path, face("Zoe\u0308/1.jpg", 0), face("Zo\u00eb/2.jpg", 0)))
    assert found.people == ("Zo\u00eb", "Zo\u00eb")


def test_a_line_separator_in_a_name_ends_no_line(tmp_path: Path) -> None:
    found = read_clusters(lines(tmp_path, face("a\u2028b/1.jpg", 0), face("a\u2028b/2.jpg", 0)))
    assert found.people == ("a\u2028b", "a\u2028b")


def test_a_mark_of_the_byte_order_and_windows_lines_are_no_matter(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_bytes("\ufeffphoto,cluster\r\na/1.jpg,0\r\nb/1.jpg,0\r\n".encode())
    assert read_clusters(path).people == ("a", "b")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"photo": "a/1", "cluster": 0}\n{"photo": "a/2"', r"line 2: this is no JSON: '{\"photo\": \"a/2\"'\."),
        ('{"photo": "a/1", "cluster": 0}\n\n[1]\n', r"line 3: expected an object with photo and .* got '\[1\]'\."),
        ('{"photo": "a/1", "cluster": 0}\n{"photo": "a/2"}', "line 2: there is no cluster; null says"),
        ('{"cluster": 0}', "line 1: there is no photo"),
        ('{"photo": 5, "cluster": 0}', "line 1: there is no photo"),
        ('{"photo": "a/1", "cluster": true}', "line 1: a cluster is a whole number or a name, got 'True'"),
        ('{"photo": "a/1", "cluster": 1.5}', r"line 1: a cluster is a whole number or a name, got '1\.5'"),
        ('{"photo": "a/1", "cluster": NaN}', "line 1: a cluster is a whole number or a name, got 'nan'"),
        ('{"photo": "a/1", "cluster": 1, "person": 4}', "line 1: a person is a name, got '4'"),
        ('{"photo": "a/1", "cluster": 1, "box": [1, 2, 3]}', r"line 1: a box is four numbers .* got '\[1, 2, 3\]'"),
        ('{"photo": "a/1", "cluster": 1, "box": [1, 2, 3, "x"]}', "line 1: a box is four numbers"),
        ('{"photo": "a/1", "cluster": 1, "box": [1, 2, 3, true]}', "line 1: a box is four numbers"),
        ('{"photo": "a/1", "cluster": 1, "box": [1, 2, 3, NaN]}', "line 1: a box is four numbers"),
        ('{"photo": "a/1", "cluster": 1, "box": [9, 2, 3, 4]}', "line 1: a box is four numbers"),
        ('{"photo": "a/1", "cluster": 1, "box": [1, 2, 3, 1' + "0" * 400 + "]}", "line 1: a box is four numbers"),
        ('{"photo": "1.jpg", "cluster": 0}', r"line 1: '1\.jpg' is in no folder that names its person"),
        ('{"photo": "a/1", "cluster": 0}\n{"photo": "a/1", "cluster": 1}', "'a/1' comes a second time, after line 1"),
        (
            '{"photo": "a/1", "cluster": 0, "box": [1, 2, 3, 4]}\n{"photo": "a/1", "cluster": 1, "box": [1, 2, 3, 4]}',
            "line 2: this face of 'a/1' is on line 1 already",
        ),
        ("photo,person\na,b\n", "line 1: the head must have the columns photo and cluster, got 'photo,person'"),
        ("photo,cluster,photo\na,b,c\n", "line 1: the head must have"),
        ("", "line 1: the head must have"),
        ("photo,cluster\n", "c.txt' holds no face"),
        ("photo,cluster\na/1,0\na/2\n", "line 3: expected 2 cells, got 1"),
        ('photo,cluster\na/1,0\n"a/2,0\n', "line 3: this is no CSV: a quote opens"),
        ("photo,cluster\n,0\n", "line 2: there is no photo"),
        ('{"photo": "a/1", "status": "no_face"}', "c.txt' holds no face"),
    ],
)  # fmt: skip
def test_what_is_malformed_is_one_sentence_with_its_line(tmp_path: Path, text: str, sentence: str) -> None:
    path = table(tmp_path, text, "c.txt")
    with pytest.raises(UsageError, match=sentence) as caught:
        read_clusters(path)
    assert str(path) in str(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("photo,cluster\n1,2\n", "truth.csv', line 1: the head must have the columns photo and person"),
        ("photo,person\n1.jpg,\n", "truth.csv', line 2: a photo and a person are needed"),
        ("photo,person\n1.jpg,ann\n2.jpg,ann\n1.jpg,bob\n", "line 4: '1.jpg' was 'ann' before, and now 'bob'"),
        ("photo,person\n1.jpg,ann\n", "'1.jpg' of the CSV of people fits 2 photos: name its folder too"),
        ("photo,person\nq.jpg,ann\n", "holds no face of which '.*truth.csv' tells whose it is"),
    ],
)  # fmt: skip
def test_a_truth_that_tells_nothing_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    path = lines(tmp_path, face("x/1.jpg", 0), face("y/1.jpg", 0))
    with pytest.raises(UsageError, match=sentence):
        read_clusters(path, table(tmp_path, text, "truth.csv"))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="missing' cannot be read: No such file or directory"):
        read_clusters(tmp_path / "missing")
    (tmp_path / "picture").write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(UsageError, match="picture' is no text in UTF-8"):
        read_clusters(tmp_path / "picture")
    with pytest.raises(UsageError, match=r"missing\.csv' cannot be read"):
        read_clusters(lines(tmp_path, face("x/1.jpg", 0)), tmp_path / "missing.csv")
