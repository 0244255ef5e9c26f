"""Train a classifier on the people of a gallery: on their stored templates, without their photos."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from visavis.errors import UsageError
from visavis.gallery.types import Person
from visavis.images.photo_files import natural_key
from visavis.train.classifier import ClassifierOptions, ClassifierRun, Trainer
from visavis.train.classifier_data import LabeledFaces
from visavis.train.heads import find_head
from visavis.train.heads.head import check_extra
from visavis.train.labeled_photos import list_few

if TYPE_CHECKING:
    from visavis.gallery.gallery import Gallery

LEAST_TEMPLATES = 4
"""Templates of a person who is trained on: with fewer, too little of the person is left when one is held out."""


def check_people(gallery: Gallery) -> tuple[list[Person], list[Person]]:
    """Return the people to train on, and those with too few templates; both by name.

    Raises UsageError where fewer than two people have enough.
    """
    people = sorted(gallery.people(), key=lambda person: (natural_key(person.name), person.id))
    enough = [person for person in people if len(person.templates) >= LEAST_TEMPLATES]
    if len(enough) < 2:
        raise UsageError(
            f"a classifier needs two people or more with {LEAST_TEMPLATES} photos each, and {len(enough)} of the "
            f"{len(people)} people of the gallery have as many: enroll more photos of the others."
        )
    return enough, [person for person in people if len(person.templates) < LEAST_TEMPLATES]


def require_heads(*heads: str | None) -> None:
    """Raise MissingExtraError where a head (None: all of them) needs scikit-learn, and that is not installed.

    Raises UnknownNameError for another name.
    """
    needs_extra = any(name is None or find_head(name).extra for name in heads)
    if needs_extra and find_spec("sklearn") is None:  # importing it takes a second, and memory
        check_extra()


def train_on_people(gallery: Gallery, *, options: ClassifierOptions, source: str) -> ClassifierRun:
    """Train a classifier on the people of a gallery who have :data:`LEAST_TEMPLATES` or more; ``source`` names it.

    It is measured by stratified cross-validation (``options.folds``), then fitted to all their templates. Raises
    UsageError as :func:`check_people`, MissingExtraError where a head needs scikit-learn, and that is not installed.
    """
    require_heads(*options.heads)
    people, left_out = check_people(gallery)
    notes = []
    if left_out:
        few, verb = ("1 person has", "is") if len(left_out) == 1 else (f"{len(left_out):,} people have", "are")
        names = list_few([person.name for person in left_out])
        notes.append(f"{few} fewer than {LEAST_TEMPLATES} photos, and {verb} not trained on: {names}.")
    trainer = Trainer(gallery.recognizer, options, source, f"{options.folds}-fold", notes)
    return trainer.run_folds(_read_faces(gallery, people))


def _read_faces(gallery: Gallery, people: list[Person]) -> LabeledFaces:
    """Return the templates of people as labeled faces, under numbers in place of photos."""
    stored = gallery.faces()
    labels = {person.id: label for label, person in enumerate(people)}
    rows = np.array([row for row, person in enumerate(stored.people.tolist()) if person in labels], np.intp)
    rows = rows[np.argsort([labels[int(stored.people[row])] for row in rows], kind="stable")]
    return LabeledFaces(
        _tell_apart(people),
        np.array([labels[int(stored.people[row])] for row in rows], np.int64),
        stored.embeddings[rows],
        tuple(f"template {stored.ids[row]}" for row in rows),
        np.zeros((len(rows), 4), np.float32),
        tuple(stored.sha256[row] or "" for row in rows),
    )


def _tell_apart(people: list[Person]) -> tuple[str, ...]:
    """Return the names of people; with the number behind those that several people have."""
    names = [person.name for person in people]
    return tuple(f"{person.name} (#{person.id})" if names.count(person.name) > 1 else person.name for person in people)
