"""Exports that somebody has altered: refused before anything is stored, whatever is wrong with them."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from example_counts import LONG
from least_time import measure_least
from visavis.errors import UsageError, VisavisError
from visavis.gallery import Gallery

from .faces import MODEL, person
from .test_changes import indexed


@pytest.fixture
def export(path: Path, tmp_path: Path) -> Path:
    with Gallery(path, model=MODEL) as gallery:
        gallery.add(*person(1), note="staff", consent="yes", metadata={"a": [1, None]})
        gallery.add(*person(2))
        gallery.add_photos([indexed(7)])
        gallery.export(tmp_path / "out")
    return tmp_path / "out"


Content = dict[str, Any]


def put(table: str, column: str, value: object) -> Callable[[Content], None]:
    def change(content: Content) -> None:
        content[table][0][column] = value

    return change


def same_ids(content: Content) -> None:
    content["photos"].append(dict(content["photos"][0], sha256="9" * 64))


WRONG: dict[str, tuple[Callable[[Content], None], str]] = {
    "a long name": (put("people", "name", "A" * 1_000_000), "a name has 1,000,000 characters"),
    "a name with a control": (put("people", "name", "A\x1b[2J"), "a name must be one line"),
    "a name that is a list": (put("people", "name", ["A"]), "a name is not text"),
    "an id that is text": (put("people", "id", "1"), "the id is not a whole number above 0"),
    "a negative id": (put("people", "id", -1), "the id is not a whole number above 0"),
    "an enormous id": (put("people", "id", 2**70), "the id is not a whole number above 0"),
    "an id that is true": (put("people", "id", True), "the id is not a whole number above 0"),
    "a date": (put("people", "consented", "yesterday"), "a day is not like 2026-11-26"),
    "a time": (put("templates", "created", "2026-11-26"), "a time has no offset"),
    "no time": (put("templates", "created", None), "created is empty"),
    "a box": (put("templates", "box", [1, 2]), "a box is not four numbers"),
    "a quality": (put("templates", "quality", "good"), "a quality score is not a number"),
    "metadata": (put("people", "metadata", [1]), "the metadata of a person is not an object"),
    "a status": (put("photos", "status", "maybe"), "the status is not no_face or ok"),
    "two ids": (same_ids, "two photos have the same id"),
    "a model": (lambda content: content.update(model=[1]), "the name of a model is not text"),
    "thresholds": (lambda content: content.update(calibration={"far": 1}), "this is not a calibration table"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_enroll_refuses_import_refuses_before_it_stores(export: Path, tmp_path: Path, what: str) -> None:
    alter, message = WRONG[what]
    file = export / "gallery.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    alter(content)
    file.write_text(json.dumps(content), encoding="utf-8")
    with Gallery(tmp_path / "new.db", model=MODEL) as new:
        with pytest.raises(UsageError, match=message):
            new.import_from(export)
        assert (new.stats().templates, new.stats().change) == (0, 0)


def test_json_that_is_too_deep_is_refused(export: Path, tmp_path: Path) -> None:
    (export / "gallery.json").write_text("[" * 200_000, encoding="utf-8")
    with Gallery(tmp_path / "new.db", model=MODEL) as new, pytest.raises(UsageError, match="no export of a gallery"):
        new.import_from(export)


def write_members(file: Path, members: dict[str, bytes], kind: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(file, "w", kind) as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def array(shape: str, kind: str = "<f4", data: bytes = b"") -> bytes:
    head = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}"
    head += " " * (-(len(head) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head.encode() + data


NO_REJECTIONS = {"rejections.npy": array("(0, 4)")}
ARRAYS = {
    "other members": (
        {"ids.npy": array("(0,)"), "x.npy": array("(0, 4)")},
        "its arrays are not embeddings and ids and rejections",
    ),
    "an enormous shape": (
        {"ids.npy": array("(0,)", "<i8"), "embeddings.npy": array("(1000000000000, 512)"), **NO_REJECTIONS},
        "embeddings.npy is not an array of numbers of its size",
    ),
    "objects": (
        {"ids.npy": array("(0,)", "|O"), "embeddings.npy": array("(0, 4)"), **NO_REJECTIONS},
        "ids.npy is not an array of numb",
    ),
    "a negative shape": (
        {"ids.npy": array("(0,)", "<i8"), "embeddings.npy": array("(-1, 4)"), **NO_REJECTIONS},
        "embeddings.npy is not an array of numbers of its size",
    ),
}


@pytest.mark.parametrize("what", ARRAYS)
def test_arrays_are_looked_at_before_they_are_unpacked(export: Path, tmp_path: Path, what: str) -> None:
    members, message = ARRAYS[what]
    write_members(export / "embeddings.npz", members)
    with Gallery(tmp_path / "new.db", model=MODEL) as new, pytest.raises(UsageError, match=message):
        new.import_from(export)


def test_a_small_file_that_becomes_gigabytes_is_not_unpacked(export: Path, tmp_path: Path) -> None:
    data = array("(15000000, 4)", data=bytes(240_000_000))
    write_members(
        export / "embeddings.npz",
        {"ids.npy": array("(0,)", "<i8"), "embeddings.npy": data, **NO_REJECTIONS},
        zipfile.ZIP_BZIP2,
    )
    assert (export / "embeddings.npz").stat().st_size < 100_000

    def refuse() -> None:
        with Gallery(tmp_path / "new.db", model=MODEL) as new, pytest.raises(UsageError, match="would become 240,000"):
            new.import_from(export)

    assert measure_least(refuse, bar=2) < 2


def test_any_changed_export_is_imported_or_an_error(export: Path, tmp_path: Path) -> None:
    """Never another exception, which would be exit code 70."""
    rng = Random(3)
    files = {file: file.read_bytes() for file in sorted(export.iterdir())}
    with Gallery(tmp_path / "new.db", model=MODEL) as new:
        for _ in range(10_000 if LONG else 150):
            file = rng.choice([*files])
            changed = bytearray(files[file])
            for _ in range(rng.choice((1, 2, 10))):
                place = rng.randrange(len(changed))
                changed[place : place + rng.choice((0, 1, 4))] = rng.choice(
                    (rng.randbytes(1), b"9" * 40, b"null", b"[", b"1e999", b"\\ud800", b'"', b"-1", b"")
                )
            file.write_bytes(changed)
            with suppress(VisavisError):
                new.import_from(export)
                new.remove(*new.people())
            file.write_bytes(files[file])
    np.testing.assert_equal(files, {file: file.read_bytes() for file in files})


HEADERS = (
    "{'a",
    "(",
    "'''",
    "\tx\n  y",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2,8), }}",
    "{'descr': '<i8,(2,', 'fortran_order': False, 'shape': (2, 8)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2L, 8L)}",
)
"""That Python's own parsers stumble over, each in its way; numpy warns of the last."""


@pytest.mark.parametrize("header", HEADERS)
def test_a_header_of_an_array_that_is_none_is_one_sentence(export: Path, tmp_path: Path, header: str) -> None:
    with zipfile.ZipFile(export / "embeddings.npz") as archive:
        ids = archive.read("ids.npy")
    text = header.encode() + b"\n"
    array = b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text + bytes(64)
    with zipfile.ZipFile(export / "embeddings.npz", "w") as archive:
        archive.writestr("ids.npy", ids)
        archive.writestr("embeddings.npy", array)
    with Gallery(tmp_path / "new.db", model=MODEL) as gallery:
        with pytest.raises(UsageError, match="is no export of a gallery that can be read"):
            gallery.import_from(export)
        assert len(gallery) == 0
