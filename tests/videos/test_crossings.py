"""Made-up crossings and occlusions: each track shows one person, and each person has one track.

The short test gives the faces of the truth to the tracker, with embeddings and looks that are drawn at random. The long
one shows photos of LFW to the detector and the embedder.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from example_counts import LONG
from visavis.compare import unit
from visavis.evaluate.data.made_up_video import Look, Scene, make_crossings
from visavis.evaluate.data.video_truth import Presence
from visavis.evaluate.track_people import SeenFace
from visavis.evaluate.video import TrackNames
from visavis.evaluate.watched_video import WatchedVideo, join_videos, measure_watched, watch
from visavis.images import read
from visavis.pipeline import Recognizer
from visavis.types import Face, Floats, Quality
from visavis.videos.recognize import VideoRecognizer
from visavis.videos.track import DetectedFace, Track, TrackLimits
from visavis.videos.tracker import Tracker
from visavis.videos.types import Frame, SourceCounts

pytest.importorskip("scipy")

LIMITS = TrackLimits(same=0.69, rejoined=0.57, hidden=0.78)
"""Those of sface."""
PHOTOS, FRAMES_APART = 3, 4
GOOD = Quality(*[0.9] * 11)
LANDMARKS = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]], np.float32)


class DrawnFaces:
    """Draws faces: photos of one person are 0.45 apart on average, those of two 1; no photo looks like another."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._people: dict[str, Floats] = {}
        self._photos: dict[tuple[str, int], tuple[Floats, Floats]] = {}
        self._embeddings: dict[DetectedFace, Floats] = {}

    def draw(self, row: Presence, photo: int) -> DetectedFace:
        """Return a face of the truth with a box of a detector's accuracy."""
        person = self._people.setdefault(row.person, self._direction(128))
        mixed = np.sqrt(0.55) * person + np.sqrt(0.45) * self._direction(128)
        whole, looks = self._photos.setdefault((row.person, photo), (unit(mixed[None])[0], self._direction(144)))
        box = np.array(row.box, np.float32)
        sides = np.tile(box[2:] - box[:2], 2)
        box += 0.03 * sides * self._rng.normal(size=4).astype(np.float32)
        look = unit((looks + 0.3 * self._direction(144))[None])[0]
        face = DetectedFace(Face(box, 0.99, box[:2] + sides[:2] * LANDMARKS), GOOD, look)
        self._embeddings[face] = unit((whole + 0.15 * self._direction(128))[None])[0]
        return face

    def embed(self, faces: Sequence[DetectedFace]) -> None:
        """Set the embeddings of drawn faces."""
        for face in faces:
            face.embedding = self._embeddings[face]

    def _direction(self, length: int) -> Floats:
        return unit(self._rng.normal(size=(1, length)).astype(np.float32))[0]


def follow_truth(scene: Scene) -> WatchedVideo:
    """Track the visible faces of a scene, as if a perfect detector had seen every fourth frame."""
    drawn, tracker = DrawnFaces(scene.seed), Tracker(limits=LIMITS)
    starts = {walker.person: walker.places[0].seconds for walker in scene.walkers}
    rows: dict[float, list[Presence]] = {}
    for row in scene.truth():
        rows.setdefault(row.start, []).append(row)
    shown: list[SeenFace] = []
    ended: list[Track] = []
    times = scene.times()[::FRAMES_APART]
    for seconds in times:
        faces = [drawn.draw(row, int((seconds - starts[row.person]) / 0.4) % PHOTOS) for row in rows.get(seconds, ())]
        update = tracker.update(seconds, faces, drawn.embed)
        ended += update.ended
        for number, track in update.owners.items():
            x1, y1, x2, y2 = faces[number].face.box.tolist()
            shown.append(SeenFace(track.number, seconds, (x1, y1, x2, y2)))
    names = {track.number: TrackNames() for track in [*ended, *tracker.end_all()]}
    of_tracks = tuple(face for face in shown if face.track in names)
    return WatchedVideo(of_tracks, names, tuple(times), len(scene.times()), times[-1])


def test_people_who_cross_or_are_hidden_keep_their_tracks() -> None:
    look = Look(np.zeros((250, 250, 3), np.uint8), np.array([85, 75, 165, 175], np.float32))
    scenes = [make_crossings(dict.fromkeys("ABCD", (look,) * PHOTOS), seed=seed) for seed in range(12)]
    watched, truth = join_videos([(follow_truth(scene), scene.truth()) for scene in scenes])
    result = measure_watched(watched, truth, enrolled=())
    assert sum(scene.count_events() for scene in scenes) >= 120
    assert (result.switches, result.mixed, result.tracks) == (0, 0, 48)
    assert result.purity.part == result.purity.whole >= 950
    assert result.coverage.rate is not None
    assert result.coverage.rate >= 0.97


class SceneFrames:
    """A scene as a source of video, without an encoder between."""

    name, live, rate, duration = "scene", False, 25.0, 7.0

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def __iter__(self) -> Iterator[Frame]:
        for number, (seconds, pixels) in enumerate(zip(self._scene.times(), self._scene.frames(), strict=True)):
            yield Frame(pixels, seconds, number, self.name)

    def counts(self) -> SourceCounts:
        """Nothing is dropped."""
        return SourceCounts()

    def close(self) -> None:
        """Nothing is open."""


def read_looks(folder: Path, recognizer: Recognizer) -> tuple[Look, ...]:
    """Return up to five photos of a person, with the box of the face; photos with a second face are left out."""
    looks = []
    for path in sorted(folder.iterdir()):
        pixels = read(str(path)).pixels
        faces = recognizer.detector.detect([pixels])[0] if len(looks) < 5 else []
        if len(faces) == 1:
            looks.append(Look(pixels, faces[0].box))
    return tuple(looks)


@pytest.mark.slow
@pytest.mark.skipif(not LONG, reason="videos of crossings take minutes: ./check --long")
def test_people_in_photos_who_cross_or_are_hidden_keep_their_tracks(data: Path) -> None:
    """Of people with four photos or more, four at a time, in the order of their names."""
    recognizer = Recognizer(threads=2)
    folders = [folder for folder in sorted((data / "lfw" / "images").iterdir()) if len(list(folder.iterdir())) >= 4]
    videos, events = [], 0
    for seed in range(8):
        people = {folder.name: read_looks(folder, recognizer) for folder in folders[4 * seed : 4 * seed + 4]}
        scene = make_crossings(people, seed=seed)
        videos.append((watch(VideoRecognizer(recognizer).run(SceneFrames(scene))), scene.truth()))
        events += scene.count_events()
    watched, truth = join_videos(videos)
    result = measure_watched(watched, truth, enrolled=())
    assert events >= 80
    assert (result.switches, result.mixed) == (0, 0)
    assert result.purity.part == result.purity.whole >= 600
