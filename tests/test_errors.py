"""Messages end once, whatever they quote."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import numpy as np
import pytest

from visavis import Gallery, errors
from visavis.errors import ended_once
from visavis.gallery import Template


def tree(kind: type[errors.VisavisError]) -> list[type[errors.VisavisError]]:
    return [kind, *(one for each in kind.__subclasses__() for one in tree(each))]


@pytest.mark.parametrize("kind", [one for one in tree(errors.VisavisError) if one.__module__ == "visavis.errors"])
def test_an_error_of_any_kind_ends_once_and_survives_copies(kind: type[errors.VisavisError]) -> None:
    text = "nobody is called 'x'; did you mean 'y'?."
    error = kind({"file": text}) if issubclass(kind, errors.MissingWeightsError) else kind(text)
    for one in (error, copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert type(one) is kind
        assert str(one) == "nobody is called 'x'; did you mean 'y'?"


@pytest.mark.parametrize(
    ("text", "ended"),
    [
        ("is it?.", "is it?"),
        ("no!.", "no!"),
        ("it cannot be read: no such file..", "it cannot be read: no such file."),
        ("and so on ...", "and so on ..."),
        ("a sentence.", "a sentence."),
        ("is it?", "is it?"),
        ("of '?'.", "of '?'."),
        ("e.g. a.b.", "e.g. a.b."),
        ("", ""),
    ],
)
def test_one_sign_stands_at_the_end(text: str, ended: str) -> None:
    assert ended_once(text) == ended


def test_a_name_that_is_nearly_right(tmp_path: Path) -> None:
    with Gallery(tmp_path / "faces.db", model="dlib-resnet") as gallery:
        gallery.add("Hugh Jackman", [Template(np.eye(128, dtype=np.float32)[0])])
        with pytest.raises(errors.UnknownNameError) as caught:
            gallery.find("Hugh Jackmann")
    assert str(caught.value) == "no person in this gallery is called 'Hugh Jackmann'; did you mean 'Hugh Jackman'?"
