"""Which face continues which track: people are directions, and a face is drawn as its direction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from visavis.types import Face, Floats, Quality
from visavis.videos.association import assign, contested
from visavis.videos.track import DetectedFace, Track, TrackLimits
from visavis.videos.tracker import Tracker

pytest.importorskip("scipy")

LIMITS = TrackLimits(same=0.6, rejoined=0.5, hidden=0.7)
GOOD = Quality(*[0.9] * 11)
STEP = 0.1
PLACES = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]], np.float32)
LOOKS = np.linalg.qr(np.random.default_rng(5).normal(size=(16, 16)))[0].astype(np.float32)


VIEWS = {10: (0, 0.68), 11: (0, 0.3), 12: (0, 0.66)}
"""Poor faces: of which person, and at which distance."""


class Scene:
    """A tracker with people as faces; counts the embeddings."""

    def __init__(self, limits: TrackLimits | None = LIMITS) -> None:
        self.tracker = Tracker(limits=limits)
        self.people: dict[DetectedFace, int] = {}
        self.embedded = 0
        self.seconds = 0.0
        self.ended: list[Track] = []
        self.joined: dict[int, int] = {}

    def see(
        self, *faces: tuple[int, float, float], cut: bool = False, after: float = STEP, look: int = 0, side: float = 60
    ) -> list[int]:
        """Add a frame with faces of (person, x, y); return the number of the track of each."""
        self.seconds += after
        detected = [self._face(x, y, side, look + person % 10) for person, x, y in faces]
        self.people |= {face: person for face, (person, _, _) in zip(detected, faces, strict=True)}
        update = self.tracker.update(self.seconds, detected, self._embed, cut=cut)
        self.ended += update.ended
        self.joined |= update.joined
        return [update.owners[number].number for number in range(len(faces))]

    def _face(self, x: float, y: float, side: float, look: int) -> DetectedFace:
        box = np.array([x, y, x + side, y + side], np.float32)
        return DetectedFace(Face(box, 0.99, box[:2] + side * PLACES), GOOD, LOOKS[look])

    def _embed(self, faces: Sequence[DetectedFace]) -> None:
        for face in faces:
            if face.embedding is None:
                self.embedded += 1
                face.embedding = embedding_of(self.people[face])
                face.share = 0.8 if self.people[face] in VIEWS else 1.0


def embedding_of(person: int) -> Floats:
    axes = np.eye(8, dtype=np.float32)
    if person in VIEWS:
        of, distance = VIEWS[person]
        mixed: Floats = (1 - distance) * axes[of] + np.sqrt(1 - (1 - distance) ** 2) * axes[7]
        return mixed.astype(np.float32)
    return axes[person]


def follow(scene: Scene, *people: tuple[int, float, float], frames: int = 5) -> list[int]:
    """Let people stand for some frames, and remember an embedding of each track, as recognition does."""
    for _ in range(frames):
        numbers = scene.see(*people)
    for track in scene.tracker.tracks:
        (person,) = (who for (who, _, _), number in zip(people, numbers, strict=True) if number == track.number)
        track.remember(embedding_of(person))
    return numbers


def test_faces_that_stand_apart_need_no_embedding() -> None:
    scene = Scene()
    seen = [scene.see((0, 20 + 15 * n, 50), (1, 400 - 9 * n, 60)) for n in range(12)]
    assert seen == [[1, 2]] * 12
    assert scene.embedded == 0
    assert [track.detections for track in scene.tracker.tracks] == [12, 12]
    assert scene.tracker.tracks[0].together == {2}


def test_a_face_is_predicted_between_detections() -> None:
    scene = Scene()
    for n in range(8):
        scene.see((0, 20 + 15 * n, 50))
    (predicted,) = scene.tracker.predict(scene.seconds + 0.05)
    assert (predicted.track, predicted.detected) == (1, False)
    assert predicted.face.box[0] == pytest.approx(20 + 15 * 7.5, abs=2)
    assert 0 < predicted.uncertainty < 10
    assert scene.tracker.predict(scene.seconds + 1) == []


def test_a_hidden_face_gets_its_track_back() -> None:
    scene = Scene()
    follow(scene, (0, 100, 50))
    for _ in range(10):
        scene.see()
    assert scene.see((0, 180, 55)) == [1]
    assert scene.embedded == 2  # the face, and what the track had kept


def hide(scene: Scene, frames: int = 10) -> None:
    for _ in range(frames):
        scene.see()


def test_a_new_track_joins_the_lost_one_as_soon_as_a_face_says_so() -> None:
    """The first two faces are too poor to say who it is; until the third one does, the track is not confirmed."""
    scene = Scene()
    follow(scene, (0, 100, 50))
    hide(scene)
    assert [scene.see((10, 160 + 2 * n, 55)) for n in range(2)] == [[2], [2]]
    assert scene.joined == {}
    assert scene.see((11, 164, 55)) == [1]
    assert scene.joined == {2: 1}
    assert scene.see((11, 166, 55)) == [1]
    assert [(track.number, track.detections, track.confirmed) for track in scene.tracker.tracks] == [(1, 9, True)]


def test_a_new_track_is_one_of_its_own_after_a_second_or_when_it_ends() -> None:
    for frames, confirmed in ((10, False), (13, True)):  # 0.68 is not another person's for sure
        scene = Scene()
        follow(scene, (0, 100, 50))
        hide(scene)
        assert [scene.see((10, 160, 55)) for _ in range(frames)] == [[2]] * frames
        (track,) = (track for track in scene.tracker.tracks if track.number == 2)
        assert track.confirmed is confirmed
        assert [track.number for track in scene.tracker.end_all()] == [1, 2]
        assert track.confirmed


def test_a_new_track_is_one_of_its_own_at_once_if_all_its_faces_are_another_persons() -> None:
    scene = Scene()
    follow(scene, (0, 100, 50))
    hide(scene)
    assert [scene.see((1, 160, 55)) for _ in range(3)] == [[2]] * 3
    assert [(track.number, track.confirmed) for track in scene.tracker.tracks] == [(1, True), (2, True)]


def test_a_new_track_does_not_join_one_that_was_detected_beside_it() -> None:
    scene = Scene()
    follow(scene, (0, 100, 50))
    hide(scene)
    assert scene.see((10, 200, 55)) == [2]
    assert scene.see((0, 100, 50), (10, 202, 55)) == [1, 2]
    hide(scene, 1)
    assert [scene.see((11, 204, 55)) for _ in range(4)] == [[2]] * 4
    assert scene.joined == {}


def test_a_face_beside_a_fast_one_may_be_a_hidden_one() -> None:
    """It looks like the face of track 1, and is too far for its box but not for its speed."""
    scene = Scene()
    follow(scene, (0, 100, 50), (1, 240, 50))
    for _ in range(8):
        scene.see((0, 100, 50))
    assert scene.see((1, 166, 50), look=-1) == [2]


def test_a_face_that_stays_in_place_may_look_worse() -> None:
    """At 0.66 with a share of 0.8 it is too far for a face in doubt, and near enough for one that did not move."""
    scene = Scene()
    follow(scene, (0, 100, 50))
    assert scene.see((12, 102, 51), look=7) == [1]
    hide(scene, 6)
    assert scene.see((12, 260, 51), look=9) == [1]  # now the track remembers it
    far = Scene()
    follow(far, (0, 100, 50))
    hide(far, 6)
    assert far.see((12, 102, 51), look=7) == [2]


def test_another_person_in_the_same_place_after_a_second_is_another_track() -> None:
    scene = Scene()
    follow(scene, (0, 100, 50))
    for _ in range(10):
        scene.see()
    assert scene.see((1, 100, 50)) == [2]


def test_a_track_ends_when_its_face_stays_away() -> None:
    scene = Scene()
    follow(scene, (0, 100, 50))
    for _ in range(30):
        scene.see()
    assert [(track.number, track.last) for track in scene.ended] == [(1, pytest.approx(0.5))]
    assert scene.see((0, 100, 50)) == [2]


@pytest.mark.parametrize("hidden", [0, 4])
def test_people_who_cross_keep_their_tracks(hidden: int) -> None:
    """They pass each other in the same line; the farther face is covered for some frames."""
    scene = Scene()
    assert follow(scene, (0, 100, 50), (1, 400, 54)) == [1, 2]
    for n in range(1, 31):
        left, right = (0, 100 + 10 * n, 50), (1, 400 - 10 * n, 54)
        covered = abs(left[1] - right[1]) < 20 * hidden / 2
        assert scene.see(*([left] if covered else [left, right])) == ([1] if covered else [1, 2])


def test_people_who_turn_back_behind_each_other_keep_their_tracks() -> None:
    """They meet, one face is covered, and both go back where they came from: motion alone would swap them."""
    scene = Scene()
    follow(scene, (0, 100, 50), (1, 300, 50))
    for n in [*range(9), *range(9, 0, -1)]:
        left, right = (0, 100 + 10 * n, 50), (1, 300 - 10 * n, 50)
        covered = n >= 7
        assert scene.see(*([left] if covered else [left, right])) == ([1] if covered else [1, 2])


def test_a_cut_carries_no_track_to_another_person() -> None:
    scene = Scene()
    follow(scene, (0, 100, 50), (1, 300, 50))
    assert scene.see((2, 100, 50), (0, 300, 50), cut=True) == [3, 1]
    assert scene.see((2, 102, 50), (0, 302, 50)) == [3, 1]


def test_a_cut_that_was_missed_is_noticed_by_the_look_of_the_face() -> None:
    scene = Scene()
    follow(scene, (0, 100, 50))
    assert scene.see((1, 102, 51)) == [2]


def test_a_face_that_only_turned_goes_on() -> None:
    scene = Scene()
    follow(scene, (0, 100, 50))
    assert scene.see((0, 102, 51), look=7) == [1]
    assert scene.embedded == 2  # the face, and what the track had kept


def test_without_measured_distances_a_doubtful_track_is_a_new_one() -> None:
    scene = Scene(limits=None)
    follow(scene, (0, 100, 50))
    assert scene.see((0, 100, 50), cut=True) == [2]


def test_without_measured_distances_a_face_where_another_was_lost_is_one_new_track() -> None:
    scene = Scene(limits=None)
    follow(scene, (0, 100, 50))
    hide(scene)
    assert [scene.see((0, 100 + n, 50)) for n in range(4)] == [[2]] * 4
    assert [track.confirmed for track in scene.tracker.tracks if track.number == 2] == [True]


def test_without_measured_distances_a_face_that_looks_different_is_one_new_track() -> None:
    scene = Scene(limits=None)
    follow(scene, (0, 100, 50))
    assert [scene.see((0, 100, 50), look=7) for _ in range(6)] == [[2]] * 6


def test_without_measured_distances_people_side_by_side_keep_their_tracks() -> None:
    scene = Scene(limits=None)
    assert [scene.see((0, 100, 50), (1, 165, 50)) for _ in range(5)] == [[1, 2]] * 5


def test_a_single_detection_is_no_track() -> None:
    scene = Scene()
    scene.see((0, 100, 50), (1, 500, 50))
    for _ in range(6):
        scene.see((0, 100, 50))
    assert [track.number for track in scene.tracker.tracks] == [1]
    assert scene.ended == []
    assert scene.tracker.end_all()[0].confirmed


def test_a_fast_face_is_one_track_though_its_boxes_do_not_overlap() -> None:
    scene = Scene()
    assert [scene.see((0, 20 + 65 * n, 50)) for n in range(6)] == [[1]] * 6
    assert scene.embedded == 0


def test_a_face_of_another_size_in_the_same_place_is_another_track() -> None:
    scene = Scene()
    scene.see((0, 100, 50), side=30)
    assert scene.see((0, 90, 40), side=90) == [2]


def test_an_assignment_has_the_least_total_cost_of_allowed_pairs() -> None:
    costs = np.array([[1.0, 2.0], [2.0, 9.0]])
    assert assign(costs, np.ones((2, 2), bool)) == [(0, 1), (1, 0)]
    assert assign(costs, np.array([[True, False], [True, False]])) == [(0, 0)]
    assert assign(costs, np.zeros((2, 2), bool)) == []
    assert contested(np.array([[True, True], [False, False], [False, True]])).tolist() == [
        [True, True],
        [False, False],
        [False, True],
    ]
