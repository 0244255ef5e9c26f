"""Runs in the "facenet-pytorch" environment: a state dict saved by torch, as an archive and as it was before 1.6.

python weight_files_torch.py GOLDEN_FOLDER
"""

from __future__ import annotations

import sys
from collections import OrderedDict
from pathlib import Path

import torch


def main(folder):
    sys.path.insert(0, str(folder))
    import weight_values as golden

    tensors = OrderedDict()
    for name, (shape, kind) in golden.TORCH.items():
        tensors[name] = torch.from_numpy(golden.values(name, shape, kind)).to(getattr(torch, kind))
    kernel, bias = tensors["conv.weight"], tensors["conv.bias"]
    tensors["inner"] = {"weight": torch.nn.Parameter(tensors.pop("inner.weight"))}
    tensors["turned"] = kernel.permute(1, 3, 0, 2)
    tensors["part"] = kernel[1:3, 0, ::2]
    tensors["spread"] = bias.expand(3, 4)
    tensors["tied"] = bias
    tensors["epoch"], tensors["names"], tensors["size"] = 3, ["a", None, 0.5], kernel.shape
    torch.save(tensors, folder / "torch_zip.pt")
    torch.save(tensors, folder / "torch_legacy.pt", _use_new_zipfile_serialization=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
