"""Strangers as the server lists them: with the picture that shows each best, where pictures are configured."""

from __future__ import annotations

from visavis.gallery.gallery import Gallery
from visavis.gallery.unassigned_faces import rank_kept_crops
from visavis.server.services import Services
from visavis.server.types import SeenStranger
from visavis.videos.strangers import Stranger, list_strangers


def read_strangers(services: Services, gallery: Gallery) -> list[SeenStranger]:
    """Return the strangers of a gallery, the latest first; with pictures where the server is to have any."""
    strangers = list_strangers(gallery)
    best: dict[int, int] = {}
    if services.config.video.pictures:
        owners = {template: stranger.number for stranger in strangers for template in stranger.template_ids}
        for template in rank_kept_crops(gallery.opened, [*owners]):
            best.setdefault(owners[template], template)
    return [_describe(stranger, best.get(stranger.number)) for stranger in strangers]


def _describe(stranger: Stranger, picture: int | None) -> SeenStranger:
    return SeenStranger(
        number=stranger.number,
        sightings=stranger.sightings,
        first=stranger.first,
        last=stranger.last,
        cameras=stranger.cameras,
        template_ids=stranger.template_ids,
        picture=picture,
    )
