"""Show a camera with the names of the people in it: python live_names.py CAMERA FACES.db, with 0 for a webcam."""

import sys

from visavis.gallery import Gallery
from visavis.videos.recognize import VideoRecognizer
from visavis.videos.render import Renderer
from visavis.videos.source import open_source
from visavis.videos.window import PreviewWindow

with Gallery(f"sqlite:///{sys.argv[2]}", create=False) as gallery, PreviewWindow("names") as window:
    people, renderer = VideoRecognizer(gallery.recognizer, gallery), Renderer()
    for result in people.run(open_source(sys.argv[1])):
        for frame in renderer.add(result.frame, result.faces):
            window.show(frame.pixels)
        if window.closed:
            break
