"""Labels that look wrong, among photos with a wrong label."""

from __future__ import annotations

from pathlib import Path

import pytest

from visavis.errors import UsageError
from visavis.pipeline import Recognizer
from visavis.train.labeled_photos import read_labeled_photos
from visavis.train.suspects import check_labels

from .colors import recognizer, write_people, write_photo

FAR_PHOTO = "Akshay Kumar_12.jpg"


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """Four people with five photos each; one of Cyan's is called Red, and a copy of one of Green's is Blue's."""
    folder = write_people(tmp_path / "people", 5, people=5)
    write_photo(folder / "Red" / "6.png", "Cyan", 77)
    (folder / "Blue" / "6.png").write_bytes((folder / "Green" / "2.png").read_bytes())
    return folder


def test_a_photo_of_another_person_is_a_suspect(mixed: Path) -> None:
    """The model is uncalibrated: what counts is which person is nearer."""
    check = check_labels(read_labeled_photos(mixed), recognizer())
    (suspect,) = check.suspects
    assert Path(suspect.photo) == mixed / "Red" / "6.png"
    assert (suspect.person, suspect.other) == ("Red", "Cyan")
    assert suspect.distance is not None
    assert suspect.other_distance is not None
    assert suspect.distance > 0.5
    assert suspect.other_distance < 0.05
    assert suspect.message.startswith("looks more like Cyan (0.0")
    assert check.photos == 25
    assert "1 picture is in the folders of several people, and left out: Blue/6.png = Green/2.png." in check.notes
    assert check.page().text().count('<img src="data:image/') == 1


def test_right_labels_and_people_with_one_photo(tmp_path: Path) -> None:
    folder = write_people(tmp_path / "people", 5, people=3)
    write_photo(folder / "Solo" / "1.png", "Blue", 5)
    check = check_labels(read_labeled_photos(folder), recognizer())
    assert check.suspects == ()
    assert (check.photos, check.people) == (16, 4)


def test_one_person_cannot_be_compared(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there are usable photos of 1"):
        check_labels(read_labeled_photos(write_people(tmp_path / "people", 3, people=1)), recognizer())


def test_a_calibrated_model_judges_as_a_gallery_does(data: Path, tmp_path: Path) -> None:
    """Limits are thresholds: a photo of somebody in another folder, and one of a person without other photos."""
    people = sorted(path for path in (data / "celebrities").iterdir() if path.is_dir())[:3]
    for person in people:
        (tmp_path / person.name).mkdir()
        for photo in sorted(person.iterdir())[:6]:
            (tmp_path / person.name / photo.name).symlink_to(photo)
    moved = tmp_path / people[0].name / "moved.jpg"
    alone = tmp_path / "Solo" / "alone.jpg"
    alone.parent.mkdir()
    moved.symlink_to(sorted(people[1].iterdir())[7])
    alone.symlink_to(sorted(people[2].iterdir())[7])
    check = check_labels(read_labeled_photos(tmp_path), Recognizer())
    suspects = {Path(s.photo).name: s for s in check.suspects}
    assert suspects["moved.jpg"].other == people[1].name
    assert suspects["alone.jpg"].other == people[2].name
    assert suspects["alone.jpg"].message.endswith("; Solo has no other photo")
    assert check.suspects[0] is suspects["moved.jpg"]
    others = {name: s for name, s in suspects.items() if name not in ("moved.jpg", "alone.jpg", FAR_PHOTO)}
    assert {s.other for s in others.values()} <= {"Solo"}  # they look like the photo that is called Solo
    assert suspects[FAR_PHOTO].message.startswith("is far from the other photos of Akshay Kumar (distance 0.")


def test_crops_are_embedded_as_they_are(mixed: Path) -> None:
    check = check_labels(read_labeled_photos(mixed), recognizer(), aligned=True)
    assert check.photos == 25
