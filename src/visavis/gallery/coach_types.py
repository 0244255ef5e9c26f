"""Results of :meth:`visavis.gallery.Gallery.coach`: what in a gallery will cause wrong answers."""

from __future__ import annotations

from dataclasses import dataclass, replace

from visavis.plain import Plain


@dataclass(frozen=True, slots=True)
class HarmfulPhoto(Plain):
    """A template that harms answers.

    ``kind`` is "mislabeled" (nearer to another person, ``other_id``) or "outlier" (far from the person's other
    templates); ``message`` is a sentence without its subject, the photo. ``distance`` is the median cosine distance to
    the person's other templates (None: there are none), ``other_distance`` that to the other person.
    """

    template_id: int
    photo: str
    person_id: int
    name: str
    kind: str
    message: str
    distance: float | None
    other_id: int | None
    other_name: str | None
    other_distance: float | None


@dataclass(frozen=True, slots=True)
class ConfusedPair(Plain):
    """Two people who are confused: of all ``templates`` of both, as probes without themselves, ``errors`` are.

    Such a probe is named as the other person. ``near`` counts the probes whose nearest other person is the other,
    within the threshold, also where their own person is nearer. ``rate`` is the share of the errors.
    """

    person_id: int
    name: str
    other_id: int
    other_name: str
    rate: float
    errors: int
    near: int
    templates: int


@dataclass(frozen=True, slots=True)
class ThinPerson(Plain):
    """A person with too few photos (``kind`` "few"), or with photos that are too similar ("similar").

    ``spread`` is the mean cosine distance between two of the ``templates``; None for a single template.
    """

    person_id: int
    name: str
    kind: str
    templates: int
    spread: float | None


@dataclass(frozen=True, slots=True)
class SamePerson(Plain):
    """Two entries of the gallery that seem to be one person.

    ``distance`` is the mean cosine distance of those templates of the first whose nearest other person is the second.
    """

    person_id: int
    name: str
    other_id: int
    other_name: str
    distance: float


@dataclass(frozen=True, slots=True)
class CoachReport(Plain):
    """What in a gallery will cause wrong answers, measured with each template as a probe without itself.

    ``people`` and ``templates`` are the numbers of those that were compared, ``threshold`` is the cosine distance that
    a search at the rate ``fpir`` uses. The worst stand first.
    """

    people: int
    templates: int
    fpir: float
    threshold: float
    harmful: tuple[HarmfulPhoto, ...]
    confused: tuple[ConfusedPair, ...]
    thin: tuple[ThinPerson, ...]
    same: tuple[SamePerson, ...]

    def about(self, person_id: int) -> CoachReport:
        """Return the report with the findings about a person alone."""

        def is_about(finding: HarmfulPhoto | ConfusedPair | SamePerson) -> bool:
            return person_id in {finding.person_id, finding.other_id}

        return replace(
            self,
            harmful=tuple(filter(is_about, self.harmful)),
            confused=tuple(filter(is_about, self.confused)),
            thin=tuple(finding for finding in self.thin if finding.person_id == person_id),
            same=tuple(filter(is_about, self.same)),
        )
