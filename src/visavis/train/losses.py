"""Losses for networks that embed faces: each takes embeddings of a batch and the people in it, and returns a number.

Notation of the papers: a an anchor, p a positive (another picture of the anchor's person), n a negative (a picture of
another person), d a distance, m a margin, s a scale. Embeddings have length 1 but where a loss says otherwise.

- softmax: cross-entropy over the people of the training data, from a dense layer of its own.
- triplet: mean of max(0, d(a, p) - d(a, n) + m) over triplets (FaceNet, Schroff and others 2015: squared L2, m = .2).
- contrastive: for pairs, d^2 of one person, max(0, m - d)^2 of two (Hadsell, Chopra, LeCun 2006).
- ArcFace and CosFace: softmax over s cos(t), where the right person's cosine is made smaller: cos(t + m) (Deng and
  others 2019: m = .5, s = 64), cos(t) - m (Wang and others 2018: m = .35, s = 64).
"""

from __future__ import annotations

import math
from collections.abc import Callable

from visavis.pytorch import Tensor, functional, nn, torch
from visavis.train.miners import Pairs, Triplets

TINY = 1e-12
"""Below it squared lengths are not divided by, so that gradients stay finite."""

Distance = Callable[[Tensor, Tensor], Tensor]
"""Distance of rows ``x (k, d)`` and ``y (k, d)``: ``(k,)``, at least 0."""


def squared_l2(x: Tensor, y: Tensor) -> Tensor:
    """Return |x - y|^2: 2 - 2 cos for embeddings of length 1, from 0 to 4."""
    return (x - y).square().sum(dim=1)


def l2(x: Tensor, y: Tensor) -> Tensor:
    """Return |x - y|, with a finite gradient where they are equal."""
    return squared_l2(x, y).clamp(min=TINY).sqrt()


class WeightedDistance(nn.Module):
    """Sum of differences of each value, with weights >= 0 that are trained with the network.

    ``chi2`` gives (x - y)^2 / (|x| + |y|), the chi-squared similarity of DeepFace (Taigman and others 2014), whose
    values are not negative; ``l1`` gives |x - y| (the Siamese networks of that paper, and Koch and others 2015). The
    weights begin at 1.
    """

    def __init__(self, kind: str, dimension: int) -> None:
        super().__init__()
        self.kind = kind
        self.raw = nn.Parameter(torch.full((dimension,), math.log(math.e - 1)))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the distances of rows."""
        difference = (x - y).abs()
        if self.kind == "chi2":
            difference = difference.square() / (x.abs() + y.abs()).clamp(min=1e-6)
        return difference @ functional.softplus(self.raw)


def triplet_terms(embeddings: Tensor, triplets: Triplets, *, distance: Distance, margin: float) -> Tensor:
    """Return d(a, p) - d(a, n) + margin of each triplet ``(t,)``; those above 0 are active."""
    a, p, n = (embeddings[rows] for rows in triplets)
    return distance(a, p) - distance(a, n) + margin


def triplet_loss(terms: Tensor) -> Tensor:
    """Return the mean of max(0, term) over all triplets, active or not: it falls towards 0 as triplets are learned.

    It is the margin itself where all embeddings are equal. 0 without triplets.
    """
    return functional.relu(terms).sum() / max(len(terms), 1)


def contrastive_loss(embeddings: Tensor, pairs: Pairs, *, distance: Distance, margin: float) -> Tensor:
    """Return the mean over pairs, those of one person and those of two weighing the same in total."""
    x, y, same = embeddings[pairs.first], embeddings[pairs.second], pairs.same
    apart = distance(x, y)
    own, strange = apart[same].square(), functional.relu(margin - apart[~same]).square()
    return (own.sum() / max(len(own), 1) + strange.sum() / max(len(strange), 1)) / 2


class Softmax(nn.Module):
    """Cross-entropy of a dense layer with bias; takes embeddings of any length."""

    def __init__(self, dimension: int, people: int) -> None:
        super().__init__()
        self.dense = nn.Linear(dimension, people)

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Return the mean loss of embeddings ``(b, d)`` with labels ``(b,)``."""
        return functional.cross_entropy(self.dense(embeddings), labels)


class AngularMargin(nn.Module):
    """ArcFace (``angle``, in radians) and CosFace (``cosine``): softmax over scaled cosines with a margin.

    Beyond pi - angle, where cos(t + angle) would rise again, the cosine falls on as a line (as in the paper's code).
    """

    def __init__(self, dimension: int, people: int, *, scale: float, angle: float = 0.0, cosine: float = 0.0) -> None:
        super().__init__()
        self.centers = nn.Parameter(torch.randn(people, dimension) / dimension**0.5)
        self.scale, self.angle, self.cosine = scale, angle, cosine

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Return the mean loss of embeddings ``(b, d)`` with labels ``(b,)``; lengths do not matter."""
        cosines = functional.normalize(embeddings) @ functional.normalize(self.centers).T
        return functional.cross_entropy(self.scale * self.harder(cosines, labels), labels)

    def harder(self, cosines: Tensor, labels: Tensor) -> Tensor:
        """Return cosines ``(b, people)`` with the right person's made smaller by the margins."""
        right = cosines.gather(1, labels[:, None])
        sine = (1 - right.square()).clamp(min=TINY).sqrt()
        turned = right * math.cos(self.angle) - sine * math.sin(self.angle)
        behind = right - self.angle * math.sin(self.angle)
        smaller = torch.where(right > -math.cos(self.angle), turned, behind) - self.cosine
        return cosines.scatter(1, labels[:, None], smaller)
