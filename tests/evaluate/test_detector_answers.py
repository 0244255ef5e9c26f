"""What a detector answers on annotated photos, with low scores where it offers them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from visavis.detectors import DETECTORS
from visavis.errors import UsageError
from visavis.evaluate.data.annotations import Annotated
from visavis.evaluate.detector_answers import LOWEST, collect_answers
from visavis.types import RGB, Face

SHY, PLAIN = "test-shy", "test-plain"


class Shy:
    """Answers each picture with a face for every tenth of its height, the score of which is that tenth."""

    def __init__(self, name: str, min_score: float) -> None:
        self.name, self.min_score = name, min_score

    def detect(self, pictures: Sequence[RGB], *, min_face: float = 20) -> list[list[Face]]:
        return [
            [_face(n) for n in range(picture.shape[0] // 10, 0, -1) if n / 10 >= self.min_score]
            if min_face <= 20
            else []
            for picture in pictures
        ]


def _face(n: int) -> Face:
    return Face(np.array([0, n, 10, n + 10], np.float32), n / 10, np.zeros((5, 2), np.float32))


@DETECTORS.register(SHY, min_score=0.5)
def shy(*, threads: int | None = None, min_score: float = 0.5) -> Shy:
    return Shy(SHY, min_score)


@DETECTORS.register(PLAIN)
def plain(*, threads: int | None = None) -> Shy:
    return Shy(PLAIN, 0.5)


@pytest.fixture
def annotated(tmp_path: Path) -> list[Annotated]:
    Image.new("RGB", (20, 80)).save(tmp_path / "a.png")
    Image.new("RGB", (20, 30)).save(tmp_path / "b.png")
    (tmp_path / "broken.png").write_bytes(b"nothing")
    boxes, ignored = np.array([[0, 8, 10, 18]], np.float32), np.zeros(1, np.bool_)
    names = ("a.png", "missing.png", "broken.png", "b.png")
    return [Annotated(str(tmp_path / name), boxes, ignored) for name in names]


def test_a_detector_is_asked_as_it_is_and_for_low_scores(annotated: list[Annotated]) -> None:
    seen = collect_answers(annotated, detector=SHY)
    assert [[face.score for face in faces] for faces in seen.detected] == [[0.8, 0.7, 0.6, 0.5], []]
    assert seen.sensitive is not None
    low = [[face.score for face in faces] for faces in seen.sensitive]
    assert low == [[0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1], [0.3, 0.2, 0.1]]
    assert LOWEST <= 0.1


def test_one_without_low_scores_is_taken_as_it_is(annotated: list[Annotated]) -> None:
    seen = collect_answers(annotated, detector=PLAIN)
    assert [len(faces) for faces in seen.detected] == [4, 0]
    assert seen.sensitive is None


def test_what_cannot_be_read_is_left_out_and_said(annotated: list[Annotated]) -> None:
    seen = collect_answers(annotated, detector=SHY)
    assert [Path(one.photo).name for one in seen.annotated] == ["a.png", "b.png"]
    assert [Path(photo).name for photo in seen.unread] == ["missing.png", "broken.png"]
    assert all("does not exist" in seen.unread[annotated[n].photo] for n in (1,))
    with pytest.raises(UsageError, match=r"not one of the 2 annotated photos can be read: .*missing\.png.* not exist"):
        collect_answers(annotated[1:3], detector=SHY)


def test_the_smallest_face_reaches_both_detectors_and_progress_sees_all(annotated: list[Annotated]) -> None:
    totals = []

    def progress(some, total, /):  # type: ignore[no-untyped-def]
        totals.append(total)
        return iter(some)

    seen = collect_answers(annotated, detector=SHY, min_face=21, progress=progress)
    assert (seen.detected, seen.sensitive, totals) == (((), ()), ((), ()), [4])
