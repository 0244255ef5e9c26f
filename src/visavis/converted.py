"""The cache of converted networks: a file that is not the one that was converted is never used, but converted again.

Conversion is deterministic. The SHA-256 of a converted file is checked whenever it is loaded: it must be that in
``HASHES``, of the models that visavis ships, or the one that was recorded when the file was converted on this machine.
Records are for files that depend on the processor, or on weights of the user. They lie outside the folder of the
networks, and count only if no other user can have written them: see :func:`read_record`.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

from visavis import atomic, devices, permissions, runtime
from visavis.cache import data_dir, trusted_folder
from visavis.errors import WeightsError, reason_of

CONVERTER_VERSION = 6
"""Part of the name of every cached network: raise it when nets/ or weights/readers change their output."""

_DLIB_RESNET = "ab83834231d1659e3462178c7ba67ce5be167d32a3fb86e1ded80c9c8f86c22a"

HASHES: Mapping[str, str] = {
    "dlib-5-points-c4b1e9804792707d-6.npz": "a3f6157b130c5beca0dc8277dee804d094a3250fdc06c19a931b2dc4e4ecebfa",
    "dlib-68-points-fbdc2cb80eb9aa7a-6.npz": "79291b4892c2495449027327d628a03948764391a6f5e3e415bce9b50b6724b4",
    "dlib-resnet-55533b28a95800a5-6.onnx": _DLIB_RESNET,
    "dlib-resnet-to-quantize-55533b28a95800a5-6.onnx": _DLIB_RESNET,
    "mtcnn-onet-94f6ea2f4cf98527-6.onnx": "2960b9645b363ee5df96d2968939605c50bdc0380062907ef65ab7fcbf2d9249",
    "mtcnn-pnet-ea6b0c3e685ebee3-6.onnx": "e3c9c6ab5af1ac58c82ed287c7d8e11d7fa81daa8bca4403324d0a4f07a91031",
    "mtcnn-rnet-cb00e6460f3c98b0-6.onnx": "f357223c5f11661a6547e1023c1e49bb5ee01dde5c75d13deb8b432db102e2d6",
    "sface-fb143eea07838aa5-6.onnx": "56c62e60b1ec73ada7d1881bd9ef8f6ff90c82363b6d061220cadb5114a19be7",
    "sface-to-quantize-fb143eea07838aa5-6.onnx": "1e48e06a183d3125dd38dfa3af1638da5a8c0cc1a0de846c8b317452083dfc0b",
}
"""SHA-256 of converted files by their names, which contain the weights' SHA-256 and the version of the converter.

On a processor whose sums round differently the files may differ; they are then recorded like those of the user.
"""

OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
SUFFIX_DIGITS = 16
"""Hexadecimal digits at the end of the name of a file of weights: the first of its SHA-256."""


def network(name: str, sha256: str, build: Callable[[], bytes]) -> Path:
    """Return the file of a network as :func:`convert_once` does; for the processor, with its weights beside it."""
    on_processor = devices.select_devices()[0].name == "cpu"
    suffix = f"-{runtime.identify_processor()}{runtime.MAPPED}" if on_processor else ".onnx"
    return convert_once(name, sha256, build, suffix=suffix)


def convert_once(name: str, sha256: str, build: Callable[[], bytes], *, suffix: str = ".onnx") -> Path:
    """Return the file of network ``name`` made from the weights ``sha256``, built now if it is not cached or differs.

    Written whole or not at all, see :mod:`visavis.atomic`. Raises WeightsError where it cannot be written.
    """
    path = trusted_folder("onnx") / f"{name}-{sha256[:16]}-{CONVERTER_VERSION}{suffix}"
    if _is_unchanged(path):
        return path
    data = build()
    try:
        _store(path, data)
    except OSError as error:
        folder = _records_dir() if str(error.filename).startswith(str(_records_dir())) else path.parent
        raise WeightsError(
            f"the converted network cannot be written to {folder}: {reason_of(error)}; name another folder by "
            "VISAVIS_CACHE."
        ) from error
    return path


def _is_unchanged(path: Path) -> bool:
    """Return whether the file, and the weights beside it if there are any, are those that were converted."""
    try:
        digest = _sha256(path)
        if digest == HASHES.get(path.name):
            return True
        expected = read_record(path.name)
        others = [name for name in expected if name != path.name]
        return expected.get(path.name) == digest and all(
            _sha256(path.with_name(name)) == expected[name] for name in others
        )
    except (OSError, ValueError):  # ValueError: a name in the record that is none of a file
        return False


def _sha256(path: Path) -> str:
    """Return the SHA-256 of a file, read by mapping it, as ONNX Runtime does next: a sixth faster than by copies."""
    with path.open("rb") as file:
        if not os.fstat(file.fileno()).st_size:
            return hashlib.sha256().hexdigest()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return hashlib.sha256(data).hexdigest()


def _store(path: Path, data: bytes) -> None:
    """Write a converted network to ``path``, and the record of its hash unless that is in ``HASHES``."""
    permissions.make_folder(path.parent)
    with atomic.folder_beside(path) as folder:
        part = folder / path.name
        part.write_bytes(data)
        files = _split_weights(part) if path.name.endswith(runtime.MAPPED) else {path.name: part}
        hashes = {name: _sha256(file) for name, file in files.items()}
        if hashes != {path.name: HASHES.get(path.name)}:
            _write_record(path.name, hashes)
        for name, file in files.items():  # the network last, as it refers to its weights
            atomic.move(file, path.with_name(name))
    _remove_former_weights(path, keep=set(files))


def _split_weights(network: Path) -> dict[str, Path]:
    """Optimize a network for this processor; return the written files by their final names, the network last.

    The file of weights is named after its content, so that a network never meets the weights of another one.
    """
    stem = network.name.removesuffix(".onnx")
    unnamed = f"{stem}-{token_hex(SUFFIX_DIGITS // 2)}"
    optimized, weights = network.with_name("optimized.onnx"), network.with_name(unnamed)
    runtime.save_optimized(network, optimized, weights=unnamed)
    if not weights.exists():
        return {network.name: optimized}
    name = f"{stem}-{_sha256(weights)[:SUFFIX_DIGITS]}"
    optimized.write_bytes(optimized.read_bytes().replace(unnamed.encode(), name.encode()))
    return {name: weights, network.name: optimized}


def _remove_former_weights(path: Path, *, keep: set[str]) -> None:
    """Delete the weights of networks that had this name: of an older version, or damaged."""
    stem = path.name.removesuffix(".onnx")
    for other in path.parent.glob(f"{stem}-*"):
        if other.name not in keep and path.name.endswith(runtime.MAPPED):
            with suppress(OSError):
                other.unlink()


def _records_dir() -> Path:
    return data_dir() / "converted"


def read_record(name: str) -> dict[str, str]:
    """Return the recorded SHA-256 of the files of a network, by file name; empty where there is no trusted record.

    A record is trusted if it and its folder can be written by their owner alone, and that is this user, root, or the
    owner of the folder that VISAVIS_CACHE names.
    """
    path = _records_dir() / f"{name}.sha256"
    try:
        if not all(_is_trusted(place) for place in (path.parent, path)):
            return {}
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    return {file: digest for digest, _, file in (line.partition("  ") for line in lines)}


def _is_trusted(path: Path) -> bool:
    if not hasattr(os, "getuid"):  # Windows has other permissions
        return True
    state = path.lstat()
    owners = {0, os.getuid(), data_dir().stat().st_uid}
    return not stat.S_ISLNK(state.st_mode) and not state.st_mode & OTHERS_WRITE and state.st_uid in owners


def _write_record(name: str, hashes: Mapping[str, str]) -> None:
    path = _records_dir() / f"{name}.sha256"
    permissions.make_folder(path.parent)
    text = "".join(f"{digest}  {file}\n" for file, digest in hashes.items())
    atomic.write_bytes(path, text.encode())
