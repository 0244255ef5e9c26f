"""Changes the model of copies of a gallery, each in a fork that is killed one writing statement of SQL later.

``python -m gallery.kill_migration FOLDER GALLERY`` leaves one gallery a fork (001.db, 002.db ...; the last is the one
that was not killed) and prints how many were. Between two writing statements nothing changes on the disk.
"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import sys
from itertools import count
from pathlib import Path

from sqlalchemy import Engine, event

from visavis.gallery import Gallery, _second_embeddings

from .faces import say
from .models import DETECTOR, TINTS

READING = ("SELECT", "PRAGMA", "BEGIN", "ROLLBACK", "--")

_second_embeddings.BLOCK = 2


def act(path: Path, statement: int) -> None:
    numbers = count(1)

    def tick(sql: str) -> None:
        if not sql.lstrip().upper().startswith(READING) and next(numbers) == statement:
            os.kill(os.getpid(), signal.SIGKILL)

    @event.listens_for(Engine, "connect")
    def _(raw: sqlite3.Connection, _record: object) -> None:
        raw.set_trace_callback(tick)

    with Gallery(path, detector=DETECTOR) as gallery:
        if not gallery.migrate(TINTS).switched:
            raise SystemExit("not switched")


def main(folder: Path, filled: Path) -> None:
    folder.mkdir()
    for statement in count(1):
        copy = Path(shutil.copy(filled, folder / f"{statement:03}.db"))
        child = os.fork()
        if child == 0:
            act(copy, statement)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            if os.WEXITSTATUS(status):
                raise SystemExit(f"fork {statement} failed")
            say(statement - 1)
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
