"""Names of the three networks, for scripts that list them: ``MTCNN(stages=[StagePNet, StageRNet])``."""

from __future__ import annotations


class StagePNet:
    """The first network: proposals."""

    name, id = "Stage PNET", 1


class StageRNet:
    """The second network: refinement."""

    name, id = "Stage RNET", 2


class StageONet:
    """The third network: final boxes and landmarks."""

    name, id = "Stage ONET", 3
