"""Which detector and which embedder are used where nobody names one.

SFace with one view of a face: of the models whose files come with the installation it errs least, and a second view
gains less than .003 of any rate for twice the time (docs/models.md has the table).
"""

DETECTOR = "mtcnn"
EMBEDDER = "sface"
