"""``python -m visavis.compat`` in real processes: what is replaced, what is not, and how a script ends."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from visavis import compat

WRONG_USE = 2


def run(*arguments: object, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "visavis.compat", *map(str, arguments)]
    environment = {**os.environ, **more}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=300)


def script(folder: Path, text: str, name: str = "script.py") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def said(folder: Path, text: str) -> list[str]:
    done = run(script(folder, text), cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.splitlines()


IMPORTS = """
import sys
from importlib.util import find_spec
import keras_vggface, mtcnn, face_recognition
from keras_vggface.vggface import VGGFace
from keras_vggface import utils
from keras_vggface.utils import preprocess_input, decode_predictions
from mtcnn import MTCNN
from mtcnn.mtcnn import MTCNN as again
from mtcnn.exceptions import InvalidImage
from mtcnn.utils.images import load_image
import face_recognition.api as api
from face_recognition.face_recognition_cli import image_files_in_folder
import visavis.compat.mtcnn.mtcnn as ours

print(MTCNN is again is ours.MTCNN)
print(mtcnn.__version__, keras_vggface.__version__, face_recognition.__version__)
print(utils.preprocess_input is preprocess_input, api.face_distance is face_recognition.face_distance)
print(ours.__name__, ours.__spec__.name, sys.modules["mtcnn.mtcnn"] is ours)
print(sorted(name for name in ("tensorflow", "keras", "dlib", "torch") if name in sys.modules))
"""


def test_the_names_of_others_are_ours(tmp_path: Path) -> None:
    assert said(tmp_path, IMPORTS) == [
        "True",
        "1.0.0 0.6 1.3.0",
        "True True",
        "visavis.compat.mtcnn.mtcnn visavis.compat.mtcnn.mtcnn True",
        "[]",
    ]


def test_only_those_names_and_only_there(tmp_path: Path) -> None:
    """The real package, which carries the weights, is what other processes see."""
    ours = Path(compat.__file__).parent
    # The package of weights is looked up and not imported: it takes pkg_resources, which Python 3.12 and later lack.
    text = "import mtcnn\nfrom importlib.util import find_spec\nprint(mtcnn.__file__)\n"
    text += "print(find_spec('face_recognition_models').origin)"
    stand_in, real = map(Path, said(tmp_path, text))
    assert stand_in == ours / "mtcnn" / "__init__.py"
    assert not real.is_relative_to(ours)
    plain = "from importlib.util import find_spec; import visavis.compat; print(find_spec('mtcnn').origin)"
    done = subprocess.run([sys.executable, "-c", plain], capture_output=True, text=True, check=True, timeout=60)
    seen = Path(done.stdout.strip())
    assert not seen.is_relative_to(ours)
    assert seen.parts[-3:] == ("site-packages", "mtcnn", "__init__.py")


def test_weights_are_found_in_the_packages_that_carry_them(tmp_path: Path) -> None:
    """Also the first time, when no network has been converted yet, and before and after ``mtcnn`` is imported."""
    find = "from visavis.weights import spec, store\nprint(store.find(spec.PNET).parts[-4:])\n"
    done = run(
        script(tmp_path, f"{find}import mtcnn\n{find}from mtcnn import MTCNN\nMTCNN().detect_faces([])"),
        cwd=tmp_path,
        VISAVIS_CACHE=str(tmp_path / "cache"),
        VISAVIS_OFFLINE="1",
        VISAVIS_WEIGHTS="",
    )
    assert done.stderr == ""
    assert done.stdout == "('mtcnn', 'assets', 'weights', 'pnet.lz4')\n" * 2


def test_a_part_that_has_no_stand_in(tmp_path: Path) -> None:
    done = run(script(tmp_path, "import mtcnn.network.factory"), cwd=tmp_path)
    assert done.returncode == 1
    assert "mtcnn.network has no stand-in among those of visavis.compat" in done.stderr
    assert said(tmp_path, "try:\n    import face_recognition.dlib\nexcept ImportError:\n    print('none')") == ["none"]


def test_a_script_is_run_as_python_runs_it(tmp_path: Path) -> None:
    """Its arguments, its name, its folder's modules, its exit code, its exceptions."""
    script(tmp_path, "WORD = 'beside'", "neighbor.py")
    text = "import sys, neighbor; print(__name__, __file__, sys.argv, neighbor.WORD); sys.exit(7)"
    path = script(tmp_path, text)
    done = run(path, "--one", "two", cwd=tmp_path.parent)
    assert done.stdout == f"__main__ {path} {[str(path), '--one', 'two']} beside\n"
    assert done.returncode == 7
    done = run(script(tmp_path, "raise KeyError('mine')"), cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.endswith("KeyError: 'mine'\n")


def test_a_module_is_run_as_python_runs_it(tmp_path: Path) -> None:
    script(tmp_path, "import sys, mtcnn; print(__name__, sys.argv[1:], mtcnn.__name__)", "thing.py")
    done = run("-m", "thing", "a", cwd=tmp_path)
    assert done.stdout == "__main__ ['a'] visavis.compat.mtcnn\n"


@pytest.mark.parametrize(
    ("arguments", "code"), [((), WRONG_USE), (("-m",), WRONG_USE), (("--help",), 0), (("-h", "x.py"), 0)]
)
def test_usage(tmp_path: Path, arguments: tuple[str, ...], code: int) -> None:
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == code
    assert (done.stderr if code else done.stdout).startswith("usage: python -m visavis.compat SCRIPT")


def test_a_script_that_is_not_there(tmp_path: Path) -> None:
    done = run("none.py", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (WRONG_USE, "visavis.compat: there is no script 'none.py'.\n")


# The two command lines


@pytest.fixture(scope="module")
def people(sample_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of known people, a photo of each, and one without a face."""
    folder = tmp_path_factory.mktemp("people")
    for name in ("obama", "biden"):
        (folder / f"{name}.jpg").write_bytes((sample_photos / f"{name}.jpg").read_bytes())
    return folder


def flat(folder: Path, name: str) -> Path:
    import numpy as np

    from visavis import images

    images.save(np.full((60, 60, 3), 200, np.uint8), folder / name)
    return folder / name


def test_who_is_in_a_photo(people: Path, sample_photos: Path, tmp_path: Path) -> None:
    photo = sample_photos / "obama2.jpg"
    done = run("face_recognition", people, photo, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{photo},obama\n", "")
    done = run("face_recognition", people, photo, "--show-distance", "true", cwd=tmp_path)
    name, distance = done.stdout.strip().split(",")[1:]
    assert name == "obama"
    assert 0.3 < float(distance) < 0.45
    done = run("face_recognition", people, photo, "--tolerance", "0.2", "--show-distance", "1", cwd=tmp_path)
    assert done.stdout == f"{photo},unknown_person,None\n"


def test_a_folder_of_photos(people: Path, sample_photos: Path, tmp_path: Path) -> None:
    empty = flat(tmp_path, "empty.png")
    (tmp_path / "b.JPG").write_bytes((sample_photos / "obama3.jpg").read_bytes())
    (tmp_path / "notes.txt").write_text("no photo")
    done = run("face_recognition", people, tmp_path, "--cpus", "2", cwd=tmp_path)
    assert done.stdout.splitlines() == [f"{tmp_path}/b.JPG,obama", f"{empty},no_persons_found"]


def test_known_people_without_a_face_are_told(people: Path, tmp_path: Path) -> None:
    known = tmp_path / "known"
    known.mkdir()
    empty = flat(known, "nobody.png")
    done = run("face_recognition", known, people / "obama.jpg", cwd=tmp_path)
    assert done.stdout.splitlines() == [
        f"WARNING: No faces found in {empty}. Ignoring file.",
        f"{people}/obama.jpg,unknown_person",
    ]


def test_where_faces_are(people: Path, tmp_path: Path) -> None:
    done = run("face_detection", people, "--model", "hog", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    rows = [line.split(",") for line in done.stdout.splitlines()]
    assert [row[0] for row in rows] == [f"{people}/biden.jpg", f"{people}/obama.jpg"]
    top, right, bottom, left = map(int, rows[1][1:])
    assert max(abs(top - 142), abs(right - 617), abs(bottom - 409), abs(left - 349)) <= 20


@pytest.mark.parametrize("command", ["face_recognition", "face_detection"])
def test_the_commands_explain_themselves(command: str, tmp_path: Path) -> None:
    done = run(command, "--help", cwd=tmp_path)
    assert done.returncode == 0
    assert f"Usage: {command} " in done.stdout
    assert run(command, cwd=tmp_path).returncode == WRONG_USE


def test_a_command_without_its_weights_says_so_in_one_line(people: Path, tmp_path: Path) -> None:
    empty = {"VISAVIS_CACHE": str(tmp_path / "cache"), "VISAVIS_OFFLINE": "1", "VISAVIS_WEIGHTS": ""}
    (tmp_path / "cache" / "weights").mkdir(parents=True)
    (tmp_path / "cache" / "weights" / "pnet.lz4").write_bytes(b"damaged")
    done = run("face_detection", people / "obama.jpg", cwd=tmp_path, **empty)
    assert done.returncode == 3
    assert done.stderr.startswith("face_detection: ")
    assert done.stderr.count("\n") == 1
    assert "pnet.lz4 is not the published mtcnn-pnet" in done.stderr


KERAS = """
from keras_vggface.vggface import VGGFace
from keras_vggface.utils import decode_predictions
VGGFace(model="resnet50")
"""
MTCNN = "import numpy\nfrom mtcnn import MTCNN\nMTCNN().detect_faces(numpy.zeros((99, 99, 3), 'uint8'))"
ENCODINGS = "import numpy, face_recognition\nface_recognition.face_encodings(numpy.zeros((99, 99, 3), 'uint8'))"
PACKAGE = "{} is missing: pip install {}, or visavis models import FILE."
DOWNLOAD = "https://github.com/rcmalli/keras-vggface/releases/download/v2.0/"
KERAS_FILES = ("rcmalli_vggface_tf_resnet50.h5", "rcmalli_vggface_labels_v2.npy")
MISSING = {
    KERAS: [f"{name} is missing: download {DOWNLOAD}{name}, then visavis models import FILE." for name in KERAS_FILES],
    MTCNN: [PACKAGE.format(f"{letter}net.lz4", "mtcnn") for letter in "pro"],
    ENCODINGS: [
        *(PACKAGE.format(f"{letter}net.lz4", "mtcnn") for letter in "pro"),
        "the files of dlib are missing: pip install 'visavis[dlib]', or visavis models import FILE.",
    ],
}
"""What is said of all missing files, without the reason that stands in the first line."""


@pytest.mark.parametrize("text", MISSING, ids=["keras_vggface", "mtcnn", "face_recognition"])
@pytest.mark.parametrize("offline", [True, False], ids=["offline", "dead network"])
def test_a_script_without_weights_is_told_of_all_that_is_missing(tmp_path: Path, text: str, offline: bool) -> None:
    """A real process in an empty home, without the packages that carry weights; the network is a port nobody serves."""
    for name in ("mtcnn", "face_recognition_models"):
        (tmp_path / "hidden" / name).mkdir(parents=True)
        (tmp_path / "hidden" / name / "__init__.py").write_text("")
    nobody = "http://127.0.0.1:9"
    environment = {"PYTHONPATH": str(tmp_path / "hidden"), "HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}
    network = {"VISAVIS_OFFLINE": "1"} if offline else {"VISAVIS_OFFLINE": "", "HTTPS_PROXY": nobody, "NO_PROXY": ""}
    own = {"VISAVIS_CACHE": str(tmp_path / "cache"), "VISAVIS_WEIGHTS": ""}
    elsewhere = dict.fromkeys(("KERAS_HOME", "DEEPFACE_HOME", "TORCH_HOME", "XDG_CACHE_HOME"), "")
    done = run(script(tmp_path, text), cwd=tmp_path, **environment, **network, **own, **elsewhere)
    assert (done.returncode, done.stdout) == (3, "")
    first, *others = done.stderr.splitlines()
    why = r"VISAVIS_OFFLINE forbids downloads" if offline else r"the proxy could not reach [\w.]+"
    assert re.search(rf" is missing \({why}\): ", first)
    assert [re.sub(r" \(.*?\)", "", first), *others] == [f"visavis.compat: {line}" for line in MISSING[text]]


def test_a_script_whose_weights_take_h5py_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "own.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    text = """
import sys
sys.modules["h5py"] = None  # as if it were not installed
from keras_vggface.vggface import VGGFace
VGGFace(model="resnet50", weights="own.h5")
"""
    done = run(script(tmp_path, text), cwd=tmp_path, VISAVIS_CACHE=str(tmp_path / "cache"))
    said = "visavis.compat: to read files of Keras takes the package h5py: pip install 'visavis[classic]'.\n"
    assert (done.returncode, done.stdout, done.stderr) == (3, "", said)


def test_a_license_of_the_68_points_is_refused_in_a_sentence_that_names_the_5(tmp_path: Path) -> None:
    text = ENCODINGS.replace("face_encodings(", "face_landmarks(").replace("'uint8')", "'uint8'), [(9, 80, 80, 9)]")
    empty = {"VISAVIS_CACHE": str(tmp_path / "cache"), "VISAVIS_ACCEPT_LICENSE": ""}
    done = run(script(tmp_path, text), cwd=tmp_path, **empty)
    assert (done.returncode, done.stderr.count("\n")) == (3, 1)
    assert done.stderr.endswith("or find 5 points, free for every use: model='small'.\n")


# Windows of OpenCV, which the package without windows does not have


@pytest.fixture
def headless() -> None:
    from importlib import metadata

    try:
        metadata.distribution("opencv-python-headless")
    except metadata.PackageNotFoundError:
        pytest.skip("OpenCV is not installed as opencv-python-headless")


@pytest.mark.usefixtures("headless")
@pytest.mark.parametrize(
    ("call", "function"),
    [
        ("cv2.imshow('Video', numpy.zeros((9, 9, 3), 'uint8'))", "cv2.imshow"),
        ("cv2.destroyAllWindows()", "cv2.destroyAllWindows"),
        ("f = 'é'; cv2.imshow(f, numpy.zeros((9, 9, 3), 'uint8')); cv2.destroyAllWindows()", "cv2.imshow"),
        ("if cv2.waitKey(1) & 0xFF == ord('q'): pass", "cv2.waitKey"),
        ("cv2.namedWindow('Video')", "cv2.namedWindow"),
        ("cv2.selectROI('Video', numpy.zeros((9, 9, 3), 'uint8'))", "cv2.selectROI"),
    ],
)
@pytest.mark.parametrize("as_module", [False, True], ids=["script", "module"])
def test_windows_of_opencv_name_the_package_that_has_them(
    tmp_path: Path, call: str, function: str, as_module: bool
) -> None:
    path = script(tmp_path, f"import cv2, numpy\n\n{call}\n", "show.py")
    done = run(*(("-m", "show") if as_module else (path,)), cwd=tmp_path)
    assert done.returncode == 3
    assert done.stderr.splitlines()[-1] == (
        f"visavis.compat: {path}, line 3: {function} needs windows, which opencv-python-headless does not have: "
        "pip uninstall opencv-python-headless, then pip install opencv-python."
    )
    assert "Traceback" not in done.stderr


def test_a_face_package_without_stand_in_is_one_sentence(tmp_path: Path) -> None:
    if find_spec("deepface"):
        pytest.skip("deepface is installed")
    done = run(script(tmp_path, "from deepface import DeepFace"), cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (3, 1)
    assert done.stderr.startswith("visavis.compat: there is no stand-in for deepface, and it is not installed; ")


def test_other_missing_packages_keep_their_traceback(tmp_path: Path) -> None:
    done = run(script(tmp_path, "import no_such_package_here"), cwd=tmp_path)
    assert done.returncode == 1
    assert "ModuleNotFoundError: No module named 'no_such_package_here'" in done.stderr


def test_other_errors_of_opencv_stay_what_they_are(tmp_path: Path) -> None:
    done = run(script(tmp_path, "import cv2\ncv2.resize(None, (0, 0))"), cwd=tmp_path)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "cv2.error" in done.stderr


def test_a_photo_that_is_not_there(people: Path, tmp_path: Path) -> None:
    done = run("face_detection", people / "none.jpg", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == f"face_detection: '{people}/none.jpg' does not exist.\n"
