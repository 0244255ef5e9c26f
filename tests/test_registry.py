"""Names and what they stand for: built-in modules, decorated factories, entry points of packages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from visavis.errors import UnknownNameError
from visavis.registry import Registry

GROUP = "visavis.tests"


def registry(**builtin: str) -> Registry[object]:
    return Registry("color", entry_points=GROUP, builtin=builtin)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed distribution with an entry point of the group, its module beside it."""
    info = tmp_path / "paints-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: paints\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\nteal = paints_of_a_test:teal\n")
    (tmp_path / "paints_of_a_test.py").write_text("def teal(**options):\n    return ('teal', options)\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop("paints_of_a_test", None)


def test_a_decorated_factory_stays_what_it_was_and_gets_its_options() -> None:
    colors = registry()

    @colors.register("red")
    def red(*, shade: int = 0) -> object:
        return ("red", shade)

    assert red() == ("red", 0)
    assert colors.factory("red") is red
    assert colors.create("red", shade=3) == ("red", 3)
    assert colors.names() == ["red"]


def test_declared_options_are_returned_with_their_defaults(package: Path) -> None:
    colors = registry()

    @colors.register("red", shade=2)
    def red(*, threads: int | None = None, shade: int = 2) -> object:
        return ("red", shade)

    colors.register("gray")(lambda: "gray")
    assert colors.options("red") == {"shade": 2}
    assert colors.options("gray") == colors.options("teal") == {}
    with pytest.raises(UnknownNameError, match="no color is called 'rd'; did you mean red"):
        colors.options("rd")


def test_a_second_factory_of_one_name_is_refused_and_the_first_stays() -> None:
    colors = registry()
    colors.register("red")(lambda: 1)
    with pytest.raises(ValueError, match="color 'red' is registered twice"):
        colors.register("red")(lambda: 2)
    assert colors.create("red") == 1


def test_built_in_modules_are_imported_when_asked_for_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "blue_of_a_test.py").write_text(
        "import test_registry\n@test_registry.SHARED.register('blue')\ndef blue():\n    return 'blue itself'\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert SHARED.names() == ["blue"]
    assert "blue_of_a_test" not in sys.modules
    assert SHARED.create("blue") == "blue itself"
    assert "blue_of_a_test" in sys.modules


SHARED: Registry[object] = registry(blue="blue_of_a_test")


def test_entry_points_are_listed_without_import_and_loaded_when_asked_for(package: Path) -> None:
    colors = registry(azure="nowhere")
    assert colors.names() == ["azure", "teal"]
    assert "paints_of_a_test" not in sys.modules
    assert colors.create("teal", depth=2) == ("teal", {"depth": 2})


def test_a_name_that_no_package_has_is_unknown_too(package: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"no color is called 'teel'; did you mean teal\?"):
        registry().create("teel")


def test_a_built_in_name_comes_before_an_entry_point(package: Path) -> None:
    colors = registry()
    colors.register("teal")(lambda: "our own")
    assert colors.names() == ["teal"]
    assert colors.create("teal") == "our own"


def test_a_check_of_a_name_loads_nothing(package: Path) -> None:
    colors = registry(azure="nowhere")
    colors.check("azure")
    colors.check("teal")
    assert "paints_of_a_test" not in sys.modules
    with pytest.raises(UnknownNameError, match="no color is called 'azur'; did you mean azure"):
        colors.check("azur")


def test_an_unknown_name_suggests_the_nearest() -> None:
    colors = registry(crimson="x", green="x", gray="x")
    with pytest.raises(UnknownNameError) as caught:
        colors.create("gren")
    assert str(caught.value) == "no color is called 'gren'; did you mean green or gray?"


def test_a_name_near_to_nothing_lists_what_there_is() -> None:
    with pytest.raises(UnknownNameError) as caught:
        registry(crimson="x", green="x").factory("?")
    assert str(caught.value) == "no color is called '?'; there are: crimson, green."


def test_listing_detectors_and_embedders_imports_no_network() -> None:
    code = (
        "import sys; from visavis.detectors import DETECTORS; from visavis.embedders import EMBEDDERS\n"
        "assert 'mtcnn' in DETECTORS.names() and 'dlib-resnet' in EMBEDDERS.names()\n"
        "print(sorted({'visavis.detectors.mtcnn', 'visavis.embedders.dlib', 'onnxruntime', 'cv2', 'mtcnn'}"
        " & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
