"""Query parameters that several requests share; their limits are those of the library."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Query, Request

from visavis import defaults
from visavis.gallery.gallery import Gallery
from visavis.server.auth import (
    Principal,
    ServicesOf,
    gallery_name,
    get_services,
    requires,
    requires_whole_server,
    with_annotations,
)
from visavis.server.config import DEFAULT_GALLERY
from visavis.server.roles import ENROLL, MANAGE, READ

MinFace = Annotated[
    float, Query(ge=1, le=10_000, description="Side in pixels of the smallest face to find."),
]  # fmt: skip
Far = Annotated[float, Query(gt=0, lt=1, description="False accept rate that sets the threshold.")]
Fpir = Annotated[float, Query(gt=0, lt=1, description="False positive identification rate that sets the threshold.")]
OwnFpir = Annotated[
    float | None,
    Query(gt=0, lt=1, description="False positive identification rate that sets the threshold; else the gallery's."),
]
Threshold = Annotated[float | None, Query(ge=0, le=2, description="Greatest cosine distance, instead of a rate.")]
Top = Annotated[int, Query(ge=1, le=100, description="Number of candidates per face.")]
FaceNumber = Annotated[
    int | None, Query(ge=1, le=10_000, description="Number of a face, from 1 in the order of /detect.")
]
MIN_FACE = defaults.MIN_FACE

Reader = Annotated[Principal, Depends(requires(READ))]
Enroller = Annotated[Principal, Depends(requires(ENROLL))]
Manager = Annotated[Principal, Depends(requires(MANAGE))]
Administrator = Annotated[Principal, Depends(requires_whole_server)]
_NEEDS = {right: Depends(requires(right)) for right in (READ, ENROLL, MANAGE)}
GalleryName = Annotated[str, Depends(gallery_name)]


@with_annotations
def choose_rate(services: ServicesOf, gallery: GalleryName, fpir: OwnFpir = None) -> float:
    """Return the rate of a search: that of the request, else that of its gallery."""
    return services.search_rates.read(gallery).fpir if fpir is None else fpir


SearchFpir = Annotated[float, Depends(choose_rate)]
"""The rate of a request that searches a gallery."""


def _open_for(right: str) -> Any:
    @with_annotations
    def open_gallery(request: Request, gallery: str = DEFAULT_GALLERY, principal: Principal = _NEEDS[right]) -> Gallery:
        principal.require_gallery(gallery)
        return get_services(request).gallery(gallery)

    return Depends(open_gallery)


ReadGallery = Annotated[Gallery, _open_for(READ)]
"""The gallery of a request that asks."""
ChangeGallery = Annotated[Gallery, _open_for(ENROLL)]
"""The gallery of a request that changes people."""
