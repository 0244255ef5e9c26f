"""Calls about the stored faces of a gallery, and their clusters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from visavis.client._requests import GalleryRequests
from visavis.client.parse import parse
from visavis.gallery.types import Person
from visavis.server.types import FaceCluster, StoredFace

MOST_CLUSTERS = 1000
"""Clusters of an answer, the largest first."""


class FaceCalls(GalleryRequests):
    """Methods of :class:`visavis.Client` about stored faces."""

    def faces(self, *, unassigned: bool = False) -> list[StoredFace]:
        """Return all faces of the gallery, or only the unassigned ones, by template id; without embeddings."""
        pages = self._ask_pages("/faces", "faces", params={"unassigned": unassigned})
        return [parse(StoredFace, line) for line in pages]

    def name_faces(self, name: str, template_ids: Sequence[int], *, new: bool = False) -> Person:
        """Assign faces to the only person called ``name``, else to a new one; return the person."""
        order = {"name": name, "template_ids": [*template_ids], "new": new}
        return parse(Person, self._ask_gallery("POST", "/faces/name", json=order))

    def unassign_faces(self, template_ids: Sequence[int], *, with_person: bool = False) -> list[int]:
        """Take faces from their people, so that they are unassigned; return the ids of people removed.

        People who have no other template are removed ``with_person``; UsageError without it.
        """
        order = {"template_ids": [*template_ids], "with_person": with_person}
        removed: list[int] = self._ask_gallery("POST", "/faces/unassign", json=order)["removed"]
        return removed

    def remove_template(self, template_id: int) -> None:
        """Remove one template; UsageError if it is the last of a person."""
        self._ask_gallery("DELETE", f"/faces/{int(template_id)}")

    def clusters(self) -> list[FaceCluster]:
        """Return the clusters that were last stored, the 1000 largest."""
        return _parse_clusters(self._ask_gallery("GET", "/clusters", params={"limit": MOST_CLUSTERS}))

    def cluster(
        self, *, far: float | None = None, threshold: float | None = None, min_quality: float = 0.0
    ) -> list[FaceCluster]:
        """Cluster all faces by person, and store the clusters; return the 1000 largest: see ``visavis.cluster``."""
        options = {"far": far, "threshold": threshold, "min_quality": min_quality, "limit": MOST_CLUSTERS}
        return _parse_clusters(self._ask_gallery("POST", "/clusters", params=options))

    def name_cluster(self, number: int, name: str, *, new: bool = False) -> Person:
        """Assign the unassigned faces of a cluster to the only person called ``name``, else to a new one."""
        order = {"name": name, "new": new}
        return parse(Person, self._ask_gallery("POST", f"/clusters/{int(number)}/name", json=order))


def _parse_clusters(answer: dict[str, Any]) -> list[FaceCluster]:
    return [parse(FaceCluster, line) for line in answer["clusters"]]
