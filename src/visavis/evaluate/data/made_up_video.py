"""Made-up videos whose truth is known: faces cut from photos that move across a scene, cross and are hidden.

A walker shows several photos of its person in turn, scaled to the height of its face and blurred along its motion.
Pillars hide people, and a nearer walker hides a farther walker. The truth has a row a frame for each face that
is visible by half or more. Equal scenes give equal frames.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from visavis.evaluate.data.video_truth import FaceBox, Presence
from visavis.types import RGB, Doubles, Floats

SHUTTER = 0.5
"""Share of the time between two frames for which the shutter is open: the blur is that part of the motion."""
VISIBLE = 0.5
"""Least share of a face's box that is not covered, for the truth to list it."""
OVERLAP = 0.25
"""Least part of the smaller of two boxes that is shared, for two walkers to cross."""
HEAD = np.array([-0.55, -0.45, 0.55, 0.3])
"""Margins of the head around a face's box, in widths and heights of the box: what is cut from a photo."""
FEATHER = 0.12
"""Share of the head's sides over which its edge fades."""
NOISE = 3.0
"""Standard deviation of the camera's noise, in gray levels."""


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """A photo ``(h, w, 3)`` of a person with the ``box (4,)`` of their face in it."""

    picture: RGB
    box: Floats


@dataclass(frozen=True, slots=True)
class Waypoint:
    """Where a face is at a time: its center ``x``, ``y`` and its ``height``, in pixels."""

    seconds: float
    x: float
    y: float
    height: float


@dataclass(frozen=True, slots=True, eq=False)
class Walker:
    """A person who moves along straight lines between ``places``, on from the first to the last of these.

    ``looks`` are shown in turn, each for ``each_s`` seconds: between two frames the face changes as much as between two
    photos of different days. Of two walkers the one of greater ``depth`` is hidden.
    """

    person: str
    looks: tuple[Look, ...]
    places: tuple[Waypoint, ...]
    depth: float = 0.0
    each_s: float = 0.4

    def place(self, seconds: float) -> Waypoint | None:
        """Return where the face is; None before the first and after the last place."""
        times = [place.seconds for place in self.places]
        if not times[0] <= seconds <= times[-1]:
            return None
        x, y, height = (
            float(np.interp(seconds, times, [getattr(place, part) for place in self.places]))
            for part in ("x", "y", "height")
        )
        return Waypoint(seconds, x, y, height)

    def look(self, seconds: float) -> Look:
        """Return the photo that is shown."""
        return self.looks[int((seconds - self.places[0].seconds) / self.each_s) % len(self.looks)]

    def box(self, seconds: float) -> FaceBox | None:
        """Return the box of the face, visible or not: as wide for its height as in the photo shown."""
        place = self.place(seconds)
        if place is None:
            return None
        width, height = self.look(seconds).box[2:] - self.look(seconds).box[:2]
        half = place.height * float(width / height) / 2, place.height / 2
        return place.x - half[0], place.y - half[1], place.x + half[0], place.y + half[1]


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """Walkers in front of a blurred background, and ``pillars`` in front of them: (left, right) in pixels."""

    width: int
    height: int
    seconds: float
    walkers: tuple[Walker, ...]
    pillars: tuple[tuple[int, int], ...] = ()
    rate: int = 25
    seed: int = 0

    def times(self) -> list[float]:
        """Return the seconds of the frames."""
        return [number / self.rate for number in range(round(self.seconds * self.rate))]

    def truth(self) -> tuple[Presence, ...]:
        """Return a row a frame for each face that is visible by ``VISIBLE`` or more."""
        return tuple(
            Presence(walker.person, seconds, seconds, box)
            for seconds in self.times()
            for walker, (box, visible) in self._measure(seconds).items()
            if visible >= VISIBLE
        )

    def count_events(self) -> int:
        """Count how often two walkers cross (their boxes overlap for a while) and how often a pillar hides one."""
        pairs = {(a, b): [_share(a.box(s), b.box(s)) >= OVERLAP for s in self.times()] for a, b in self._pairs()}
        hidden = [[self._behind_pillar(walker, s) for s in self.times()] for walker in self.walkers]
        return sum(_count_runs(states) for states in [*pairs.values(), *hidden])

    def frames(self) -> Iterator[RGB]:
        """Yield the frames ``(height, width, 3)``."""
        rng = np.random.default_rng(self.seed)
        background, pillar = _make_background(self, rng), rng.integers(40, 90, 3)
        grain = [rng.normal(0, NOISE, (self.height, self.width, 1)).astype(np.float32) for _ in range(4)]
        nearest_last = sorted(self.walkers, key=lambda walker: -walker.depth)
        for number, seconds in enumerate(self.times()):
            canvas = background.copy()
            for walker in nearest_last:
                _draw_walker(canvas, walker, seconds, 1 / self.rate)
            for left, right in self.pillars:
                canvas[:, left:right] = pillar
            yield np.clip(canvas + grain[number % len(grain)], 0, 255).astype(np.uint8)

    def _pairs(self) -> Iterator[tuple[Walker, Walker]]:
        return combinations(self.walkers, 2)

    def _behind_pillar(self, walker: Walker, seconds: float) -> bool:
        box = walker.box(seconds)
        return box is not None and sum(_share(box, self._pillar_box(sides)) for sides in self.pillars) > 1 - VISIBLE

    def _pillar_box(self, sides: tuple[int, int]) -> FaceBox:
        return sides[0], 0, sides[1], self.height

    def _measure(self, seconds: float) -> dict[Walker, tuple[FaceBox, float]]:
        """Return the box of each walker who is on, and the share of it that can be seen."""
        boxes = {walker: box for walker in self.walkers if (box := walker.box(seconds)) is not None}
        return {walker: (box, self._visible(walker, box, boxes)) for walker, box in boxes.items()}

    def _visible(self, walker: Walker, box: FaceBox, boxes: Mapping[Walker, FaceBox]) -> float:
        x1, y1, x2, y2 = (round(side) for side in box)
        rows, columns = np.mgrid[y1:y2, x1:x2]
        inside = (columns >= 0) & (columns < self.width) & (rows >= 0) & (rows < self.height)
        covers = [self._pillar_box(sides) for sides in self.pillars]
        covers += [_head_of(other) for near, other in boxes.items() if near.depth < walker.depth]
        for left, top, right, bottom in covers:
            inside &= ~((columns >= left) & (columns < right) & (rows >= top) & (rows < bottom))
        return float(inside.mean()) if inside.size else 0.0


def make_crossings(
    people: Mapping[str, tuple[Look, ...]], *, seed: int, size: tuple[int, int] = (640, 360), seconds: float = 7.0
) -> Scene:
    """Make a scene of four people (drawn from a larger set): two go right and two go left.

    Their faces are 36 to 110 pixels high. Each crosses those who go the other way, and passes behind two pillars, for
    up to a second each. In every third scene two people meet and turn back, instead of passing each other.
    """
    rng = np.random.default_rng(seed)
    width, height = size
    chosen = [sorted(people)[row] for row in rng.permutation(len(people))[:4]]
    walkers = []
    for number, person in enumerate(chosen):
        face, row = float(rng.uniform(40, 100)), height * float(rng.uniform(0.4, 0.55))
        start = 1.6 * (number // 2) + float(rng.uniform(0, 0.3))
        end = start + float(rng.uniform(4.6, 5.1))
        ends = (0.3 * face, width - 0.3 * face)[:: 1 if number % 2 == 0 else -1]
        last = Waypoint(end, ends[1], row, face * float(rng.uniform(0.9, 1.1)))
        places = [Waypoint(start, ends[0], row, face), last]
        if seed % 3 == 2 and number < 2:
            x = width / 2 + face * (-0.3 if number == 0 else 0.3)
            places = [places[0], Waypoint((start + end) / 2, x, row, face), replace(last, x=ends[0])]
        walkers.append(Walker(person, people[person], tuple(places), depth=float(rng.uniform())))
    thick = round(width * float(rng.uniform(0.09, 0.12)))
    lefts = [round(width * float(rng.uniform(low, low + 0.08))) for low in (0.2, 0.68)]
    pillars = tuple((left, left + thick) for left in lefts)
    return Scene(width, height, seconds, tuple(walkers), pillars, seed=seed)


CELL = (180, 216)
"""Width and height in pixels of the part of a scene in which a person sways."""


def make_side_by_side(
    people: Mapping[str, tuple[Look, ...]], *, seed: int, columns: int = 4, rows: int = 2, seconds: float = 1.6
) -> Scene:
    """Make a scene of people side by side, each swaying in a cell, with faces 30 to 120 pixels high.

    There are at most ``columns * rows`` people. A track of each is short, but shows all photos of the person twice.
    """
    rng = np.random.default_rng(seed)
    walkers = []
    for number, (person, looks) in enumerate(sorted(people.items())):
        x, y = CELL[0] * (number % columns + 0.5), CELL[1] * (number // columns + 0.5)
        face = float(np.exp(rng.uniform(np.log(30), np.log(120))))
        steps = tuple(
            Waypoint(float(moment), x + float(rng.uniform(-15, 15)), y + float(rng.uniform(-10, 10)), face)
            for moment in np.linspace(0, seconds, 5)
        )
        walkers.append(Walker(person, looks, steps, each_s=seconds / len(looks) / 2))
    return Scene(CELL[0] * columns, CELL[1] * rows, seconds, tuple(walkers), seed=seed)


def _count_runs(states: Sequence[bool]) -> int:
    return sum(now and not before for before, now in zip([False, *states], states, strict=False))


def _share(a: FaceBox | None, b: FaceBox | None) -> float:
    """Return the part of the smaller box that two boxes share."""
    if a is None or b is None:
        return 0.0
    across = max(min(a[2], b[2]) - max(a[0], b[0]), 0.0)
    down = max(min(a[3], b[3]) - max(a[1], b[1]), 0.0)
    return across * down / min((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))


def _head_of(box: FaceBox) -> FaceBox:
    """Return the part of a walker that hides what is behind it: the ellipse of the head, as the box inside it."""
    width, height = box[2] - box[0], box[3] - box[1]
    return box[0] - 0.2 * width, box[1] - 0.15 * height, box[2] + 0.2 * width, box[3] + 0.1 * height


def _make_background(scene: Scene, rng: np.random.Generator) -> Floats:
    """Return large soft spots of color, in which no detector sees a face."""
    from visavis.opencv import cv2

    coarse = (rng.uniform(60, 150, (4, 6, 1)) + rng.uniform(-20, 20, (4, 6, 3))).astype(np.float32)
    spots = cv2.resize(coarse, (scene.width, scene.height), interpolation=cv2.INTER_CUBIC)
    return np.clip(np.asarray(spots, np.float32), 0, 255)


def _draw_walker(canvas: Floats, walker: Walker, seconds: float, step: float) -> None:
    """Draw the head of a walker into the frame, blurred along its motion."""
    place = walker.place(seconds)
    if place is None:
        return
    later = walker.place(seconds + step) or place
    look = walker.look(seconds)
    side = look.box[2:] - look.box[:2]
    scale = place.height / float(side[1])
    head = np.concatenate([look.box[:2], look.box[2:]]) + HEAD * np.tile(side, 2)
    size = np.maximum(np.round((head[2:] - head[:2]) * scale), 2).astype(int)
    pixels = _cut_head(look, place.height, size)
    mask = _make_mask(int(size[0]), int(size[1]))
    motion = np.array([later.x - place.x, later.y - place.y]) * SHUTTER
    layer = _blur_along(np.dstack([pixels * mask[..., None], mask]), motion)
    center = (look.box[:2] + look.box[2:]) / 2
    corner = np.array([place.x, place.y]) - (center - head[:2]) * scale - (np.array(layer.shape[1::-1]) - size) / 2
    _blend(canvas, layer, corner)


def _cut_head(look: Look, height: float, size: NDArray[np.intp]) -> Floats:
    """Return the head of a photo, of a face ``height`` pixels high, in a picture of ``size``; edges are repeated."""
    from visavis.opencv import cv2

    side = look.box[2:] - look.box[:2]
    scale = height / float(side[1])
    middle = (look.box[:2] + look.box[2:]) / 2 + (HEAD[:2] + HEAD[2:]) / 2 * side
    corner = middle - size / 2 / scale
    place_in_photo = np.array([[1 / scale, 0, corner[0]], [0, 1 / scale, corner[1]]])
    source = look.picture if scale > 0.5 else cv2.GaussianBlur(look.picture, (0, 0), 0.4 / scale)
    flags = cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR
    cut = cv2.warpAffine(
        source, place_in_photo, (int(size[0]), int(size[1])), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(cut, np.float32)


def _make_mask(width: int, height: int) -> Floats:
    """Return the ellipse of a head ``(height, width)``: 1 inside, 0 outside, soft at its edge."""
    x = np.linspace(-1, 1, width, dtype=np.float32)[None]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    return np.clip((1 - np.sqrt(x * x + y * y)) / FEATHER, 0, 1).astype(np.float32)


def _blur_along(layer: Floats, motion: Doubles) -> Floats:
    """Return a layer ``(h, w, 4)`` blurred along ``motion`` (pixels), with a margin of its length on each side."""
    from visavis.opencv import cv2

    reach = int(np.ceil(float(np.hypot(*motion)) / 2)) + 1
    padded = cv2.copyMakeBorder(layer, reach, reach, reach, reach, cv2.BORDER_CONSTANT)
    ends = np.round((reach + np.array([-motion, motion]) / 2) * 16).astype(int)
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.uint8)
    cv2.line(kernel, [*map(int, ends[0])], [*map(int, ends[1])], 255, 1, cv2.LINE_AA, shift=4)
    weights = kernel.astype(np.float32)
    return np.asarray(cv2.filter2D(padded, -1, weights / weights.sum()), np.float32)


def _blend(canvas: Floats, layer: Floats, corner: Doubles) -> None:
    """Lay a layer (color times mask, mask) over the frame, at a corner to a pixel's fraction, where it is inside."""
    from visavis.opencv import cv2

    whole = np.floor(corner).astype(int)
    shift = np.array([[1, 0, corner[0] - whole[0]], [0, 1, corner[1] - whole[1]]])
    moved = cv2.warpAffine(layer, shift, (layer.shape[1] + 1, layer.shape[0] + 1))
    x1, y1 = np.maximum(whole, 0)
    x2 = min(whole[0] + moved.shape[1], canvas.shape[1])
    y2 = min(whole[1] + moved.shape[0], canvas.shape[0])
    if x1 >= x2 or y1 >= y2:
        return
    part = moved[y1 - whole[1] : y2 - whole[1], x1 - whole[0] : x2 - whole[0]]
    target = canvas[y1:y2, x1:x2]
    target *= 1 - part[..., 3:]
    target += part[..., :3]
