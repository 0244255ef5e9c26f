"""Losses: values computed by hand, and those of pytorch-metric-learning where it has the same loss."""

from __future__ import annotations

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'visavis[train]'")

from torch.nn import functional  # noqa: E402

from visavis.train import losses, miners  # noqa: E402


def embeddings(count: int = 12, dimension: int = 6, seed: int = 0) -> torch.Tensor:
    return functional.normalize(torch.randn(count, dimension, generator=torch.Generator().manual_seed(seed)))


LABELS = torch.tensor([0, 0, 0, 1, 1, 2, 2, 2, 2, 3, 3, 4])


def test_triplet_loss_by_hand() -> None:
    """d(a, p) = 2 and d(a, n) = 4 for right angles and opposites: 2 - 4 + 3 = 1 with a margin of 3; the other way 5."""
    points = torch.tensor([[1.0, 0], [0, 1], [-1, 0]])
    triplets = miners.Triplets(torch.tensor([0, 0]), torch.tensor([1, 2]), torch.tensor([2, 1]))
    terms = losses.triplet_terms(points, triplets, distance=losses.squared_l2, margin=3)
    assert terms.tolist() == pytest.approx([1, 5])
    assert float(losses.triplet_loss(terms)) == pytest.approx(3)
    assert float(losses.triplet_loss(terms - 2)) == pytest.approx(1.5)  # -1 counts as 0, and is counted


def test_triplet_loss_of_equal_embeddings_is_the_margin() -> None:
    points = torch.ones(12, 3) / 3**0.5
    terms = losses.triplet_terms(points, miners.all_triplets(LABELS), distance=losses.squared_l2, margin=0.2)
    assert float(losses.triplet_loss(terms)) == pytest.approx(0.2)


def test_no_triplets_no_loss() -> None:
    none = miners.Triplets(*torch.zeros((3, 0), dtype=torch.int64))
    points = embeddings().requires_grad_()
    loss = losses.triplet_loss(losses.triplet_terms(points, none, distance=losses.l2, margin=0.2))
    loss.backward()
    assert float(loss.detach()) == 0
    assert points.grad is not None
    assert not points.grad.any()


def test_triplet_loss_is_that_of_the_oracle() -> None:
    oracle = pytest.importorskip("pytorch_metric_learning.losses")
    from pytorch_metric_learning.distances import LpDistance
    from pytorch_metric_learning.reducers import MeanReducer

    points, triplets = embeddings(), miners.all_triplets(LABELS)
    for power, distance in ((2, losses.squared_l2), (1, losses.l2)):
        theirs = oracle.TripletMarginLoss(margin=0.2, distance=LpDistance(power=power), reducer=MeanReducer())
        terms = losses.triplet_terms(points, triplets, distance=distance, margin=0.2)
        assert float(losses.triplet_loss(terms)) == pytest.approx(
            float(theirs(points, LABELS, tuple(triplets))), rel=1e-5
        )


def test_contrastive_loss_by_hand() -> None:
    """Own pair at sqrt 2: 2; strange pairs at 2 and sqrt 2, margin 2: 0 and (2 - sqrt 2)^2."""
    points = torch.tensor([[1.0, 0], [0, 1], [-1, 0]])
    pairs = miners.all_pairs(torch.tensor([0, 0, 1]))
    loss = losses.contrastive_loss(points, pairs, distance=losses.l2, margin=2)
    assert float(loss) == pytest.approx((2 + (2 - 2**0.5) ** 2 / 2) / 2)


def test_angular_margins_are_those_of_the_oracle() -> None:
    oracle = pytest.importorskip("pytorch_metric_learning.losses")
    points = 3 * embeddings(seed=1)
    arc = losses.AngularMargin(6, 5, scale=16, angle=0.5)
    cos = losses.AngularMargin(6, 5, scale=16, cosine=0.35)
    theirs_arc = oracle.ArcFaceLoss(5, 6, margin=math.degrees(0.5), scale=16)
    theirs_cos = oracle.CosFaceLoss(5, 6, margin=0.35, scale=16)
    for ours, theirs in ((arc, theirs_arc), (cos, theirs_cos)):
        theirs.W.data = ours.centers.data.T.clone()
        with torch.no_grad():
            assert float(ours(points, LABELS)) == pytest.approx(float(theirs(points, LABELS)), rel=1e-4)


def test_arcface_only_ever_makes_the_right_person_harder() -> None:
    """cos(t + m) rises again beyond pi - m: the loss must not fall there."""
    loss = losses.AngularMargin(2, 2, scale=8, angle=0.5)
    loss.centers.data = torch.tensor([[1.0, 0], [0, 1]])
    angles = torch.linspace(0, -math.pi, 200)  # away from the first center, and as far from the second's side as can be
    points = torch.stack([angles.cos(), angles.sin()], dim=1)
    with torch.no_grad():
        right = loss.harder(points @ loss.centers.T, torch.zeros(200, dtype=torch.int64))[:, 0].numpy()
    assert np.all(np.diff(right) < 0)
    assert right[0] == pytest.approx(math.cos(0.5))


def test_gradients_are_finite_where_everything_coincides() -> None:
    points = torch.ones(4, 3, requires_grad=True)
    pairs = miners.all_pairs(torch.tensor([0, 0, 1, 1]))
    for distance in (
        losses.l2,
        losses.squared_l2,
        losses.WeightedDistance("chi2", 3),
        losses.WeightedDistance("l1", 3),
    ):
        points.grad = None
        losses.contrastive_loss(points, pairs, distance=distance, margin=1).backward()
        assert points.grad is not None
        assert torch.isfinite(points.grad).all()
    arc = losses.AngularMargin(3, 2, scale=64, angle=0.5)
    arc.centers.data[:] = 1
    points.grad = None
    arc(points, torch.tensor([0, 0, 1, 1])).backward()
    assert points.grad is not None
    assert torch.isfinite(points.grad).all()


def test_weighted_distances_by_hand() -> None:
    x, y = torch.tensor([[1.0, 2, 0]]), torch.tensor([[3.0, 1, 0]])
    assert losses.WeightedDistance("l1", 3)(x, y).tolist() == pytest.approx([3])
    assert losses.WeightedDistance("chi2", 3)(x, y).tolist() == pytest.approx([4 / 4 + 1 / 3])
