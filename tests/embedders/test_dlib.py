"""dlib's network against dlib itself, and what this embedder makes of it: mirrored, summed, of length 1."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from golden import chips
from visavis.embedders import EMBEDDERS
from visavis.embedders.dlib import BATCH, SIDE, TEMPLATE
from visavis.embedders.trained import Trained
from visavis.types import Face

GOLDEN = Path(__file__).parents[1] / "golden" / "dlib_resnet.npz"


@pytest.fixture(scope="module")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    """The embedder, its network converted now: what an earlier version left in the cache proves nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VISAVIS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield EMBEDDERS.create("dlib-resnet")


@pytest.fixture(scope="module")
def drawn() -> np.ndarray:
    return chips.chips()


@pytest.fixture(scope="module")
def golden() -> dict[str, np.ndarray]:
    with np.load(GOLDEN) as file:
        return dict(file)


def face(points: np.ndarray) -> Face:
    return Face(np.array([0, 0, 1, 1], np.float32), 1.0, np.asarray(points, np.float32))


# --- the network


def test_descriptors_are_dlibs(embedder: Trained, drawn: np.ndarray, golden: dict[str, np.ndarray]) -> None:
    np.testing.assert_allclose(embedder.raw(drawn), golden["batch"], atol=1e-4)


def test_descriptors_of_dlibs_own_chips_are_dlibs(embedder: Trained, golden: dict[str, np.ndarray]) -> None:
    np.testing.assert_allclose(embedder.raw(golden["scene_chips"]), golden["scene_descriptors"], atol=1e-4)


def test_a_batch_is_as_one_by_one(embedder: Trained, drawn: np.ndarray) -> None:
    together = embedder.embed(drawn)
    for i in range(len(drawn)):
        np.testing.assert_allclose(embedder.embed(drawn[i : i + 1])[0], together[i], atol=1e-5)


@pytest.mark.parametrize("count", [BATCH - 1, BATCH, BATCH + 1, 2 * BATCH + 3])
def test_more_than_one_run_of_the_network(embedder: Trained, drawn: np.ndarray, count: int) -> None:
    order = np.arange(count) % len(drawn)
    np.testing.assert_allclose(embedder.embed(drawn[order]), embedder.embed(drawn)[order], atol=1e-5)


def test_a_permuted_batch_has_permuted_embeddings(embedder: Trained, drawn: np.ndarray) -> None:
    order = np.random.default_rng(0).permutation(len(drawn))
    np.testing.assert_allclose(embedder.embed(drawn[order]), embedder.embed(drawn)[order], atol=1e-5)


def test_embeddings_have_length_one(embedder: Trained, drawn: np.ndarray) -> None:
    embeddings = embedder.embed(drawn)
    assert embeddings.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(embeddings.astype(float), axis=1), 1, atol=1e-6)


def test_no_chips_no_embeddings(embedder: Trained, drawn: np.ndarray) -> None:
    assert embedder.embed(drawn[:0]).shape == (0, 128)
    assert embedder.raw(drawn[:0]).shape == (0, 128)


# --- mirroring


def test_a_chip_and_its_mirror_image_are_one_person(embedder: Trained, drawn: np.ndarray) -> None:
    np.testing.assert_allclose(embedder.embed(drawn[:, :, ::-1]), embedder.embed(drawn), atol=1e-5)


def test_the_sum_is_of_both_views(embedder: Trained, drawn: np.ndarray) -> None:
    both = embedder.raw(drawn).astype(float) + embedder.raw(drawn[:, :, ::-1]).astype(float)
    expected = both / np.sqrt((both**2).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(embedder.embed(drawn), expected, atol=1e-5)


def test_without_the_mirror_a_embedding_is_dlibs_direction(drawn: np.ndarray, golden: dict[str, np.ndarray]) -> None:
    plain = EMBEDDERS.create("dlib-resnet", views=1, threads=1)
    expected = golden["batch"] / np.linalg.norm(golden["batch"], axis=1, keepdims=True)
    np.testing.assert_allclose(plain.embed(drawn), expected, atol=1e-4)


# --- chips


def test_landmarks_on_the_template_cut_the_corner_out(embedder: Trained) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (200, 220, 3), np.uint8)
    (chip,) = embedder.crops(picture, [face(TEMPLATE)])
    assert np.abs(chip.astype(int) - picture[:SIDE, :SIDE]).max() <= 8  # 1/32 of a pixel is OpenCV's finest step


@pytest.mark.parametrize(("angle", "scale"), [(0.0, 1.0), (0.4, 1.0), (-1.1, 1.7), (2.5, 2.2), (0.1, 4.0)])
def test_landmarks_come_to_lie_on_the_template(embedder: Trained, angle: float, scale: float) -> None:
    middle = np.array([500, 480])
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = (TEMPLATE - SIDE / 2) @ turn.T + middle
    y, x = np.mgrid[:1000, :1000]
    for number, (px, py) in enumerate(points):
        picture = np.zeros((1000, 1000, 3), np.uint8)
        picture[(x - px) ** 2 + (y - py) ** 2 <= (3 * scale) ** 2] = 255  # a dot about one landmark
        (chip,) = embedder.crops(picture, [face(points)])
        weight = chip[..., 0].astype(float)
        rows, columns = np.mgrid[:SIDE, :SIDE]
        center = np.array([(weight * columns).sum(), (weight * rows).sum()]) / weight.sum()
        np.testing.assert_allclose(center, TEMPLATE[number], atol=0.5)


def test_chips_do_not_depend_on_their_company(embedder: Trained) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (400, 400, 3), np.uint8)
    faces = [face(TEMPLATE), face(TEMPLATE * 2 + 20), face(TEMPLATE[:, ::-1])]
    together = embedder.crops(picture, faces)
    assert together.shape == (3, SIDE, SIDE, 3)
    for chip, one in zip(together, faces, strict=True):
        np.testing.assert_array_equal(chip, embedder.crops(picture, [one])[0])
    assert embedder.crops(picture, []).shape == (0, SIDE, SIDE, 3)


# --- persons


def test_a_face_moved_by_two_pixels_is_near_and_noise_is_far(embedder: Trained, drawn: np.ndarray) -> None:
    shifted = np.roll(drawn[2], 2, axis=1)
    same, other = embedder.embed(np.stack([drawn[2], shifted, drawn[6]]))[1:] @ embedder.embed(drawn[2:3])[0]
    assert 1 - same < 0.02
    assert 1 - other > 0.1
