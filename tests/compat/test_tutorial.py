"""The well-known tutorial of face recognition with VGGFace2 in Keras, as scripts in its style do it, end to end.

The weights are generated, so the names and the distances mean nothing; what they are is computed here in another way.
Where the published files are at hand, the tutorial's own figures are asserted.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from visavis.compat.mtcnn import MTCNN
from visavis.weights import spec, store

from .generated import keras_file

SHARED = Path(os.environ.get("VISAVIS_TEST_DATA", Path(__file__).parents[3] / "shared" / "data")).parent / "weights"

SCRIPT = """
import json
import sys

import numpy as np
from keras_vggface.utils import decode_predictions, preprocess_input
from keras_vggface.vggface import VGGFace
from mtcnn.mtcnn import MTCNN
from PIL import Image


def cosine(u, v):  # of scipy.spatial.distance, in the tutorial
    return 1 - np.dot(u, v) / (np.linalg.norm(u) * np.linalg.norm(v))


def extract_face(filename, required_size=(224, 224)):
    pixels = np.asarray(Image.open(filename).convert("RGB"))
    detector = MTCNN()
    results = detector.detect_faces(pixels)
    x1, y1, width, height = results[0]["box"]
    x2, y2 = x1 + width, y1 + height
    face = pixels[y1:y2, x1:x2]
    image = Image.fromarray(face)
    image = image.resize(required_size)
    return np.asarray(image)


def get_embeddings(filenames):
    faces = [extract_face(f) for f in filenames]
    samples = np.asarray(faces, "float32")
    samples = preprocess_input(samples, version=2)
    model = VGGFace(model="resnet50", include_top=False, input_shape=(224, 224, 3), pooling="avg")
    return model.predict(samples)


def is_match(known_embedding, candidate_embedding, thresh=0.5):
    score = cosine(known_embedding, candidate_embedding)
    return bool(score <= thresh), float(score)


model = VGGFace(model="resnet50")
print("Inputs: %s" % model.inputs)
print("Outputs: %s" % model.outputs)
pixels = extract_face(sys.argv[1]).astype("float32")
samples = preprocess_input(np.expand_dims(pixels, axis=0), version=2)
yhat = model.predict(samples)
results = decode_predictions(yhat)
for result in results[0]:
    print("%s: %.3f%%" % (result[0], result[1] * 100))

embeddings = get_embeddings(sys.argv[1:])
print(json.dumps([is_match(embeddings[0], other) for other in embeddings[1:]]))
"""


def tell(folder: Path, *photos: Path, **more: str) -> list[str]:
    path = folder / "tutorial.py"
    path.write_text(SCRIPT, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "visavis.compat", str(path), *map(str, photos)],
        env={**os.environ, **more}, capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_the_tutorial_runs_unchanged(sample_photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    folder.mkdir()
    keras_file(folder, "resnet50")
    row = spec.spec("vggface2-labels")
    known = [path for path in (store.locate(row), SHARED / row.file) if path is not None and path.is_file()]
    if not known:
        pytest.skip(f"the list of VGGFace2's names is not on this machine: {row.file}")
    photos = [sample_photos / f"{name}.jpg" for name in ("obama", "obama2", "biden")]
    places = os.pathsep.join(str(one) for one in (known[0].parent, folder))
    lines = tell(tmp_path, *photos, VISAVIS_CACHE=str(tmp_path / "cache"), VISAVIS_WEIGHTS=places, VISAVIS_OFFLINE="1")
    assert lines[0] == "Inputs: [Tensor(name='input_1', shape=(None, 224, 224, 3), dtype='float32')]"
    assert lines[1] == "Outputs: [Tensor(name='output_1', shape=(None, 8631), dtype='float32')]"
    names, shares = zip(*(line.removesuffix("%").split(": ") for line in lines[2:7]), strict=True)
    assert len(set(names)) == 5
    assert [name for name in names if name != name.strip(" '\"b")] == []
    assert sorted(map(float, shares), reverse=True) == [float(share) for share in shares]
    matches = json.loads(lines[7])
    assert [type(same) for same, _ in matches] == [bool, bool]
    assert all(0 < score < 1 and same == (score <= 0.5) for same, score in matches)


FACES = {
    "sharon_stone1": ("Sharon_Stone", 99.642),
    "channing_tatum": ("Channing_Tatum", 94.432),
}
DISTANCES = {"sharon_stone2": 0.418, "sharon_stone3": 0.295, "channing_tatum": 0.709}
"""As the tutorial has printed them."""


@pytest.mark.slow
@pytest.mark.parametrize("name", FACES)
def test_the_tutorial_tells_what_it_told(name: str, data: Path, tmp_path: Path) -> None:
    rows = [spec.spec(one) for one in ("vggface2-resnet50", "vggface2-labels")]
    missing = [row.file for row in rows if store.locate(row) is None]
    if missing:
        pytest.skip(f"the published files are not on this machine: {', '.join(missing)}")
    folder = data / "photos" / "tutorial"
    lines = tell(tmp_path, folder / f"{name}.jpg", *(folder / f"{other}.jpg" for other in DISTANCES))
    best, share = lines[2].removesuffix("%").split(": ")
    assert best == FACES[name][0]
    assert float(share) == pytest.approx(FACES[name][1], abs=5)
    if name == "sharon_stone1":
        scores = [score for _, score in json.loads(lines[7])]
        assert scores == pytest.approx(list(DISTANCES.values()), abs=0.06)


def test_the_face_that_the_tutorial_cuts_out(data: Path) -> None:
    """The detector's first box on each of its photos is its one large face."""
    for name in (*FACES, *DISTANCES):
        with Image.open(data / "photos" / "tutorial" / f"{name}.jpg") as image:
            pixels = np.asarray(image.convert("RGB"))
        first, *others = MTCNN().detect_faces(pixels)
        area = first["box"][2] * first["box"][3]
        assert all(area > other["box"][2] * other["box"][3] for other in others), name
        assert first["confidence"] > 0.98
