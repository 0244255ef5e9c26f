"""Does to a gallery what its input says, line by line, and answers each: ``python -m gallery.gallery_process PATH``.

"add N" enrolls person N, "remove N" removes that person, "find N" searches for one of N's faces; the answers
are an id, "done" and the name found (or "nobody"). "rename N" calls person N "renamed N", "merge N" gives the templates
of person N to the person of id 1, "move N" gives that person template N; "calibrate N" sets a table of thresholds of
which the first is N / 100.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from visavis.compare import Calibration
from visavis.gallery import Gallery

from .faces import MODEL, person, say

CHANGES: dict[str, Callable[[Gallery, int], object]] = {
    "rename": lambda gallery, i: gallery.rename(f"person {i}", f"renamed {i}"),
    "merge": lambda gallery, i: gallery.merge(f"person {i}", into=1),
    "move": lambda gallery, i: gallery.move([i], 1),
    "calibrate": lambda gallery, i: gallery.calibrate(Calibration(MODEL, (0.1, 0.001), (i / 100, 0.1), -20.0, 8.0)),
}


def obey(gallery: Gallery, deed: str, i: int) -> object:
    name, templates = person(i)
    if deed == "add":
        return gallery.add(name, templates).person_id
    if deed == "remove":
        gallery.remove(gallery.find(name).id)
        return "done"
    if deed in CHANGES:
        CHANGES[deed](gallery, i)
        return "done"
    hits = gallery.lookalikes(templates[0].embedding[None], top=1)[0]
    return hits[0].name if hits and hits[0].distance < 1e-6 else "nobody"


def main() -> None:
    with Gallery(sys.argv[1], model=MODEL) as gallery:
        say("ready")
        for line in sys.stdin:
            deed, i = line.split()
            say(obey(gallery, deed, int(i)))


if __name__ == "__main__":
    main()
