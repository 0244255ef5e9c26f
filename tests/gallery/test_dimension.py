"""The length of a gallery's embeddings is that of its model."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from visavis import embedders
from visavis.defaults import EMBEDDER
from visavis.embedders import dlib, facenet, sface, vggface
from visavis.errors import UsageError
from visavis.gallery import Gallery, IndexedPhoto, Template

from .faces import MODEL, digest, embedding


def test_the_lengths_that_are_told_are_those_of_the_networks() -> None:
    recipes = (
        vggface.VGG16,
        vggface.RESNET50,
        vggface.SENET50,
        facenet.VGGFACE2,
        facenet.CASIA,
        sface.SFACE,
        sface.SFACE_FLOAT,
        dlib.DLIB_RESNET,
    )
    lengths = {one.name: one.dimension for one in recipes}
    assert lengths == embedders.DIMENSIONS
    assert embedders.dimension("dlib-resnet@4") == 128
    assert embedders.dimension(MODEL) is None


@pytest.mark.parametrize("length", [127, 1, 512])
def test_embeddings_of_another_length_do_not_enter_an_empty_gallery(path: Path, length: int) -> None:
    wrong = embedding(1, dimension=length) if length > 1 else np.ones(1, np.float32)
    with Gallery(path) as gallery:
        photo = IndexedPhoto("a.jpg", digest(1), "ok", (Template(wrong),))
        for store in (lambda: gallery.add("Ann", [Template(wrong)]), lambda: gallery.add_photos([photo])):
            with pytest.raises(UsageError, match=f"{EMBEDDER} makes embeddings of 128 values, got {length}"):
                store()
        assert gallery.stats().dimension is None
        gallery.add("Ann", [Template(embedding(1, dimension=128))])
        with pytest.raises(UsageError, match=f"{EMBEDDER} makes embeddings of 128 values, got {length}"):
            gallery.add("Bob", [Template(wrong)])
        assert [one.name for one in gallery.people()] == ["Ann"]


def test_a_gallery_that_was_locked_by_a_wrong_embedding_opens_again_once_it_is_empty(path: Path) -> None:
    Gallery(path).close()
    raw = sqlite3.connect(path)
    raw.execute("UPDATE meta SET dimension = 127")
    raw.commit()
    raw.close()
    right = embedding(1, dimension=128)
    with Gallery(path) as gallery:
        assert gallery.search(np.ones((1, 127))) == [[]]  # its index is of 127 values now
        gallery.add("Ann", [Template(right)])
        assert gallery.search(right[None])[0][0].name == "Ann"
        assert gallery.check() == []


def test_a_threshold_beyond_the_largest_distance_is_refused(path: Path) -> None:
    with Gallery(path) as gallery:
        gallery.add("Ann", [Template(embedding(1, dimension=128))])
        for wrong in (5.0, 2.1, -0.1, float("nan")):
            with pytest.raises(UsageError, match="a distance in cosine is from 0 to 2, got"):
                gallery.identify_embeddings(np.ones((1, 128)), threshold=wrong)
