"""False clusters in albums full of strangers: a few people with several photos each, and many with one.

    python benchmarks/album.py FOLDER [--people 14] [--strangers 120] [--albums 24] [--seed 1000] [--far RATE]

FOLDER holds a folder a person, as LFW does. Each album is drawn by a seed of its own: people with five photos or more
(twenty at most are taken), and strangers with one photo each. All faces of all photos take part. A cluster of two faces
or more is false if it holds faces of two people; faces in the background, of whom nothing is known, count as a person
each, and the second figure leaves them out. A person is lost without a cluster that holds half of their photos (two at
least) and is mostly theirs. What was found in the photos is kept in the cache for the next run.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from _pages import markdown_of, write_blocks
from _rounds import environment, report, table
from numpy.typing import NDArray

from visavis.clustering import cluster_faces
from visavis.clustering.faces import gather_faces, select_rows
from visavis.clustering.types import Faces
from visavis.defaults import EMBEDDER
from visavis.embedding_cache.photo_cache import EmbeddingCache
from visavis.evaluate.data.templates import every_face, subject
from visavis.images import read
from visavis.images.photo_files import photos_in
from visavis.pipeline import Recognizer
from visavis.types import Face

LEAST, MOST = 5, 20
"""Photos of a person of an album."""


def main() -> None:
    """Draw albums, cluster each, and print mean and worst."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--people", type=int, default=14)
    parser.add_argument("--strangers", type=int, default=120)
    parser.add_argument("--albums", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1000, help="of the first album; the others follow")
    parser.add_argument("--far", type=float, help="a fixed rate in place of the default rule")
    parser.add_argument("--model", default=EMBEDDER)
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="renew the table between the marks of a page")
    chosen = parser.parse_args()
    before = environment()
    collection = Collection.of(chosen.folder, Recognizer(embedder=chosen.model))
    results = [
        judge(collection, album(collection, chosen.people, chosen.strangers, seed), chosen.far, chosen.model)
        for seed in range(chosen.seed, chosen.seed + chosen.albums)
    ]
    columns = ("", "clusters", "false", "false, background left out", "people lost")
    values = np.array([[each.clusters, each.false, each.false_known, len(each.lost)] for each in results])
    rows = [
        ["mean", *(f"{value:.2f}" for value in values.mean(axis=0))],
        ["worst", *(str(value) for value in values.max(axis=0))],
    ]
    about = {**before, "albums": f"{chosen.albums} from seed {chosen.seed}", "photos": len(collection.photos)}
    figures = {"albums": [list(map(int, value)) for value in values], "lost": [each.lost for each in results]}
    title = f"Albums of {chosen.people} people and {chosen.strangers} strangers"
    summary = table(title, columns, rows)
    report([summary], about, chosen.json, figures)
    if chosen.write:
        write_blocks(chosen.write, {"album": markdown_of(summary)})


@dataclass(frozen=True, slots=True, eq=False)
class Collection:
    """All faces of a folder of people, the rows of each photo, the photos of each person, and whose each face is.

    ``people`` holds a name a face, that of its photo's folder; ``subjects (n,)`` marks the face a photo is about.
    """

    faces: Faces
    photos: dict[str, list[int]]
    by_person: dict[str, list[str]]
    people: list[str]
    subjects: NDArray[np.bool_]

    @classmethod
    def of(cls, folder: Path, recognizer: Recognizer) -> Collection:
        """Find and embed all faces below a folder."""
        names = sorted(photos_in(folder))
        with EmbeddingCache(recognizer) as cache:
            faces, _ = gather_faces(every_face(names, recognizer, cache=cache))
        photos: dict[str, list[int]] = defaultdict(list)
        for row, name in enumerate(faces.photos):
            photos[name].append(row)
        by_person: dict[str, list[str]] = defaultdict(list)
        for name in photos:
            by_person[Path(name).parent.name].append(name)
        subjects = np.zeros(len(faces), np.bool_)
        for name, rows in photos.items():
            subjects[rows[_subject(faces, name, rows)]] = True
        return cls(faces, photos, by_person, [Path(name).parent.name for name in faces.photos], subjects)

    def whose(self, row: int) -> str:
        """Name the person of a face; a face in the background is a person of its own."""
        return self.people[row] if self.subjects[row] else f"background {row}"


def _subject(faces: Faces, name: str, rows: Sequence[int]) -> int:
    if len(rows) == 1:
        return 0
    photo = read(Path(name))
    boxes = [Face(faces.boxes[row], 1.0, np.zeros((5, 2), np.float32)) for row in rows]
    return subject(boxes, width=photo.width, height=photo.height)


@dataclass(frozen=True, slots=True)
class Album:
    """The people who have several photos, and the rows of all faces."""

    people: list[str]
    rows: list[int]


def album(collection: Collection, people: int, strangers: int, seed: int) -> Album:
    """Draw an album."""
    random = np.random.default_rng(seed)
    names = sorted(collection.by_person)
    able = [name for name in names if len(collection.by_person[name]) >= LEAST]
    who = [able[place] for place in random.permutation(len(able))[:people]]
    others = [name for name in names if name not in who]
    photos: list[str] = []
    for name in who:
        own = collection.by_person[name]
        photos += [own[place] for place in random.permutation(len(own))[:MOST]]
    for place in random.permutation(len(others))[:strangers]:
        own = collection.by_person[others[place]]
        photos.append(own[random.integers(len(own))])
    return Album(who, sorted(row for photo in photos for row in collection.photos[photo]))


@dataclass(frozen=True, slots=True)
class Result:
    """Clusters of two faces or more, how many are false, with and without faces in the background; who is lost."""

    clusters: int
    false: int
    false_known: int
    lost: list[str]


def judge(collection: Collection, drawn: Album, far: float | None, model: str) -> Result:
    """Cluster an album and hold the clusters against whose faces they are."""
    rows = np.array(drawn.rows)
    answer = cluster_faces(select_rows(collection.faces, rows), far=far, model=model)
    whose = [Counter(collection.whose(row) for row in rows[each.rows].tolist()) for each in answer.clusters]
    several = [people for people in whose if people.total() > 1]
    known = [{name for name in people if not name.startswith("background ")} for people in several]
    sizes = Counter(collection.whose(row) for row in drawn.rows)
    return Result(
        clusters=len(several),
        false=sum(len(people) > 1 for people in several),
        false_known=sum(len(names) > 1 for names in known),
        lost=[name for name in drawn.people if not _is_there(name, sizes[name], several)],
    )


def _is_there(name: str, photos: int, clusters: Sequence[Counter[str]]) -> bool:
    return any(2 * each[name] >= max(photos, 4) and 2 * each[name] > each.total() for each in clusters)


if __name__ == "__main__":
    main()
