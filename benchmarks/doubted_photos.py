"""How often enrollment doubts right photos, and how often wrong ones: python benchmarks/doubted_photos.py FACES.npz...

FACES.npz is what ``visavis embed DIR --out FACES.npz`` writes, where DIR holds a folder a person. Half of the people
are put into a gallery, without one photo each where they have two or more. Each of the other half who has two photos or
more is then enrolled: from the right photos alone; with a photo more of somebody in the gallery; with one of somebody
who is not. Of each photo the largest face counts, as in ``visavis enroll``.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

from visavis.gallery import Gallery, Template

ROUNDS = 20
"""Ways of dealing the people, for sets of few people."""


def people_of(path: Path) -> dict[str, list[Template]]:
    """Return a template of the largest face of each photo, by the name of the photo's folder."""
    faces = np.load(path)
    largest: dict[str, tuple[float, Template]] = {}
    for photo, box, embedding in zip(faces["photo"], faces["box"], faces["embedding"], strict=True):
        area = float((box[2] - box[0]) * (box[3] - box[1]))
        if str(photo) not in largest or area > largest[str(photo)][0]:
            largest[str(photo)] = (area, Template(embedding, photo=str(photo)))
    people: dict[str, list[Template]] = {}
    for photo, (_, template) in sorted(largest.items()):
        people.setdefault(Path(photo).parent.name, []).append(template)
    return people


def measure(people: dict[str, list[Template]], gallery: Gallery, seed: int) -> Counter[str]:
    """Count the photos that are doubted."""
    chance = np.random.default_rng(seed)
    names = chance.permutation(sorted(people)).tolist()
    known, fresh = names[: len(names) // 2], names[len(names) // 2 :]
    gallery.add_many((name, people[name][1:] or people[name]) for name in known)
    held_out = [people[name][0] for name in known if len(people[name]) > 1]
    tested = [name for name in fresh if len(people[name]) > 1]
    counts = Counter({"enrolled": len(tested), "right": sum(len(people[name]) for name in tested)})
    counts["right doubted"] = sum(len(gallery.doubts(name, people[name])) for name in tested)
    for kind, others in (("in the gallery", held_out), ("not in the gallery", None)):
        for name in tested:
            chosen = others or people[chance.choice([other for other in fresh if other != name])]
            wrong = chosen[chance.integers(len(chosen))]
            doubted = {doubt.photo for doubt in gallery.doubts(name, [*people[name], wrong])}
            counts[f"caught of {kind}"] += wrong.photo in doubted
    return counts


def main() -> None:
    """Print the shares for each file."""
    for argument in sys.argv[1:]:
        people, counts = people_of(Path(argument)), Counter[str]()
        rounds = 1 if len(people) > 100 else ROUNDS
        for seed in range(rounds):
            with tempfile.TemporaryDirectory() as folder, Gallery(Path(folder) / "faces.db") as gallery:
                counts += measure(people, gallery, seed)
        enrolled = counts.pop("enrolled")
        right, doubted = counts.pop("right"), counts.pop("right doubted")
        print(f"{Path(argument).name}: {len(people)} people, half of them in the gallery, {rounds} rounds")
        print(f"  right photos doubted: {doubted} of {right} ({doubted / right:.1%})")
        for kind, count in counts.items():
            print(f"  a wrong photo {kind}: {count} of {enrolled} ({count / enrolled:.1%})")


if __name__ == "__main__":
    main()
