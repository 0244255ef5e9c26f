"""Options that choose networks, shared by most commands: a command gets them as one argument, ``networks``."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

from visavis import defaults
from visavis.cli._options import (
    DETECTOR,
    MODEL,
    AnyOrientation,
    DetectorName,
    GalleryModel,
    MinFace,
    ModelName,
    PrecisionName,
    Threads,
    Views,
    detector_id,
    gallery_model,
)

if TYPE_CHECKING:
    from visavis.pipeline import Recognizer


@dataclass(frozen=True, slots=True)
class Networks:
    """Ids of detector and model, side in pixels of the smallest face, and number of threads.

    ``model`` is None if the command line names none and the command has no default.
    """

    detector: str
    min_face: float
    threads: int | None
    model: str | None = None

    def recognizer(self, model: str | None = None) -> Recognizer:
        """Build a recognizer with ``model`` (default: the model of these options, else the default model)."""
        from visavis.pipeline import Recognizer

        return Recognizer(detector=self.detector, embedder=model or self.model or MODEL, threads=self.threads)


def choose(
    *,
    model: ModelName = MODEL,
    views: Views = None,
    precision: PrecisionName = None,
    detector: DetectorName = DETECTOR,
    any_orientation: AnyOrientation = False,
    min_face: MinFace = defaults.MIN_FACE,
    threads: Threads = None,
) -> Networks:
    """Return the networks chosen by these options."""
    chosen_detector = detector_id(detector, any_orientation=any_orientation)
    return Networks(chosen_detector, min_face, threads, gallery_model(model, views=views, precision=precision))


Options = Sequence[inspect.Parameter]
EMBEDDING: Options = [*inspect.signature(choose, eval_str=True).parameters.values()]
"""Options of a command that embeds faces."""
DETECTING = EMBEDDING[3:]
"""Options of a command that detects faces without embedding them."""
OF_GALLERY = [EMBEDDING[0].replace(annotation=GalleryModel, default=None), *EMBEDDING[1:]]
"""Options of a command that embeds faces, by default with the gallery's own model."""


def takes(options: Options) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command these options in place of its parameter ``networks``, and pass the chosen networks to it."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def run(**values: Any) -> None:
            networks = choose(**{option.name: values.pop(option.name) for option in options})
            command(networks=networks, **values)

        signature = inspect.signature(command, eval_str=True)
        parameters: list[inspect.Parameter] = []
        for parameter in signature.parameters.values():
            parameters += options if parameter.name == "networks" else [parameter]
        run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        return run

    return decorate
