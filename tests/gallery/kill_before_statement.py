"""Does one deed to a gallery, and dies before the N-th statement of it.

``python -m gallery.kill_before_statement URL add|remove N``. The last statement is the COMMIT. Prints "done" where
there were fewer.
"""

from __future__ import annotations

import os
import signal
import sys
from itertools import count

from sqlalchemy import Engine, event

from visavis.gallery import Gallery

from .faces import MODEL, person, say


def main(url: str, deed: str, last: int) -> None:
    seen = count(1)

    def tick(*_: object) -> None:
        if next(seen) == last:
            os.kill(os.getpid(), signal.SIGKILL)

    with Gallery(url, model=MODEL) as gallery:
        event.listen(Engine, "before_cursor_execute", tick)
        event.listen(Engine, "commit", tick)
        if deed == "add":
            gallery.add(*person(1))
        else:
            gallery.remove(gallery.find("person 1").id)
        say("done")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
