"""Devices for networks, by execution providers of ONNX Runtime: ``--device`` or ``VISAVIS_DEVICE``.

A device is written ``NAME`` or ``NAME:SETTING``: ``cpu``, ``cuda``, ``cuda:1`` (the second graphics card),
``openvino``, ``openvino:bf16``, ``coreml``. ``auto`` takes the first of ``AUTOMATIC`` that works on this machine.

A named device that is missing is an error, never a slower answer. Only networks run on it: the search in a gallery,
decoding and resampling run on the processor.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches

from visavis.errors import MissingExtraError, UnknownNameError, UsageError

VARIABLE = "VISAVIS_DEVICE"
CPU = "CPUExecutionProvider"
AUTOMATIC = ("cuda", "coreml", "openvino", "cpu")
"""Devices that ``auto`` tries, in this order."""
OPENVINO_PRECISIONS = ("f32", "bf16")
"""Precisions of the sums; the first is the default."""


@dataclass(frozen=True, slots=True)
class Device:
    """A device: its name, the setting written after the colon (may be empty), and its provider in ONNX Runtime."""

    name: str
    setting: str
    provider: str

    def __str__(self) -> str:
        return f"{self.name}:{self.setting}" if self.setting else self.name

    def without_rounding(self) -> Device:
        """Return this device with computation in float32."""
        return Device(self.name, "", self.provider) if self.name == "openvino" else self

    def options(self, threads: int) -> dict[str, str]:
        """Return the options of the provider. ``threads`` is used by OpenVINO alone, which has its own threads."""
        if self.name == "cuda":
            return {"device_id": self.setting or "0", "use_tf32": "0"}
        if self.name == "openvino":
            cpu = {
                "INFERENCE_PRECISION_HINT": self.setting or OPENVINO_PRECISIONS[0],
                "INFERENCE_NUM_THREADS": str(threads),
                "PERFORMANCE_HINT": "LATENCY",
            }
            return {"device_type": "CPU", "load_config": json.dumps({"CPU": cpu})}
        return {}


_PROVIDERS = {
    "cpu": CPU,
    "cuda": "CUDAExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
}
_PACKAGES = {"cuda": "onnxruntime-gpu", "openvino": "onnxruntime-openvino"}


def select_devices(text: str | None = None) -> list[Device]:
    """Return the devices to try, best first: those of ``text``, else of ``VISAVIS_DEVICE``, else the processor.

    Raises UnknownNameError for another name and UsageError for a setting that the device does not have.
    """
    text = text or os.environ.get(VARIABLE, "") or "cpu"
    name, colon, setting = text.strip().lower().partition(":")
    if name == "auto" and not colon:
        return [Device(automatic, "", _PROVIDERS[automatic]) for automatic in AUTOMATIC]
    if name not in _PROVIDERS:
        near = ["cuda"] if name in {"gpu", "nvidia"} else get_close_matches(name, [*_PROVIDERS, "auto"], n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise UnknownNameError(f"there is no device {text!r}; there are: {', '.join(_PROVIDERS)}, auto.{hint}")
    if colon and not _is_setting(name, setting):
        allowed = {"cuda": "the number of a card (cuda:0)", "openvino": " or ".join(OPENVINO_PRECISIONS)}
        raise UsageError(
            f"{text!r} is no device: after {name}: goes {allowed[name]}."
            if name in allowed
            else f"{text!r} is no device: {name} has no settings."
        )
    return [Device(name, setting, _PROVIDERS[name])]


def list_devices(devices: list[Device], providers: Collection[str]) -> list[Device]:
    """Return the devices that the installed build of ONNX Runtime has; MissingExtraError if it has none of them.

    ``providers`` are the available ones, as named by ONNX Runtime.
    """
    here = [device for device in devices if device.provider in providers]
    if not here:
        raise MissingExtraError(_describe_missing(devices[0]))
    return here


def _describe_missing(device: Device) -> str:
    if package := _PACKAGES.get(device.name):
        return (
            f"the device {device} takes the package {package} in place of onnxruntime: "
            f"pip uninstall -y onnxruntime; pip install {package}."
        )
    return f"the device {device} is there on macOS only, in the package onnxruntime: choose cpu or auto."


def _is_setting(name: str, setting: str) -> bool:
    if name == "cuda":
        return setting.isascii() and setting.isdigit()
    return name == "openvino" and setting in OPENVINO_PRECISIONS
