"""The gallery: people and their templates in one SQL store, exact search over them, identification.

``Gallery`` is imported at its first use, since it imports SQLAlchemy; the types of its results are light.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from visavis.gallery.coach_types import CoachReport, ConfusedPair, HarmfulPhoto, SamePerson, ThinPerson
from visavis.gallery.feedback_types import (
    Explanation,
    FaceExplanation,
    Fault,
    NearTemplate,
    Rejection,
    RejectionEffect,
)
from visavis.gallery.migration_types import LostFaces, Migration, MigrationState, PairErrors
from visavis.gallery.types import (
    AuditEntry,
    ClusteredFaces,
    Details,
    Doubt,
    Duplicate,
    Enrollment,
    FaceCrop,
    ForgottenPhoto,
    IdentifiedPhoto,
    IndexedPhoto,
    Person,
    Problem,
    SearchThreshold,
    Skipped,
    Stats,
    StoredFaces,
    StoredTemplate,
    Template,
)

if TYPE_CHECKING:
    from visavis.gallery.gallery import Gallery

__all__ = [
    "AuditEntry",
    "ClusteredFaces",
    "CoachReport",
    "ConfusedPair",
    "Details",
    "Doubt",
    "Duplicate",
    "Enrollment",
    "Explanation",
    "FaceCrop",
    "FaceExplanation",
    "Fault",
    "ForgottenPhoto",
    "Gallery",
    "HarmfulPhoto",
    "IdentifiedPhoto",
    "IndexedPhoto",
    "LostFaces",
    "Migration",
    "MigrationState",
    "NearTemplate",
    "PairErrors",
    "Person",
    "Problem",
    "Rejection",
    "RejectionEffect",
    "SamePerson",
    "SearchThreshold",
    "Skipped",
    "Stats",
    "StoredFaces",
    "StoredTemplate",
    "Template",
    "ThinPerson",
]


def __getattr__(name: str) -> object:
    if name != "Gallery":
        raise AttributeError(f"module 'visavis.gallery' has no attribute {name!r}")
    from visavis.gallery.gallery import Gallery

    return Gallery
