"""What faces of many photos and clusterings refuse, and when a clustering is true."""

from __future__ import annotations

import numpy as np
import pytest

from visavis.clustering.types import Cluster, Clustering, Faces


def test_faces_have_as_many_rows_everywhere() -> None:
    def faces(**changed: object) -> Faces:
        rows = {
            "photos": ("a", "b"),
            "numbers": np.ones(2, np.int64),
            "boxes": np.zeros((2, 4), np.float32),
            "embeddings": np.zeros((2, 3), np.float32),
            "quality": np.ones(2, np.float32),
            "clusters": np.full(2, -1),
        }
        return Faces(**{**rows, **changed})

    assert len(faces()) == 2
    for name, wrong in (("boxes", np.zeros((2, 3))), ("quality", np.ones(3)), ("clusters", np.ones((2, 1)))):
        with pytest.raises(ValueError, match=f"2 faces have arrays of as many rows, got .*{name}"):
            faces(**{name: wrong})
    with pytest.raises(ValueError, match="2 faces"):
        faces(embeddings=np.zeros((3, 3)))


def test_a_clustering_is_true_where_there_are_clusters() -> None:
    none = Faces((), np.empty(0, np.int64), np.empty((0, 4)), np.empty((0, 8)), np.empty(0), np.empty(0, np.int64))
    assert not Clustering(none, (), 0.1, None, "m")
    assert Clustering(none, (Cluster(1, np.array([0]), 0),), 0.1, None, "m")


# --- boxes beyond the picture
