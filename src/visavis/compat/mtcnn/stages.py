"""Names of the three networks, for scripts that list them: ``MTCNN(stages=[StagePNet, StageRNet])``."""

from __future__ import annotations


class StagePNet:
    """Proposals."""

    name, id = "Stage PNET", 1


class StageRNet:
    """Refinement."""

    name, id = "Stage RNET", 2


class StageONet:
    """Output: final boxes and landmarks."""

    name, id = "Stage ONET", 3
