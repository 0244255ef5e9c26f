"""SHOW: results as HTML for Jupyter: pictures, tables and scales, for light and dark pages.

Nothing is loaded from elsewhere: pictures are small JPEG files in the HTML, styles are inline, there are no scripts.
All text from outside (names of people and files, messages) is escaped.
"""

from __future__ import annotations

from functools import singledispatch

from visavis.clustering.types import Clustering
from visavis.display import _answers, _photos
from visavis.types import Identification, Photo, PhotoFaces, PhotoVerification, Verification


@singledispatch
def html(result: object) -> str | None:
    """Return a result as HTML; None for a type without a form of its own, which is then shown as text."""
    return None


html.register(Photo, _photos.show_photo)
html.register(PhotoFaces, _photos.show_photo_faces)
html.register(Clustering, _photos.show_clustering)
html.register(Verification, _answers.show_verification)
html.register(PhotoVerification, _answers.show_photo_verification)
html.register(Identification, _answers.show_identification)

identified_photo = _photos.show_identified_photo
