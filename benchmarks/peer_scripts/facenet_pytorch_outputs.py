"""Runs in the "facenet-pytorch" environment: what its InceptionResnetV1 makes of generated weights.

python facenet_pytorch_outputs.py GOLDEN_FOLDER OUT.npz

The weights go the way of the published files: saved as a state dict, loaded from it.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "shims"))

import numpy as np
import torch
from facenet_pytorch import InceptionResnetV1, fixed_image_standardization, prewhiten

CLASSES = 8631
STAGES = (
    *("conv2d_1a", "conv2d_2b", "maxpool_3a", "conv2d_4a", "conv2d_4b", "repeat_1.0", "repeat_1", "mixed_6a"),
    *("repeat_2.0", "repeat_2", "mixed_7a", "repeat_3.0", "repeat_3", "block8", "avgpool_1a", "last_linear", "last_bn"),
)


def loaded(golden):
    """The network with generated weights, which went through a file."""
    (table,) = golden.inception_resnet_v1(classes=CLASSES).values()
    state = {name: torch.from_numpy(np.asarray(golden.values(name, shape))) for name, shape in table.items()}
    network = InceptionResnetV1(classify=True, num_classes=CLASSES).eval()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.pt"
        torch.save(state, path)
        network.load_state_dict(torch.load(path, weights_only=True))
    return network


def main(golden_folder, out):
    sys.path.insert(0, str(golden_folder))
    import networks as golden

    network, found = loaded(golden), {}

    def keep(stage):
        def hook(_module, _inputs, output):
            values = output.numpy()
            found[stage] = golden.summary(stage, values)
            print(stage, values.shape, values.std(), np.corrcoef(values.reshape(2, -1))[0, 1])

        return hook

    for stage in STAGES:
        network.get_submodule(stage).register_forward_hook(keep(stage))
    pictures = torch.from_numpy(golden.pictures(160)).permute(0, 3, 1, 2).float()
    prepared = fixed_image_standardization(pictures)
    found["fixed"] = golden.summary("fixed", prepared.numpy())
    found["prewhiten"] = golden.summary("prewhiten", np.stack([prewhiten(one).numpy() for one in pictures]))
    with torch.no_grad():
        found["logits"] = golden.summary("logits", network(prepared).numpy())
        network.classify = False
        found["features"] = network(prepared).numpy()
    print("features", np.corrcoef(found["features"])[0, 1])
    np.savez_compressed(out, **found)


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:]))
