"""Default detector and embedder.

SFace with one view of a face: of the models with files in the installation it errs least, and a second view
gains .0006 of TAR at a FAR of 1e-3 and .0004 at 1e-4, for twice the time (docs/models.md has the table).
"""

DETECTOR = "mtcnn"
EMBEDDER = "sface"
