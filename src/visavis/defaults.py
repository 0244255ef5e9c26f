"""Default values that the library and the command line share, each decided once.

The embedder is SFace with one view of a face: of the models with files in the installation it errs least, and a second
view gains .0006 of TAR at a FAR of 1e-3 and .0004 at 1e-4, for twice the time (docs/models.md has the table).
"""

DETECTOR = "mtcnn"
EMBEDDER = "sface"
CLASSIFIER = "vggface2-resnet50"

MIN_FACE = 20
"""Least side of a face in pixels."""
FAR = 1e-3
"""Rate of false accepts that sets the threshold of a comparison."""
FPIR = 0.01
"""Rate of false positives of a whole search that sets its threshold."""
REJECTION_DAYS, MOST_REJECTION_DAYS = 365, 3650
"""Number of days for which the rejection of a face is kept, and at most."""
TOP_NAMES, TOP_LOOKALIKES = 5, 10
"""Number of names of a face, and of look-alikes."""
MIN_PROBABILITY = 0.5
"""Least probability of a name that a classifier gives."""
IOU = 0.5
"""Least intersection over union at which a detection is an annotated face."""
CROP_SIZE, CROP_MARGIN = 224, 0.3
"""Side of a crop in pixels, and the margin around the box as a share of the box."""
LEAST_QUALITY = 0.05
"""Weight of the worst face where faces are weighted by their quality; that of the best is 1."""
REAL_FROM = 0.5
"""Score of liveness from which a face is real: it then has more than all attacks together."""
