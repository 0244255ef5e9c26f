"""Changes the model of copies of a gallery, each in a fork that is killed one writing statement of SQL later.

``python -m gallery.kill_migration FOLDER GALLERY`` leaves one gallery a fork (001.db, 002.db ...; the last is the one
that was not killed) and prints how many were. Between two writing statements nothing changes on the disk.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from visavis.gallery import Gallery, _second_embeddings

from .kill_at_each_statement import die_at, kill_forks
from .models import DETECTOR, TINTS

READING = ("SELECT", "PRAGMA", "BEGIN", "ROLLBACK", "--")

_second_embeddings.BLOCK = 2


def act(filled: Path, path: Path, statement: int) -> None:
    shutil.copy(filled, path)
    die_at(statement, ignored=READING)
    with Gallery(path, detector=DETECTOR) as gallery:
        if not gallery.migrate(TINTS).switched:
            raise SystemExit("not switched")


def main(folder: Path, filled: Path) -> None:
    folder.mkdir()
    kill_forks(lambda statement: act(filled, folder / f"{statement:03}.db", statement))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
