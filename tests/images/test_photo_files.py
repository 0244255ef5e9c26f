"""Which files of a folder are photos: one rule, whoever asks."""

from __future__ import annotations

import io
import os
import re
import shutil
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from visavis.errors import UsageError
from visavis.images import photo_files
from visavis.images.photo_files import UnlistedFolder, by_folder, each_photo, is_excluded, is_single, photos_in, walk


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode("utf-8", "surrogateescape"))


def names_in(folder: Path, **options: object) -> list[str]:
    return [str(Path(path).relative_to(folder)) for path in photos_in(folder, **options)]  # type: ignore[arg-type]


LITTER = [
    "@eaDir/a.jpg/SYNOPHOTO_THUMB_XL.jpg", "#recycle/old.jpg", "#snapshot/old.jpg", "@tmp/a.jpg",
    "SYNOPHOTO_THUMB_M.jpg", ".@__thumb/s800a.jpg", "@Recycle/a.jpg", "@Recently-Snapshot/a.jpg",
    "$RECYCLE.BIN/S-1-5/$R0.jpg", "$Recycle.bin/a.jpg", "RECYCLER/a.jpg", "System Volume Information/a.jpg",
    "FOUND.000/a.jpg", "Thumbs.db", "Thumbs.db:encryptable", "ehthumbs.db", "desktop.ini", "__MACOSX/._a.jpg",
    "._a.jpg", ".DS_Store", ".Trashes/501/a.jpg", ".AppleDouble/a.jpg", ".Spotlight-V100/a.png", "lost+found/a.jpg",
    ".thumbnails/large/a.png", ".Trash-1000/files/a.jpg", "Catalog Previews.lrdata/a.jpg", ".git/a.jpg", ".hidden.jpg",
]  # fmt: skip


@pytest.mark.parametrize("name", LITTER)
def test_litter_and_hidden_files_are_passed_over(tmp_path: Path, name: str) -> None:
    touch(tmp_path, name, "a.jpg", "sub/" + name, "sub/b.jpg")
    assert names_in(tmp_path) == ["a.jpg", "sub/b.jpg"]


@pytest.mark.parametrize("name", ["eaDir/a.jpg", "recycle/a.jpg", "found/a.jpg", "lost and found/a.jpg", "@home/a.jpg"])
def test_folders_with_similar_names_are_no_litter(tmp_path: Path, name: str) -> None:
    touch(tmp_path, name)
    assert names_in(tmp_path) == [name]


def test_what_the_caller_names_is_always_taken(tmp_path: Path) -> None:
    touch(tmp_path, ".private/@eaDir/a.jpg", ".private/scan")
    assert photos_in(tmp_path / ".private" / "@eaDir") == [str(tmp_path / ".private/@eaDir/a.jpg")]
    assert list(each_photo(str(tmp_path / ".private/scan"))) == [str(tmp_path / ".private/scan")]


def test_suffixes_in_any_case_and_photos_before_folders(tmp_path: Path) -> None:
    touch(tmp_path, "b.JPG", "a.Jpeg", "a/z.HEIC", "notes.txt", "jpg", "a.jpg.part", "b.jpg2", "c.jpg/f.gif")
    assert names_in(tmp_path) == ["a.Jpeg", "b.JPG", "a/z.HEIC", "c.jpg/f.gif"]
    assert names_in(tmp_path, recursive=False) == ["a.Jpeg", "b.JPG"]


def test_the_order_does_not_depend_on_the_form_of_unicode(tmp_path: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "\u00e4.jpg")
    touch(tmp_path, "z.jpg", decomposed, "\u00e5.jpg")
    assert [unicodedata.normalize("NFC", name) for name in names_in(tmp_path)] == ["z.jpg", "\u00e4.jpg", "\u00e5.jpg"]


def test_links_are_followed_and_loops_end(tmp_path: Path) -> None:
    top, elsewhere = tmp_path / "top", tmp_path / "elsewhere"
    touch(top, "a/1.jpg", "b/2.jpg")
    touch(elsewhere, "3.jpg", "4.png")
    (top / "a" / "up").symlink_to(top)
    (top / "b" / "self").symlink_to(top / "b")
    (top / "c").symlink_to(elsewhere)
    (top / "d").symlink_to(elsewhere)
    (top / "link.jpg").symlink_to(elsewhere / "4.png")
    (top / "broken.jpg").symlink_to(top / "nowhere.jpg")
    assert names_in(top) == ["broken.jpg", "link.jpg", "a/1.jpg", "b/2.jpg", "c/3.jpg", "c/4.png"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are of POSIX")
def test_a_pipe_is_no_photo(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    assert photos_in(tmp_path) == []


@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        ("b.jpg", ["a.jpg", "sub/deep/c.jpg"]),
        ("*.jpg", []),
        ("sub", ["a.jpg", "b.jpg"]),
        ("./sub/", ["a.jpg", "b.jpg"]),
        ("deep", ["a.jpg", "b.jpg", "sub/b.jpg"]),
        ("sub/b.jpg", ["a.jpg", "b.jpg", "sub/deep/c.jpg"]),
        ("sub/*", ["a.jpg", "b.jpg"]),
        ("B.JPG", ["a.jpg", "b.jpg", "sub/b.jpg", "sub/deep/c.jpg"]),
        ("[ab].*", ["sub/deep/c.jpg"]),
    ],
)
def test_patterns_exclude_names_and_relative_paths(tmp_path: Path, pattern: str, left: list[str]) -> None:
    touch(tmp_path, "a.jpg", "b.jpg", "sub/b.jpg", "sub/deep/c.jpg")
    assert names_in(tmp_path, exclude=[pattern]) == left


def test_patterns_are_compared_in_one_form_of_unicode() -> None:
    assert is_excluded(unicodedata.normalize("NFD", "\u00c4lbum"), ["\u00c4lbum"])


def test_patterns_are_a_list_of_some_text(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"write \['thumbs'\]"):
        photos_in(tmp_path, exclude="thumbs")
    with pytest.raises(UsageError, match="is empty"):
        photos_in(tmp_path, exclude=["/"])


def test_a_folder_that_vanishes_is_told_of(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "b/1.jpg", "c/2.jpg")
    found = walk(tmp_path)
    assert next(found) == str(tmp_path / "a.jpg")
    shutil.rmtree(tmp_path / "b")
    unlisted = UnlistedFolder(str(tmp_path / "b"), "missing", "No such file or directory")
    assert list(found) == [unlisted, str(tmp_path / "c" / "2.jpg")]
    assert unlisted.message == f"the folder '{tmp_path / 'b'}' cannot be listed: No such file or directory."


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be listed"):
        photos_in(tmp_path / "nowhere")


def test_folders_of_people(tmp_path: Path) -> None:
    touch(tmp_path, "Bob/1.jpg", "Ann/1.jpg", "Ann/2019/2.jpg", "@eaDir/x.jpg", "loose.jpg", "Empty/notes.txt")
    flat = [(folder.name, [Path(photo).name for photo in photos]) for folder, photos, _ in by_folder(tmp_path)]
    assert flat == [("Ann", ["1.jpg"]), ("Bob", ["1.jpg"]), ("Empty", [])]
    deep = by_folder(tmp_path, recursive=True, exclude=["Bob", "Ann/1.jpg"])
    assert [(folder.name, photos) for folder, photos, _ in deep] == [
        ("Ann", [str(tmp_path / "Ann/2019/2.jpg")]),
        ("Empty", []),
    ]


@pytest.mark.parametrize(
    "photo",
    [
        "a.jpg", Path("a.jpg"), b"\xff\xd8", bytearray(b"x"), memoryview(b"x"), io.BytesIO(b"x"),
        np.zeros((4, 5, 3), np.uint8), np.zeros((4, 5), np.uint8), Image.new("RGB", (4, 5)),
    ],
    ids=lambda photo: type(photo).__name__,
)  # fmt: skip
def test_one_photo_stands_for_itself(photo: object) -> None:
    assert is_single(photo)
    (only,) = each_photo(photo)
    assert only is photo


def test_many_photos_are_gone_through_and_folders_listed(tmp_path: Path) -> None:
    touch(tmp_path, "a/1.jpg", "a/@eaDir/x.jpg", "b.jpg")
    (tmp_path / "none").mkdir()
    pictures = np.zeros((2, 4, 5, 3), np.uint8)
    assert len(list(each_photo(pictures))) == 2
    found = list(each_photo([tmp_path / "a", str(tmp_path / "b.jpg"), tmp_path / "none", "-", ""]))
    assert found == [
        str(tmp_path / "a/1.jpg"),
        str(tmp_path / "b.jpg"),
        UnlistedFolder(str(tmp_path / "none"), "empty"),
        "-",
        "",
    ]
    assert found[2].message == f"the folder '{tmp_path / 'none'}' holds no photo."


@pytest.mark.parametrize("nonsense", [None, 5, 1.5, object()])
def test_what_is_no_photo_is_one_sentence(nonsense: object) -> None:
    with pytest.raises(UsageError, match="photos are a path"):
        each_photo(nonsense)


LISTING = re.compile(r"\bos\.(walk|listdir|scandir)\(|\.(r?glob|iterdir|walk)\(")
OTHER_FOLDERS = {
    "atomic.py": "unfinished files",
    "bulk/indexing.py": "calls the walk of bulk/sources.py",
    "bulk/remote_photos.py": "photos behind URLs, by this rule",
    "bulk/sources.py": "calls the walks of this rule and of bulk/remote_photos.py",
    "compat/face_recognition/_command.py": "photos as the original lists them",
    "converted.py": "files of the cache",
    "embedding_cache/crop_folders.py": "files of the cache",
    "embedding_cache/stored_files.py": "files of the cache",
    "embedding_cache/model_key.py": "the source of the package",
    "embedding_cache/photo_cache.py": "files of the cache",
    "evaluate/liveness.py": "a folder for each kind of attack",
    "evaluate/verification.py": "where LFW's archives were unpacked",
    "gallery/archive.py": "whether a folder is empty",
    "cli/train/classifier.py": "whether a folder is empty",
    "images/photo_files.py": "this rule",
    "server/backup.py": "the files of an export",
    "server/pages/catalogs.py": "files of the pages, in the package",
    "server/pages/static_files.py": "files of the pages, in the package",
    "train/run_folder.py": "whether a folder is empty",
    "videos/_local_camera.py": "devices of the system",
    "weights/download.py": "unfinished downloads",
    "videos/unfinished.py": "what killed runs left of a film",
    "weights/search_paths.py": "weight files of other libraries",
    "weights/user_models.py": "imported models",
}
"""The modules that list folders, and for what."""


def test_no_other_module_decides_what_a_photo_is() -> None:
    package = Path(photo_files.__file__).parent.parent
    texts = {path.relative_to(package).as_posix(): path.read_text(encoding="utf-8") for path in package.rglob("*.py")}
    assert {name for name, text in texts.items() if LISTING.search(text)} == OTHER_FOLDERS.keys()
    assert [name for name, text in texts.items() if "PHOTO_ENDINGS" in text] == ["images/photo_files.py"]
    benchmarks = Path(__file__).parents[2] / "benchmarks"
    assert [path.name for path in benchmarks.glob("*.py") if re.search(r"glob\(\"[^\"]*jpg", path.read_text())] == []
