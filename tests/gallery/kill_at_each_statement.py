"""Does one deed over and over, each time in a fork that kills itself one SQL statement later than the last.

``python -m gallery.kill_at_each_statement FOLDER create|add|remove`` leaves one gallery a fork (001.db, 002.db ...;
the last is the one that came to its end) and prints how many died.
"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

from sqlalchemy import Engine, event

from visavis.gallery import Gallery

from .faces import MODEL, person, say


def die_at(statement: int, *, ignored: tuple[str, ...] = ()) -> None:
    """Kill this process when SQLite is about to run its ``statement``-th statement from now on.

    Statements that begin with one of ``ignored`` do not count.
    """
    numbers = count(1)

    def tick(sql: str) -> None:
        if not sql.lstrip().upper().startswith(ignored) and next(numbers) == statement:
            os.kill(os.getpid(), signal.SIGKILL)

    @event.listens_for(Engine, "connect")
    def _(raw: sqlite3.Connection, _record: object) -> None:
        raw.set_trace_callback(tick)


def act(path: Path, deed: str, statement: int, *, before: Path) -> None:
    if deed == "create":
        die_at(statement)
    else:
        shutil.copyfile(before, path)
    with Gallery(path, model=MODEL) as gallery:
        if deed != "create":
            die_at(statement)
            gallery.opened.database._engine.dispose()  # connections made from now on are watched
        if deed == "add":
            gallery.add(*person(1))
        if deed == "remove":
            gallery.remove(gallery.find("person 1").id)


def kill_forks(act: Callable[[int], None]) -> None:
    """Call ``act`` with 1, 2, 3 ... in a fork each, until one is not killed; print how many were."""
    for statement in count(1):
        child = os.fork()
        if child == 0:
            act(statement)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            if os.WEXITSTATUS(status):
                raise SystemExit(f"fork {statement} failed")
            say(statement - 1)
            return


def main(folder: Path, deed: str) -> None:
    before = folder / "before"
    with Gallery(before, model=MODEL) as gallery:
        for i in range(1 if deed == "add" else 2):
            gallery.add(*person(i))
    kill_forks(lambda statement: act(folder / f"{statement:03}.db", deed, statement, before=before))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
