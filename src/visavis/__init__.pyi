"""The public names for editors and type checkers, generated from the table in ``__init__.py``."""

from visavis.challenge import Challenge as Challenge
from visavis.client import Client as Client
from visavis.clustering import cluster as cluster
from visavis.clustering.types import Cluster as Cluster
from visavis.clustering.types import Clustering as Clustering
from visavis.clustering.types import Faces as Faces
from visavis.compare import Calibration as Calibration
from visavis.errors import GalleryError as GalleryError
from visavis.errors import ImageError as ImageError
from visavis.errors import NoFaceError as NoFaceError
from visavis.errors import UsageError as UsageError
from visavis.errors import VisavisError as VisavisError
from visavis.errors import WeightsError as WeightsError
from visavis.gallery import Gallery as Gallery
from visavis.images.load import read as read
from visavis.liveness import Liveness as Liveness
from visavis.liveness import LivenessCheck as LivenessCheck
from visavis.photo_liveness import check_liveness as check_liveness
from visavis.pipeline import Recognizer as Recognizer
from visavis.pipeline import detect as detect
from visavis.pipeline import embed as embed
from visavis.pipeline import extract as extract
from visavis.pipeline import verify as verify
from visavis.ranking.lookalikes import similar as similar
from visavis.ranking.representatives import average_face as average_face
from visavis.ranking.representatives import representative as representative
from visavis.train.classifier import load_classifier as load_classifier
from visavis.train.classifier import train_classifier as train_classifier
from visavis.types import Candidate as Candidate
from visavis.types import Characteristic as Characteristic
from visavis.types import Face as Face
from visavis.types import Identification as Identification
from visavis.types import Lookalike as Lookalike
from visavis.types import Photo as Photo
from visavis.types import PhotoFaces as PhotoFaces
from visavis.types import PhotoVerification as PhotoVerification
from visavis.types import Quality as Quality
from visavis.types import Verification as Verification
from visavis.videos.run import video as video

__version__: str
