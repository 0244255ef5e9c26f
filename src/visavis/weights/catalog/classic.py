"""Rows of the classic networks, as their authors published them.

Only a few of these files were available when the rows were written. A hash is given where the file was, or where its
publisher states it (keras-facenet in its ``metadata.py``); the others are pinned when they are first downloaded.
"""

from __future__ import annotations

from visavis.weights.catalog.modern import ARCFACE_MOBILEFACE, ARCFACE_R50, SFACE, SFACE_FLOAT
from visavis.weights.row import DEEPFACE, WeightSpec

_KERAS_VGGFACE = "https://github.com/rcmalli/keras-vggface/releases/download/v2.0/"
_FACENET_PYTORCH = "https://github.com/timesler/facenet-pytorch/releases/download/v2.2.9/"
_KERAS_FACENET = "https://github.com/faustomorales/keras-facenet/releases/download/v0.3.1/"

V1_MEAN = (129.1863, 104.7624, 93.5940)
V2_MEAN = (131.0912, 103.8827, 91.4953)
"""RGB; keras-vggface's preprocess_input(version=1) and (version=2) subtract them from BGR pictures."""

VGGFACE_LICENSE = "non-commercial research (VGG-Face)"
VGGFACE2_LICENSE = "CC BY-SA 4.0, by its authors' word (the site that said so is gone); code MIT"
FACENET_LICENSE = "MIT (the repository; of the photos that it was trained on nothing is said)"

VGGFACE_PHOTOS = "VGG-Face: 2.6 million photos of 2,622 people"
VGGFACE2_PHOTOS = "VGGFace2: 3.1 million photos of 8,631 people"
CASIA_PHOTOS = "CASIA-WebFace: 494,414 photos of 10,575 people"

VGGFACE_GEOMETRY = "the detector's box, stretched to the square"
VGGFACE2_GEOMETRY = "the detector's box extended by .3, its shorter side brought to 256 pixels, the middle 224"
FACENET_GEOMETRY = "the detector's box without margin, stretched to the square"

VGGFACE2_TUTORIAL = "the well-known Keras VGGFace2 tutorial (machinelearningmastery.com, 2019)"
"""Source of a threshold."""


def _keras_vggface_row(
    name: str, *, network: str, parameters: int, license: str, people: str, output: str, accuracy: str = ""
) -> WeightSpec:
    first = network.endswith("vgg16")
    return WeightSpec(
        name=name,
        file=f"rcmalli_vggface_tf_{network}.h5",
        task="embed" if network.startswith("notop") else "embed, classify",
        url=f"{_KERAS_VGGFACE}rcmalli_vggface_tf_{network}.h5",
        sha256="",
        size=4 * parameters,
        license=license,
        trained_on=people,
        input_size=224,
        mean=V1_MEAN if first else V2_MEAN,
        scale=1.0,
        geometry=VGGFACE_GEOMETRY if first else VGGFACE2_GEOMETRY,
        output=output,
        channels="BGR",
        non_commercial=first,
        parameters=parameters,
        accuracy=accuracy,
        threshold=0.68 if first else 0.5,
        threshold_source=f"{DEEPFACE}, VGG-Face" if first else VGGFACE2_TUTORIAL,
    )


VGG16 = _keras_vggface_row(
    "vggface-vgg16",
    network="vgg16",
    parameters=145_002_878,
    license=VGGFACE_LICENSE,
    people=VGGFACE_PHOTOS,
    output="4,096 figures (fc7), 2,622 people",
    accuracy="LFW .9895, YTF .9730 (ArcFace paper, table 4)",
)
VGG16_NOTOP = _keras_vggface_row(
    "vggface-vgg16-notop",
    network="notop_vgg16",
    parameters=14_714_688,
    license=VGGFACE_LICENSE,
    people=VGGFACE_PHOTOS,
    output="512 figures (the mean of pool5)",
)
RESNET50 = _keras_vggface_row(
    "vggface2-resnet50",
    network="resnet50",
    parameters=41_246_071,
    license=VGGFACE2_LICENSE,
    people=VGGFACE2_PHOTOS,
    output="2,048 figures, 8,631 people",
    accuracy="trained from scratch: IJB-B TAR .878 at FAR 1e-3, .938 at 1e-2 (VGGFace2's README)",
)
RESNET50_NOTOP = _keras_vggface_row(
    "vggface2-resnet50-notop",
    network="notop_resnet50",
    parameters=23_561_152,
    license=VGGFACE2_LICENSE,
    people=VGGFACE2_PHOTOS,
    output="2,048 figures",
    accuracy=RESNET50.accuracy,
)
SENET50 = _keras_vggface_row(
    "vggface2-senet50",
    network="senet50",
    parameters=43_777_063,
    license=VGGFACE2_LICENSE,
    people=VGGFACE2_PHOTOS,
    output="2,048 figures, 8,631 people",
    accuracy="trained from scratch: IJB-B TAR .888 at FAR 1e-3, .949 at 1e-2 (VGGFace2's README)",
)
SENET50_NOTOP = _keras_vggface_row(
    "vggface2-senet50-notop",
    network="notop_senet50",
    parameters=26_092_144,
    license=VGGFACE2_LICENSE,
    people=VGGFACE2_PHOTOS,
    output="2,048 figures",
    accuracy=SENET50.accuracy,
)


def _labels_row(name: str, *, version: int, people: int, sha256: str, size: int) -> WeightSpec:
    return WeightSpec(
        name=name,
        file=f"rcmalli_vggface_labels_v{version}.npy",
        task="classify",
        url=f"{_KERAS_VGGFACE}rcmalli_vggface_labels_v{version}.npy",
        sha256=sha256,
        size=size,
        license="MIT (keras-vggface)",
        trained_on="a list, not trained",
        input_size=None,
        mean=(0.0, 0.0, 0.0),
        scale=1.0,
        geometry="none",
        output=f"the names of the {people:,} people, in the order of the network's outputs",
    )


VGGFACE_LABELS = _labels_row("vggface-labels", version=1, people=2622, sha256="", size=4 * 30 * 2622)
VGGFACE2_LABELS = _labels_row(
    "vggface2-labels",
    version=2,
    people=8631,
    sha256="ac397227a15707cf3fc5c95106e6014a5f6917cf6561e269b86c9f081287ebf6",
    size=1_346_516,
)


def _facenet_row(
    name: str, *, file: str, url: str, sha256: str, parameters: int, people: str, accuracy: str
) -> WeightSpec:
    return WeightSpec(
        name=name,
        file=file,
        task="embed",
        url=url,
        sha256=sha256,
        size=4 * parameters,
        license=FACENET_LICENSE,
        trained_on=people,
        input_size=160,
        mean=(127.5, 127.5, 127.5),
        scale=1 / 128,
        geometry=FACENET_GEOMETRY,
        output="512 figures",
        parameters=parameters,
        accuracy=accuracy,
        threshold=0.3 if people == VGGFACE2_PHOTOS else None,
        threshold_source=f"{DEEPFACE}, Facenet512" if people == VGGFACE2_PHOTOS else "",
    )


_VGGFACE2_ACCURACY = "LFW .9965 (facenet's README)"
_CASIA_ACCURACY = "LFW .9905 (facenet's README)"
_TRUNK, _TRUNK_WITHOUT_GAMMA = 23_512_224, 23_497_424
_LOGITS = 513

FACENET_VGGFACE2 = _facenet_row(
    "facenet-vggface2",
    file="20180402-114759-vggface2.pt",
    url=f"{_FACENET_PYTORCH}20180402-114759-vggface2.pt",
    sha256="",
    parameters=_TRUNK + _LOGITS * 8631,
    people=VGGFACE2_PHOTOS,
    accuracy=_VGGFACE2_ACCURACY,
)
FACENET_CASIA = _facenet_row(
    "facenet-casia",
    file="20180408-102900-casia-webface.pt",
    url=f"{_FACENET_PYTORCH}20180408-102900-casia-webface.pt",
    sha256="",
    parameters=_TRUNK + _LOGITS * 10575,
    people=CASIA_PHOTOS,
    accuracy=_CASIA_ACCURACY,
)

FACENET_VGGFACE2_GRAPH = _facenet_row(
    "facenet-vggface2-graph",
    file="20180402-114759.pb",
    url=f"{_KERAS_FACENET}20180402-114759.zip",
    sha256="bf2c12f31880aaa865fa5a9c168dcbd619f7a40b1633f6446d416fac2421ab99",
    parameters=_TRUNK_WITHOUT_GAMMA,
    people=VGGFACE2_PHOTOS,
    accuracy=_VGGFACE2_ACCURACY,
)
FACENET_VGGFACE2_KERAS = _facenet_row(
    "facenet-vggface2-keras",
    file="20180402-114759-weights.h5",
    url=f"{_KERAS_FACENET}20180402-114759-weights.h5",
    sha256="8b71e7045497e841c00ee568f031d1a4d30908fceadf6884aef2dec4d545202b",
    parameters=_TRUNK_WITHOUT_GAMMA,
    people=VGGFACE2_PHOTOS,
    accuracy=_VGGFACE2_ACCURACY,
)
FACENET_CASIA_GRAPH = _facenet_row(
    "facenet-casia-graph",
    file="20180408-102900.pb",
    url=f"{_KERAS_FACENET}20180408-102900.zip",
    sha256="272568219fa6505371ceed76dca6b3925ef69b54962709cf76f763e9d8bf4cfb",
    parameters=_TRUNK_WITHOUT_GAMMA,
    people=CASIA_PHOTOS,
    accuracy=_CASIA_ACCURACY,
)
FACENET_CASIA_KERAS = _facenet_row(
    "facenet-casia-keras",
    file="20180408-102900-weights.h5",
    url=f"{_KERAS_FACENET}20180408-102900-weights.h5",
    sha256="af526097bd89ff84dda94dc071ff39c4cf39922cf0a9d9dea652853cda9616be",
    parameters=_TRUNK_WITHOUT_GAMMA,
    people=CASIA_PHOTOS,
    accuracy=_CASIA_ACCURACY,
)

ROWS: tuple[WeightSpec, ...] = (
    VGG16,
    VGG16_NOTOP,
    RESNET50,
    RESNET50_NOTOP,
    SENET50,
    SENET50_NOTOP,
    VGGFACE_LABELS,
    VGGFACE2_LABELS,
    FACENET_VGGFACE2,
    FACENET_VGGFACE2_GRAPH,
    FACENET_VGGFACE2_KERAS,
    FACENET_CASIA,
    FACENET_CASIA_GRAPH,
    FACENET_CASIA_KERAS,
    SFACE,
    SFACE_FLOAT,
    ARCFACE_R50,
    ARCFACE_MOBILEFACE,
)
