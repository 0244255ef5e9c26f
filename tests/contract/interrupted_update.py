"""Opens a gallery and brings its index up to date, with something going wrong in the middle.

``python -m contract.interrupted_update PATH INDEX dies|waits N``: at the ``N``-th block of templates the process kills
itself, or says "waiting" and waits for a line of input before it goes on. Says "opened" before all this, "ready" when
it is done.
"""

from __future__ import annotations

import os
import signal
import sys
from itertools import count

from gallery.faces import MODEL, embedding, say
from visavis.gallery import Gallery
from visavis.gallery.index import INDEXES, Ids, Index
from visavis.gallery.sql import records
from visavis.types import Floats

READ_ROWS = 4


def main(path: str, spec: str, mode: str, block: int) -> None:
    records.READ_ROWS = READ_ROWS
    factory = INDEXES.factory(spec.partition(":")[0])
    add, seen = factory.add, count(1)  # type: ignore[attr-defined]

    def watched(index: Index, ids: Ids, people: Ids, embeddings: Floats) -> None:
        if next(seen) == block:
            if mode == "dies":
                add(index, ids[:1], people[:1], embeddings[:1])
                os.kill(os.getpid(), signal.SIGKILL)
            say("waiting")
            sys.stdin.readline()
        add(index, ids, people, embeddings)

    factory.add = watched  # type: ignore[attr-defined]
    with Gallery(path, model=MODEL, index=spec) as gallery:
        say("opened")
        gallery.search(embedding(0)[None])
        say("ready")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
