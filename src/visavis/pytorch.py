"""PyTorch, which training alone needs: ``from visavis.pytorch import torch``. One sentence where it is missing."""

from __future__ import annotations

from visavis.errors import MissingExtraError

try:
    import torch
    from torch import Tensor, nn
    from torch.nn import functional
except ModuleNotFoundError as error:
    raise MissingExtraError("training needs PyTorch: pip install 'visavis[train]'.") from error

__all__ = ["Tensor", "functional", "nn", "torch"]
