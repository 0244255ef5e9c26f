"""One rule for names, actors, notes, consents and metadata, whichever way they come in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from least_time import measure_least
from visavis.errors import UsageError
from visavis.gallery import Gallery
from visavis.gallery.check_text import (
    METADATA_DEPTH,
    METADATA_LENGTH,
    NAME_LENGTH,
    TEXT_LENGTH,
    check_metadata,
    check_text,
)

from .faces import MODEL, person, template

REFUSED = [
    "\x1b]0;owned\x07",
    "\x00",
    "\x7f",
    "\x9b31m",
    "\u202e",
    "\u2066",
    "\u2028",
    "\u2029",
    "\udce9",
    "\ufffe",
]
"""Texts that a terminal runs, that reorder what is around them, or that are no Unicode."""
LINES = "first line\r\n\tsecond line"
KEPT = ["Zoë", "山田\u3000太郎", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "a\u200db", "\U0001f600"]


@pytest.mark.parametrize("text", REFUSED)
def test_control_and_bidi_characters_are_refused_everywhere(gallery: Gallery, path: Path, text: str) -> None:
    with pytest.raises(UsageError, match="a name must be one line of text without control and bidi characters, got"):
        gallery.add(f"Ann {text}!", [template(1)])
    with pytest.raises(UsageError, match="a note must be text without control and bidi characters, got"):
        gallery.add("Ann", [template(1)], note=f"a{text}b")
    assert len(gallery) == 0
    ann = gallery.add("Ann", [template(1)]).person_id
    with pytest.raises(UsageError, match="a name must be"):
        gallery.rename(ann, f"A{text}n")
    with pytest.raises(UsageError, match="a consent must be"):
        gallery.describe(ann, consent=text)
    with pytest.raises(UsageError, match="a text in metadata must be"):
        gallery.describe(ann, metadata={"a": [{"b": text}]})
    with pytest.raises(UsageError, match="a key in metadata must be"):
        gallery.describe(ann, metadata={"a": {text: 1}})
    with pytest.raises(UsageError, match="an actor must be one line of text"):
        Gallery(path, actor=f"a{text}b")
    person = gallery.find(ann)
    assert (person.name, person.note, person.consent, person.metadata) == ("Ann", "", None, {})


@pytest.mark.parametrize("text", KEPT)
def test_letters_of_all_scripts_are_stored_as_they_are(path: Path, text: str) -> None:
    with Gallery(path, model="test-model", actor=text) as gallery:
        gallery.add(text, [template(1)], note=text, consent=text, metadata={text: [text]})
        (person,) = gallery
        assert (person.name, person.note, person.consent, person.metadata) == (text, text, text, {text: [text]})
        assert {entry.actor for entry in gallery.audit()} == {text}


def test_notes_have_lines_and_names_have_one(gallery: Gallery) -> None:
    ann = gallery.add("Ann", [template(1)], note=LINES, consent=LINES, metadata={"a": LINES}).person_id
    person = gallery.find(ann)
    assert (person.note, person.consent, person.metadata) == (LINES, LINES, {"a": LINES})
    with pytest.raises(UsageError, match="one line"):
        gallery.rename(ann, LINES)
    with pytest.raises(UsageError, match="one line"):
        gallery.describe(ann, metadata={LINES: 1})


def test_lengths_are_bounded(gallery: Gallery, path: Path) -> None:
    longest = "n" * NAME_LENGTH
    ann = gallery.add(longest, [template(1)], note="n" * TEXT_LENGTH, metadata={"a": "m" * (METADATA_LENGTH - 9)})
    assert gallery.find(ann.person_id).name == longest
    with pytest.raises(
        UsageError, match=r"a name has 300 characters at most, got 301 \('nnnnnnnnnnnnnnnnnnnn'\.\.\.\)"
    ):
        gallery.rename(ann.person_id, longest + "n")
    with pytest.raises(UsageError, match="a note has 10,000 characters at most, got 10,001"):
        gallery.describe(ann.person_id, note="n" * (TEXT_LENGTH + 1))
    with pytest.raises(UsageError, match="a consent has 10,000 characters at most"):
        gallery.describe(ann.person_id, consent="n" * (TEXT_LENGTH + 1))
    with pytest.raises(UsageError, match="metadata has 100,000 characters of JSON at most, got 100,001"):
        gallery.describe(ann.person_id, metadata={"a": "m" * (METADATA_LENGTH - 8)})
    with pytest.raises(UsageError, match="an actor has 300 characters at most"):
        Gallery(path, actor=longest + "n")


def test_a_letter_with_many_accents_is_one_letter(gallery: Gallery) -> None:
    decomposed = "e\u0301" * NAME_LENGTH
    assert gallery.find(gallery.add(decomposed, [template(1)]).person_id).name == "é" * NAME_LENGTH


def test_a_name_of_a_million_accents_is_refused_at_once(gallery: Gallery) -> None:
    """Unicode sorts accents of one letter: a time that grows with the square of their number."""

    def refuse() -> None:
        with pytest.raises(UsageError, match="a name has 1,200 characters at most, got 1,000,000"):
            gallery.add("\u0301\u0316" * 500_000, [template(1)])
        with pytest.raises(UsageError, match="a name has 1,200 characters at most, got 1,000,000"):
            gallery.find("\u0301\u0316" * 500_000)
        assert "\u0301\u0316" * 500_000 not in gallery
        assert gallery.find_similar_names(["a" + "\u0301\u0316" * 500_000]) == {}

    assert measure_least(refuse, bar=1) < 1


def test_metadata_is_bounded_in_depth() -> None:
    nested: object = 1
    for _ in range(METADATA_DEPTH - 1):
        nested = [nested]
    assert check_metadata({"a": nested}) == {"a": nested}
    with pytest.raises(UsageError, match="metadata has 20 objects and lists within each other at most"):
        check_metadata({"a": [nested]})
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(UsageError, match="metadata has 20 objects"):
        check_metadata({"a": endless})
    with pytest.raises(UsageError, match="metadata must be what JSON can hold"):
        check_metadata({"a": float("nan")})


@pytest.mark.parametrize("text", [None, 5, b"note"])
def test_what_is_no_text_is_refused(text: object) -> None:
    with pytest.raises(UsageError, match=f"a note must be text, got {type(text).__name__}"):
        check_text(text, "a note", most=10)  # type: ignore[arg-type]


def test_the_user_of_the_system_is_made_to_obey(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment says who that is."""
    monkeypatch.setenv("LOGNAME", "a\x1b[2J" + "b" * 400)
    with Gallery(path, model="test-model") as gallery:
        gallery.add("Ann", [template(1)])
        assert {entry.actor for entry in gallery.audit()} == {("a\\x1b[2J" + "b" * 400)[:NAME_LENGTH]}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", "A\u202enn"),
        ("name", "n" * 301),
        ("name", " Ann"),
        ("name", 5),
        ("note", "\x9b"),
        ("note", "n" * 10_001),
        ("consent", "\x1b"),
        ("metadata", {"a": "\u2066"}),
        ("metadata", [1, 2]),
    ],
    ids=lambda value: str(value)[:12],
)
def test_an_import_obeys_too(gallery: Gallery, path: Path, key: str, value: object) -> None:
    gallery.add("Ann", [template(1)], note="n")
    exported = path.parent / "exported"
    gallery.export(exported)
    content = json.loads((exported / "gallery.json").read_text(encoding="utf-8"))
    content["people"][0][key] = value
    (exported / "gallery.json").write_text(json.dumps(content))
    with Gallery(path.parent / "copy.db", model=gallery.model) as copy:
        with pytest.raises(UsageError, match="exported: people 1: "):
            copy.import_from(exported)
        assert len(copy) == 0


def test_an_export_can_be_printed(gallery: Gallery, path: Path) -> None:
    """Also of a gallery whose names were written before there was a rule."""
    gallery.add("Ann", [template(1)])
    with gallery.opened.database.write() as conn:
        conn.exec_driver_sql("UPDATE people SET name = 'A\x9b\u202enn'")
    gallery.export(path.parent / "exported")
    text = (path.parent / "exported" / "gallery.json").read_text(encoding="utf-8")
    assert '"A\\u009b\\u202enn"' in text


def test_text_that_is_not_unicode_is_one_sentence_and_costs_no_other(path: Path) -> None:
    """A file name that is not in UTF-8, as the system hands it over."""
    with Gallery(path, model=MODEL) as gallery:
        gallery.add(*person(1))
        with pytest.raises(UsageError, match="is no valid Unicode text"):
            gallery.find_indexed(["A\udcff"])
        assert gallery.find_similar_names(["A\udcff", "person 1"]).keys() == {"person 1"}
        assert len(gallery) == 1
