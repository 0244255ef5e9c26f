from __future__ import annotations

from time import perf_counter

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from example_counts import examples
from visavis import draw
from visavis.draw import BLUE, ORANGE, _label_layout, _lettering, annotate, contact_sheet, line_width
from visavis.types import RGB, Face


def face(x1: float, y1: float, x2: float, y2: float) -> Face:
    places = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]], np.float32)
    corner, side = np.array([x1, y1], np.float32), np.array([x2 - x1, y2 - y1], np.float32)
    return Face(np.array([x1, y1, x2, y2], np.float32), 0.9, corner + places * side)


def noise(width: int, height: int) -> RGB:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def changed(before: RGB, after: RGB) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    return (before != after).any(axis=2)


def test_a_picture_without_faces_is_copied() -> None:
    picture = noise(60, 40)
    drawn = annotate(picture, [])
    assert (drawn == picture).all()
    assert not np.shares_memory(drawn, picture)


def test_only_edges_and_landmarks_change_and_the_picture_given_does_not() -> None:
    picture = noise(300, 300)
    before = picture.copy()
    drawn = annotate(picture, [face(50, 60, 150, 180)])
    assert (picture == before).all()
    difference = changed(before, drawn)
    rows, columns = np.nonzero(difference)
    # the box, with its dark edge one pixel outside
    assert (columns.min(), rows.min(), columns.max(), rows.max()) == (49, 59, 151, 181)
    inside = difference[63:178, 53:148]
    assert 5 <= inside.sum() <= 5 * 9  # five dots of a few pixels
    assert tuple(drawn[60, 100]) == tuple(drawn[120, 50]) == tuple(drawn[180, 100]) == BLUE
    assert tuple(drawn[59, 100]) == tuple(drawn[120, 151]) == draw.INK
    assert tuple(drawn[60 + 48, 50 + 30]) == BLUE  # the left eye


def test_lines_grow_with_the_picture() -> None:
    assert [line_width(np.empty((side, 10, 3), np.uint8)) for side in (1, 300, 1200, 6000)] == [1, 1, 4, 20]


def test_each_face_has_its_color_and_its_label_above() -> None:
    picture = np.full((400, 400, 3), 200, np.uint8)
    faces = [face(50, 100, 120, 180), face(250, 100, 320, 180)]
    drawn = annotate(picture, faces, ["Ann", "unknown"], colors=[BLUE, ORANGE])
    assert tuple(drawn[90, 51]) == BLUE
    assert tuple(drawn[90, 251]) == ORANGE
    # letters: white on blue, black on orange
    assert (drawn[86:99, 50:100] > 220).all(axis=2).any()
    assert (drawn[86:99, 250:330] < 40).all(axis=2).any()
    assert not changed(picture, drawn)[:80].any()


def test_a_label_goes_below_where_there_is_no_room_above() -> None:
    picture = np.full((400, 400, 3), 200, np.uint8)
    drawn = annotate(picture, [face(50, 2, 120, 80)], ["Ann"])
    assert tuple(drawn[90, 51]) == BLUE
    without = annotate(picture, [face(50, 2, 120, 80)])
    assert not changed(drawn, without)[:80].any()


@pytest.mark.parametrize(
    "label",
    [
        "Zoë Žižek",
        "山田太郎",
        "محمد",
        "😀 smile",
        "two\nlines",
        "\udce9",
        "\x00",
        "",
        " ",
        "e\u0301",
        "x" * 500,
    ],
)
@pytest.mark.parametrize("side", [12, 40, 600])
def test_any_name_can_be_drawn_within_the_picture(label: str, side: int) -> None:
    picture = noise(side, side)
    given = face(0, 0, side / 2, side / 2)
    drawn = annotate(picture, [given], [label])
    assert drawn.dtype == np.uint8
    if side == 600:
        assert drawn.shape == picture.shape
    within = np.s_[: side // 2, : side // 2]
    assert (drawn[within] == annotate(picture, [given])[within]).all()


def test_letters_that_no_font_has_become_plainer_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_lettering, "FALLBACK_FONTS", ())
    _lettering._load_system_fonts.cache_clear()
    try:
        assert _lettering.legible("Ann", 12)[0] == "Ann"
        assert _lettering.legible("Zoe\u0308", 12)[0] == "Zoe"
        assert _lettering.legible("\uff21\uff4e\uff4e", 12)[0] == "Ann"  # full-width letters
        assert _lettering.legible("\u5c71 A\tB", 12)[0] == "? A B"
        assert _lettering.legible("A\u202eB\u200bC", 12)[0] == "A\\u202eB\\u200bC"
    finally:
        _lettering._load_system_fonts.cache_clear()


@settings(deadline=None, max_examples=examples(60))
@given(
    corner=st.tuples(*[st.floats(-1e5, 1e5, width=32)] * 4),
    side=st.integers(1, 64),
    label=st.text(max_size=8),
)
def test_boxes_anywhere_are_drawn_without_a_fault(
    corner: tuple[float, float, float, float], side: int, label: str
) -> None:
    picture = np.zeros((side, 64, 3), np.uint8)
    drawn = annotate(picture, [face(*corner)], [label])
    assert drawn.shape[0] >= side
    assert drawn.shape[1] >= 64


def crowd(seed: int, count: int, size: int) -> list[Face]:
    """Faces anywhere in a picture of 400 x 300, some over its edges, some over each other."""
    random = np.random.default_rng(seed)
    corners = random.uniform((-20, -20), (390, 290), (count, 2))
    sides = random.uniform(0.5, 1.5, (count, 1)) * size
    return [face(x, y, x + side, y + 1.2 * side) for (x, y), (side,) in zip(corners, sides, strict=True)]


crowds = st.builds(crowd, st.integers(0, 10_000), st.integers(1, 40), st.integers(4, 90))


@settings(deadline=None, max_examples=examples(60))
@given(faces=crowds, length=st.integers(1, 30))
def test_labels_cover_no_face_and_no_other_label(faces: list[Face], length: int) -> None:
    limits, sizes = (400, 300), [(8 + 6 * length, 14)] * len(faces)
    boxes = _label_layout.pixel_boxes(np.array([one.box for one in faces]), limits)
    places = [place for place in _label_layout.arrange(sizes, boxes, limits) if place]
    for n, (left, top, right, bottom) in enumerate(places):
        assert 0 <= left < right <= 400
        assert 0 <= top < bottom <= 300
        for a, b, c, d in [*boxes.tolist(), *places[:n]]:
            assert right <= a or c <= left or bottom <= b or d <= top


@settings(deadline=None, max_examples=examples(25))
@given(faces=crowds, name=st.text("abcdefghij", min_size=1, max_size=24))
@example(faces=crowd(682, 13, 23), name="aaaa")  # a line to a corner that the edge of another face covers
def test_no_pixel_of_a_face_is_covered(faces: list[Face], name: str) -> None:
    """Lines to faces without room for a number beside them are all that may cross a face.

    A line ends on the outline of its own face, which the dark edge of another may have covered: that pixel changes.
    """
    picture = np.full((300, 400, 3), 200, np.uint8)
    drawn, plain = annotate(picture, faces, [name] * len(faces)), annotate(picture, faces)
    difference = changed(drawn[:300, :400], plain)
    limits = (400, 300)
    boxes = _label_layout.pixel_boxes(np.array([one.box for one in faces]), limits)
    if drawn.shape[0] > 300:
        return  # a legend with lines
    for left, top, right, bottom in boxes.tolist():
        assert not difference[max(top + 1, 0) : max(bottom - 1, 0), max(left + 1, 0) : max(right - 1, 0)].any()


def test_every_label_of_a_row_of_faces_is_drawn_once() -> None:
    """Faces side by side, names wider than they are: each has its own ground of its own color."""
    picture = np.full((240, 600, 3), 200, np.uint8)
    faces = [face(20 + 70 * n, 100, 70 + 70 * n, 160) for n in range(8)]
    colors = [(200, 30 * n, 10) for n in range(8)]
    drawn = annotate(picture, faces, ["Maria Lopez-Garcia"] * 8, colors=colors)
    assert drawn.shape == picture.shape
    areas = [int((drawn == color).all(axis=2).sum()) for color in colors]
    assert min(areas) > 0.8 * max(areas)


def test_a_face_that_fills_the_picture_is_named_below() -> None:
    picture = np.full((300, 300, 3), 200, np.uint8)
    drawn = annotate(picture, [face(0, 0, 299, 299)], ["Ann"], colors=[ORANGE])
    assert drawn.shape[0] > 300
    assert not changed(drawn[:300], annotate(picture, [face(0, 0, 299, 299)], colors=[ORANGE]))[:298].any()
    assert (drawn[300:] == ORANGE).all(axis=2).sum() > 100


def test_numbers_stand_beside_faces_whose_names_have_no_room() -> None:
    """Four columns of faces with gaps of 24 pixels: a number fits there, a name of 30 letters does not."""
    picture = np.full((200, 300, 3), 200, np.uint8)
    faces = [face(30 + 70 * column, 2 + 66 * row, 76 + 70 * column, 64 + 66 * row) for column in range(4)
             for row in range(3)]  # fmt: skip
    drawn = annotate(picture, faces, ["Wolfeschlegelsteinhausenberger"] * 12)
    legend = drawn[200:]
    assert legend.shape[0] > 100
    plain = annotate(picture, faces)
    for x1, y1, x2, y2 in (one.box.astype(int).tolist() for one in faces):
        assert (drawn[y1 : y2 + 1, x1 : x2 + 1] == plain[y1 : y2 + 1, x1 : x2 + 1]).all()
    numbers = (drawn[:200] == BLUE).all(axis=2) & changed(drawn[:200], plain)
    assert numbers.sum() > 12 * 60


def test_a_label_or_color_too_few_is_an_error() -> None:
    faces = [face(0, 0, 10, 10), face(20, 20, 30, 30)]
    with pytest.raises(ValueError, match="shorter"):
        annotate(noise(40, 40), faces, ["one"])
    with pytest.raises(ValueError, match="shorter"):
        annotate(noise(40, 40), faces, colors=[BLUE])


def test_a_sheet_shows_every_picture_whole_and_in_its_shape() -> None:
    red, green, blue = (
        np.full(shape, color, np.uint8)
        for shape, color in [
            ((100, 200, 3), (255, 0, 0)),
            ((300, 150, 3), (0, 255, 0)),
            ((8, 8, 3), (0, 0, 255)),
        ]
    )
    sheet = contact_sheet([red, green, blue], ["one", "two", "three\nlines"], width=900)
    assert sheet.shape[1] == 900
    for column, (color, shape) in enumerate([((255, 0, 0), 2.0), ((0, 255, 0), 0.5), ((0, 0, 255), 1.0)]):
        rows, columns = np.nonzero((np.abs(sheet.astype(int) - color) < 8).all(axis=2))
        assert 300 * column <= columns.min() <= columns.max() < 300 * (column + 1)
        wide, high = np.ptp(columns) + 1, np.ptp(rows) + 1
        assert wide / high == pytest.approx(shape, rel=0.03)
        assert max(wide / 300, high / 225) > 0.9
        assert abs((columns.min() + columns.max()) / 2 - 300 * (column + 0.5)) <= 1


def test_a_sheet_has_rows_of_four_and_captions_in_ink() -> None:
    pictures = [np.full((30, 40, 3), 255, np.uint8)] * 5
    sheet = contact_sheet(pictures, ["", "", "", "", "five"], width=800)
    dark = (sheet < 100).all(axis=2)
    rows, columns = np.nonzero(dark)
    assert rows.min() > sheet.shape[0] / 2
    assert columns.max() < 200
    assert abs((columns.min() + columns.max()) / 2 - 100) <= 2


def test_a_sheet_of_one_row() -> None:
    """As many columns as asked for: a strip."""
    pictures = [np.full((50, 50, 3), shade, np.uint8) for shade in (10, 60, 110, 160, 210)]
    sheet = contact_sheet(pictures, [""] * 5, width=500, columns=5)
    assert [int(sheet[35, x, 0]) for x in (50, 150, 250, 350, 450)] == [10, 60, 110, 160, 210]
    assert sheet.shape[0] < 120


@pytest.mark.parametrize(("pictures", "captions"), [(0, 0), (1, 2), (2, 1)])
def test_a_sheet_of_nothing_or_of_unequal_numbers_is_an_error(pictures: int, captions: int) -> None:
    with pytest.raises(ValueError, match="a caption each"):
        contact_sheet([noise(4, 4)] * pictures, ["x"] * captions)


@pytest.mark.parametrize("name", ["A" * 1_000_000, "\u4e2d" * 1_000_000, "a b " * 250_000])
def test_a_name_of_a_million_letters_is_drawn_at_once(name: str) -> None:
    start = perf_counter()
    picture = noise(300, 200)
    assert changed(picture, annotate(picture, [face(10, 10, 90, 90)], [name])).any()
    assert contact_sheet([picture], [name]).ndim == 3
    assert perf_counter() - start < 30  # far more without a bound
