"""Compare two photos with face_recognition, as its readme does: python verify_face_recognition.py A B."""

from __future__ import annotations

import json
import sys

import face_recognition

embeddings, counts = [], []
for path in sys.argv[1:3]:
    picture = face_recognition.load_image_file(path)
    boxes = face_recognition.face_locations(picture)
    embeddings.append(face_recognition.face_encodings(picture, boxes)[0])
    counts.append(len(boxes))
distance = float(face_recognition.face_distance(embeddings[:1], embeddings[1])[0])
print(json.dumps({"same": distance <= 0.6, "distance": distance, "faces_a": counts[0], "faces_b": counts[1]}))
