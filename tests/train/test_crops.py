"""Crops of training photos: aligned once, mapped from a file, and honest about what is not used."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cli.fakes import DETECTOR, photo
from visavis.embedding_cache.crop_folders import forget_crops
from visavis.errors import UsageError
from visavis.train import crops
from visavis.train.config import Validation
from visavis.train.labeled_photos import LabeledPhotos, describe_shortages, read_labeled_photos
from visavis.train.validation_split import split

from .colors import write_people


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def folder(path: Path, people: dict[str, int], size: tuple[int, int] = (40, 60)) -> Path:
    """A folder a person, with pictures of one color: the person's number, and the picture's."""
    for number, (person, count) in enumerate(people.items()):
        (path / person).mkdir(parents=True)
        for picture in range(count):
            Image.new("RGB", size, (number, picture, 100)).save(path / person / f"{picture}.png")
    return path


def test_pictures_that_are_crops_already(tmp_path: Path) -> None:
    labeled = read_labeled_photos(folder(tmp_path / "data", {"Ann": 3, "Bob": 2}))
    got = crops.prepare(labeled, size=32, aligned=True)
    assert got.pixels.shape == (5, 32, 32, 3)
    assert isinstance(got.pixels, np.memmap)
    assert got.pixels[:, 5, 5].tolist() == [[0, 0, 100], [0, 1, 100], [0, 2, 100], [1, 0, 100], [1, 1, 100]]
    assert got.labels.tolist() == [0, 0, 0, 1, 1]
    assert got.people == ("Ann", "Bob")
    assert (got.skipped, got.notes) == ((), ())


def test_the_second_time_nothing_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    labeled = read_labeled_photos(folder(tmp_path / "data", {"Ann": 3, "Bob": 2}))
    first = crops.prepare(labeled, size=32, aligned=True)
    monkeypatch.setattr(crops, "_whole_photos", lambda *_: pytest.fail("the photos are read again"))
    again = crops.prepare(labeled, size=32, aligned=True)
    assert np.array_equal(first.pixels, again.pixels)
    assert first.digest() == again.digest()
    Image.new("RGB", (50, 50)).save(tmp_path / "data" / "Ann" / "0.png")
    with pytest.raises(pytest.fail.Exception):
        crops.prepare(labeled, size=32, aligned=True)


@pytest.mark.parametrize("name", ["pixels.npy", "hashes.npy", "rows.json", "photos.npy"])
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\x93NUMPY\1\0\4\0({'a"])
def test_damaged_crops_are_made_again(tmp_path: Path, name: str, content: bytes) -> None:
    data = folder(tmp_path / "data", {"Ann": 3, "Bob": 2})
    labeled = read_labeled_photos(data)
    first = crops.prepare(labeled, size=32, aligned=True)
    pixels = np.array(first.pixels)
    (kept,) = (tmp_path / "cache" / "crops").iterdir()
    (kept / name).write_bytes(content)
    assert np.array_equal(crops.prepare(labeled, size=32, aligned=True).pixels, pixels)
    (kept / name).write_bytes(content)
    forget_crops([sha256((data / "Ann" / "0.png").read_bytes()).hexdigest()])
    assert not kept.exists() or name != "photos.npy"


def test_crops_are_found_and_deleted_by_their_photo(tmp_path: Path) -> None:
    data = folder(tmp_path / "data", {"Ann": 3, "Bob": 2})
    (data / "Ann" / "0.png").write_bytes(b"no picture")
    labeled = read_labeled_photos(data)
    first = crops.prepare(labeled, size=32, aligned=True)
    digests = [sha256((data / name).read_bytes()).hexdigest() for name in ("Ann/0.png", "Bob/1.png")]
    assert forget_crops(digests[:1]) == 0, "that photo has no crop"
    (kept,) = (tmp_path / "cache" / "crops").iterdir()
    assert forget_crops(digests) == 1
    assert not kept.exists()
    assert first.pixels[3, 5, 5].tolist() == [1, 1, 100], "a running training goes on"
    assert np.array_equal(crops.prepare(labeled, size=32, aligned=True).pixels, first.pixels)


def test_unusable_photos_are_named_and_counted(tmp_path: Path) -> None:
    data = folder(tmp_path / "data", {"Ann": 3, "Bob": 1, "Cid": 2})
    (data / "Bob" / "0.png").write_bytes(b"no picture")
    (data / "Cid" / "1.png").write_bytes(b"")
    got = crops.prepare(read_labeled_photos(data), size=32, aligned=True)
    assert got.people == ("Ann", "Cid")
    assert got.labels.tolist() == [0, 0, 0, 1]
    assert [Path(photo).parent.name for photo, _ in got.skipped] == ["Bob", "Cid"]
    assert any(note.startswith("2 of 6 photos are not used; the first: ") for note in got.notes)
    assert "1 person has no usable photo and cannot take part: Bob." in got.notes


def test_nothing_usable(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="none of the 2 photos shows a usable face"):
        crops.prepare(read_labeled_photos(folder(tmp_path / "data", {"Ann": 1, "Bob": 1})), size=32)


def test_faces_are_aligned(data: Path) -> None:
    """Eyes lie where the crop's geometry wants them; a photo without a face is skipped."""
    from visavis import detect

    photos = data / "photos" / "presidents"
    labeled = read_labeled_photos(data / "celebrities")
    labeled = labeled.select(np.arange(len(labeled)) % 60 == 0)
    got = crops.prepare(labeled, size=112)
    assert photos.is_dir()
    assert len(got.pixels) >= 5
    for pixels in got.pixels:
        padded = np.pad(np.asarray(pixels), ((40, 40), (40, 40), (0, 0)), mode="edge")
        faces = detect(padded)
        if faces:
            assert np.abs(faces[0].landmarks - 40 - np.array(crops.face_points(112))).max() < 12


def test_places_of_landmarks_scale_with_the_crop() -> None:
    small, large = np.array(crops.face_points(56)), np.array(crops.face_points(112))
    np.testing.assert_allclose(2 * small, large, atol=1e-3)
    assert crops.face_points(112)[0] == (38.2946, 51.6963)


def test_memory_does_not_grow_with_the_pictures(tmp_path: Path) -> None:
    """Crops of 100,000 pictures are 3 GB: reading a batch of them touches no more than a batch."""
    shape = (100_000, 100, 100, 3)
    path = tmp_path / "pixels.npy"
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
        file.truncate(file.tell() + int(np.prod(shape)))
    pixels = np.load(path, mmap_mode="r")
    labels = np.repeat(np.arange(10_000), 10)
    got = crops.Crops(pixels, labels, tuple(map(str, range(10_000))), tuple(map(str, range(100_000))))
    assert got.size == 100
    assert not got.pixels[[0, 99_999]].any()


def test_copies_take_no_part(tmp_path: Path) -> None:
    data = folder(tmp_path / "data", {"Ann": 3, "Bob": 3, "Cid": 2})
    (data / "Bob" / "2.png").write_bytes((data / "Ann" / "1.png").read_bytes())
    (data / "Cid" / "9.png").write_bytes((data / "Cid" / "0.png").read_bytes())
    got = crops.prepare(read_labeled_photos(data), size=32, aligned=True)
    assert [Path(got.photos[row]).parent.name for row in got.left_out] == ["Ann", "Bob", "Cid"]
    assert got.notes == (
        "1 picture is in the folders of several people, and left out: Ann/1.png = Bob/2.png.",
        "1 photo is a copy of another photo of the same person, and left out.",
    )
    parts = split(got, Validation(people=0), seed=0)
    assert len(parts.train) == 9 - 3
    assert not set(parts.train) & set(got.left_out)


def test_nearly_equal_crops_of_two_people_take_no_part(tmp_path: Path) -> None:
    data = folder(tmp_path / "data", {"Ann": 2, "Bob": 2})
    noise = np.random.default_rng(0).integers(0, 256, (6, 8, 3)).astype(np.uint8)
    picture = Image.fromarray(noise).resize((40, 60))
    picture.save(data / "Ann" / "7.png")
    picture.save(data / "Bob" / "7.jpg", quality=70)
    got = crops.prepare(read_labeled_photos(data), size=32, aligned=True)
    assert [Path(got.photos[row]).name for row in got.left_out] == ["7.png", "7.jpg"]
    assert got.notes == ("2 crops are nearly equal to one of another person, and left out: Ann/7.png = Bob/7.jpg.",)


def test_photos_set_aside_are_held_out(tmp_path: Path) -> None:
    train, test = folder(tmp_path / "train", {"Ann": 3, "Bob": 2, "Cid": 2, "Dan": 2, "Eve": 1}), tmp_path / "test"
    test.mkdir()
    for name in ("Dan", "Eve"):
        (train / name).rename(test / name)
    got = crops.prepare(read_labeled_photos(train), size=32, aligned=True, test=read_labeled_photos(test))
    assert got.people == ("Ann", "Bob", "Cid", "Dan", "Eve")
    parts = split(got, Validation(), seed=0)
    assert parts.people
    assert parts.train.tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert [Path(got.photos[row]).parent.name for row in parts.held_out] == ["Dan", "Dan", "Eve"]


def test_ten_thousand_people_with_two_pictures(tmp_path: Path) -> None:
    """One sentence with the count, and no time that grows with the square of the people."""
    labels = np.repeat(np.arange(10_000), 2)
    labels[1] = 1
    people = tuple(f"P{n}" for n in range(10_000))
    labeled = LabeledPhotos(people, tuple(f"{row}.png" for row in range(20_000)), labels)
    assert describe_shortages(labeled) == ["1 person has one photo only, which cannot be held out for a test: P0."]
    parts = split(
        crops.Crops(np.zeros((20_000, 1, 1, 3), np.uint8), labels, people, labeled.photos), Validation(), seed=0
    )
    assert len(np.unique(labels[parts.held_out])) == 2000


def test_photos_without_a_face_and_with_several(tmp_path: Path) -> None:
    data = write_people(tmp_path / "data", 3, people=2)
    photo(data / "Red" / "8.png")
    photo(data / "Red" / "9.png", ((255, 0, 0), 10, 10, 60), ((0, 0, 255), 120, 60, 100))
    got = crops.prepare(read_labeled_photos(data), size=32, detector=DETECTOR)
    assert len(got.pixels) == 7
    skipped = f"1 of 8 photos is not used; the first: {data / 'Red' / '8.png'}: no face was found."
    assert got.notes == (skipped, "1 photo shows several faces: the largest of each is used.")
    red = got.pixels[got.photos.index(str(data / "Red" / "9.png"))]
    assert red[16, 16].tolist() == [0, 0, 255]
