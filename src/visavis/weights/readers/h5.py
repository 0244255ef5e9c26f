"""Weights that Keras 1 and 2 saved as HDF5: ``save_weights``, or ``save``, where they lie below ``model_weights``.

h5py reads them in a separate process (``_h5_child.py``), which confines the effects of a hostile file on libhdf5.
"""

from __future__ import annotations

import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from threading import Timer
from typing import Any

import numpy as np

from visavis.errors import MissingExtraError, WeightsError
from visavis.types import Floats
from visavis.weights.readers._file_bytes import FileBytes

KIND = "weights of Keras in HDF5"
CHILD = ("-P", "-m", "visavis.weights.readers._h5_child")
SECONDS = 20.0
"""Time limit per file, plus a second for each ``BYTES_PER_SECOND`` of it: libhdf5 may never end."""
BYTES_PER_SECOND = 2**21


def read(path: Path) -> dict[str, Floats]:
    """Return arrays under their names in Keras, as ``conv1/7x7_s2/kernel:0``, in the order of the layers.

    Kernels are as Keras keeps them: ``(h, w, in, out)`` of a convolution, ``(in, out)`` of a dense layer. Raises
    WeightsError where the file is damaged, is no Keras file, or names one weight twice; MissingExtraError without h5py.
    """
    if find_spec("h5py") is None:
        raise MissingExtraError("to read files of Keras takes the package h5py: pip install 'visavis[classic]'.")
    file = FileBytes(path, KIND)
    seconds = SECONDS + file.size / BYTES_PER_SECOND
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, *CHILD, str(path)]
    with Popen(command, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL, env=environment) as child:
        timer = Timer(seconds, child.kill)
        timer.start()
        try:
            return receive(child.stdout)
        except (ValueError, TypeError) as error:
            late = not timer.is_alive()
            why = f"took over {seconds:.0f} seconds" if late else f"ended with code {child.wait()}"
            raise file.fail(f"the process that reads it {why}") from error
        finally:
            timer.cancel()
            child.kill()


def receive(stream: Any) -> dict[str, Floats]:
    """Return the arrays that the child writes: a line of JSON before each, its error or null at the end.

    Raises WeightsError with the child's message, ValueError or TypeError where the end is missing.
    """
    weights: dict[str, Floats] = {}
    while isinstance(head := json.loads(stream.readline()), list):
        name, width, shape = head
        weights[name] = np.empty(shape, f"f{width}")
        stream.readinto(weights[name])
    if head is not None:
        raise WeightsError(head)
    return weights
