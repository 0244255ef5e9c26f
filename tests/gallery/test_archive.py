"""Exports: the same gallery elsewhere, to the bit; and what is refused."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from visavis import compare
from visavis.errors import UsageError
from visavis.gallery import Gallery

from .faces import MODEL, digest, embedding, person, template
from .test_changes import indexed
from .test_opening import TABLE


@pytest.fixture
def filled(gallery: Gallery) -> Gallery:
    gallery.add(*person(1), note="Zoë ✓", consent="yes", consented=date(2026, 1, 2), metadata={"a": [1, None]})
    gallery.add(*person(2))
    gallery.add_photos([indexed(7), indexed(8, faces=0)])
    gallery.set_clusters([7], [3])
    gallery.calibrate(compare.parse_calibration(TABLE))
    gallery.remove(gallery.add("gone", [template(9)]).person_id)
    return gallery


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_an_export_makes_the_same_gallery_and_the_same_export(filled: Gallery, tmp_path: Path) -> None:
    filled.export(tmp_path / "out")
    with Gallery(tmp_path / "new.db", model=MODEL) as new:
        new.import_from(tmp_path / "out")
        assert new.people() == filled.people()
        assert new.calibration == filled.calibration
        assert {problem.kind for problem in new.check()} == {"doubtful"}  # its people's templates are drawn by chance
        assert new.find_indexed([digest(7), digest(8)]) == {digest(7), digest(8)}
        for name in ("ids", "people", "clusters", "embeddings", "boxes", "quality"):
            np.testing.assert_array_equal(getattr(new.faces(), name), getattr(filled.faces(), name))
        assert new.search(embedding(1001)[None]) == filled.search(embedding(1001)[None])
        new.export(tmp_path / "again")
        assert new.add("next", [template(50)]).person_id > max(one.id for one in filled.people())
    assert contents(tmp_path / "out") == contents(tmp_path / "again")


def test_an_export_of_the_first_version_is_read(filled: Gallery, tmp_path: Path) -> None:
    """It had ``vectors`` in ``vectors.npz``."""
    filled.export(tmp_path / "out")
    records, arrays = tmp_path / "out" / "gallery.json", tmp_path / "out" / "embeddings.npz"
    content = json.loads(records.read_text(encoding="utf-8"))
    records.write_text(json.dumps({**content, "version": 1}), encoding="utf-8")
    with np.load(arrays) as held:
        np.savez(tmp_path / "out" / "vectors.npz", ids=held["ids"], vectors=held["embeddings"])
    arrays.unlink()
    with Gallery(tmp_path / "new.db", model=MODEL) as new:
        new.import_from(tmp_path / "out")
        assert new.people() == filled.people()
        assert new.search(embedding(1001)[None]) == filled.search(embedding(1001)[None])


def test_an_empty_gallery_can_go_too(gallery: Gallery, tmp_path: Path) -> None:
    gallery.export(tmp_path / "out")
    with Gallery(tmp_path / "new.db", model=MODEL) as new:
        new.import_from(tmp_path / "out")
        assert (new.people(), new.check()) == ([], [])
        assert new.add(*person(1)).new


def test_what_is_there_is_not_written_over(filled: Gallery, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    filled.export(tmp_path / "out")  # empty: fine
    before = contents(tmp_path / "out")
    with pytest.raises(UsageError, match="there already and not empty"):
        filled.export(tmp_path / "out")
    assert contents(tmp_path / "out") == before
    with pytest.raises(UsageError, match="only an empty gallery takes in an export"):
        filled.import_from(tmp_path / "out")
    with Gallery(tmp_path / "other.db", model="other-model") as other, pytest.raises(UsageError, match="other-model"):
        other.import_from(tmp_path / "out")


VERSIONS = {"a newer version": 4, "a version that is a list": [1]}


def spoilt(content: dict[str, Any], how: str) -> dict[str, Any] | list[int]:
    if how == "a list":
        return [1]
    if how == "another format":
        return {**content, "format": "x"}
    if how in VERSIONS:
        return {**content, "version": VERSIONS[how]}
    if how == "a person too many":
        return {**content, "people": [*content["people"], {**content["people"][0], "id": 77}]}
    if how == "a template too few":
        return {**content, "templates": content["templates"][1:]}
    return {**content, "templates": [{**one, "secret": 1} for one in content["templates"]]}


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("a list", "no export of a gallery"),
        ("another format", "no export of a gallery"),
        ("a newer version", "newer visavis"),
        ("a version that is a list", "newer visavis"),
        ("a person too many", "do not belong together"),
        ("a template too few", "not of the same templates"),
        ("a key too many", "templates of the export are not what they should be"),
    ],
)
def test_a_spoilt_export_changes_nothing(filled: Gallery, tmp_path: Path, how: str, said: str) -> None:
    filled.export(tmp_path / "out")
    file = tmp_path / "out" / "gallery.json"
    file.write_text(json.dumps(spoilt(json.loads(file.read_text(encoding="utf-8")), how)), encoding="utf-8")
    with Gallery(tmp_path / "new.db", model=MODEL) as new:
        with pytest.raises(UsageError, match=said):
            new.import_from(tmp_path / "out")
        assert (new.stats().templates, new.audit()) == (0, [])


@pytest.mark.parametrize("data", [b"", b"no archive", None])
def test_embeddings_that_cannot_be_read_are_told_of(filled: Gallery, tmp_path: Path, data: bytes | None) -> None:
    filled.export(tmp_path / "out")
    file = tmp_path / "out" / "embeddings.npz"
    file.write_bytes(file.read_bytes()[:-40] if data is None else data)
    with Gallery(tmp_path / "new.db", model=MODEL) as new, pytest.raises(UsageError, match="no export of a gallery"):
        new.import_from(tmp_path / "out")
    with pytest.raises(UsageError, match="no export of a gallery"):
        filled.import_from(tmp_path / "nowhere")


def test_embeddings_of_another_length_are_refused(filled: Gallery, tmp_path: Path) -> None:
    filled.export(tmp_path / "out")
    file = tmp_path / "out" / "embeddings.npz"
    with np.load(file) as arrays:
        ids, embeddings = arrays["ids"], arrays["embeddings"]
    np.savez(file, ids=ids, embeddings=2 * embeddings, rejections=embeddings[:0])
    with (
        Gallery(tmp_path / "new.db", model=MODEL) as new,
        pytest.raises(UsageError, match="not all embeddings are of length 1"),
    ):
        new.import_from(tmp_path / "out")
