"""Blur all faces of a video: python blur_faces.py VIDEO OUT.mp4."""

import sys

import visavis

tracks = {event.track for event in visavis.video(sys.argv[1], out=sys.argv[2], blur=["all"])}
print(f"{len(tracks)} faces blurred: {sys.argv[2]}")
