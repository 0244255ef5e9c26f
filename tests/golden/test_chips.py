"""The drawn pictures are the ones that the golden files were made from."""

import hashlib
from pathlib import Path

import numpy as np
from chips import chips, face, noise, scene

GOLDEN = np.load(Path(__file__).with_name("dlib_resnet.npz"))


def digest(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def splitmix64(state):
    """The published generator, in Python's own integers."""
    mask = (1 << 64) - 1
    z = (state * 0x9E3779B97F4A7C15) & mask
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
    return z ^ (z >> 31)


def test_noise_is_the_top_byte_of_splitmix64():
    expected = [splitmix64((6 << 32) + index + 1) >> 56 for index in range(4 * 4 * 3)]
    assert noise(4, seed=6).ravel().tolist() == expected


def test_chips_are_those_that_dlib_saw():
    assert digest(chips()) == str(GOLDEN["chips_sha256"])


def test_the_scene_is_the_one_that_dlib_saw():
    assert digest(scene()) == str(GOLDEN["scene_sha256"])


def test_a_face_without_lean_is_drawn_symmetrically():
    drawn = face(64).astype(int)
    edge = (drawn == (170, 170, 175)).all(axis=-1)
    assert np.array_equal(edge, edge[:, ::-1])
    assert edge[0, 0]
    assert not edge[32, 32]


def test_dlib_answers_a_batch_as_it_answers_one():
    np.testing.assert_array_equal(GOLDEN["single"], GOLDEN["batch"])
    assert np.linalg.norm(GOLDEN["single"], axis=1).min() > 1.2  # dlib's descriptors are not of unit length
