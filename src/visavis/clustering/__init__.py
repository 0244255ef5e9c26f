"""CLUSTER: group faces by person, without names.

The package is not called ``cluster`` because ``visavis.cluster`` is the function of that name.
"""

from __future__ import annotations

from visavis.clustering._cluster import POOR_QUALITY, cluster, cluster_faces

__all__ = ["POOR_QUALITY", "cluster", "cluster_faces"]
