"""An encrypted gallery answers as a plain one does, and its files hold nothing that can be read."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from visavis.errors import GalleryError, UsageError
from visavis.gallery import Gallery, IndexedPhoto

from .faces import MODEL, digest, embedding, person, template

pytest.importorskip("cryptography")


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return write_key(tmp_path / "faces.key", b"k")


def write_key(path: Path, letter: bytes) -> Path:
    path.write_bytes(letter * 64)
    path.chmod(0o600)
    return path


def fill(gallery: Gallery) -> None:
    for i in range(3):
        gallery.add(*person(i), note=f"note {i}", consent="signed", consented=date(2026, 1, 2), metadata={"desk": i})
    gallery.add_photos([IndexedPhoto("/photos/party.jpg", digest(7), "ok", (template(7), template(8)))])


def answers(gallery: Gallery) -> list[object]:
    """What a gallery says when it is asked all kinds of questions."""
    people = gallery.people()
    probe = embedding(1001)[None]
    return [
        [(one.id, one.name, one.note, one.consent, one.consented, dict(one.metadata)) for one in people],
        [[(t.photo, t.photo_sha256, t.box, t.quality) for t in one.templates] for one in people],
        [(hit.name, round(hit.distance, 6)) for hit in gallery.search(probe)[0]],
        [(face.photo, face.sha256, face.name) for face in gallery.lookalikes(probe, top=4)[0]],
        [one.name for one in gallery.similar_names("PERSON 1", equal=True)],
        ("person 2" in gallery, "person 9" in gallery, len(gallery)),
        gallery.find_photos(digest(1000)[:10], "/photos/party.jpg"),
        sorted(gallery.find_indexed([digest(7), digest(9)])),
        gallery.faces(unassigned=True).photos,
        gallery.check(),
    ]


def test_an_encrypted_gallery_answers_as_a_plain_one(tmp_path: Path, key: Path) -> None:
    with (
        Gallery(tmp_path / "plain.db", model=MODEL) as plain,
        Gallery(tmp_path / "sealed.db", model=MODEL, key_file=key) as sealed,
    ):
        for gallery in (plain, sealed):
            fill(gallery)
        assert answers(sealed) == answers(plain)
        for gallery in (plain, sealed):
            gallery.rename("person 1", "Ann")
            gallery.describe("Ann", note="", metadata={})
            gallery.merge("person 2", "Ann")
            gallery.forget("/photos/party.jpg")
            gallery.locate_photos([(digest(1000), "/new/place.jpg")])
        assert answers_after(sealed) == answers_after(plain)
    with Gallery(tmp_path / "sealed.db", key_file=key, create=False) as sealed:
        assert sealed.search(embedding(1001)[None])[0][0].name == "Ann"


def answers_after(gallery: Gallery) -> list[object]:
    people = [(one.name, one.note, len(one.templates), sorted(t.photo for t in one.templates)) for one in gallery]
    return [people, gallery.check(), gallery.stats().photos]


def test_its_files_hold_no_name_note_path_hash_or_embedding(tmp_path: Path, key: Path) -> None:
    secrets = [b"person 1", b"note 1", b"signed", b"2026-01-02", b"desk", b"party.jpg", digest(7).encode()]
    secrets += [embedding(1001).tobytes()[:16], b"1001.jpg", b"31.0, 42.0"]
    found = {}
    for name, key_file in (("plain", None), ("sealed", key)):
        folder = tmp_path / name
        folder.mkdir(0o700)
        with Gallery(folder / "faces.db", model=MODEL, key_file=key_file) as gallery:
            fill(gallery)
            gallery.export(folder / "export")
            contents = b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())
        found[name] = [secret for secret in secrets if secret in contents]
    assert found == {"plain": secrets, "sealed": []}


def test_a_key_is_asked_for_and_checked(tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "faces.db"
    with Gallery(place, model=MODEL, key_file=key) as gallery:
        gallery.add(*person(1))
    with pytest.raises(GalleryError, match=r"faces\.db is encrypted: name its key file by --key-file or VISAVIS_KEY_"):
        Gallery(place)
    with pytest.raises(GalleryError, match=r"faces\.db is encrypted with another key than that of the key file\."):
        Gallery(place, key_file=write_key(tmp_path / "other.key", b"o"))
    monkeypatch.setenv("VISAVIS_KEY_FILE", str(key))
    with Gallery(place) as gallery:
        assert "person 1" in gallery
    monkeypatch.delenv("VISAVIS_KEY_FILE")
    Gallery(tmp_path / "plain.db", model=MODEL).close()
    with pytest.raises(GalleryError, match=r"plain\.db is not encrypted: open it without a key file, or export it"):
        Gallery(tmp_path / "plain.db", key_file=key)


def test_only_files_with_exact_search_are_encrypted(tmp_path: Path, key: Path) -> None:
    with pytest.raises(UsageError, match="only galleries in files of SQLite can be encrypted"):
        Gallery("postgresql://localhost/faces", key_file=key)
    with pytest.raises(UsageError, match=r"the index milvus:x\.db would hold its embeddings\."):
        Gallery(tmp_path / "faces.db", key_file=key, index="milvus:x.db")
    assert [path.name for path in tmp_path.iterdir()] == ["faces.key"]
    with Gallery(tmp_path / "faces.db", model=MODEL, key_file=key, index="exact:int8") as gallery:
        gallery.add(*person(1))
        assert gallery.search(embedding(1000)[None])[0][0].name == "person 1"


def test_a_changed_value_is_one_sentence(tmp_path: Path, key: Path) -> None:
    place = tmp_path / "faces.db"
    with Gallery(place, model=MODEL, key_file=key) as gallery:
        gallery.add(*person(1))
    with closing(sqlite3.connect(place)) as raw:
        raw.execute("update templates set embedding = zeroblob(92) where id = 2")
        raw.execute("update people set note = 'plain'")
        raw.commit()
    with Gallery(place, key_file=key) as gallery:
        with pytest.raises(GalleryError, match=r"^a value of embedding is damaged: restore a copy of the gallery\.$"):
            gallery.search(embedding(1000)[None])
        with pytest.raises(GalleryError, match=r"^a value of note is damaged"):
            gallery.people()
        assert {problem.kind for problem in gallery.check()} == {"damaged"}


def test_an_export_is_encrypted_with_the_key_of_the_gallery_or_its_own(tmp_path: Path, key: Path) -> None:
    other = write_key(tmp_path / "other.key", b"o")
    with Gallery(tmp_path / "sealed.db", model=MODEL, key_file=key) as sealed:
        fill(sealed)
        sealed.export(tmp_path / "export")
        expected = answers(sealed)
    assert sorted(file.name for file in (tmp_path / "export").iterdir()) == [
        "embeddings.npz.sealed",
        "gallery.json.sealed",
    ]
    with Gallery(tmp_path / "plain.db", model=MODEL) as plain:
        with pytest.raises(UsageError, match="export is an encrypted export: name its key file by --export-key"):
            plain.import_from(tmp_path / "export")
        with pytest.raises(UsageError, match=r"that can be read: it is damaged, or encrypted with another key"):
            plain.import_from(tmp_path / "export", key_file=other)
        plain.import_from(tmp_path / "export", key_file=key)
        assert answers(plain) == expected
        plain.export(tmp_path / "again", key_file=other)
    with Gallery(tmp_path / "second.db", model=MODEL, key_file=key) as second:
        second.import_from(tmp_path / "again", key_file=other)
        assert answers(second) == expected
