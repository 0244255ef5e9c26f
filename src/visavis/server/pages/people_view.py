"""What the pages about people show of a person."""

from __future__ import annotations

import math
from typing import Any

from visavis.gallery.gallery import Gallery
from visavis.gallery.near_people import find_near_people
from visavis.gallery.person_records import list_kept_crops, read_history
from visavis.images import strip_folders
from visavis.server.services import Services
from visavis.server.state.events import EventFilter

SIGHTINGS = 20
"""Newest events that a person's page shows."""
NEAR = 6
COACH_AT_ONCE = 1000
"""Number of people up to which a person's page looks for findings without being asked to: less than a second."""
LEVELS = ("poor", "fair", "good")


def make_person_view(
    opened: Gallery, services: Services, gallery: str, person_id: int, *, history: bool
) -> dict[str, Any]:
    """Return the values of a person's page; UnknownNameError if there is no such person."""
    person = opened.person(person_id)
    crops = list_kept_crops(opened.opened, person_id)
    templates = [
        {
            "id": template.id,
            "photo": strip_folders(template.photo),
            "created": template.created,
            "level": level_of(template.quality),
            "has_crop": template.id in crops,
        }
        for template in person.templates
    ]
    best = max(person.templates, key=lambda template: (template.id in crops, template.quality or 0.0))
    near = find_near_people(opened.opened, person_id, top=NEAR)
    return {
        "person": person,
        "templates": templates,
        "cover": best.id if best.id in crops else None,
        "near": [(other, None if other.far is None else round_count(1 / other.far)) for other in near],
        "events": services.events.latest(EventFilter((gallery,), person_id=person_id), limit=SIGHTINGS),
        "history": read_history(opened.opened, person_id)[::-1] if history else [],
        "coach_at_once": len(opened) <= COACH_AT_ONCE,
    }


def level_of(quality: float | None) -> str | None:
    """Return the level of a quality in 0..1, as the photos of the pages show it; None: not known."""
    return None if quality is None else LEVELS[min(2, int(quality * 3))]


def round_count(count: float) -> int:
    """Return a number with two digits that count: 1 in 3,127 strangers becomes 1 in 3,100."""
    step = int(10 ** max(0, math.floor(math.log10(max(count, 1))) - 1))
    return round(count / step) * step


def make_initials(name: str) -> str:
    """Return the first letters of the first and the last word of a name, in capitals; empty where it has no letter."""
    letters = [next(filter(str.isalnum, word), "") for word in name.split()]
    letters = [letter for letter in letters if letter]
    return "".join(letters[:1] + letters[1:][-1:]).upper()
