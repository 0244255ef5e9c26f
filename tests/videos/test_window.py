from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec

import pytest

from visavis.errors import MissingExtraError, UsageError
from visavis.videos.window import PreviewWindow

SHOW = """
import numpy as np
from visavis.videos.window import PreviewWindow
with PreviewWindow("camera") as window:
    window.show(np.full((2000, 3000, 3), 200, np.uint8))
    print(window._picture.width(), window._picture.height(), window._picture.get(5, 5), window.closed)
    window._root.focus_force()
    window._root.event_generate("<Escape>")
    window._root.update()
    window.show(np.zeros((8, 8, 3), np.uint8))
    print(window._picture.width(), window.closed)
"""


def test_a_machine_without_a_display_gets_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setitem(sys.modules, "tkinter", None)
    with pytest.raises(MissingExtraError, match="install python3-tk from your system"):
        PreviewWindow("camera")
    monkeypatch.undo()
    if find_spec("_tkinter") is None:
        pytest.skip("Python was built without Tk")
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(UsageError, match="needs a display, and this machine has none: write a video with --out"):
        PreviewWindow("camera")


def test_frames_are_shown_on_a_display() -> None:
    if shutil.which("xvfb-run") is None or find_spec("_tkinter") is None:
        pytest.skip("Debian's xvfb is not installed, or Python was built without Tk")
    command = ["xvfb-run", "-a", sys.executable, "-c", SHOW]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ})
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["1080 720 (200, 200, 200) False", "1080 True"]
