"""A user's script with each public function: a type checker must see the types stated here."""

from pathlib import Path
from typing import assert_type

import visavis
from visavis import (
    Candidate,
    Characteristic,
    Clustering,
    Face,
    Gallery,
    Identification,
    Lookalike,
    Photo,
    PhotoFaces,
    PhotoVerification,
    Recognizer,
    Verification,
)
from visavis.types import RGB, Floats

photo = visavis.read(Path("ann.jpg"))
assert_type(photo, Photo)
assert_type(visavis.detect(Path("ann.jpg")), list[Face])
assert_type(visavis.embed("ann.jpg"), Floats)
assert_type(visavis.extract("ann.jpg"), RGB)

answer = visavis.verify("ann.jpg", "bob.jpg")
assert_type(answer, Verification)
assert_type(answer.same, bool)
assert_type(answer.far, float | None)
visavis.verify("ann.jpg")  # type: ignore[call-overload]
assert_type(visavis.verify("ann.jpg", ["bob.jpg", "eve.jpg"]), list[PhotoVerification])

assert_type(visavis.cluster(["ann.jpg", "bob.jpg"]), Clustering)
assert_type(visavis.similar("ann.jpg", ["bob.jpg"]), list[Lookalike])
characteristic = visavis.representative(["ann.jpg"])
assert_type(characteristic, list[Characteristic])
assert_type(visavis.average_face(characteristic), RGB)

recognizer = Recognizer(detector="yunet")
assert_type(next(iter(recognizer.represent(["ann.jpg"]))), PhotoFaces)

with Gallery("faces.db") as gallery:
    gallery.enroll("Ann", ["ann.jpg"])
    for identification in gallery.identify("bob.jpg"):
        assert_type(identification, Identification)
        assert_type(identification.candidates[0], Candidate)

try:
    visavis.verify("ann.jpg", "none.jpg")
except visavis.NoFaceError as error:
    assert_type(error, visavis.NoFaceError)
