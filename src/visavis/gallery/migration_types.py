"""Results of changing the model of a gallery: :meth:`visavis.gallery.Gallery.migrate`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from visavis.plain import Plain

Progress = Callable[[int, int], bool]
"""Receives the number of faces that are done and of all; False: stop."""


Confirm = Callable[[], bool]
"""Is asked in the transaction of the switch, when all is ready for it; False: stop."""


def confirm_all() -> bool:
    """Switch without asking."""
    return True


def go_on(done: int, total: int) -> bool:
    """Go on without showing progress."""
    return True


@dataclass(frozen=True, slots=True)
class PairErrors(Plain):
    """Errors of a model on pairs of a gallery's own templates.

    At the cosine distance ``threshold``, which accepts at most the share ``far`` of ``stranger_pairs``, ``missed`` of
    ``same_pairs`` are farther: the share ``miss_rate``. Both are None where there is no pair of one kind.
    """

    model: str
    far: float
    threshold: float | None
    same_pairs: int
    missed: int
    miss_rate: float | None
    stranger_pairs: int
    accepted: int


@dataclass(frozen=True, slots=True)
class LostFaces(Plain):
    """Faces of a person of which the second model cannot make an embedding, and why.

    ``templates`` and ``rejections`` are ids; ``person_id`` is None, and the name empty, for unassigned faces. ``whole``
    is whether the person has no other template, and is lost with these.
    """

    person_id: int | None
    name: str
    templates: tuple[int, ...]
    rejections: tuple[int, ...]
    whole: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MigrationState(Plain):
    """The models of a gallery: ``model`` answers, ``second`` is the other one (None: there is none).

    ``state`` is "none", "prepared" (the second model has not answered yet, or was left again) or "switched" (it is the
    model that answered before). ``filled`` of all ``faces`` (templates and rejections) have an embedding of it.
    """

    model: str
    second: str | None
    state: str
    faces: int
    filled: int


@dataclass(frozen=True, slots=True)
class Migration(Plain):
    """The outcome of a change of model: whether it ``switched``, and if not, why it was ``refused``.

    ``refused`` is "lost" (faces whose photos are gone), "worse" (more pairs missed), "unmeasured" (no pairs to compare
    the models on), "uncalibrated" (the new model has no thresholds), "stopped" (by the caller) or empty; ``message`` is
    a sentence. ``old`` and ``new`` are errors on the gallery's own pairs (None: not measured).
    """

    state: MigrationState
    switched: bool
    refused: str
    message: str
    lost: tuple[LostFaces, ...] = ()
    old: PairErrors | None = None
    new: PairErrors | None = None
