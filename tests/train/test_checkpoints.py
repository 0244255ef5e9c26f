"""Damaged checkpoints: None, or what is whole in them, and never another error."""

from __future__ import annotations

import io
import warnings
import zipfile
from pathlib import Path
from random import Random

import pytest

from example_counts import examples

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'visavis[train]'")

from visavis.train import checkpoints  # noqa: E402 - needs torch

STATE = {
    "network": {"w": torch.zeros(3, 4), "b": torch.zeros(2)},
    "optimizer": {"state": {0: {"step": torch.tensor(1.0)}}, "param_groups": [{"lr": 0.1, "params": [0]}]},
    "epoch": 1,
    "epochs": [],
    "triplets": None,
}


def saved(*, archive: bool) -> bytes:
    file = io.BytesIO()
    torch.save(STATE, file, _use_new_zipfile_serialization=archive)
    return file.getvalue()


def change_bytes(data: bytes, random: Random) -> bytes:
    changed = bytearray(data)
    for _ in range(random.choice((1, 2, 5))):
        changed[random.randrange(len(changed))] = random.randrange(256)
    return bytes(changed)


def change_pickle(data: bytes, random: Random) -> bytes:
    """Change the description of the tensors in an archive, whose checksum would give away changed bytes."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(target, "w") as changed:
        for name in archive.namelist():
            member = archive.read(name)
            changed.writestr(name, change_bytes(member, random) if name.endswith("data.pkl") else member)
    return target.getvalue()


@pytest.mark.parametrize("archive", [True, False])
def test_a_changed_checkpoint_is_read_or_passed_over(tmp_path: Path, archive: bool) -> None:
    data, change = saved(archive=archive), change_pickle if archive else change_bytes
    passed_over = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's, of the version of a pickle
        for seed in range(examples(400)):
            (tmp_path / checkpoints.NEWEST).write_bytes(change(data, Random(seed)))
            passed_over += checkpoints.load(tmp_path) is None
    assert passed_over >= examples(20)
