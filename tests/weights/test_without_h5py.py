"""What is said where h5py is not installed: one sentence, before the file is looked at."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from visavis.embedders import facenet, vggface
from visavis.errors import MissingExtraError
from visavis.weights.readers import h5, kind_of

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
SAID = "to read files of Keras takes the package h5py: pip install 'visavis[classic]'."


@pytest.fixture(autouse=True)
def _without_h5py(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)


def test_the_reader_asks_for_it(tmp_path: Path) -> None:
    for path in (GOLDEN / "keras_2_vgg.h5", tmp_path / "none.h5", tmp_path):
        with pytest.raises(MissingExtraError) as caught:
            h5.read(path)
        assert str(caught.value) == SAID


def test_networks_of_keras_ask_for_it() -> None:
    for read in (vggface.read, facenet.read):
        with pytest.raises(MissingExtraError, match="visavis\\[classic\\]"):
            read(GOLDEN / "keras_2_vgg.h5")


def test_the_format_of_a_file_is_told_without_it() -> None:
    assert kind_of(GOLDEN / "keras_2_vgg.h5") == "keras"
