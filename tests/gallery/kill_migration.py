"""Changes the model of a gallery over and over, each time in a fork that is killed one SQL statement later.

``python -m gallery.kill_migration FOLDER RED DARK BLUE PALE`` leaves one gallery a fork (001.db, 002.db ...; the
last is the one that was not killed) and prints how many were.
"""

from __future__ import annotations

import os
import sys
from itertools import count
from pathlib import Path

from visavis.gallery import Gallery, _second_embeddings

from .faces import say
from .kill_at_each_statement import die_at
from .models import DETECTOR, MODEL, TINTS

_second_embeddings.BLOCK = 2


def act(path: Path, photos: list[str], statement: int) -> None:
    with Gallery(path, model=MODEL, detector=DETECTOR) as gallery:
        gallery.enroll("Ann", photos[:2])
        gallery.enroll("Ben", photos[2:])
    with Gallery(path, detector=DETECTOR) as gallery:
        die_at(statement)
        gallery.opened.database._engine.dispose()  # connections made from now on are watched
        if not gallery.migrate(TINTS).switched:
            raise SystemExit("not switched")


def main(folder: Path, photos: list[str]) -> None:
    folder.mkdir()
    for statement in count(1):
        child = os.fork()
        if child == 0:
            act(folder / f"{statement:03}.db", photos, statement)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            if os.WEXITSTATUS(status):
                raise SystemExit(f"fork {statement} failed")
            say(statement - 1)
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
