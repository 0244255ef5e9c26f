"""Calls about what a gallery holds of one person: near people, history, export, consent, kept crops."""

from __future__ import annotations

from visavis import defaults
from visavis.client._requests import Who
from visavis.client.parse import parse
from visavis.client.people_calls import PeopleCalls
from visavis.gallery.near_people import NearPerson
from visavis.gallery.person_records import PersonExport
from visavis.gallery.types import AuditEntry, Person


class PersonCalls(PeopleCalls):
    """Methods of :class:`visavis.Client` about one person."""

    def search_people(self, text: str) -> list[Person]:
        """Return the people whose name has each word of a text, whatever the case and the accents, by id."""
        return [parse(Person, line) for line in self._ask_pages("/people", "people", params={"search": text})]

    def near_people(self, who: Who, *, top: int = defaults.TOP_NAMES) -> list[NearPerson]:
        """Return the ``top`` people who look most like a person, nearest first."""
        answer = self._ask_gallery("GET", f"/people/{self.find(who).id}/near", params={"top": top})
        return [parse(NearPerson, line) for line in answer["people"]]

    def history(self, who: Who) -> list[AuditEntry]:
        """Return what was changed of a person, in order; needs a key that may enroll."""
        answer = self._ask_gallery("GET", f"/people/{self.find(who).id}/history")
        return [parse(AuditEntry, line) for line in answer["entries"]]

    def export_person(self, who: Who) -> PersonExport:
        """Return all that the gallery holds about a person; needs a key that may enroll."""
        return parse(PersonExport, self._ask_gallery("GET", f"/people/{self.find(who).id}/export"))

    def withdraw_consent(self, who: Who) -> None:
        """Remove the consent of a person and its day."""
        self._ask_gallery("DELETE", f"/people/{self.find(who).id}/consent")

    def crop(self, template_id: int) -> bytes:
        """Return the kept crop of a face as a PNG; UnknownNameError where none is kept."""
        path = f"/faces/{int(template_id)}/crop"
        content: bytes = self._connection.fetch("GET", path, params={"gallery": self.gallery}).content
        return content
