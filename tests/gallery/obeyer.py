"""Does to a gallery what its input says, line by line, and answers each: ``python -m gallery.obeyer PATH``.

"add N" enrols person N, "remove N" removes that person, "find N" searches for one of N's faces; the answers
are an id, "done" and the name found (or "nobody").
"""

from __future__ import annotations

import sys

from visavis.gallery import Gallery

from .faces import MODEL, person, say


def obey(gallery: Gallery, deed: str, i: int) -> object:
    name, templates = person(i)
    if deed == "add":
        return gallery.add(name, templates).person_id
    if deed == "remove":
        gallery.remove(gallery.find(name).id)
        return "done"
    hits = gallery.lookalikes(templates[0].vector[None], top=1)[0]
    return hits[0].name if hits and hits[0].distance < 1e-6 else "nobody"


def main() -> None:
    with Gallery(sys.argv[1], model=MODEL) as gallery:
        say("ready")
        for line in sys.stdin:
            deed, i = line.split()
            say(obey(gallery, deed, int(i)))


if __name__ == "__main__":
    main()
