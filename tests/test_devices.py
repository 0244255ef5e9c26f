"""What networks run on. The tests of a real device run where this Python has its build of ONNX Runtime."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest

from visavis import devices, runtime
from visavis.detectors import DETECTORS
from visavis.embedders import EMBEDDERS
from visavis.errors import EngineError, MissingExtraError, UnknownNameError, UsageError, VisavisWarning
from visavis.nets.onnx_graph import to_onnx
from visavis.samples import load_samples
from visavis.types import RGB, Face


@pytest.fixture(autouse=True)
def no_device_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(devices.VARIABLE, raising=False)


def providers() -> list[str]:
    runtime.prepare()
    import onnxruntime

    return list(onnxruntime.get_available_providers())


def real(name: str) -> object:
    """A device to run on where this Python has it."""
    (device,) = devices.select_devices(name)
    here = device.provider in providers()
    must = os.environ.get("VISAVIS_TEST_DEVICE", "") == device.name  # this Python was set up for it: nothing is skipped
    return pytest.param(
        name, marks=pytest.mark.skipif(not here and not must, reason=f"this Python has no {device.provider}")
    )


REAL = [real("openvino"), real("cuda"), real("coreml")]


def absent() -> str:
    """A device that cannot be here."""
    return next(name for name in ("coreml", "cuda") if devices.select_devices(name)[0].provider not in providers())


# --- what is written


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (None, ["cpu"]),
        ("", ["cpu"]),
        ("cuda", ["cuda"]),
        ("CUDA:1", ["cuda:1"]),
        (" openvino:bf16 ", ["openvino:bf16"]),
        ("auto", ["cuda", "coreml", "openvino", "cpu"]),
    ],
)
def test_a_device_by_its_name(text: str | None, names: list[str]) -> None:
    assert [str(device) for device in devices.select_devices(text)] == names


def test_the_environment_names_one_and_the_argument_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(devices.VARIABLE, "openvino")
    assert [str(device) for device in devices.select_devices()] == ["openvino"]
    assert [str(device) for device in devices.select_devices("cpu")] == ["cpu"]


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("cudaa", UnknownNameError, r"^there is no device 'cudaa'; there are: cpu, cuda, .*\. Did you mean cuda\?$"),
        ("gpu", UnknownNameError, r"^there is no device 'gpu'; .*, coreml, auto\. Did you mean cuda\?$"),
        ("cpu:1", UsageError, r"^'cpu:1' is no device: cpu has no settings\.$"),
        ("cuda:first", UsageError, r"^'cuda:first' is no device: after cuda: goes the number of a card \(cuda:0\)\.$"),
        ("cuda:", UsageError, r"after cuda: goes the number of a card"),
        ("openvino:int4", UsageError, r"after openvino: goes f32 or bf16\.$"),
        ("auto:1", UnknownNameError, r"^there is no device 'auto:1'"),
    ],
)
def test_what_is_no_device(text: str, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        devices.select_devices(text)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cuda", r"^the device cuda takes the package onnxruntime-gpu .*; pip install onnxruntime-gpu\.$"),
        ("openvino", r"^the device openvino takes the package onnxruntime-openvino .*; pip install .*-openvino\.$"),
        ("coreml", r"^the device coreml is there on macOS only"),
    ],
)
def test_a_missing_build_names_the_package(name: str, message: str) -> None:
    with pytest.raises(MissingExtraError, match=message):
        devices.list_devices(devices.select_devices(name), [devices.CPU])


def test_auto_takes_what_there_is() -> None:
    assert [d.name for d in devices.list_devices(devices.select_devices("auto"), [devices.CPU])] == ["cpu"]
    both = devices.list_devices(devices.select_devices("auto"), ["OpenVINOExecutionProvider", devices.CPU])
    assert [d.name for d in both] == ["openvino", "cpu"]


# --- what runs


def tiny() -> bytes:
    kernel = np.ones((4, 3, 3, 3), np.float32)
    return to_onnx(lambda ops, x: (ops.conv(x, "sum"),), {"sum.kernel": kernel}, side=None)


def test_a_network_is_never_run_elsewhere_in_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(devices.VARIABLE, absent())
    with pytest.raises(MissingExtraError, match=f"^the device {absent()} "):
        runtime.Session(tiny())


def test_auto_runs_somewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(devices.VARIABLE, "auto")
    pixels = np.ones((1, 8, 8, 3), np.uint8)
    (out,) = runtime.Session(tiny()).run(pixels)
    assert out[0, :, 3, 3] == pytest.approx([27] * 4)


class Silent:
    """A session that ONNX Runtime has put on the processor."""

    def get_providers(self) -> list[str]:
        return [devices.CPU]


def test_a_fall_back_is_an_error_and_under_auto_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the driver is too old: ONNX Runtime names the provider, and gives a session without it."""
    runtime.prepare()
    import onnxruntime

    made = onnxruntime.InferenceSession
    names = ["CUDAExecutionProvider", devices.CPU]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: names)
    monkeypatch.setattr(
        onnxruntime,
        "InferenceSession",
        lambda *args, providers, **more: made(*args, providers=providers) if providers == [devices.CPU] else Silent(),
    )
    monkeypatch.setenv(devices.VARIABLE, "cuda")
    with pytest.raises(EngineError, match=r"^the device cuda does not work on this machine: its libraries could not"):
        runtime.Session(tiny())
    monkeypatch.setenv(devices.VARIABLE, "auto")
    with pytest.warns(VisavisWarning, match=r"^the device cuda does not work on this machine; the next one"):
        runtime.Session(tiny())


def test_the_command_line_takes_it_wherever_networks_run() -> None:
    command = [sys.executable, "-m", "visavis", "detect", "nothing.jpg", "--device", absent()]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode in {2, 3}
    for words in (["detect"], ["verify"], ["embed"], ["evaluate", "lfw"], ["models", "bench"], ["cluster"], ["index"]):
        help_text = subprocess.run(
            [sys.executable, "-m", "visavis", *words, "--help"], capture_output=True, text=True, check=True
        ).stdout
        assert help_text.count("--device NAME") == 1
    refused = subprocess.run([*command[:-1], "gpu"], check=False, capture_output=True, text=True)
    assert refused.returncode == 2
    assert refused.stderr.startswith("visavis: there is no device 'gpu'; there are: ")


# --- real devices


@pytest.fixture(scope="module")
def photo() -> RGB:
    from visavis.images import read

    return read(load_samples().obama).pixels


def both(photo: RGB, name: str, embedder: str) -> tuple[list[Face], np.ndarray]:
    detector, model = DETECTORS.create(name), EMBEDDERS.create(embedder)
    (faces,) = detector.detect([photo])
    return list(faces), model.embed(model.crops(photo, faces))


@pytest.mark.parametrize("device", REAL)
@pytest.mark.parametrize("embedder", ["dlib-resnet"])
def test_answers_are_those_of_the_processor(
    photo: RGB, device: str, embedder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, embeddings = both(photo, "mtcnn", embedder)
    monkeypatch.setenv(devices.VARIABLE, device)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # that it would run on the processor is a warning
        there, others = both(photo, "mtcnn", embedder)
    assert len(here) == len(there) >= 1
    for one, other in zip(here, there, strict=True):
        np.testing.assert_allclose(other.box, one.box, atol=0.05)
        np.testing.assert_allclose(other.landmarks, one.landmarks, atol=0.05)
    np.testing.assert_allclose(others, embeddings, atol=1e-3)


@pytest.mark.parametrize("device", [real("openvino:bf16")])
def test_rounding_is_for_embeddings_alone(photo: RGB, device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    here, embeddings = both(photo, "mtcnn", "dlib-resnet")
    monkeypatch.setenv(devices.VARIABLE, device)
    there, others = both(photo, "mtcnn", "dlib-resnet")
    np.testing.assert_allclose(there[0].box, here[0].box, atol=0.05)
    assert float((1 - (embeddings * others).sum(axis=1)).max()) < 1e-3


@pytest.mark.parametrize("device", REAL)
def test_a_session_keeps_its_device_when_it_is_copied(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(devices.VARIABLE, device)
    session = runtime.Session(tiny())
    pixels = np.ones((1, 8, 8, 3), np.uint8)
    for other in (copy.deepcopy(session), pickle.loads(pickle.dumps(session))):
        np.testing.assert_allclose(other.run(pixels)[0], session.run(pixels)[0])
