"""Which person a face of a track shows."""

from __future__ import annotations

from visavis.evaluate.data.video_truth import FaceBox, Presence
from visavis.evaluate.track_people import SeenFace, judge_faces, rows_at

LEFT, RIGHT, FAR = (0, 0, 100, 100), (200, 0, 300, 100), (500, 0, 600, 100)


def moved(box: FaceBox, by: float) -> FaceBox:
    return box[0] + by, box[1], box[2] + by, box[3]


def people(faces: list[SeenFace], truth: list[Presence], names: dict[int, str] | None = None) -> list[str | None]:
    return [face.person for face in judge_faces(faces, truth, names)]


def test_boxes_decide_where_there_are_any() -> None:
    truth = [Presence("Ann", 0, 1, LEFT), Presence("Bob", 0, 1, RIGHT)]
    faces = [SeenFace(1, 0.5, RIGHT), SeenFace(2, 0.5, moved(LEFT, 40)), SeenFace(3, 0.5, FAR)]
    assert people(faces, truth) == ["Bob", "Ann", None]  # 60 of 140 is .43


def test_an_overlap_below_the_least_is_none() -> None:
    truth = [Presence("Ann", 0, 1, LEFT)]
    assert people([SeenFace(1, 0, moved(LEFT, 53))], truth) == ["Ann"]  # 47 of 153 is .307
    assert people([SeenFace(1, 0, moved(LEFT, 55))], truth) == [None]  # 45 of 155 is .29
    assert people([SeenFace(1, 1.5, LEFT)], truth) == [None]


def test_a_person_is_one_face_of_a_frame_the_one_of_greatest_overlap() -> None:
    truth = [Presence("Ann", 0, 1, LEFT), Presence("Bob", 0, 1, moved(LEFT, 60))]
    faces = [SeenFace(1, 0, moved(LEFT, 30)), SeenFace(2, 0, LEFT)]
    assert people(faces, truth) == ["Bob", "Ann"]
    assert people([SeenFace(1, 0, moved(LEFT, 10)), SeenFace(2, 0, LEFT)], truth) == ["Bob", "Ann"]  # 50 of 150
    assert people([SeenFace(1, 0, moved(LEFT, 5)), SeenFace(2, 0, LEFT)], truth) == [None, "Ann"]  # 45 of 155


def test_moving_boxes_are_short_rows() -> None:
    truth = [Presence("Ann", n / 10, n / 10 + 0.05, moved(LEFT, 50 * n)) for n in range(5)]
    faces = [SeenFace(1, n / 10, moved(LEFT, 50 * n)) for n in range(5)]
    assert people(faces, truth) == ["Ann"] * 5


def test_times_alone_give_a_track_the_person_who_is_on_most() -> None:
    truth = [Presence("Ann", 0, 10), Presence("Bob", 5, 8)]
    faces = [SeenFace(1, second, LEFT) for second in range(11)] + [SeenFace(2, second, FAR) for second in (6, 7)]
    judged = judge_faces(faces, truth)
    assert {(face.track, face.person) for face in judged} == {(1, "Ann"), (2, "Bob")}


def test_a_track_that_outlives_its_person_shows_the_next_one() -> None:
    truth = [Presence("Ann", 0, 4), Presence("Bob", 6, 8)]
    faces = [SeenFace(1, second, LEFT) for second in range(10)]
    assert people(faces, truth) == ["Ann"] * 5 + [None] + ["Bob"] * 3 + [None]


def test_two_tracks_at_a_time_are_two_people_and_later_ones_may_be_the_same() -> None:
    truth = [Presence("Ann", 0, 9), Presence("Bob", 0, 9)]
    faces = [SeenFace(1, second, LEFT) for second in range(10)]
    faces += [SeenFace(2, second, RIGHT) for second in range(4)] + [SeenFace(3, second, RIGHT) for second in (6, 7)]
    shown = {face.track: face.person for face in judge_faces(faces, truth)}
    assert shown == {1: "Ann", 2: "Bob", 3: "Bob"}


def test_of_people_on_for_the_same_time_the_name_decides() -> None:
    truth = [Presence("Ann", 0, 9), Presence("Bob", 0, 9)]
    faces = [SeenFace(track, second, LEFT) for track in (1, 2) for second in range(10)]
    assert {(f.track, f.person) for f in judge_faces(faces, truth, {1: "Bob"})} == {(1, "Bob"), (2, "Ann")}
    assert {(f.track, f.person) for f in judge_faces(faces, truth, {1: "Eve"})} == {(1, "Ann"), (2, "Bob")}


def test_more_tracks_than_people_are_false_faces() -> None:
    truth = [Presence("Ann", 0, 9)]
    faces = [SeenFace(track, second, LEFT) for track in (1, 2) for second in range(10)]
    assert {(face.track, face.person) for face in judge_faces(faces, truth)} == {(1, "Ann"), (2, None)}


def test_rows_of_a_time_are_those_that_include_it_ends_too() -> None:
    truth = [Presence("Cid", 2, 3), Presence("Ann", 0, 2), Presence("Bob", 2, 2)]
    rows = [[row.person for row in present] for present in rows_at([0, 1.9, 2, 2.1, 4], truth)]
    assert rows == [["Ann"], ["Ann"], ["Cid", "Ann", "Bob"], ["Cid"], []]
