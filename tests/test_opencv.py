"""OpenCV is imported once, however many threads need it first."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import importlib, sys, threading, time

real = importlib.import_module
def slow(name, package=None):
    "Keep cv2 out of sys.modules for a while, as its own loading does for a moment."
    if name == "cv2":
        time.sleep(.3)
    return real(name, package)
importlib.import_module = slow

barrier, failures = threading.Barrier(4), []
def load():
    barrier.wait()
    try:
        from visavis.opencv import cv2
        assert cv2.resize
    except BaseException as error:
        failures.append(f"{type(error).__name__}: {error}")
threads = [threading.Thread(target=load) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(failures)
"""


def test_threads_may_need_opencv_at_the_same_time() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")
