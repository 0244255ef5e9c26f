"""Processes forked after networks were used, and what is passed to processes: real ones, each with a time limit."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_all_start_methods, get_context
from pathlib import Path

import numpy as np
import pytest

from detectors.drawn import assert_same, picture
from detectors.published import load as load_detector
from visavis import embedders, forking
from visavis.detectors import DETECTORS
from visavis.embedders import EMBEDDERS
from visavis.errors import WeightsError
from visavis.pipeline import Recognizer
from visavis.types import Floats

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

SECONDS = 120
PHOTO = picture(900, 700, (60, 40, 200), (400, 300, 260))
"""Large enough that several threads work at it."""


def run(code: str) -> list[str]:
    """Lines that a script prints; it fails where the script, or a process that it waits for, does not end in time."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", HEAD + code],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


HEAD = """
import os, signal, sys, threading
import numpy as np
from detectors.drawn import picture

PHOTO = picture(900, 700, (60, 40, 200), (400, 300, 260))

def fork(work):
    "Exit status of a child that does this work and exits as programs do; 14 where it took two minutes."
    pid = os.fork()
    if pid == 0:
        signal.alarm(120)
        sys.exit(0 if work() else 3)
    return os.waitpid(pid, 0)[1]
"""


# --- the parts


SESSIONS = """
from visavis import runtime
from visavis.nets import onnx_bytes as onnx_file
from visavis.nets.onnx_graph import to_onnx

kernel = np.ones((1, 3, 1, 1), np.float32)
model = to_onnx(lambda ops, x: (ops.conv(x, "sum"),), {"sum.kernel": kernel}, side=None)
sessions = [runtime.Session(model, threads=threads) for threads in (1, 2)]
workers = runtime.Workers(2)
pixels = [np.full((1, 64, 64, 3), n, np.uint8) for n in range(8)]

def sums():
    return [[float(out[0].max()) for out in workers.map(session.run, pixels)] for session in sessions]
"""


@needs_fork
def test_sessions_and_workers_that_the_parent_used_work_in_its_children() -> None:
    expected = [[3.0 * n for n in range(8)]] * 2
    code = SESSIONS + "print(sums(), [fork(lambda: sums() == sums()) for _ in range(3)], sums())"
    assert run(code) == [f"{expected} [0, 0, 0] {expected}"]


@needs_fork
def test_a_grandchild_works_too() -> None:
    assert run(SESSIONS + "sums(); print(fork(lambda: sums() and fork(sums) == 0))") == ["0"]


@needs_fork
def test_a_child_that_uses_nothing_ends() -> None:
    assert run(SESSIONS + "sums(); print(fork(lambda: True))") == ["0"]


@needs_fork
def test_a_kernel_of_the_index_works_in_a_child() -> None:
    code = """
from visavis.gallery.index import _codes
probes, codes = np.full((2, 4), 3, np.uint8), np.full((1, 4, 5), -2, np.int8)

def product():
    out = np.empty((1, 2, 5), np.int32)
    _codes._make_product().run({"probes": probes, "codes": codes}, out)
    return (out == -24).all()

print(product(), fork(product))
"""
    assert run(code) == ["True 0"]


@needs_fork
def test_a_lock_that_another_thread_holds_is_free_in_the_child() -> None:
    code = """
from visavis.forking import ForkSafeLock
lock, held, done = ForkSafeLock(), threading.Event(), threading.Event()

def hold():
    with lock:
        held.set()
        done.wait()

threading.Thread(target=hold).start()
held.wait()

def enter():
    with lock:
        return True

status = fork(enter)
done.set()
print(status)
"""
    assert run(code) == ["0"]


@needs_fork
def test_a_lock_of_the_forking_thread_stays_its_own() -> None:
    code = """
from visavis.forking import ForkSafeLock
lock = ForkSafeLock()
with lock:
    status = fork(lambda: lock._lock.acquire(blocking=False))
print(status)
"""
    assert run(code) == ["0"]


@needs_fork
def test_a_fork_waits_for_work_that_it_must_not_interrupt() -> None:
    code = """
import time
from visavis.forking import UndisturbedByForks
gate, inside, state = UndisturbedByForks(), threading.Event(), []

def work():
    with gate.inside():
        inside.set()
        time.sleep(0.5)
        state.append("whole")

threading.Thread(target=work).start()
inside.wait()

def enter():
    with gate.inside():
        return state == ["whole"] and not gate.interrupted

print(fork(enter))
"""
    assert run(code) == ["0"]


def test_a_gate_lets_many_threads_in_and_a_fork_does_not_wait_forever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forking, "PATIENCE_SECONDS", 0.2)
    gate, meeting, done = forking.ForkGate(), threading.Barrier(3), threading.Event()

    def work() -> None:
        with gate.inside():
            meeting.wait(60)
            done.wait(60)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    meeting.wait(60)  # both are inside
    start = time.monotonic()
    gate.before_fork()
    assert 0.2 <= time.monotonic() - start < 30  # the threads stay for 60
    gate.after_fork_in_parent()
    done.set()
    for thread in threads:
        thread.join()
    gate.before_fork()  # nobody is inside: at once
    gate.after_fork_in_parent()
    gate.renew_in_child()
    assert not gate.interrupted


@needs_fork
def test_telemetry_is_off_unless_the_environment_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    code = "from visavis import runtime; runtime.prepare(); print(os.environ['ORT_DISABLE_TELEMETRY'])"
    monkeypatch.delenv("ORT_DISABLE_TELEMETRY", raising=False)
    assert run(code) == ["1"]
    monkeypatch.setenv("ORT_DISABLE_TELEMETRY", "0")
    assert run(code) == ["0"]


# --- recognizers


@needs_fork
def test_children_of_a_process_that_has_recognized_find_the_same_and_end() -> None:
    """As a web server that loads the application, answers once, and forks its workers."""
    code = """
import visavis
recognizer = visavis.Recognizer(threads=2)

def faces():
    (answer,) = recognizer.represent([PHOTO])
    return answer

expected = faces()

def same():
    answer = faces()
    boxes = [np.allclose(a.box, b.box, atol=1e-4) for a, b in zip(answer.faces, expected.faces, strict=True)]
    near = np.allclose(answer.embeddings, expected.embeddings, atol=1e-6)
    return all(boxes) and near and len(visavis.detect(PHOTO)) == 2

visavis.detect(PHOTO)
print(len(expected.faces), [fork(same) for _ in range(3)], fork(lambda: True), same())
"""
    assert run(code) == ["2 [0, 0, 0] 0 True"]


@pytest.mark.slow(seconds=5)
@needs_fork
def test_a_fork_while_other_threads_recognize_does_no_harm() -> None:
    code = """
import visavis
recognizer = visavis.Recognizer(threads=2)
small = picture(320, 240, (30, 20, 60), (150, 100, 80))

def embeddings():
    (answer,) = recognizer.represent([small])
    return answer.embeddings

expected, stop = embeddings(), threading.Event()

def go_on():
    while not stop.is_set():
        embeddings()

threads = [threading.Thread(target=go_on) for _ in range(2)]
for thread in threads:
    thread.start()
statuses = [fork(lambda: np.allclose(embeddings(), expected, atol=1e-6)) for _ in range(8)]
stop.set()
for thread in threads:
    thread.join()
print(statuses)
"""
    assert run(code) == [str([0] * 8)]


@needs_fork
def test_a_child_loads_what_another_thread_was_loading() -> None:
    """The fork comes while the networks are being opened."""
    code = """
import time, visavis
recognizer = visavis.Recognizer(threads=2)
thread = threading.Thread(target=lambda: recognizer.embedder)
thread.start()
time.sleep(0.05)
status = fork(lambda: recognizer.embedder.dimension == 128)
thread.join()
print(status, recognizer.embedder.dimension)
"""
    assert run(code) == ["0 128"]


@pytest.fixture(scope="module")
def used() -> Recognizer:
    recognizer = Recognizer(threads=2)
    embeddings_of(recognizer, PHOTO)
    return recognizer


def embeddings_of(recognizer: Recognizer, photo: np.ndarray) -> Floats:
    (answer,) = recognizer.represent([photo])
    assert answer.embeddings is not None
    return answer.embeddings


@pytest.mark.slow(seconds=8)
@pytest.mark.parametrize("method", get_all_start_methods())
def test_a_pool_of_processes_takes_a_used_recognizer(method: str, used: Recognizer) -> None:
    with get_context(method).Pool(2) as pool:
        answers = pool.starmap_async(embeddings_of, [(used, PHOTO)] * 3).get(SECONDS)
        pool.close()
        pool.join()
    for answer in answers:
        np.testing.assert_allclose(answer, embeddings_of(used, PHOTO), atol=1e-6)


@pytest.mark.slow(seconds=9)
@pytest.mark.parametrize("method", get_all_start_methods())
def test_an_executor_of_processes_takes_a_used_recognizer(method: str, used: Recognizer) -> None:
    with ProcessPoolExecutor(2, mp_context=get_context(method)) as pool:
        answers = [pool.submit(embeddings_of, used, PHOTO) for _ in range(3)]
        for answer in answers:
            np.testing.assert_allclose(answer.result(SECONDS), embeddings_of(used, PHOTO), atol=1e-6)


class Loader:
    """Photos fetched by worker processes that hold the recognizer, as loaders of training data do."""

    def __init__(self, recognizer: Recognizer, method: str) -> None:
        self._context = get_context(method)
        self._recognizer, self._jobs, self._answers = recognizer, self._context.Queue(), self._context.Queue()

    def __iter__(self) -> Iterator[tuple[int, Floats]]:
        work = (self._recognizer, self._jobs, self._answers)
        workers = [self._context.Process(target=fetch, args=work, daemon=True) for _ in range(2)]
        for worker in workers:
            worker.start()
        for number in (0, 1, 2, None, None):
            self._jobs.put(number)
        for _ in range(3):
            yield self._answers.get(timeout=SECONDS)
        for worker in workers:
            worker.join(SECONDS)
            assert worker.exitcode == 0


def fetch(recognizer: Recognizer, jobs: object, answers: object) -> None:
    while (number := jobs.get()) is not None:  # type: ignore[attr-defined]
        answers.put((number, embeddings_of(recognizer, PHOTO)))  # type: ignore[attr-defined]


@pytest.mark.parametrize("method", get_all_start_methods())
def test_workers_of_a_loader_of_data_hold_a_used_recognizer(method: str, used: Recognizer) -> None:
    answers = dict(Loader(used, method))
    assert sorted(answers) == [0, 1, 2]
    for answer in answers.values():
        np.testing.assert_allclose(answer, embeddings_of(used, PHOTO), atol=1e-6)


# --- copies


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda item: pickle.loads(pickle.dumps(item))])
def test_a_used_recognizer_is_copied_without_its_networks(copied: object, used: Recognizer) -> None:
    again = copied(used)  # type: ignore[operator]
    assert len(pickle.dumps(used)) < 1000
    assert (again.model, again.detector_name, again.threads) == (used.model, used.detector_name, 2)
    assert again.detector is not used.detector
    np.testing.assert_allclose(embeddings_of(again, PHOTO), embeddings_of(used, PHOTO), atol=1e-6)


def test_a_recognizer_of_objects_is_copied_with_them() -> None:
    detector = DETECTORS.create("mtcnn", min_score=0.5)
    again = pickle.loads(pickle.dumps(Recognizer(detector=detector)))
    assert again.detector._least == pytest.approx(detector._least)  # type: ignore[attr-defined]
    for faces, same in zip(detector.detect([PHOTO]), again.detector.detect([PHOTO]), strict=True):
        assert_same(faces, same)


@pytest.mark.parametrize("name", [name for name in DETECTORS.names() if not name.startswith("test-")])
def test_detectors_are_copied(name: str, tmp_path: Path) -> None:
    detector = DETECTORS.create(name) if name == "mtcnn" else load_detector(name, tmp_path)
    for again in (copy.deepcopy(detector), pickle.loads(pickle.dumps(detector))):
        for faces, same in zip(detector.detect([PHOTO]), again.detect([PHOTO]), strict=True):
            assert len(faces) == 2
            assert_same(faces, same)


@pytest.mark.parametrize("name", [name for name in EMBEDDERS.names() if not name.startswith("test-")])
def test_embedders_are_copied(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_OFFLINE", "1")
    try:
        embedder = embedders.create(name)
    except WeightsError as error:
        pytest.skip(str(error))
    crops = embedder.crops(PHOTO, DETECTORS.create("mtcnn").detect([PHOTO])[0])
    again = pickle.loads(pickle.dumps(embedder))
    np.testing.assert_allclose(again.embed(crops), embedder.embed(crops), atol=1e-6)
