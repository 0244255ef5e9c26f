"""The options that choose networks, which most commands share: a command takes them as one argument, ``networks``."""

from __future__ import annotations

import inspect
from collections.abc import Callable
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
    model_id,
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


def detecting(
    *,
    detector: DetectorName = DETECTOR,
    any_orientation: AnyOrientation = False,
    min_face: MinFace = 20,
    threads: Threads = None,
) -> Networks:
    """Return the choice of a command that detects faces."""
    return Networks(detector_id(detector, any_orientation=any_orientation), min_face, threads)


def embedding(
    *,
    model: ModelName = MODEL,
    views: Views = None,
    precision: PrecisionName = None,
    detector: DetectorName = DETECTOR,
    any_orientation: AnyOrientation = False,
    min_face: MinFace = 20,
    threads: Threads = None,
) -> Networks:
    """Return the choice of a command that embeds faces."""
    found = detector_id(detector, any_orientation=any_orientation)
    return Networks(found, min_face, threads, model_id(model, views=views, precision=precision))


def of_gallery(
    *,
    model: GalleryModel = None,
    views: Views = None,
    precision: PrecisionName = None,
    detector: DetectorName = DETECTOR,
    any_orientation: AnyOrientation = False,
    min_face: MinFace = 20,
    threads: Threads = None,
) -> Networks:
    """Return the choice of a command that embeds faces with a gallery's own model unless another is named."""
    found = detector_id(detector, any_orientation=any_orientation)
    return Networks(found, min_face, threads, gallery_model(model, views=views, precision=precision))


def takes(choose: Callable[..., Networks]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of ``choose`` in place of its parameter ``networks``, which gets the choice."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(command, eval_str=True)
        options = inspect.signature(choose, eval_str=True).parameters

        @wraps(command)
        def run(**values: Any) -> None:
            command(networks=choose(**{name: values.pop(name) for name in options}), **values)

        parameters: list[inspect.Parameter] = []
        for parameter in own.parameters.values():
            parameters += options.values() if parameter.name == "networks" else [parameter]
        run.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
        return run

    return decorate
