"""Networks put together at random: what is emitted agrees with the slow interpreter, whatever follows on what."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from example_counts import examples

from . import generated
from .agreement import assert_agree, pixels

SIDE = 19
BATCH = "bias gamma beta mean variance"
AFTER = ["", "bias gamma beta", BATCH, "beta mean variance"]
"""Parts beside the kernel: an affine layer follows, or batch normalization with and without a factor, or nothing."""


@dataclass
class Plan:
    """A network as a list of steps, and weights made while the shape of the values is followed."""

    rng: np.random.Generator
    channels: int = 3
    side: int = SIDE
    steps: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    weights: dict[str, np.ndarray] = field(default_factory=dict)

    def add(self, kind: str, **options: Any) -> None:
        """Append a step where the values are large enough for it."""
        name = f"{kind}{len(self.steps)}"
        size, same = options.get("size", 0), options.get("pad") == "same"
        if not same and size > self.side + 2 * options.get("pad", 0):
            return
        if kind in ("conv", "sum"):
            width, size = options.pop("width"), options.pop("size")
            parts = f"kernel {options.pop('after')}"
            self.weights |= generated.layer(name, (width, self.channels, size, size), self.rng, parts=parts)
            self.channels = width if kind == "conv" else max(width, self.channels)
        elif kind == "depthwise":
            self.weights |= generated.layer(
                name, (self.channels, 1, options.pop("size"), size), self.rng, parts=f"kernel {BATCH}"
            )
        elif kind == "bent":
            self.weights[f"{name}.slope"] = generated.slopes(options.pop("slopes"), self.channels, self.rng)
        elif kind == "gate":
            self.weights |= generated.layer(name, (self.channels, self.channels), self.rng)
        elif kind == "concat":
            width = options.pop("width")
            self.weights |= generated.layer(name, (width, self.channels, 1, 1), self.rng)
            self.channels = 2 * self.channels + width
        self.steps.append((kind, name, options))
        if kind == "sum":
            self.side = max(self.side, (self.side - size) // options["stride"] + 1)
        elif same:
            self.side = -(-self.side // options["stride"])
        elif size:
            over = self.side + 2 * options.get("pad", 0) - size
            self.side = (-(-over // options["stride"]) if options.get("ceil") else over // options["stride"]) + 1

    def bend(self, slopes: str, **options: Any) -> None:
        """Nothing but a convolution can take a slope in: it goes before, depthwise if it has no width."""
        before = len(self.steps)
        self.add("conv" if "width" in options else "depthwise", stride=1, **options)
        if len(self.steps) > before:
            self.add("bent", slopes=slopes)

    def finish(self, how: str) -> None:
        """End in a dense layer, behind the mean or behind all values."""
        inputs = self.channels * (1 if how == "global_average" else self.side**2)
        self.weights |= generated.layer("hidden", (inputs, 6), self.rng)
        self.weights["bent.slope"] = generated.slopes("mixed", 6, self.rng)
        self.weights |= generated.layer("last", (6, 3), self.rng, parts="kernel")
        self.steps.append((how, "", {}))

    def __call__(self, ops: Any, x: Any) -> tuple[Any, ...]:
        x = ops.normalize(x, mean=(120.0, 110.0, 100.0), scale=1 / 64)
        for kind, name, options in self.steps:
            if kind in ("conv", "sum", "depthwise"):
                layer = ops.depthwise if kind == "depthwise" else ops.conv
                out = self._normed(ops, layer(x, name, **options), name)
                x = ops.add_padded(out, x) if kind == "sum" else out
            elif kind == "gate":
                x = ops.gate(x, ops.sigmoid(ops.dense(ops.global_average(x), name)))
            elif kind == "concat":
                x = ops.concat([x, ops.relu(ops.conv(x, name)), x])
            elif kind == "bent":
                x = ops.prelu(x, name)
            else:
                x = getattr(ops, kind)(x, **options)
        return (ops.dense(ops.prelu(ops.dense(x, "hidden"), "bent"), "last"),)

    def _normed(self, ops: Any, x: Any, name: str) -> Any:
        if f"{name}.mean" in self.weights:
            return ops.scale(ops.batch_norm(x, name, eps=1e-2), 0.7)
        return ops.affine(x, name) if f"{name}.gamma" in self.weights else x

    @property
    def pending(self) -> bool:
        """Whether the last step is one that can be given more channels."""
        kinds = [kind for kind, _, _ in self.steps if kind != "bent"]
        return kinds[-1] in ("conv", "average_pool") and self.steps[-1][0] in (kinds[-1], "bent")


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    plan = Plan(np.random.default_rng(draw(st.integers(0, 2**32 - 1))))
    small, widths = st.integers(1, 3), st.sampled_from([1, 4, 16, 21, 30])
    pads, after = st.sampled_from([0, 1, "same"]), st.sampled_from(AFTER)
    plan.add("conv", width=draw(widths), size=draw(small), stride=draw(small), pad=draw(pads), after=draw(after))
    for kind in draw(st.lists(st.sampled_from(KINDS), max_size=7)):
        size = draw(small)
        if kind == "conv":
            options = {"width": draw(widths), "pad": draw(pads), "after": draw(after)}
            plan.add(kind, size=size, stride=draw(small), **options)
        elif kind == "bent":
            options = {"width": draw(widths), "after": ""} if draw(st.booleans()) else {}
            plan.bend(draw(st.sampled_from(sorted(generated.SLOPES))), size=size, pad=draw(pads), **options)
        elif kind == "sum":
            # What is in memory already cannot be given more channels.
            width = draw(widths) if plan.pending else draw(st.integers(1, plan.channels))
            plan.add(kind, width=width, size=size, stride=draw(st.integers(1, 2)), after=draw(after))
        elif kind == "depthwise":
            plan.add(kind, size=size, stride=draw(st.integers(1, 2)), pad=draw(pads))
        elif kind == "concat":
            plan.add(kind, width=draw(widths))
        elif kind == "max_pool":
            plan.add(kind, size=size, stride=draw(st.integers(1, size)), ceil=draw(st.booleans()))
        elif kind == "average_pool":
            plan.add(kind, size=size, stride=draw(st.integers(1, 2)))
        else:
            plan.add(kind)
    plan.finish(draw(st.sampled_from(["global_average", "flatten"])))
    return plan


KINDS = ["conv", "bent", "bent", "max_pool", "relu", "average_pool", "sum", "depthwise", "gate", "concat", "sigmoid"]


@settings(max_examples=examples(250), deadline=None)
@given(plans())
def test_any_network_agrees(plan: Plan) -> None:
    assert_agree(plan, plan.weights, pixels(2, SIDE, SIDE), side=SIDE)
