"""Tracks and people of our own, from the file to the events: decoding, detection, few embeddings, searches."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

import numpy as np
from protocol import serve, versions

from visavis.compare import unit
from visavis.gallery import Gallery, Template
from visavis.pipeline import Recognizer
from visavis.videos.recognize import VideoOptions, VideoRecognizer
from visavis.videos.source import open_source

PEOPLE = 100


def load(settings):
    """Load the networks, and fill a gallery with people who are drawn at random."""
    recognizer = Recognizer(threads=settings["threads"])
    folder = tempfile.TemporaryDirectory()
    gallery = Gallery(f"sqlite:///{Path(folder.name) / 'faces.db'}", recognizer=recognizer)
    drawn = unit(np.random.default_rng(0).standard_normal((PEOPLE, recognizer.embedder.dimension)).astype(np.float32))
    gallery.add_many([(f"person {number}", [Template(row)]) for number, row in enumerate(drawn)])
    recognizer.detector.detect([np.zeros((64, 64, 3), np.uint8)], min_face=20)

    def run(case):
        options = VideoOptions(min_face=case["min_face"], **({"interval": 0.0} if case["each_frame"] else {}))
        tracking = VideoRecognizer(recognizer, gallery, options=options)
        frames = tracks = 0
        for result in tracking.run(open_source(case["file"])):
            frames += 1
            tracks += sum(event.event == "ended" for event in result.events)
        return {"frames": frames, "detections": tracking.detections, "tracks": tracks}

    run.folder = folder
    cases = {name: partial(run, case) for name, case in settings["cases"].items()}
    return cases, versions("visavis", "onnxruntime", "numpy", "av")


serve(load)
