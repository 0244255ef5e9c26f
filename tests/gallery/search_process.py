"""Searches for the face of a photo at each line of standard input, and prints the model with the name, or the error."""

from __future__ import annotations

import sys

from visavis.errors import GalleryError
from visavis.gallery import Gallery

from .faces import say
from .models import DETECTOR


def main(place: str, photo: str) -> None:
    with Gallery(place, detector=DETECTOR, create=False) as gallery:
        for _ in sys.stdin:
            try:
                say(f"{gallery.model}: {gallery.identify(photo, threshold=0.1)[0].name}")
            except GalleryError as error:
                say(error)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
