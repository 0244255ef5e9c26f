"""Places of weight files: those of visavis, and the folders of other libraries.

In a place of visavis, a wrong file of that name is an error. A file in a folder of another library may be of
another version, or an incomplete download, so it is used only if it passes the checks of ``store``.

======================  ==============================================  =============================================
library                 folder                                          environment variable
======================  ==============================================  =============================================
keras-vggface           ``~/.keras/models/vggface``                     ``KERAS_HOME`` in place of ``~/.keras``
keras-facenet           ``~/.keras-facenet/*``                          none
deepface                ``~/.deepface/weights``                         ``DEEPFACE_HOME`` in place of ``~``
insightface             ``~/.insightface/models``, a folder a pack      ``INSIGHTFACE_HOME`` in place of
                                                                        ``~/.insightface`` (by custom of applications:
                                                                        the library itself has an argument ``root``)
facenet-pytorch, torch  ``~/.cache/torch/checkpoints`` and              ``TORCH_HOME`` in place of ``~/.cache/torch``,
                        ``~/.cache/torch/hub/checkpoints``              ``XDG_CACHE_HOME`` in place of ``~/.cache``
OpenCV's model zoo      ``~/opencv_zoo/models/*`` (a clone) and         ``HF_HUB_CACHE``, ``HF_HOME``,
                        ``~/.cache/huggingface/hub`` (its copies        ``XDG_CACHE_HOME``
                        on Hugging Face)
======================  ==============================================  =============================================

If a variable is set, only the folder that it names is searched, as in the library itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.machinery import PathFinder
from pathlib import Path

from visavis.cache import cache_dir
from visavis.input_files import expand_home
from visavis.weights.row import WeightSpec


def weights_dir() -> Path:
    """Return the folder of the cache for downloaded weight files."""
    return cache_dir() / "weights"


def own_places(spec: WeightSpec) -> Iterator[Path]:
    """Yield the places in the cache, in the folders of ``VISAVIS_WEIGHTS``, and in the package of the file."""
    yield weights_dir() / spec.file
    for folder in os.environ.get("VISAVIS_WEIGHTS", "").split(os.pathsep):
        if folder:
            yield Path(folder) / spec.file
    if spec.package and spec.package.isidentifier() and spec.member:
        # Searched on the path alone: nothing is imported, and modules in memory under that name (visavis has such
        # modules in compat/) do not count.
        package = PathFinder.find_spec(spec.package)
        for folder in (package and package.submodule_search_locations) or ():
            yield Path(folder) / spec.member


def in_other_libraries(file: str) -> list[Path]:
    """Return the files of that name in the folders of other libraries, in a fixed order."""
    paths = (path for base, pattern in _search_folders() for path in sorted(_find_matches(base, f"{pattern}/{file}")))
    return list(dict.fromkeys(paths))


def _find_matches(base: Path, pattern: str) -> list[Path]:
    try:
        return [path for path in base.glob(pattern) if path.is_file()]
    except OSError:  # a folder that may not be read
        return []


def _search_folders() -> Iterator[tuple[Path, str]]:
    """Yield a base folder and the pattern of its subfolders that hold files."""
    cache = _folder_of("XDG_CACHE_HOME", "~/.cache")
    torch = _folder_of("TORCH_HOME", str(cache / "torch"))
    hub = _folder_of("HF_HUB_CACHE", str(_folder_of("HF_HOME", str(cache / "huggingface")) / "hub"))
    insightface = _folder_of("INSIGHTFACE_HOME", "~/.insightface")
    yield _folder_of("KERAS_HOME", "~/.keras"), "models/vggface"
    yield _folder_of("DEEPFACE_HOME", "~"), ".deepface/weights"
    yield insightface, "models"
    yield insightface, "models/*"
    yield torch, "checkpoints"
    yield torch, "hub/checkpoints"
    yield expand_home("~/.keras-facenet"), "*"
    yield expand_home("~/opencv_zoo"), "models/*"
    yield hub, "models--opencv--*/snapshots/*"


def _folder_of(variable: str, otherwise: str) -> Path:
    return expand_home(os.environ.get(variable) or otherwise)
