"""Accuracy of tracks on made-up videos with known truth: crossings and occlusions, and strangers.

    python benchmarks/video_tracks.py [--scenes 6] [--strangers 1000] [--people 200] [--photos LFW] [--json FILE]

The faces are photos of LFW's view 1, of which each track alternates three or more, 30 to 120 pixels high, with motion
blur and noise, in H.264. People of DevTrain are in the gallery, with a photo that no video shows; the thresholds are
measured on DevTrain too, and the strangers are people of DevTest. Strangers with fewer than three photos are filled up
with mirrored ones and ones of another light: such tracks are also counted apart. Takes 15 minutes.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from _rounds import data_folder, environment

from visavis import compare
from visavis.embedding_cache.photo_cache import EmbeddingCache
from visavis.evaluate.calibrate import FARS, logistic
from visavis.evaluate.data.made_up_video import Look, Scene, make_crossings, make_side_by_side
from visavis.evaluate.data.pairs import read_people
from visavis.evaluate.data.templates import Templates, take
from visavis.evaluate.data.video_truth import Presence
from visavis.evaluate.stats.bootstrap import LEAST
from visavis.evaluate.stats.pair_distances import compare_everybody
from visavis.evaluate.video import CountedRate, VideoResult
from visavis.evaluate.watched_video import WatchedVideo, join_videos, measure_watched, watch
from visavis.gallery import Gallery, Template
from visavis.images import read
from visavis.pipeline import Recognizer
from visavis.types import RGB
from visavis.videos.recognize import VideoOptions, VideoRecognizer
from visavis.videos.source import open_source

LOOKS = 3
"""Photos that a track alternates, at least."""
MOST_LOOKS = 5
SIDE_BY_SIDE = 8
QUALITY = "27"
"""CRF of H.264: about what cameras use."""


@dataclass(frozen=True, slots=True)
class Faces:
    """Templates of all photos, and the rows of each person of DevTrain and DevTest."""

    templates: Templates
    train: dict[str, list[int]]
    test: dict[str, list[int]]


def load_faces(folder: Path, recognizer: Recognizer) -> Faces:
    """Embed the photos of view 1, or take what the cache has of them."""
    photos = read_people(folder / "images")
    with EmbeddingCache(recognizer) as cache:
        templates = take(photos.photos, recognizer, cache=cache)

    def rows_of(file: str) -> dict[str, list[int]]:
        lines = (folder / file).read_text(encoding="utf-8").splitlines()[1:]
        rows: dict[str, list[int]] = {line.split("\t")[0]: [] for line in lines}
        for row, name in enumerate(photos.names):
            if name in rows and templates.has_template[row]:
                rows[name].append(row)
        return {name: numbers for name, numbers in rows.items() if numbers}

    return Faces(templates, rows_of("peopleDevTrain.txt"), rows_of("peopleDevTest.txt"))


def calibrate(faces: Faces) -> compare.Calibration:
    """Measure the thresholds on the people of DevTrain; those for poor photos remain the shipped ones."""
    labeled = [(row, name) for name, numbers in faces.train.items() for row in numbers]
    embeddings = faces.templates.embeddings[[row for row, _ in labeled]]
    people = np.unique([name for _, name in labeled], return_inverse=True)[1]
    roc = compare_everybody(embeddings, np.ones(len(labeled), np.bool_), people).roc
    thresholds = {far: roc.threshold(far) for far in FARS if far * roc.impostors >= LEAST}
    table = {far: threshold for far, threshold in thresholds.items() if threshold is not None}
    shipped = compare.calibration(faces.templates.model)
    poor = None if shipped is None else shipped.poor
    return compare.Calibration(
        faces.templates.model, (*table,), (*table.values(),), *logistic(roc), {"data": "LFW DevTrain"}, poor
    )


def fill_gallery(gallery: Gallery, faces: Faces, people: Sequence[str]) -> None:
    """Enroll the first photo of each person."""
    of = faces.templates
    gallery.add_many(
        (name, [Template(of.embeddings[row], quality=float(of.quality[row]))])
        for name, row in ((name, faces.train[name][0]) for name in people)
    )


def make_looks(faces: Faces, rows: Sequence[int]) -> tuple[Look, ...]:
    """Return up to ``MOST_LOOKS`` photos, with changed copies of them where there are fewer than ``LOOKS``."""
    looks = [Look(read(faces.templates.photos[row]).pixels, faces.templates.boxes[row]) for row in rows[:MOST_LOOKS]]
    changed = [_mirror(look) for look in looks] + [_light(look) for look in looks]
    return (*looks, *changed[: max(LOOKS - len(looks), 0)])


def _mirror(look: Look) -> Look:
    x1, y1, x2, y2 = look.box
    width = look.picture.shape[1]
    return Look(np.ascontiguousarray(look.picture[:, ::-1]), np.array([width - x2, y1, width - x1, y2], np.float32))


def _light(look: Look) -> Look:
    brighter: RGB = np.clip(255 * (look.picture / 255.0) ** 0.7, 0, 255).astype(np.uint8)
    return Look(brighter, look.box)


def encode(scene: Scene, path: Path) -> None:
    """Write a scene as H.264."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=scene.rate, options={"crf": QUALITY, "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = scene.width, scene.height, "yuv420p"
        for pixels in scene.frames():
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))


def watch_scene(scene: Scene, gallery: Gallery, options: VideoOptions) -> tuple[WatchedVideo, tuple[Presence, ...]]:
    """Encode a scene, and recognize the people in it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scene.mp4"
        encode(scene, path)
        watched = watch(VideoRecognizer(gallery.recognizer, gallery, options=options).run(open_source(str(path))))
    return watched, scene.truth()


def measure_scenes(scenes: Iterator[Scene], gallery: Gallery, options: VideoOptions) -> tuple[VideoResult, int]:
    """Measure scenes as one video; also how many crossings and occlusions they had."""
    videos, events = [], 0
    for scene in scenes:
        videos.append(watch_scene(scene, gallery, options))
        events += scene.count_events()
    watched, truth = join_videos(videos)
    return measure_watched(watched, truth, enrolled={person.name for person in gallery}), events


def crossing_scenes(faces: Faces, enrolled: Sequence[str], count: int) -> Iterator[Scene]:
    """Make scenes of people of the gallery, and of as many strangers."""
    with_photos = [name for name in enrolled if len(faces.train[name]) > LOOKS]
    strangers = [name for name, rows in faces.test.items() if len(rows) >= LOOKS]
    for seed in range(count):
        rng = np.random.default_rng([1, seed])
        known = [str(name) for name in rng.permutation(with_photos)[:2]]
        others = [str(name) for name in rng.permutation(strangers)[:2]]
        people = {name: make_looks(faces, faces.train[name][1:]) for name in known}
        people |= {name: make_looks(faces, faces.test[name]) for name in others}
        yield make_crossings(people, seed=seed)


def stranger_scenes(faces: Faces, count: int) -> Iterator[Scene]:
    """Make scenes of strangers side by side: each once, then those of most photos again, with other photos first."""
    names = sorted(faces.test, key=lambda name: (-len(faces.test[name]), name))
    tracks = [(name, 0) for name in names]
    while len(tracks) < count:
        tracks += [(name, tracks.count((name, 0))) for name in names if len(faces.test[name]) >= LOOKS]
    rng = np.random.default_rng(2)
    order = rng.permutation(count)
    for start in range(0, count, SIDE_BY_SIDE):
        people = {}
        for name, _ in (tracks[place] for place in order[start : start + SIDE_BY_SIDE]):
            rows = [int(row) for row in rng.permutation(faces.test[name])]
            people[name] = make_looks(faces, rows)
        yield make_side_by_side(people, seed=start)


def known_scenes(faces: Faces, enrolled: Sequence[str]) -> Iterator[Scene]:
    """Make scenes of the people of the gallery with more photos than ``LOOKS``, side by side."""
    names = [name for name in enrolled if len(faces.train[name]) > LOOKS]
    for start in range(0, len(names), SIDE_BY_SIDE):
        of_scene = names[start : start + SIDE_BY_SIDE]
        yield make_side_by_side({name: make_looks(faces, faces.train[name][1:]) for name in of_scene}, seed=start)


def describe(result: VideoResult) -> dict[str, Any]:
    """Return the figures without those of each person."""
    line = result.to_dict()
    del line["people"]
    return line


def show(title: str, result: VideoResult, **more: object) -> None:
    """Print the figures."""

    def rate(value: CountedRate) -> str:
        ends = "-" if value.interval is None else f"{value.interval[0]:.4f} to {value.interval[1]:.4f}"
        return f"{value.part} of {value.whole}" + ("" if value.rate is None else f" = {value.rate:.4f} ({ends})")

    print(f"\n{title}: {more}")
    print(f"  tracks {result.tracks}, of false faces {result.false_tracks} (named {result.false_tracks_named})")
    print(f"  switches {result.switches} (up to {result.switches_interval[1]:.2f} expected), mixed {result.mixed}")
    for name in ("purity", "coverage", "identified", "misnamed", "false_alarms"):
        print(f"  {name} {rate(getattr(result, name))}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--scenes", type=int, default=6, help="scenes of crossings, of twelve each (default 6)")
    parser.add_argument("--strangers", type=int, default=1000, help="tracks of strangers (default 1000)")
    parser.add_argument("--people", type=int, default=200, help="people in the gallery (default 200)")
    parser.add_argument("--threads", type=int, default=2, help="threads of the networks (default 2)")
    parser.add_argument("--photos", type=Path, help="folder of LFW's view 1 (default: that of the test data)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    chosen = parser.parse_args()
    recognizer = Recognizer(threads=chosen.threads)
    faces = load_faces(chosen.photos or data_folder() / "lfw", recognizer)
    enrolled = sorted(faces.train, key=lambda name: (-len(faces.train[name]), name))[: chosen.people]
    options, figures = VideoOptions(), {}
    with tempfile.TemporaryDirectory() as folder:
        gallery = Gallery(f"sqlite:///{Path(folder) / 'faces.db'}", recognizer=recognizer)
        gallery.calibrate(calibrate(faces))
        fill_gallery(gallery, faces, enrolled)
        for name, scenes in (
            ("crossings", crossing_scenes(faces, enrolled, chosen.scenes)),
            ("known", known_scenes(faces, enrolled) if chosen.strangers else iter(())),
            ("strangers", stranger_scenes(faces, chosen.strangers)),
        ):
            before = time.process_time()
            result, events = measure_scenes(scenes, gallery, options)
            seconds = time.process_time() - before
            show(name, result, events=events, cpu_seconds=round(seconds))
            figures[name] = {"events": events, **describe(result), "cpu_seconds": seconds}
        gallery.close()
    if chosen.json:
        chosen.json.write_text(json.dumps({"environment": environment(), **figures}, indent=1) + "\n")


if __name__ == "__main__":
    main()
