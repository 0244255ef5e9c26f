"""A backup in the place of a gallery: no wrong name, no id given twice, and what was replaced or deleted is noticed."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from visavis.errors import GalleryError, UsageError
from visavis.gallery import Gallery
from visavis.gallery.sql.id_mark import IdMark

from .faces import MODEL, environment, in_a_file, person
from .test_opening import filled, sql
from .test_two_processes import tell


def copy_database(source: Path, target: Path) -> None:
    """Copy a gallery that is open, by SQLite, which replaces the content of the target."""
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


def name_of(gallery: Gallery, i: int) -> str:
    """Return the name that the first face of person ``i`` gets, or nothing."""
    candidates = gallery.lookalikes(person(i)[1][0].embedding[None], top=1)[0]
    return str(candidates[0].name) if candidates and candidates[0].distance < 1e-6 else ""


@in_a_file
def test_changes_of_the_same_number_after_a_restore_give_no_wrong_name(
    gallery: Gallery, path: Path, other: subprocess.Popen[str]
) -> None:
    """The index in memory contains change 2 of before; another process makes another change 2, and more."""
    backup = path.with_name("backup.db")
    gallery.add(*person(1))
    copy_database(path, backup)
    given = set(gallery.add(*person(2)).added)
    assert name_of(gallery, 2) == "person 2"
    for later in ([3], [4, 5, 6]):
        copy_database(backup, path)
        for i in later:
            tell(other, f"add {i}")
        assert name_of(gallery, 2) == ""
        assert [name_of(gallery, i) for i in (1, *later)] == [f"person {i}" for i in (1, *later)]
        candidates = gallery.search(person(2)[1][0].embedding[None])[0]
        assert "person 2" not in {candidate.name for candidate in candidates}
        assert {problem.kind for problem in gallery.check()} <= {"doubtful"}
        new = {t.id for one in gallery.people() if one.name != "person 1" for t in one.templates}
        assert not new & given
        given |= new


def test_ids_follow_one_another_and_begin_with_the_time_where_others_may_have_given_some(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(IdMark, "read", lambda self, key: None)  # as in a folder without extended attributes
    with Gallery(path, model=MODEL) as gallery:
        assert gallery.add(*person(1)).added == (1, 2, 3)
        with pytest.raises(UsageError):
            gallery.merge("person 1", into="person 1")  # nothing is committed
        assert gallery.add(*person(2)).added == (4, 5, 6)
    with Gallery(path) as gallery:
        first, *rest = gallery.add(*person(3)).added
        assert 6 < first < 2**53  # JSON's numbers
        assert rest == [first + 1, first + 2]
        assert gallery.add(*person(4)).added[0] == first + 3


@pytest.mark.parametrize("restore", [shutil.copy, shutil.copy2, shutil.move])
def test_no_id_is_given_twice_by_a_process_that_sees_only_the_backup(
    path: Path, restore: Callable[[Path, Path], object]
) -> None:
    """By content in the same file, with its attributes, and by another file."""
    backup = path.with_name("backup.db")
    filled(path)
    given: set[int] = set()
    for i in range(10, 14):
        shutil.copy2(path, backup)
        with Gallery(path) as gallery:
            added = gallery.add(*person(i)).added
        assert not given & set(added)
        given |= set(added)
        restore(backup, path)


def test_an_import_gives_no_id_that_was_given_after_the_export(path: Path, tmp_path: Path) -> None:
    with Gallery(path, model=MODEL) as gallery:
        gallery.add(*person(1))
        gallery.export(tmp_path / "out")
        given = gallery.add(*person(2)).added
    with Gallery(tmp_path / "new.db", model=MODEL) as new:
        new.import_from(tmp_path / "out")
        assert not set(new.add(*person(3)).added) & set(given)


def replace(path: Path) -> None:
    backup = path.with_name("backup.db")
    shutil.copy(path, backup)
    backup.replace(path)


USES: dict[str, Callable[[Gallery], object]] = {
    "search": lambda gallery: gallery.search(person(1)[1][0].embedding[None]),
    "people": lambda gallery: gallery.people(),
    "add": lambda gallery: gallery.add(*person(8)),
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize(("deed", "what"), [(replace, "replaced by another file"), (Path.unlink, "deleted")])
def test_a_file_replaced_or_deleted_while_open_is_noticed(
    path: Path, deed: Callable[[Path], None], what: str, use: str
) -> None:
    filled(path)
    with Gallery(path) as gallery:
        gallery.search(person(1)[1][0].embedding[None])  # the next search asks only for the last change
        deed(path)
        for _ in range(2):
            with pytest.raises(GalleryError, match=rf"faces\.db was {what} while it was open.* Open the gallery again"):
                USES[use](gallery)
    assert path.exists() == (deed is replace)
    if deed is replace:
        with Gallery(path) as gallery:
            assert name_of(gallery, 2) == "person 2"


def test_a_file_replaced_during_an_enrollment_is_not_acknowledged(path: Path) -> None:
    filled(path)

    def add(gallery: Gallery) -> None:
        with gallery.opened.database.write() as conn:
            gallery.opened.log(conn, "test", None)
            replace(path)

    with Gallery(path) as gallery, pytest.raises(GalleryError, match="replaced by another file"):
        add(gallery)


REPLACED = """
import shutil, sys
from pathlib import Path
from gallery.faces import MODEL, person
from visavis.gallery import Gallery
path = Path(sys.argv[1])
with Gallery(path, model=MODEL) as old:
    old.add(*person(1))
    shutil.copy(path, path.with_name("copy.db"))
    path.with_name("copy.db").replace(path)
    with Gallery(path, model=MODEL) as new:
        new.add(*person(2))
        try:
            old.people()
        except Exception as error:
            print(type(error).__name__)
        del old
        new.add(*person(3))
        print(sorted(file.name for file in path.parent.iterdir() if file.name.startswith("faces")))
"""


def test_the_log_of_the_new_file_stays_when_the_old_one_is_given_up(path: Path) -> None:
    filled(path)
    done = subprocess.run(
        [sys.executable, "-c", REPLACED, path], env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout.split("\n")[:2] == ["GalleryError", "['faces.db', 'faces.db-shm', 'faces.db-wal']"]


def test_a_number_that_leaves_no_room_for_another_is_an_error(path: Path) -> None:
    filled(path)
    sql(path, f"update templates set id = {2**63 - 1} where id = 9")
    with Gallery(path) as gallery, pytest.raises(GalleryError, match="is not a possible id"):
        gallery.add(*person(8))
    sql(path, f"update meta set change = {2**36}")
    with Gallery(path) as gallery, pytest.raises(GalleryError, match="is not a possible number"):
        gallery.add(*person(8))
