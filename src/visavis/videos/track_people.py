"""People of all tracks: when each is searched for, what is known of it, and the events that follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from visavis.gallery.kept_crops import make_crop
from visavis.types import Identification, Photo
from visavis.videos import answers
from visavis.videos.detected_faces import FaceReader
from visavis.videos.events import make_event
from visavis.videos.faces_folder import FacesFolder
from visavis.videos.person import KeptFace, TrackedPerson
from visavis.videos.real_tracks import WITHHELD, RealTracks
from visavis.videos.strangers import Strangers
from visavis.videos.track import DetectedFace, Track
from visavis.videos.types import EventKind, Frame, TrackedFace, VideoEvent

if TYPE_CHECKING:
    from visavis.gallery import Gallery

SEARCH_AGAIN_S = 2.0
"""Seconds after which the people of all tracks are searched again, in case the gallery has changed."""


class TrackPeople:
    """Who the tracks of one source are, and whether they are real. ``gallery`` None: all are unknown."""

    def __init__(
        self,
        reader: FaceReader,
        gallery: Gallery | None,
        real: RealTracks,
        *,
        fpir: float,
        threshold: float | None,
        faces: FacesFolder | None = None,
        strangers: Strangers | None = None,
    ) -> None:
        self.people: dict[int, TrackedPerson] = {}
        self._reader = reader
        self._gallery = gallery
        self._real = real
        self._fpir, self._threshold = fpir, threshold
        self._faces = faces
        self._strangers = strangers
        self._searched = 0.0
        self._camera = ""

    def look_at(self, tracks: Mapping[int, tuple[Track, DetectedFace]], frame: Frame) -> None:
        """Note the tracks that are detected in a frame, by number: when, and their best faces."""
        moment = frame.seconds if frame.captured is None else frame.captured
        self._camera = frame.source
        for track, face in tracks.values():
            person = self.people.setdefault(track.number, TrackedPerson(start=moment))
            person.end = moment
            self._reader.align(frame.pixels, [waiting for waiting in track.waiting if waiting is face])
            if person.wants(frame.seconds, face.quality.score):
                kept = self._reader.keep(face, frame)
                if self._strangers is not None and self._strangers.keeps_pictures and not person.named:
                    kept.crop = make_crop(Photo(frame.pixels, frame.source, ""), face.face)
                person.keep(kept)
        self._real.look_at(frame.pixels, {number: face for number, (_, face) in tracks.items()})

    def join(self, joined: Mapping[int, int]) -> None:
        """Add what is known of tracks to those of which they turned out to be the rest, by number."""
        for rest, number in joined.items():
            self.people[number].absorb(self.people.pop(rest))
            self._real.join(rest, number)

    def search(self, seconds: float, tracks: Sequence[Track], ending: Sequence[Track]) -> list[VideoEvent]:
        """Search for the people of tracks that are due, and of all tracks from time to time.

        Returns the events: answers that changed, and the ends of ``ending`` tracks.
        """
        confirmed, due = self._choose_due(seconds, tracks, ending)
        self._reader.embed_kept(self.faces_to_embed(seconds, tracks, ending))
        for track in due:
            self._merge(track)
        events: list[VideoEvent] = []
        again = seconds - self._searched >= SEARCH_AGAIN_S
        changed = self._real.changed()
        if self._gallery is not None and (due or again or changed):
            self._searched = seconds if again else self._searched
            for track in confirmed if again else due:
                self._answer(self.people[track.number], self._gallery)
            events += self._show(confirmed, due)
        return [*events, *(self._end(track) for track in ending)]

    def faces_to_embed(self, seconds: float, tracks: Sequence[Track], ending: Sequence[Track]) -> list[KeptFace]:
        """Return the kept faces that the next search needs embeddings of, as :meth:`search` is called."""
        _, due = self._choose_due(seconds, tracks, ending)
        return [face for track in due for face in self.people[track.number].unembedded()]

    def forget_ended(self, tracks: Sequence[Track]) -> None:
        """Keep the people of these tracks alone."""
        self.people = {track.number: self.people[track.number] for track in tracks}
        self._real.keep(self.people)

    def describe(self, face: TrackedFace, *, confirmed: bool) -> TrackedFace:
        """Return the face with what is known of its track."""
        person = self.people[face.track]
        if person.shown is None:
            return replace(face, confirmed=confirmed, decided=False)
        return replace(
            face,
            confirmed=confirmed,
            name=person.shown.name,
            person_id=person.shown.person_id,
            stranger=person.stranger,
        )

    def _choose_due(
        self, seconds: float, tracks: Sequence[Track], ending: Sequence[Track]
    ) -> tuple[list[Track], list[Track]]:
        """Return the confirmed tracks, and those of them whose people are to be searched for."""
        confirmed = [track for track in (*tracks, *ending) if track.confirmed]
        return confirmed, [track for track in confirmed if self._is_due(track, seconds, ends=track in ending)]

    def _is_due(self, track: Track, seconds: float, *, ends: bool) -> bool:
        person = self.people[track.number]
        return person.due(seconds - track.first) or (ends and not person.searched and bool(person.kept))

    def _merge(self, track: Track) -> None:
        person = self.people[track.number]
        person.fpir = answers.search_fpir(self._fpir, person.quality().score)
        track.remember(person.merge())
        for view in person.views:
            if view.embedding is not None:
                track.remember(view.embedding)

    def _answer(self, person: TrackedPerson, gallery: Gallery) -> None:
        """Search for a person by the last template."""
        if person.template is not None:
            answer = answers.search_person(
                gallery, person, person.template, fpir=person.fpir, threshold=self._threshold
            )
            person.answer = answers.keep_or_replace(person.answer, answer)

    def _show(self, tracks: Sequence[Track], due: Sequence[Track]) -> list[VideoEvent]:
        """Decide among all tracks who they are; return an event for each answer that changed."""
        events = []
        allowed = [track for track in tracks if self._real.allows(track.number)]
        shown = answers.name_each_person_once(allowed, self.people)
        shown |= {track.number: self._withhold(track.number) for track in tracks if track not in allowed}
        for track in tracks:
            person = self.people[track.number]
            before, person.shown = _identity_of(person), shown[track.number]
            if person.shown is not None and person.shown.person_id is not None:
                person.stranger = None
            elif track in due and not person.named:
                self._find_stranger(track)
            if before != _identity_of(person):
                named = person.shown is not None and person.shown.person_id is not None
                events.append(self._make_event("recognized" if named and not person.recognized else "updated", track))
                person.recognized |= named
        return events

    def _withhold(self, number: int) -> Identification | None:
        """Return the answer of a track that is not known to be real, without its name."""
        answer = self.people[number].answer
        return None if answer is None else answers.make_unknown(answer, WITHHELD)

    def _find_stranger(self, track: Track) -> None:
        """Give an unknown person the number of a stranger who was seen before."""
        person = self.people[track.number]
        if self._strangers is not None and person.template is not None and person.stranger is None:
            person.stranger = self._strangers.find(
                person.template, person.quality(), excluded=self._strangers_beside(track)
            )

    def _strangers_beside(self, track: Track) -> set[int]:
        """Return the strangers of tracks of the same time, which are other people."""
        numbers = {self.people[other].stranger for other in track.together & self.people.keys()}
        return {number for number in numbers if number is not None} | self.people[track.number].strangers_together

    def _end(self, track: Track) -> VideoEvent:
        person = self.people[track.number]
        unknown = person.answer is not None and not person.named
        if self._strangers is not None and unknown and person.template is not None:
            person.stranger = self._strangers.remember(
                person.template,
                person.quality(),
                number=person.stranger,
                camera=self._camera,
                seconds=track.last,
                at=None if isinstance(person.end, float) else person.end,
                excluded=self._strangers_beside(track),
                crop=None if person.best is None else person.best.crop,
            )
        for number in track.together & self.people.keys():
            other = self.people[number]
            if person.shown is not None and person.shown.person_id is not None:
                other.given_away.add(person.shown.person_id)
            if person.stranger is not None:
                other.strangers_together.add(person.stranger)
        return self._make_event("ended", track)

    def _make_event(self, kind: EventKind, track: Track) -> VideoEvent:
        person = self.people[track.number]
        face = None
        if self._faces is not None and person.best is not None:
            face = self._faces.save(track.number, person.best.view.crop)
        return make_event(
            kind,
            track.number,
            person.shown,
            start=person.start,
            end=person.end,
            camera=self._camera,
            best_face=face,
            liveness=self._real.score(track.number),
            stranger=person.stranger,
        )


def _identity_of(person: TrackedPerson) -> tuple[int | None, str | None, int | None]:
    """Return person id, name and number of a stranger: what an event tells."""
    shown: Identification | None = person.shown
    if shown is None:
        return None, None, person.stranger
    return shown.person_id, shown.name, person.stranger
