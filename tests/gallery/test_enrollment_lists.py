"""Whose photos are meant: folders of people, files called after people, and tables."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from visavis.errors import UsageError
from visavis.gallery.enrollment_lists import name_of_file, read_named_photos


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def people(source: Path, **options: object) -> dict[str, list[str]]:
    found = read_named_photos(source, **options)  # type: ignore[arg-type]
    return {person.name: [Path(photo).name for photo in person.photos] for person in found.people}


@pytest.mark.parametrize(
    ("file", "name", "number"),
    [
        ("Ann.jpg", "Ann", ""), ("Ann_1.jpg", "Ann", "1"), ("Ann 2.JPG", "Ann", "2"), ("Ann-003.png", "Ann", "003"),
        ("Ann (4).jpg", "Ann", "4"), ("Ann(5).jpg", "Ann", "5"), ("Ann Lee.jpg", "Ann Lee", ""),
        ("Ann_Lee_0012.jpg", "Ann_Lee", "0012"), ("Ann1.jpg", "Ann1", ""), ("Ann.Lee.jpg", "Ann.Lee", ""),
        ("Jean-Luc.jpg", "Jean-Luc", ""), ("Louis 14.jpg", "Louis", "14"), ("Ann_20260131.jpg", "Ann_20260131", ""),
        ("Zoe\u0308.jpg", "Zo\u00eb", ""), ("\u5c71\u7530_2.jpg", "\u5c71\u7530", "2"),
        ("P. Diddy.jpg", "P. Diddy", ""),
        ("Pa.jpg", "Pa", ""), ("Wa.jpg", "Wa", ""), ("A.jpg", "A", ""), ("Bo 2.jpg", "Bo", "2"),
    ],
)  # fmt: skip
def test_a_file_is_called_after_a_person(file: str, name: str, number: str) -> None:
    assert name_of_file(file) == (name, number)


@pytest.mark.parametrize(
    "file",
    [
        "IMG_0001.jpg", "IMG-20260131-WA0004.jpg", "DSC_0001.JPG", "DSC01234.jpg", "_MG_1234.jpg", "P1000123.jpg",
        "PXL_20260131_120000123.jpg", "20260131_120000.jpg", "2026-01-31 12.00.00.jpg", "1.jpg", "0001 (2).jpg",
        "Screenshot 2026-01-31 at 12.00.00.png", "photo.jpg", "image (3).png", "DSCF1234.jpg", "GOPR0001.jpg",
        "WhatsApp Image 2026-01-31 at 12.00.00.jpeg", "FB_IMG_1700000000000.jpg", "MVI_0001.jpg",
    ],
)  # fmt: skip
def test_names_of_cameras_and_programs_are_of_nobody(file: str) -> None:
    assert name_of_file(file) is None


def test_a_folder_of_folders(tmp_path: Path) -> None:
    touch(tmp_path, "Bob/1.jpg", "Ann/1.jpg", "Ann/2019/2.jpg", "Ann/@eaDir/1.jpg", "cover.jpg", "Empty/notes.txt")
    assert people(tmp_path) == {"Ann": ["1.jpg", "2.jpg"], "Bob": ["1.jpg"]}
    assert people(tmp_path, exclude=["2019", "Bob"]) == {"Ann": ["1.jpg"]}
    assert read_named_photos(tmp_path).notes == (
        f"{tmp_path / 'Empty'} holds no photo, so it is passed over.",
        f"1 photo that lies in {tmp_path} itself, beside the folders of people, is passed over: cover.jpg.",
    )


def test_photos_called_after_people(tmp_path: Path) -> None:
    touch(tmp_path, "Ann.jpg", "Ann_1.jpg", "Ann 2.png", "Bob.jpg", "Agent 47.jpg", "IMG_0001.jpg", "notes.txt")
    assert people(tmp_path) == {
        "Agent": ["Agent 47.jpg"],
        "Ann": ["Ann 2.png", "Ann.jpg", "Ann_1.jpg"],
        "Bob": ["Bob.jpg"],
    }
    camera, agent = read_named_photos(tmp_path).notes
    assert "passed over: IMG_0001.jpg" in camera
    assert agent == (
        "Agent 47.jpg was understood as photo 47 of 'Agent'; if 'Agent 47' is the name, use a folder of that name or a "
        "CSV with the columns name and photo."
    )


def test_folders_that_name_nobody(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no folder with photos and no photo"):
        read_named_photos(tmp_path)
    touch(tmp_path, "IMG_0001.jpg", "IMG_0002.jpg")
    with pytest.raises(UsageError, match="holds 2 photos, and none is called after a person"):
        read_named_photos(tmp_path)


ROWS = "name,photo\nAnn,a.jpg\nZo\u00eb,sub/z.jpg\nAnn,b.jpg\n"


@pytest.mark.parametrize(
    "data",
    [
        ROWS.encode(),
        ROWS.encode("utf-8-sig"),
        ROWS.replace("\n", "\r\n").replace(",", ";").encode("utf-8-sig"),
        ROWS.replace(",", "\t").encode("utf-16"),
        ROWS.replace(",", ";").encode("cp1252"),
        ("sep=;\r\n" + ROWS.replace(",", ";")).encode(),
        ROWS.replace("/", "\\").encode(),
        unicodedata.normalize("NFD", ROWS).encode(),
        b'"Remark";"Photo";"Name"\n"x; y";"a.jpg";"Ann"\n;" sub/z.jpg ";"Zo\xc3\xab"\n;;\n;"b.jpg";"Ann"\n',
    ],
    ids=["plain", "mark", "excel", "utf-16", "windows-1252", "sep", "backslashes", "decomposed", "quoted"],
)
def test_a_table_in_every_form_that_programs_write(tmp_path: Path, data: bytes) -> None:
    touch(tmp_path, "a.jpg", "b.jpg", "sub/z.jpg")
    (tmp_path / "people.csv").write_bytes(data)
    found = read_named_photos(tmp_path / "people.csv")
    assert [(person.name, person.photos) for person in found.people] == [
        ("Ann", (str(tmp_path / "a.jpg"), str(tmp_path / "b.jpg"))),
        ("Zo\u00eb", (str(tmp_path / "sub" / "z.jpg"),)),
    ]
    assert all("Windows-1252" in text for text in found.notes if "needs a name" not in text)


def test_photos_of_a_table_in_another_form_of_unicode_folders_and_missing_ones(tmp_path: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "\u00e4.jpg")
    touch(tmp_path, decomposed, "ann/1.jpg", "ann/2.jpg")
    (tmp_path / "none").mkdir()
    rows = ["name,photo", "Bob,\u00e4.jpg", "Ann,ann", "Cy,gone.jpg", "Dee,none", ",x.jpg", "Eve"]
    (tmp_path / "people.csv").write_text("\n".join(rows), encoding="utf-8")
    assert people(tmp_path / "people.csv") == {"Bob": [decomposed], "Ann": ["1.jpg", "2.jpg"], "Cy": ["gone.jpg"]}
    notes = read_named_photos(tmp_path / "people.csv").notes
    assert [text.partition(", line ")[2][:1] for text in notes] == ["5", "6", "7"]
    assert notes[0].endswith("none' holds no photo.")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: the head must have the columns name and photo"),
        ("Ann,a.jpg\n", "line 1: the head must have the columns name and photo"),
        ("name,photo\n", "names no photo"),
        ('name,photo\n"Ann,a.jpg\n', "line 2: this is no CSV"),
    ],
)
def test_what_is_no_table(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "people.csv").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        read_named_photos(tmp_path / "people.csv")
