"""Who is in other photos: python enroll_and_identify.py NAME PHOTO.jpg OTHER.jpg..."""

import sys

from visavis import Gallery

name, photo, *others = sys.argv[1:]
with Gallery("sqlite:///faces.db") as gallery:
    gallery.enroll(name, [photo])
    for other in others:
        for face in gallery.identify(other):
            print(face.name or "unknown")
