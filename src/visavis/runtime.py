"""The only file that imports onnxruntime: sessions, threads, and the cache of converted networks."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from visavis.cache import cache_dir
from visavis.errors import UsageError, WeightsError
from visavis.types import Floats

if TYPE_CHECKING:
    import onnxruntime

CONVERTER_VERSION = 1
"""Part of the name of every cached network: raise it when nets/ or weights/readers change what they emit."""


@cache
def processors() -> int:
    """Processors this process may use: its affinity, and the quota of its control group where there is one."""
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(affinity, _quota(Path("/sys/fs/cgroup/cpu.max"))))


def _quota(path: Path) -> int:
    """Processors granted by a version 2 control group ("QUOTA PERIOD" or "max PERIOD"), rounded up."""
    try:
        quota, period = path.read_text(encoding="ascii").split()
        return -(-int(quota) // int(period))
    except (OSError, ValueError):
        return 1 << 16


class Session:
    """An open network: constructed means ready; may be run from several threads at once."""

    def __init__(self, model: Path | bytes, *, threads: int | None = None) -> None:
        import onnxruntime as ort

        threads = processors() if threads is None else threads
        if threads < 1:
            raise UsageError(f"threads must be at least 1, got {threads}.")
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Shapes differ from call to call: a plan of the memory would be made anew each time.
        options.enable_mem_pattern = False
        source = model if isinstance(model, bytes) else str(model)
        self._session: onnxruntime.InferenceSession = ort.InferenceSession(
            source, options, providers=["CPUExecutionProvider"]
        )
        (self._input,) = (node.name for node in self._session.get_inputs())

    def run(self, batch: NDArray[np.uint8] | Floats) -> Sequence[Floats]:
        """Outputs of the network, in its own order."""
        outputs: Sequence[Floats] = self._session.run(None, {self._input: batch})
        return outputs


def converted(name: str, sha256: str, build: Callable[[], bytes]) -> Path:
    """Return the ONNX file of network ``name`` made from the weights ``sha256``, built now if it is not cached.

    Written to a temporary name and renamed, so that a reader never sees half a file.
    """
    path = cache_dir() / "onnx" / f"{name}-{sha256[:16]}-{CONVERTER_VERSION}.onnx"
    if path.is_file():
        return path
    data = build()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
            file.write(data)
        Path(file.name).replace(path)
    except OSError as error:
        raise WeightsError(
            f"the converted network cannot be written to {path.parent}: {error.strerror}; "
            "name another folder by VISAVIS_CACHE."
        ) from error
    return path
