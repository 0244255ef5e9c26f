"""PyTorch on one thread: the networks of these tests are so small that two threads mostly wait for each other."""

from __future__ import annotations

from importlib.util import find_spec

if find_spec("torch"):
    import torch

    torch.set_num_threads(1)
