"""Pictures to tensors."""

from __future__ import annotations

import torch


def to_tensor(picture):
    """Turn ``(h, w, 3)`` into ``(3, h, w)``; bytes become 0..1, floats stay."""
    tensor = torch.as_tensor(picture).permute(2, 0, 1).contiguous()
    return tensor.float().div(255) if tensor.dtype == torch.uint8 else tensor
