"""Draw the faces of a photo: python detect_and_draw.py PHOTO.jpg OUT.png."""

import sys

import visavis
from visavis.draw import annotate
from visavis.images import save

photo = visavis.read(sys.argv[1])
faces = visavis.detect(photo.pixels)
save(annotate(photo.pixels, faces, [f"{face.score:.1%}" for face in faces]), sys.argv[2])
