"""The training loop: pictures in, a network out, and a log of what happened on the way."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from visavis.nets.ops import Net
from visavis.nets.torch_module import Network
from visavis.pytorch import Tensor, functional, torch
from visavis.train import miners, sampler
from visavis.train.architectures import architecture
from visavis.train.augment import augment
from visavis.train.config import Settings
from visavis.train.criteria import Criterion
from visavis.train.crops import Crops
from visavis.train.health import Epoch
from visavis.train.loader import prefetch
from visavis.train.sampler import Rows
from visavis.train.schedule import factor
from visavis.train.validation import Judged, judge, nearest_mean
from visavis.train.validation_split import TrainingSplit
from visavis.types import RGB, Floats

Report = Callable[[Epoch], object]

EMBED = 64
"""Pictures embedded together for validation."""


class TrainingLoop:
    """One run: a network, its loss, its optimizer, and the step that they have reached."""

    def __init__(self, data: Crops, parts: TrainingSplit, settings: Settings, weights: dict[str, Floats]) -> None:
        self.data, self.parts, self.settings = data, parts, settings
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.manual_seed(settings.seed)
        self.net = architecture(settings.architecture)
        self.definition: Net = self.net.definition(settings.dimension)
        owners = data.labels[parts.train]
        self.people = np.unique(owners)
        self.labels = np.searchsorted(self.people, owners).astype(np.int64)
        self.network = Network(self.definition, weights, frozen=settings.frozen).to(self.device)
        self.criterion = Criterion(settings, len(self.people)).to(self.device)
        self.parameters = [
            parameter
            for module in (self.network, self.criterion)
            for parameter in module.parameters()
            if parameter.requires_grad
        ]
        self.optimizer = _make_optimizer(self.parameters, settings)
        self.epoch, self.total_epochs = 0, settings.epochs
        self.epochs: list[Epoch] = []
        self._run: Callable[[Tensor], tuple[Tensor, ...]] = (
            torch.compile(self.network) if settings.compile else self.network
        )
        self._triplets: miners.Triplets | None = None
        self._measured: list[tuple[float, ...]] = []

    # ------------------------------------------------------------------------------------------------------- batches

    def batches(self, epoch: int) -> list[Rows]:
        """Return the batches of an epoch, as rows of the training pictures."""
        settings, rng = self.settings, np.random.default_rng([self.settings.seed, 2, epoch])
        size = settings.people * settings.pictures
        if not settings.by_people:
            return sampler.shuffled(len(self.labels), size, rng)
        if settings.loss == "triplet" and settings.miner == "offline":
            if self._triplets is None or (epoch % settings.renew == 0 and not self._measured):
                self._triplets = self._mine_offline(epoch)
            anchors, positives, negatives = (part.numpy() for part in self._triplets)
            return sampler.triplet_rows(anchors, positives, negatives, size)
        return sampler.people_by_pictures(self.labels, people=settings.people, pictures=settings.pictures, rng=rng)

    def pictures(self, rows: Rows, epoch: int, number: int) -> RGB:
        """Return the pictures of batch ``number`` of an epoch, changed as the settings want it."""
        pixels = np.stack([self.data.pixels[row] for row in self.parts.train[rows]])
        return augment(pixels, self.settings.augment, np.random.default_rng([self.settings.seed, 3, epoch, number]))

    # ---------------------------------------------------------------------------------------------------------- steps

    def train_epoch(self, stop: Callable[[], bool] = lambda: False) -> Epoch | None:
        """Train to the end of the epoch, and measure it; None where ``stop()`` was true after a step.

        A later call goes on with the next step.
        """
        begun, trained = time.perf_counter(), 0
        batches = self.batches(self.epoch)
        self.network.train()
        first = len(self._measured)
        loaded = prefetch(lambda n: self.pictures(batches[first + n], self.epoch, first + n), len(batches) - first)
        for number, pixels in enumerate(loaded, first):
            step = self.epoch * len(batches) + number
            self._set_rate(step, self.total_epochs * len(batches))
            self._measured.append(self.step(pixels, batches[number], step))
            trained += len(pixels)
            if not math.isfinite(self._measured[-1][0]):
                break
            if stop() and number + 1 < len(batches):
                return None
        speed = trained / (time.perf_counter() - begun)
        self.epoch += 1
        return self._measure_epoch(self.epoch * len(batches), speed, sum(map(len, batches)))

    def _measure_epoch(self, step: int, speed: float, pictures: int) -> Epoch:
        columns = np.array(self._measured, np.float64).T
        self._measured = []
        means = [float(np.nanmean(column)) if np.isfinite(column).any() else math.nan for column in columns]
        loss, active, positive, negative, norm, spread = means
        begun = time.perf_counter()
        judged = self.validate()
        epoch = Epoch(
            epoch=self.epoch,
            step=step,
            loss=float(columns[0][-1]) if not math.isfinite(columns[0][-1]) else loss,
            rate=self.optimizer.param_groups[0]["lr"],
            active=None if math.isnan(active) else active,
            positive=positive,
            negative=negative,
            norm=norm,
            spread=spread,
            pictures_a_second=speed,
            seconds=pictures / speed + time.perf_counter() - begun,
            tar=judged.tar,
            tar_low=judged.low,
            tar_high=judged.high,
            accuracy=judged.accuracy,
        )
        self.epochs.append(epoch)
        return epoch

    def step(self, pixels: RGB, rows: Rows, step: int) -> tuple[float, ...]:
        """Train on a batch; return loss, share of active triplets, mean distances of pairs, norm and spread."""
        labels = torch.from_numpy(self.labels[rows]).to(self.device)
        generator = torch.Generator(self.device).manual_seed(self.settings.seed * 1_000_003 + step)
        with self._precision():
            (outputs,) = self._run(torch.from_numpy(pixels).to(self.device))
        answer = self.criterion(outputs.float(), labels, generator)
        self.optimizer.zero_grad(set_to_none=True)
        answer.loss.backward()
        if self.settings.optimizer.clip:
            torch.nn.utils.clip_grad_norm_(self.parameters, self.settings.optimizer.clip)
        self.optimizer.step()
        return _measure(outputs.detach().float(), labels, answer.loss, answer.active)

    def _precision(self) -> torch.autocast:
        """Compute in bfloat16 where there is CUDA, which needs no scaling of the loss."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.device.type == "cuda")

    def _set_rate(self, step: int, total: int) -> None:
        how = self.settings.schedule
        part = factor(step, total, kind=how.name, warm_up=how.warm_up, drops=how.drops, drop=how.drop)
        for group in self.optimizer.param_groups:
            group["lr"] = self.settings.optimizer.rate * part

    # ----------------------------------------------------------------------------------------------------- validation

    def embed(self, rows: Rows) -> Floats:
        """Return embeddings ``(n, d)`` of length 1 of rows of the data, as the finished network makes them."""
        self.network.eval()
        parts = [np.empty((0, self.settings.dimension), np.float32)]
        with torch.no_grad():
            for start in range(0, len(rows), EMBED):
                pixels = np.stack([self.data.pixels[row] for row in rows[start : start + EMBED]])
                (outputs,) = self.network(torch.from_numpy(pixels).to(self.device))
                parts.append(functional.normalize(outputs.float()).cpu().numpy())
        return np.concatenate(parts)

    def validated_rows(self) -> Rows:
        """Return the rows of the data that are embedded to judge an epoch."""
        held_out = self.parts.held_out
        if self.parts.people or not len(held_out):
            return held_out
        return np.concatenate([held_out, self.parts.train])

    def validate(self) -> Judged:
        """Judge the network by the pictures held out; see :mod:`visavis.train.validation`."""
        rows, count = self.validated_rows(), len(self.parts.held_out)
        if not count:
            return Judged()
        embeddings, labels = self.embed(rows), self.data.labels[rows]
        if not np.isfinite(embeddings).all():
            return Judged()
        judged = judge(embeddings[:count], labels[:count], seed=self.settings.seed)
        if self.parts.people:
            return judged
        right = nearest_mean(embeddings[count:], labels[count:], embeddings[:count]) == labels[:count]
        return replace(judged, accuracy=float(right.mean()))

    def _mine_offline(self, epoch: int) -> miners.Triplets:
        embeddings = torch.from_numpy(self.embed(self.parts.train))
        generator = torch.Generator().manual_seed(self.settings.seed * 1_000_003 + epoch)
        return miners.offline_triplets(embeddings, torch.from_numpy(self.labels), generator)

    # ---------------------------------------------------------------------------------------------------------- state

    def state(self) -> dict[str, Any]:
        """Return all that the rest of the run depends on."""
        return {
            "network": self.network.state_dict(),
            "criterion": self.criterion.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "epoch": self.epoch,
            "total_epochs": self.total_epochs,
            "epochs": [epoch.row() for epoch in self.epochs],
            "measured": [list(row) for row in self._measured],
            "triplets": None if self._triplets is None else list(self._triplets),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.network.load_state_dict(state["network"])
        self.criterion.load_state_dict(state["criterion"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.epoch, self.total_epochs = state["epoch"], state["total_epochs"]
        self.epochs = [Epoch(**row) for row in state["epochs"]]
        self._measured = [tuple(row) for row in state["measured"]]
        self._triplets = None if state["triplets"] is None else miners.Triplets(*state["triplets"])


def _make_optimizer(parameters: list[torch.nn.Parameter], settings: Settings) -> torch.optim.Optimizer:
    how = settings.optimizer
    if how.name == "sgd":
        return torch.optim.SGD(parameters, how.rate, momentum=how.momentum, weight_decay=how.weight_decay)
    return torch.optim.AdamW(parameters, how.rate, weight_decay=how.weight_decay)


def _measure(outputs: Tensor, labels: Tensor, loss: Tensor, active: Tensor | None) -> tuple[float, ...]:
    embeddings = functional.normalize(outputs)
    apart = miners.distances_between(embeddings, embeddings)
    same = labels[:, None] == labels[None]
    own = same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    spread = (embeddings - embeddings.mean(dim=0)).square().sum(dim=1).mean().sqrt()
    return (
        float(loss.detach()),
        math.nan if active is None else float(active),
        float(apart[own].mean()) if own.any() else math.nan,
        float(apart[~same].mean()) if (~same).any() else math.nan,
        float(outputs.norm(dim=1).mean()),
        float(spread),
    )
