"""The options that choose networks, which most commands share: a command takes them as one argument, ``networks``."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

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
    """What runs: ids of the detector and the model, side in pixels of the smallest face, number of threads.

    ``model`` is None where the command line names none, and the command has no default.
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
    min_face: MinFace = 20,
    threads: Threads = None,
) -> Networks:
    """Return the networks that these options name."""
    found = detector_id(detector, any_orientation=any_orientation)
    return Networks(found, min_face, threads, gallery_model(model, views=views, precision=precision))


Options = Sequence[inspect.Parameter]

EMBEDDING: Options = [*inspect.signature(choose, eval_str=True).parameters.values()]
"""Options of a command that embeds faces."""
DETECTING = EMBEDDING[3:]
"""Options of a command that detects faces, and does not embed them."""
OF_GALLERY = [EMBEDDING[0].replace(annotation=GalleryModel, default=None), *EMBEDDING[1:]]
"""Options of a command that embeds faces with a gallery's own model unless another is named."""


def takes(options: Options) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command these options in place of its parameter ``networks``, which gets what they choose."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def run(**values: Any) -> None:
            networks = choose(**{option.name: values.pop(option.name) for option in options})
            command(networks=networks, **values)

        own = inspect.signature(command, eval_str=True)
        parameters: list[inspect.Parameter] = []
        for parameter in own.parameters.values():
            parameters += options if parameter.name == "networks" else [parameter]
        run.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
        return run

    return decorate
