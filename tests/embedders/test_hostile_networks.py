"""Networks made to harm: each is refused in one sentence, in bounded time and memory, and Ctrl-C works meanwhile."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import psutil
import pytest

from cli.fakes import BLUE, DETECTOR, RED, photo
from example_counts import LONG
from visavis import embedders, quantize
from visavis.embedders import EMBEDDERS, onnx_file
from visavis.errors import VisavisError, WeightsError

from . import hostile_networks as hostile
from . import tiny_models as own

SECONDS = 4


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(onnx_file, "TRIAL_SECONDS", SECONDS)


def write(folder: Path, model: onnx.ModelProto | bytes) -> Path:
    path = own.write(folder)
    path.with_name("own.onnx").write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
    return path


@pytest.mark.parametrize(
    "make", [hostile.endless_when_run, hostile.endless_when_opened, hostile.doubling], ids=lambda make: make.__name__
)
def test_a_network_without_end_is_stopped(
    make: Callable[[], onnx.ModelProto], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_file, "TRIAL_SECONDS", 2)  # nothing has to be done by then
    path = write(tmp_path, make())
    start = time.monotonic()
    with pytest.raises(WeightsError) as caught:
        onnx_file.import_model(path, reserved=())
    assert str(caught.value) in {
        f"{tmp_path / 'own.onnx'} is no network that can be run: it was stopped after 2 seconds.",
        f"{tmp_path / 'own.onnx'} is no network that can be run: it takes too much memory.",
    }
    assert time.monotonic() - start < 2 + 50  # it would never end
    assert "own" not in EMBEDDERS.names()


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux")
def test_a_network_that_takes_too_much_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_file, "TRIAL_SECONDS", 60)  # the memory is what ends it, also on a busy machine
    with pytest.raises(WeightsError, match=r"own\.onnx broke off: .*memory.*\.$"):
        onnx_file.import_model(write(tmp_path, hostile.large_when_run()), reserved=())


def test_a_folder_of_a_model_is_tried_out_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``--model FOLDER`` is the other way in."""
    monkeypatch.setattr(onnx_file, "TRIAL_SECONDS", 2)
    write(tmp_path / "run", hostile.endless_when_run()).rename(tmp_path / "run" / "model.toml")
    with pytest.raises(WeightsError, match=r"run/own\.onnx is no network that can be run: it was stopped after"):
        embedders.create(str(tmp_path / "run"))


def visavis(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "visavis", *map(str, arguments)]


def test_a_name_that_is_no_text_is_one_sentence_on_standard_error(tmp_path: Path) -> None:
    path = write(tmp_path, hostile.without_text())
    done = subprocess.run(visavis("models", "import", path), capture_output=True, text=True, check=False)
    said = f"visavis: {tmp_path / 'own.onnx'} is no network that can be run: a name is not UTF-8.\n"
    assert (done.returncode, done.stdout, done.stderr) == (3, "", said)


def test_an_error_of_onnx_runtime_is_one_sentence_on_standard_error(tmp_path: Path) -> None:
    path = write(tmp_path, own.network((("NoSuchOperator", ["x"], "y"),)))
    done = subprocess.run(visavis("models", "import", path), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, "")
    assert re.fullmatch(r"visavis: .*own\.onnx is no network that can be run: .*\n", done.stderr)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are of POSIX")
def test_ctrl_c_ends_the_import_of_an_endless_network(tmp_path: Path) -> None:
    """As a terminal sends it: to all processes of the command."""
    path = write(tmp_path, hostile.endless_when_opened())
    running = subprocess.Popen(
        visavis("models", "import", path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    while not _has_busy_child(running.pid):
        assert running.poll() is None
        time.sleep(0.05)
    start = time.monotonic()
    os.killpg(running.pid, signal.SIGINT)
    assert running.communicate(timeout=60) == ("", "")
    assert running.returncode == 130
    assert time.monotonic() - start < 30  # half of the time that a trial may take


def _has_busy_child(process: int) -> bool:
    """Return whether a child of the process has computed for longer than it takes to import the libraries."""
    try:
        return any(child.cpu_times().user > 1.5 for child in psutil.Process(process).children())
    except psutil.NoSuchProcess:
        return False


def test_a_network_that_loops_on_photos_is_stopped_while_it_is_quantized(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It passes the trial on noise."""
    monkeypatch.setattr(onnx_file, "TRIAL_SECONDS", 60)  # the time of quantizing is what ends it
    onnx_file.import_model(write(tmp_path, hostile.endless_for_red()), reserved=())
    monkeypatch.setattr(quantize, "FIRST_SECONDS", 4)
    monkeypatch.setattr(quantize, "CROP_SECONDS", 0)
    photos = [photo(tmp_path / "photos" / f"{n}.png", ((RED, BLUE)[n % 2], 20, 30, 60 + n)) for n in range(8)]
    with pytest.raises(WeightsError, match=r"own\.onnx is no network that can be run: it was stopped after 4 seconds"):
        quantize.quantize("own", photos, detector=DETECTOR)
    assert "own-int8" not in EMBEDDERS.names()


@pytest.mark.skipif(not LONG, reason="only in ./check --long")
def test_changed_networks_are_refused_or_run(tmp_path: Path) -> None:
    """Bytes of an ONNX file are changed at random: never another error than those of visavis."""
    rng = np.random.default_rng(0)
    data = (own.write(tmp_path).with_name("own.onnx")).read_bytes()
    said = []
    for number in range(200):
        changed = bytearray(data)
        for place in rng.integers(0, len(data), 1 + number % 4):
            changed[place] = rng.integers(256)
        path = own.write(tmp_path / str(number), name=f"own{number}")
        path.with_name("own.onnx").write_bytes(changed)
        try:
            onnx_file.import_model(path, reserved=())
        except VisavisError as error:
            said.append(str(error))
    assert len(said) > 50
    assert [text for text in said if "\n" in text] == []
