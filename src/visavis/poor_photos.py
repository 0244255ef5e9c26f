"""How much stricter a threshold must be where photos are poor.

Poor photos of two people look more alike than good ones, so at a threshold measured on good photos more
strangers pass. A network makes all distances between equally poor photos smaller by about the same
factor, at any rate, so that factor is measured: the *share* of a threshold that remains. It follows from
- the embedding: those of poor photos lie in a few directions, so a function of the second degree of the embedding, the
  ``likeness``, says how much a face is like the poor photos of other people, whatever the damage;
- the parts of the :class:`~visavis.types.Quality`, where they are known, for damage that the embedding does not show.

``visavis calibrate --degrade`` measures all of it on photos made worse.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike

from visavis.errors import UsageError
from visavis.types import Doubles, Floats, Quality

NEAREST = 1e-9
"""Least distance of a part of a quality from 0 and 1 on the scale of log odds."""
SCORE = "score"
"""Name of the curve for faces with a known score but unknown parts of the quality, as those in a gallery."""

MAX_WEIGHT = 1000
"""Largest weight of an axis. Measured weights are below 1."""

ShareCurve = tuple[tuple[float, float], ...]
LikenessAxis = tuple[float, tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class PoorPhotos:
    """Remaining shares of the threshold, as measured by ``visavis calibrate --degrade``.

    The likeness of an embedding is its product with ``direction (d,)`` plus, for each of the ``axes``, a weight and a
    vector ``(d,)``, the weight times the square of its product with the vector. ``likeness`` holds pairs of a likeness,
    rising, and a share, falling from 1; above its last value nothing was measured. ``parts`` hold for the name of a
    part of the quality pairs of its value and of the share, both rising up to 1; below the first value nothing was
    measured. The part ``score`` is for faces with unknown parts. Between pairs shares are interpolated, those of parts
    by the log odds of the value. Where the share of a pair is ``useless`` or less, hardly a pair of one person would
    pass: there is no answer then, nor where nothing was measured.
    """

    direction: tuple[float, ...]
    likeness: ShareCurve
    parts: tuple[tuple[str, ShareCurve], ...] = ()
    useless: float = 0.0
    axes: tuple[LikenessAxis, ...] = ()

    def likenesses(self, embeddings: Floats) -> Doubles:
        """Return the likeness ``(n,)`` of ``embeddings (n, d)`` to poor photos of other people.

        Raises UsageError for embeddings of another length than the measured ones.
        """
        if embeddings.shape[1] != len(self.direction):
            raise UsageError(
                f"the calibration is of embeddings of {len(self.direction)} values, and these have "
                f"{embeddings.shape[1]}: they are of another model."
            )
        weights, vectors = _make_arrays(self.direction, self.axes)
        along = embeddings.astype(np.float64) @ vectors
        likeness: Doubles = along[:, 0] + along[:, 1:] ** 2 @ weights
        return likeness

    def shares(self, embeddings: Floats, qualities: Sequence[Quality | float | None] | None = None) -> Doubles:
        """Return the share of the threshold between faces as poor as each row of ``embeddings (n, d)``: ``(n,)``.

        NaN marks faces that are poorer than measured. Without a quality (None) the share follows from the embedding
        alone. Raises UsageError for embeddings of another length than the measured ones.
        """
        values, shares = np.array(self.likeness).T
        by_embedding: Doubles = np.interp(self.likenesses(embeddings), values, shares, right=np.nan)
        if qualities is None:
            return by_embedding
        by_quality = np.ones(len(embeddings))
        whole = [place for place, quality in enumerate(qualities) if isinstance(quality, Quality)]
        by_quality[whole] = np.array([self.share_of_quality(qualities[place]) for place in whole], np.float64)
        scores = {
            place: quality
            for place, quality in enumerate(qualities)
            if quality is not None and not isinstance(quality, Quality)
        }
        if SCORE in dict(self.parts):
            by_quality[[*scores]] = _interpolate(dict(self.parts)[SCORE], [*scores.values()])
        together: Doubles = by_embedding * by_quality
        return together

    def share_of_quality(self, quality: Quality | float | None) -> float | None:
        """Return the share for the worst part of a quality, or for its score; None: poorer than measured.

        An unknown quality (None) counts as good.
        """
        if isinstance(quality, Quality):
            values = {name: float(getattr(quality, name)) for name, _ in self.parts if name != SCORE}
        else:
            values = {} if quality is None else {SCORE: quality}
        shares = [interpolate_share(curve, values[name]) for name, curve in self.parts if name in values]
        measured = [share for share in shares if share is not None]
        return min(measured, default=1.0) if len(measured) == len(shares) else None

    def share_of_part(self, name: str, value: float) -> float | None:
        """Return the share by one part of a quality alone; 1 for a part that was not measured, None: poorer."""
        curve = dict(self.parts).get(name)
        return 1.0 if curve is None else interpolate_share(curve, value)

    def share_of_pair(self, first: float | None, second: float | None) -> float | None:
        """Return the share for two faces of these shares; None: too poor for an answer.

        Strangers look alike only as far as both photos are poor: the reduction is the geometric mean of the two faces'
        reductions, and nothing where one photo is good.
        """
        if first is None or second is None:
            return None
        share = float(pair_shares(np.float64(first), np.float64(second)))
        return share if share > self.useless else None

    def table(self) -> dict[str, object]:
        """Return its part of the content of a calibration file."""
        parts = {name: [[value, share] for value, share in curve] for name, curve in self.parts}
        likeness = [[value, share] for value, share in self.likeness]
        axes = [[weight, list(vector)] for weight, vector in self.axes]
        return {
            "useless": self.useless,
            "direction": list(self.direction),
            "axes": axes,
            "likeness": likeness,
            "parts": parts,
        }


def pair_shares(first: Any, second: Any) -> Any:
    """Return the share of a threshold for two faces, by the shares for faces as poor as each."""
    return 1 - np.sqrt((1 - first) * (1 - second))


@lru_cache
def _make_arrays(direction: tuple[float, ...], axes: tuple[LikenessAxis, ...]) -> tuple[Doubles, Doubles]:
    """Return the weights of the axes ``(k,)``, and the direction and the axes as columns ``(d, 1 + k)``."""
    return np.array([weight for weight, _ in axes]), np.array([direction, *(vector for _, vector in axes)]).T


def interpolate_share(curve: ShareCurve, value: float) -> float | None:
    """Return the share at a value of a part; None below its first value."""
    return None if value < curve[0][0] else float(_interpolate(curve, value))


def _interpolate(curve: ShareCurve, values: ArrayLike) -> Doubles:
    """Return the shares at values of a part, NaN below its first value."""
    measured, shares = np.array(curve).T
    at_values = np.interp(_log_odds(values), _log_odds(measured), shares)
    inside: Doubles = np.where(np.asarray(values) < measured[0], np.nan, at_values)
    return inside


def _log_odds(values: ArrayLike) -> Doubles:
    """Return the log odds of values of a quality's part: linear in the logarithm of the measured quantity."""
    inside = np.clip(np.asarray(values, np.float64), NEAREST, 1 - NEAREST)
    odds: Doubles = np.log(inside / (1 - inside))
    return odds


def parse(table: object) -> PoorPhotos:
    """Read the result of :meth:`PoorPhotos.table`; KeyError, TypeError or ValueError if it is invalid."""
    content = cast("Mapping[str, object]", table)
    useless = float(cast("float", content["useless"]))
    if not 0 <= useless < 1:
        raise ValueError("a useless share is from 0 up to below 1")
    direction = _parse_vector(content["direction"])
    pairs_of_axes = cast("Sequence[tuple[float, Sequence[float]]]", content["axes"])
    axes = tuple((float(weight), _parse_vector(vector)) for weight, vector in pairs_of_axes)
    if any(len(vector) != len(direction) or not 0.9 < math.hypot(*vector) < 1.1 for _, vector in axes):
        raise ValueError("an axis has as many numbers as the direction, and length 1")
    if not all(abs(weight) <= MAX_WEIGHT for weight, _ in axes):
        raise ValueError(f"the weight of an axis is from -{MAX_WEIGHT} to {MAX_WEIGHT}")
    likeness = _parse_curve("likeness", content["likeness"])
    if not (_is_rising(-share for _, share in likeness) and np.isfinite([value for value, _ in likeness]).all()):
        raise ValueError("the shares of likeness do not fall with it")
    parts = tuple(
        (name, _parse_part(name, pairs)) for name, pairs in cast("Mapping[str, object]", content["parts"]).items()
    )
    return PoorPhotos(direction, likeness, parts, useless, axes)


def _parse_vector(numbers: object) -> tuple[float, ...]:
    vector = tuple(float(value) for value in cast("Sequence[float]", numbers))
    if not vector or not math.hypot(*vector) < math.inf:
        raise ValueError("a direction has a finite number for each of an embedding")
    return vector


def _parse_part(name: str, pairs: object) -> ShareCurve:
    curve = _parse_curve(name, pairs)
    if name not in Quality.__slots__:
        raise ValueError(f"no part of a quality is called {name}")
    if not (_is_rising(share for _, share in curve) and curve[0][0] >= 0 and curve[-1][0] <= 1):
        raise ValueError(f"qualities of {name} are from 0 to 1, and shares rise with them")
    return curve


def _parse_curve(name: str, pairs: object) -> ShareCurve:
    curve = tuple((float(value), float(share)) for value, share in cast("Sequence[tuple[float, float]]", pairs))
    if not curve or not all(0 < share <= 1 for _, share in curve):
        raise ValueError(f"the shares of {name} are above 0 and up to 1")
    if not _is_rising((value for value, _ in curve), strictly=True):
        raise ValueError(f"the values of {name} do not rise")
    return curve


def _is_rising(values: Any, *, strictly: bool = False) -> bool:
    steps = np.diff(list(values))
    return bool((steps > 0).all() if strictly else (steps >= 0).all())
