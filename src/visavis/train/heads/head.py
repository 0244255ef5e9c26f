"""What a head is, and what the fits share."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visavis.errors import MissingExtraError
from visavis.train.labeled_photos import Labels
from visavis.types import Doubles

Arrays = Mapping[str, NDArray[Any]]

ArraySides = tuple[str, ...]
"""Names of the sides of an array: ``k`` people, ``d`` features; every other name is a number that the file states."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A kind of classifier.

    ``fit`` takes features ``(n, d)``, labels ``(n,)`` from 0 to k - 1, of which each occurs, whether rare people weigh
    as much as frequent ones, and a seed; it returns arrays. ``logits`` takes these arrays and features and returns
    ``(n, k)``: values whose softmax is a distribution over people, once they are divided by a temperature. ``shapes``
    has the sides of each array. ``check`` returns the fault of arrays of the right shapes, or an empty text.

    ``balancing`` says how rare people are made to weigh as much as frequent ones. ``most_work`` bounds people times
    photos: above it a fit would take minutes, and the head is left out. ``extra`` is whether a fit takes scikit-learn.
    ``temperature`` returns, for a number of features, the temperature where no photo could be held out to fit one.
    """

    name: str
    title: str
    fit: Callable[[Doubles, Labels, bool, int], dict[str, NDArray[Any]]]
    logits: Callable[[Arrays, Doubles], Doubles]
    shapes: Mapping[str, ArraySides]
    balancing: str
    most_work: float = float("inf")
    extra: bool = True
    temperature: Callable[[int], float] = lambda features: 1.0
    check: Callable[[Arrays, int], str] = lambda arrays, features: ""


def check_extra() -> None:
    """Raise MissingExtraError unless scikit-learn is installed."""
    with fitting():
        pass


@contextmanager
def fitting() -> Iterator[None]:
    """Let scikit-learn fit: a missing package is one sentence, and a fit that stops early is no warning.

    The quality of a fit is measured on held-out photos in any case. Nor is it one that most people have one photo.
    """
    try:
        from sklearn.exceptions import ConvergenceWarning
        from threadpoolctl import threadpool_limits
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "this head needs scikit-learn: pip install 'visavis[classify]'; or try --head nearest-mean, which does not."
        ) from error
    # Threads gain nothing on matrices of this size, and where other processes compute too they cost a factor of ten.
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        yield


def log_softmax(logits: Doubles) -> Doubles:
    """Return the logarithms of the probabilities ``(n, k)``; no row overflows."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    logs: Doubles = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return logs
