"""The only module that imports onnxruntime: sessions, threads, and networks optimized for the processor."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from visavis import devices
from visavis.errors import EngineError, UsageError, VisavisWarning, WeightsError
from visavis.forking import ForkSafeLock, UndisturbedByForks, keep_forever, renew_in_child
from visavis.types import Floats

if TYPE_CHECKING:
    import onnxruntime

A = TypeVar("A")
B = TypeVar("B")

Batch = NDArray[np.uint8] | Floats
"""Input of a network."""

MAPPED = ".mapped.onnx"
"""Suffix of networks with their weights in a separate file, mapped into memory instead of copied three times. The
part before it names the processor that the network is optimized for: SFace opens in a quarter of the time."""
SILENT = 4
"""Level of ONNX Runtime's log at which it prints no error: its errors are raised, as one sentence."""
ANY = "any"
"""Stands for the processor where the system does not describe it: a network is then optimized when it is opened."""


@cache
def processors() -> int:
    """Return the number of processors this process may use, by its affinity and the quota of its control group."""
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(affinity, _read_quota(Path("/sys/fs/cgroup/cpu.max"))))


def _read_quota(path: Path) -> int:
    """Return the processors granted by a version 2 control group ("QUOTA PERIOD" or "max PERIOD"), rounded up."""
    try:
        quota, period = path.read_text(encoding="ascii").split()
        return -(-int(quota) // int(period))
    except (OSError, ValueError):
        return 1 << 16


MOST_THREADS = 4096
"""Most threads that a caller can ask for; ONNX Runtime takes no number beyond 32 bits."""


def thread_count(threads: int | None) -> int:
    """Return the requested number of threads, else all processors of this process.

    UsageError below 1, and above ``MOST_THREADS``.
    """
    if threads is not None and (not isinstance(threads, int) or threads < 1):
        raise UsageError(f"threads must be at least 1, and a whole number, got {threads!r}.")
    if threads is not None and threads > MOST_THREADS:
        raise UsageError(f"threads must be at most {MOST_THREADS:,}: no machine has more processors.")
    return processors() if threads is None else threads


def prepare() -> None:
    """Import ONNX Runtime now, rather than with the first network, with its telemetry off.

    From 1.29 on ONNX Runtime reports use to its makers, by a thread that starts when it is imported. visavis reports
    nothing, and a process forked beside that thread never ends. ``ORT_DISABLE_TELEMETRY=0`` in the environment leaves
    it on.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime  # noqa: F401 - importing it is the purpose


class Workers:
    """Threads for independent pieces of work, for networks that run on one thread each.

    For many small runs this is faster than many threads within each run, which wait for each other after every layer.
    """

    def __init__(self, threads: int | None = None) -> None:
        self._threads = threads
        self._count = thread_count(threads)
        self._pool: ThreadPoolExecutor | None = None
        self._starting = ForkSafeLock()
        renew_in_child(self)

    def map(self, function: Callable[[A], B], pieces: Sequence[A]) -> list[B]:
        """Return the results in the order of the pieces; raises the first error."""
        if self._count < 2 or len(pieces) < 2:
            return [function(piece) for piece in pieces]
        return list(self._open_pool().map(function, pieces))

    def split(self, items: NDArray[Any], *, most: int) -> list[NDArray[Any]]:
        """Split items into pieces of ``most`` or fewer, about equally long, as many for each thread. At least one."""
        count = -(-max(len(items), 1) // most)
        count = min(-(-count // self._count) * self._count, max(len(items), 1))
        return np.array_split(items, count)

    def _open_pool(self) -> ThreadPoolExecutor:
        with self._starting:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._count, thread_name_prefix="visavis")
            return self._pool

    def renew_in_child(self) -> None:
        """Start new threads at the next work: the parent's threads are not in its child."""
        self._pool = None

    def __reduce__(self) -> tuple[type[Self], tuple[int | None]]:
        return type(self), (self._threads,)


@dataclass(frozen=True, slots=True)
class Port:
    """An input or an output of a network: its name, its type as ONNX Runtime writes it, and its shape.

    An open side is a name, or None.
    """

    name: str
    kind: str
    shape: tuple[int | str | None, ...]


class Session:
    """An open network of one input. Ready once constructed; may be run from several threads at once.

    ``input`` and ``outputs`` describe it. Raises WeightsError for a file that is not such a network, and for a run that
    fails. In a forked child, and after unpickling, the network is opened again at its first run, from the same file. It
    runs on the device that ``VISAVIS_DEVICE`` names; ``exact`` networks, in which rounding moves boxes, compute in
    float32 there whatever the device's setting.
    """

    def __init__(self, model: Path | bytes, *, threads: int | None = None, exact: bool = False) -> None:
        self._what = "the network" if isinstance(model, bytes) else str(model)
        thread_count(threads), devices.select_devices()  # UsageError here: below, a ValueError is ONNX Runtime's
        self._native = _Native(model, threads, exact=exact)
        inputs, self.outputs = self._describe_ports()
        if len(inputs) != 1:
            raise WeightsError(f"{self._what} has {len(inputs)} inputs, where one is wanted: the picture.")
        (self.input,) = inputs

    def _describe_ports(self) -> tuple[list[Port], list[Port]]:
        """Open the network; return its inputs and its outputs."""
        session = self._open_session()
        try:
            inputs, outputs = session.get_inputs(), session.get_outputs()
            first, second = ([Port(x.name, x.type, tuple(x.shape)) for x in ports] for ports in (inputs, outputs))
        except UnicodeDecodeError as error:
            raise WeightsError(f"{self._what} is no network that can be run: a name is not UTF-8.") from error
        return first, second

    def _open_session(self) -> onnxruntime.InferenceSession:
        try:
            return self._native.session()
        except _errors() as error:
            raise WeightsError(f"{self._what} is no network that can be run: {_first_line(error)}.") from error

    def run(self, batch: Batch, *, output: int | None = None) -> Sequence[Floats]:
        """Return the outputs of the network in its own order, or the output of that number alone.

        WeightsError where the run fails, or where a number in an output is not finite.
        """
        session = self._open_session()
        names = None if output is None else [self.outputs[output].name]
        try:
            outputs: Sequence[Floats] = session.run(names, {self.input.name: batch})
        except _errors() as error:
            raise WeightsError(f"{self._what} broke off: {_first_line(error)}.") from error
        if not all(map(_is_finite, outputs)):
            raise WeightsError(f"{self._what} computes numbers that are not finite.")
        return outputs


def _is_finite(output: Floats) -> bool:
    """Return whether all numbers are finite, by their sum: several times faster than to look at each."""
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(output.sum()))


class _Native:
    """A session of ONNX Runtime, opened when it is first needed in this process.

    A session has threads and locks, which a fork does not copy. The child opens a new session, and never runs the
    destructor of the parent's, which would wait for missing threads.
    """

    def __init__(self, model: Path | bytes, threads: int | None, *, exact: bool = False, device: str = "") -> None:
        _source(model)  # raises for a path that ONNX Runtime cannot take
        self._model, self._threads, self._exact, self._device = model, threads, exact, device
        self._session: onnxruntime.InferenceSession | None = None
        self._opening = ForkSafeLock()
        renew_in_child(self)

    def session(self) -> onnxruntime.InferenceSession:
        """Return the session of this process."""
        session = self._session
        if session is None:
            with self._opening:
                session = self._session = self._session or _open(
                    self._model, self._threads, exact=self._exact, device=self._device
                )
        return session

    def renew_in_child(self) -> None:
        """Keep the parent's session untouched, and forget it."""
        keep_forever(self._session)
        self._session = None

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(type(self), exact=self._exact, device=self._device), (self._model, self._threads)


_opening = UndisturbedByForks()


def _open(model: Path | bytes, threads: int | None, *, exact: bool, device: str) -> onnxruntime.InferenceSession:
    """Open a session on the first device that runs it; raises ONNX Runtime's errors."""
    with _opening.inside():  # ONNX Runtime holds its own locks during its import and while it opens a session
        prepare()
        import onnxruntime as ort

        requested = devices.select_devices(device)
        for choice in devices.list_devices(requested, ort.get_available_providers()):
            if choice.name == "cpu":
                break
            try:
                return _open_on(choice.without_rounding() if exact else choice, model, threads)
            except _errors() as error:
                broken = f"the device {choice} does not work on this machine"
                if len(requested) == 1:
                    raise EngineError(f"{broken}: {_first_line(error)}.") from error
                warnings.warn(f"{broken}; the next one is tried.", VisavisWarning, stacklevel=2)
        options = _make_options(threads)
        if _is_optimized(model):
            options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        return ort.InferenceSession(_source(model), options, providers=[devices.CPU], enable_fallback=0)


# Sessions are opened with enable_fallback=0: else ONNX Runtime prints an error on standard output, and goes on.


def _source(model: Path | bytes) -> bytes | str:
    """Return a network as ONNX Runtime takes it; UsageError for a path that it cannot take."""
    if isinstance(model, bytes):
        return model
    path = str(model)
    try:
        path.encode()
    except UnicodeEncodeError as error:
        raise UsageError(
            f"{path} cannot be opened by ONNX Runtime, because its path is not UTF-8: name another folder, such as by "
            "VISAVIS_CACHE."
        ) from error
    return path


def _open_on(device: devices.Device, model: Path | bytes, threads: int | None) -> onnxruntime.InferenceSession:
    """Open a session on a device; warn if most of the network runs on the processor instead."""
    import onnxruntime as ort

    options = _make_options(threads)
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    providers = [(device.provider, device.options(thread_count(threads))), devices.CPU]
    session = ort.InferenceSession(_source(model), options, providers=providers, enable_fallback=0)
    if session.get_providers()[0] != device.provider:
        raise _errors()[0]("its libraries could not be loaded, and ONNX Runtime fell back to the processor")
    on_device, elsewhere = _count_operations(session, device.provider)
    if elsewhere > on_device:
        warnings.warn(
            f"{device} runs {on_device} of {on_device + elsewhere} operations of a network, the processor the others: "
            "it is hardly faster than --device cpu.",
            VisavisWarning,
            stacklevel=2,
        )
    return session


def _count_operations(session: onnxruntime.InferenceSession, provider: str) -> tuple[int, int]:
    """Count the operations on a provider and elsewhere; 0, 0 where ONNX Runtime does not report them."""
    if not hasattr(session, "get_provider_graph_assignment_info"):  # before 1.24
        return 0, 0
    parts = [(part.ep_name, len(part.get_nodes())) for part in session.get_provider_graph_assignment_info()]
    own = sum(count for name, count in parts if name == provider)
    return own, sum(count for _, count in parts) - own


def _make_options(threads: int | None) -> onnxruntime.SessionOptions:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = thread_count(threads)
    options.inter_op_num_threads = 1
    options.log_severity_level = SILENT
    # Spinning threads take the cores from the next network, from OpenCV and from other processes:
    # with three networks in turn it doubled the time of a detection on two cores.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Shapes differ between calls: a memory plan would be made again each time.
    options.enable_mem_pattern = False
    return options


class Kernel:
    """One operation of ONNX Runtime, for arithmetic that NumPy lacks; its inputs are named."""

    def __init__(self, model: bytes, *, threads: int | None = None) -> None:
        self._native = _Native(model, threads, device="cpu")
        (self._output,) = (port.name for port in self._native.session().get_outputs())

    def run(self, inputs: Mapping[str, NDArray[Any]], out: NDArray[Any]) -> None:
        """Write the output into ``out``, of its shape and type; arrays are contiguous, and none is copied."""
        import onnxruntime as ort

        session = self._native.session()
        binding = session.io_binding()
        for name, array in inputs.items():
            binding.bind_cpu_input(name, array)
        binding.bind_ortvalue_output(self._output, ort.OrtValue.ortvalue_from_numpy(out))
        session.run_with_iobinding(binding)


@cache
def _errors() -> tuple[type[Exception], ...]:
    """Return ONNX Runtime's errors, which have no base class of their own, and those of its bindings to Python."""
    prepare()
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    own = (member for member in vars(state).values() if isinstance(member, type) and issubclass(member, Exception))
    return (*own, RuntimeError, ValueError, MemoryError)


def _first_line(error: Exception) -> str:
    """Return the first line of an error, as part of a sentence."""
    return next(iter(str(error).splitlines()), "").strip().rstrip(".")[:300]


def fuse(network: Path, target: Path) -> None:
    """Write the network with constants computed and normalizations folded into convolutions, in standard operators."""
    _save(network, target, "ORT_ENABLE_BASIC")


def _save(network: Path, target: Path, level: str, *, weights: str = "") -> None:
    """Write the network by ONNX Runtime; ``weights`` names a file beside the target for the large arrays."""
    prepare()
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.graph_optimization_level = getattr(ort.GraphOptimizationLevel, level)
    options.optimized_model_filepath = str(target)
    options.log_severity_level = SILENT
    if weights:
        options.add_session_config_entry("session.optimized_model_external_initializers_file_name", weights)
        options.add_session_config_entry("session.optimized_model_external_initializers_min_size_in_bytes", "16384")
    ort.InferenceSession(_source(network), options, providers=[devices.CPU], enable_fallback=0)


def save_optimized(network: Path, target: Path, *, weights: str) -> None:
    """Write the network, optimized for this processor; large arrays go to a file ``weights`` beside the target.

    Without large arrays there is no such file. Raises OSError where the files cannot be written.
    """
    level = "ORT_DISABLE_ALL" if identify_processor() == ANY else "ORT_ENABLE_ALL"
    try:
        _save(network, target, level, weights=weights)
    except _errors() as error:
        raise OSError(0, _first_line(error), str(target.parent)) from error


@cache
def identify_processor() -> str:
    """Return a digest of ONNX Runtime's version and the processor's instructions, which it optimizes for; or ANY."""
    prepare()
    import onnxruntime as ort

    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as lines:
            instructions = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    except OSError:
        return ANY
    return hashlib.sha256(f"{ort.__version__} {instructions}".encode()).hexdigest()[:8] if instructions else ANY


def _is_optimized(model: Path | bytes) -> bool:
    """Return whether a network is optimized; WeightsError if it is optimized for another processor."""
    if isinstance(model, bytes) or not model.name.endswith(MAPPED):
        return False
    processor = model.name.removesuffix(MAPPED).rpartition("-")[2]
    if processor not in (ANY, identify_processor()):
        raise WeightsError(f"{model} is for another processor: load the model by its name.")
    return processor != ANY
