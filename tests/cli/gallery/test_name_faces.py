"""gallery move and gallery name: assignment of templates."""

from __future__ import annotations

import numpy as np
import pytest

from cli.conftest import Photos, Run
from cli.fakes import BLUE
from visavis.gallery import Gallery, IndexedPhoto, Template


def test_faces_are_those_of_another_person_of_the_name(know: Run, run: Run, photos: Photos) -> None:
    know("enroll", "Ann", photos.red)
    with Gallery("faces.db") as gallery:
        faces = tuple(
            Template(np.array(BLUE, np.float32), box=np.array(box, np.float32))
            for box in ([0, 0, 9, 9], [20, 0, 29, 9])
        )
        gallery.add_photos([IndexedPhoto(photos.both, "5" * 64, "ok", faces)])
    assert run("gallery", "name", "Ann", 2, "--new", "--json").line["person_id"] == 2
    done = run("gallery", "name", "Ann", 3)
    assert (done.code, "2 people are called 'Ann' (ids 1, 2)" in done.err) == (2, True)


@pytest.mark.usefixtures("album")
def test_move_and_name(run: Run) -> None:
    assert run("gallery", "move", 2, 4, "--to", "Bea", "--json").line["photos"] == 3
    assert run("gallery", "name", "Cy", 5, "--json").line["person_id"] == 3
    done = run("gallery", "move", 1, "--to", "Cy")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "person 1 would have no template left" in done.err
    assert run("gallery", "name", "Dee", 77).code == 2
    assert run("gallery", "stats", "--json").line["unnamed"] == 0
