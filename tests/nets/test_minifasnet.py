"""MiniFASNet from its published files, against modules of PyTorch that load the same files with torch itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from visavis import spoof_networks
from visavis.embedders.trained import Recipe
from visavis.runtime import Session

from .agreement import pixels

torch = pytest.importorskip("torch", reason="PyTorch is not installed: visavis[train]")
nn = torch.nn

V1 = {
    "conv_23": [103], "conv_3": [13, 26, 13, 52], "conv_34": [231], "conv_4": [154, 52, 26, 52, 26, 26],
    "conv_45": [308], "conv_5": [26, 26],
}  # fmt: skip
V2 = {**V1, "conv_3": [13, 13, 13, 13], "conv_4": [231, 52, 26, 77, 26, 26]}
OUTPUTS = {"conv_23": 64, "conv_3": 64, "conv_34": 128, "conv_4": 128, "conv_45": 128, "conv_5": 128}


class Layer(nn.Module):
    """Convolution, normalization, and a PReLU unless it is linear."""

    def __init__(
        self, inputs: int, outputs: int, size: int, stride: int = 1, pad: int = 0, groups: int = 1, linear: bool = False
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, size, stride, pad, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(outputs)
        if not linear:
            self.prelu = nn.PReLU(outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.bn(self.conv(x))
        return self.prelu(x) if hasattr(self, "prelu") else x


class Gate(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1, self.bn1 = nn.Conv2d(channels, channels // 4, 1, bias=False), nn.BatchNorm2d(channels // 4)
        self.fc2, self.bn2 = nn.Conv2d(channels // 4, channels, 1, bias=False), nn.BatchNorm2d(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        waist = torch.relu(self.bn1(self.fc1(x.mean(dim=(2, 3), keepdim=True))))
        return x * torch.sigmoid(self.bn2(self.fc2(waist)))


class Block(nn.Module):
    def __init__(self, inputs: int, inside: int, outputs: int, stride: int, gated: bool) -> None:
        super().__init__()
        self.conv, self.conv_dw = Layer(inputs, inside, 1), Layer(inside, inside, 3, stride, 1, inside)
        self.project, self.stride = Layer(inside, outputs, 1, linear=True), stride
        if gated:
            self.se_module = Gate(outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = self.project(self.conv_dw(self.conv(x)))
        out = self.se_module(out) if hasattr(self, "se_module") else out
        return out if self.stride == 2 else x + out


class Stage(nn.Module):
    def __init__(self, width: int, insides: list[int], gated: bool) -> None:
        super().__init__()
        last = len(insides) - 1
        blocks = (Block(width, inside, width, 1, gated and n == last) for n, inside in enumerate(insides))
        self.model = nn.Sequential(*blocks)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.model(x)


class MiniFASNet(nn.Module):
    """The layers under the names of the published state dict; takes BGR from 0 to 255."""

    def __init__(self, insides: dict[str, list[int]], *, gated: bool) -> None:
        super().__init__()
        self.conv1, self.conv2_dw = Layer(3, 32, 3, 2, 1), Layer(32, 32, 3, 1, 1, 32)
        inputs = 32
        for name, widths in insides.items():
            outputs = OUTPUTS[name]
            halving = name in ("conv_23", "conv_34", "conv_45")
            stage = Block(inputs, widths[0], outputs, 2, False) if halving else Stage(outputs, widths, gated)
            self.add_module(name, stage)
            inputs = outputs
        self.conv_6_sep, self.conv_6_dw = Layer(128, 512, 1), Layer(512, 512, 5, groups=512, linear=True)
        self.linear, self.bn = nn.Linear(512, 128, bias=False), nn.BatchNorm1d(128)
        self.prob = nn.Linear(128, 3, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv2_dw(self.conv1(x))
        for name in OUTPUTS:
            x = self.get_submodule(name)(x)
        return self.prob(self.bn(self.linear(self.conv_6_dw(self.conv_6_sep(x)).flatten(1))))


CASES = [(spoof_networks.V2, V2, False), (spoof_networks.V1SE, V1, True)]


@pytest.mark.parametrize(("recipe", "insides", "gated"), CASES, ids=lambda value: getattr(value, "name", ""))
def test_the_graph_computes_what_the_torch_module_computes(
    data: Path, recipe: Recipe, insides: dict[str, list[int]], gated: bool
) -> None:
    file = data.parent / "weights" / recipe.rows[0].file
    state = torch.load(file, map_location="cpu", weights_only=True)
    module = MiniFASNet(insides, gated=gated).eval()
    module.load_state_dict({name.removeprefix("module."): value for name, value in state.items()}, strict=True)
    rgb = np.concatenate([pixels(6, 80, 80), smooth(6)])
    bgr = torch.from_numpy(rgb[..., ::-1].transpose(0, 3, 1, 2).astype(np.float32))
    with torch.no_grad():
        expected = torch.softmax(module(bgr), dim=1).numpy()
        logits = module(bgr).numpy()
    session = Session(recipe.build(file), threads=1)
    (computed,) = session.run(rgb)
    assert np.ptp(expected[:, 1]) > 0.05  # the pictures are not all judged alike
    np.testing.assert_allclose(computed, logits, atol=1e-4 * max(1, float(np.abs(logits).max())), rtol=0)
    np.testing.assert_allclose(spoof_networks.softmax(computed), expected, atol=1e-4, rtol=0)


def smooth(number: int) -> np.ndarray:
    """Pictures of blurred noise: more like photos than noise is."""
    import cv2

    rng = np.random.default_rng(3)
    coarse = rng.integers(0, 256, (number, 6, 6, 3), np.uint8)
    return np.stack([cv2.resize(one, (80, 80), interpolation=cv2.INTER_CUBIC) for one in coarse])
