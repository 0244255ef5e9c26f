"""The loss of a run: embeddings and people of a batch in, the loss and what it says about the batch out."""

from __future__ import annotations

from dataclasses import dataclass

from visavis.pytorch import Tensor, functional, nn, torch
from visavis.train import losses, miners
from visavis.train.config import Settings
from visavis.train.miners import Triplets


@dataclass(frozen=True, slots=True)
class BatchLoss:
    """The loss of a batch, and the share of its triplets that are active (None: the loss has no triplets)."""

    loss: Tensor
    active: Tensor | None = None


class Criterion(nn.Module):
    """The loss of the settings. Its parameters, if it has any, are trained with the network."""

    def __init__(self, settings: Settings, people: int) -> None:
        super().__init__()
        self.settings = settings
        self.head = _make_head(settings, people)
        weighted = settings.by_people and settings.distance in ("l1", "chi2")
        self.weighted = losses.WeightedDistance(settings.distance, settings.dimension) if weighted else None

    def forward(self, outputs: Tensor, labels: Tensor, generator: torch.Generator) -> BatchLoss:
        """Return the loss of a batch: network outputs ``(b, d)``, not normalized, and labels ``(b,)``."""
        if self.head is not None:
            return BatchLoss(self.head(outputs, labels))
        embeddings = functional.normalize(outputs)
        if self.settings.loss == "contrastive":
            pairs = miners.all_pairs(labels)
            return BatchLoss(
                losses.contrastive_loss(embeddings, pairs, distance=self.distance, margin=self.settings.loss_margin)
            )
        triplets = self._mine(embeddings.detach(), labels, generator)
        terms = losses.triplet_terms(embeddings, triplets, distance=self.distance, margin=self.settings.loss_margin)
        active = (terms.detach() > 0).float().mean() if len(terms) else torch.zeros(())
        return BatchLoss(losses.triplet_loss(terms), active)

    def distance(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the distances of rows, by the distance of the settings."""
        if self.weighted is not None:
            distances: Tensor = self.weighted(x, y)
            return distances
        return losses.l2(x, y) if self.settings.distance == "l2" else losses.squared_l2(x, y)

    def _mine(self, embeddings: Tensor, labels: Tensor, generator: torch.Generator) -> Triplets:
        miner, margin = self.settings.miner, self.settings.loss_margin
        if miner == "offline":  # the batch is anchors, positives, negatives
            each = len(labels) // 3
            return Triplets(*torch.arange(3 * each, device=labels.device).reshape(3, each))
        if miner == "all":
            return miners.all_triplets(labels)
        if miner == "random":
            return miners.random_triplets(labels, generator)
        apart = self._distances(embeddings)
        if miner == "batch-hard":
            return miners.batch_hard_triplets(apart, labels)
        return miners.semi_hard_triplets(apart, labels, generator, margin=margin)

    def _distances(self, embeddings: Tensor) -> Tensor:
        """Return the distances of all rows to all rows ``(b, b)``."""
        if self.weighted is not None:
            with torch.no_grad():
                return torch.stack([self.distance(row.expand_as(embeddings), embeddings) for row in embeddings])
        squared = miners.distances_between(embeddings, embeddings)
        return squared.sqrt() if self.settings.distance == "l2" else squared


def _make_head(settings: Settings, people: int) -> nn.Module | None:
    dimension, margin = settings.dimension, settings.loss_margin
    if settings.loss == "softmax":
        return losses.Softmax(dimension, people)
    if settings.loss == "arcface":
        return losses.AngularMargin(dimension, people, scale=settings.scale, angle=margin)
    if settings.loss == "cosface":
        return losses.AngularMargin(dimension, people, scale=settings.scale, cosine=margin)
    return None
