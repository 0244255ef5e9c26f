"""Who is on which photos, without knowing anybody: python cluster_photos.py PHOTO.jpg..."""

import sys
from pathlib import Path

import visavis

found = visavis.cluster(sys.argv[1:])
for cluster in found.clusters:
    print(cluster.id, *(Path(found.faces.photos[row]).name for row in cluster.rows))
