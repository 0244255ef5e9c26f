"""What the requests of a worker share: open galleries, loaded networks, the server's database and its counters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Event, Lock, Semaphore
from time import monotonic
from typing import TYPE_CHECKING

from visavis import embedders
from visavis.classify import CLASSIFIERS, FaceClassifier, has_files
from visavis.detectors import DETECTORS
from visavis.errors import ServerError, UsageError
from visavis.gallery.gallery import Gallery
from visavis.pipeline import Recognizer
from visavis.server.batching import BatchedDetector, BatchedEmbedder, InferenceThread
from visavis.server.camera_pictures import CameraPictures
from visavis.server.config import ServerConfig
from visavis.server.face_pictures import FacePictures
from visavis.server.metrics import Metrics
from visavis.server.picture_memory import PictureMemory
from visavis.server.problems import ProblemError
from visavis.server.rate_limit import RateLimiter
from visavis.server.state.cameras import Cameras
from visavis.server.state.classifiers import ClassifierSources
from visavis.server.state.database import StateDatabase
from visavis.server.state.evaluations import Evaluations
from visavis.server.state.events import Events
from visavis.server.state.jobs import Jobs
from visavis.server.state.keys import Keys
from visavis.server.state.search_rates import SearchRates
from visavis.server.state.sessions import Sessions
from visavis.server.state.set_aside import FacesSetAside
from visavis.server.state.speeds import Speeds

if TYPE_CHECKING:
    from visavis.attendance.integrations.zkteco.terminals import Terminal
    from visavis.attendance.site import Site
    from visavis.server.kiosk_challenges import KioskChallenges
    from visavis.spoof_networks import SpoofNetworks
    from visavis.videos.camera_file import CameraSettings

FAILURES_PER_MINUTE = 30
"""Wrong keys and codes of an address: further ones are answered by 429, codes without looking at them."""
MOST_STREAMS = 32
"""Streams of events of a worker at a time."""
MOST_REPORTS = 2
"""Reports of attendance of a worker at a time: others wait for them."""
MOST_CHECKS = 2
"""Checks of cameras of a worker at a time: each reads a camera by a process of its own."""
MOST_VIEWERS = 8
"""Streams of the pictures of cameras of a worker at a time."""


@dataclass
class Services:
    """Opened once a worker; see the properties for what loads when.

    ``camera_names`` are those of the cameras that this server may watch, ``camera_pictures`` what it shows of them,
    ``camera_settings`` how they are configured.
    """

    config: ServerConfig
    camera_names: Sequence[str] = ()
    camera_pictures: CameraPictures | None = None
    metrics: Metrics = field(default_factory=Metrics)
    camera_settings: Sequence[CameraSettings] = ()
    started: float = field(default_factory=monotonic)

    def __post_init__(self) -> None:
        self.database = StateDatabase(self.config.state_url)
        self.keys = Keys(self.database)
        self.sessions = Sessions(self.database)
        self.jobs = Jobs(self.database)
        self.events = Events(self.database)
        self.cameras = Cameras(self.database)
        self.search_rates = SearchRates(self.database)
        self.set_aside = FacesSetAside(self.database)
        self.face_pictures = FacePictures(self.config)
        self.evaluations = Evaluations(self.database)
        self.speeds = Speeds(self.database)
        self.classifier_sources = ClassifierSources(self.database)
        self.inference = InferenceThread(seconds=self.config.limits.seconds)
        self.rates = RateLimiter(self.config.limits.per_minute / self.config.workers)
        self.keyless = RateLimiter(self.config.limits.per_minute / self.config.workers)
        self.failures = RateLimiter(FAILURES_PER_MINUTE / self.config.workers)
        self.pictures = PictureMemory(round(self.config.limits.pictures_mb * 1e6))
        self.stopping = Event()
        self.streams = Semaphore(MOST_STREAMS)
        self.camera_checks = Semaphore(MOST_CHECKS)
        self.viewers = Semaphore(MOST_VIEWERS)
        self.reports = Semaphore(MOST_REPORTS)
        self._galleries: dict[str, Gallery] = {}
        self._embedders: dict[str, BatchedEmbedder] = {}
        self._classifiers: dict[str, tuple[object, FaceClassifier]] = {}
        self._lock = Lock()

    @cached_property
    def detector(self) -> BatchedDetector:
        """The detector, loaded at its first use."""
        with self._lock:
            return BatchedDetector(DETECTORS.create(self.config.detector, threads=self.config.threads), self.inference)

    def recognizer(self, model: str) -> Recognizer:
        """Return a recognizer of a model, whose networks run on the inference thread; loads them at the first use."""
        detector = self.detector
        with self._lock:
            if model not in self._embedders:
                loaded = embedders.create(model, threads=self.config.threads)
                self._embedders[model] = BatchedEmbedder(loaded, self.inference)
            return Recognizer(detector=detector, embedder=self._embedders[model])

    @cached_property
    def attendance_site(self) -> Site | None:
        """The site of attendance that is served, opened at the first use; None: there is none."""
        from visavis.attendance.site import Site

        folder = self.config.attendance_site
        with self._lock:
            return None if folder is None else Site(folder)

    @cached_property
    def kiosk_challenges(self) -> KioskChallenges:
        """The challenges at kiosks that are under way."""
        from visavis.server.kiosk_challenges import KioskChallenges

        with self._lock:
            return KioskChallenges()

    @cached_property
    def terminals(self) -> Mapping[str, Terminal]:
        """The terminals that may send punches, by serial number."""
        from visavis.attendance.integrations.zkteco.terminals import read_terminals

        return {} if self.attendance_site is None else read_terminals(self.attendance_site)

    @cached_property
    def spoof_networks(self) -> SpoofNetworks:
        """The networks of liveness, loaded at the first use."""
        from visavis.spoof_networks import SpoofNetworks

        with self._lock:
            return SpoofNetworks(threads=self.config.threads)

    def classifier(self, name: str) -> FaceClassifier:
        """Return a classifier of the configuration, or a network by its name; loaded when first used or changed."""
        state = _read_state(self.config.classifiers.get(name))
        loaded = self._classifiers.get(name)
        if loaded is None or loaded[0] != state:
            loaded = self._classifiers[name] = (state, self._load_classifier(name))
        return loaded[1]

    def list_classifiers(self, galleries: Sequence[str] | None = None) -> list[str]:
        """Return the names of the classifiers whose files are there: those of the configuration, then the networks.

        With ``galleries`` those that name people of other galleries are left out.
        """
        trained = [
            name
            for name, path in self.config.classifiers.items()
            if _read_state(path) is not None and self.classifier_sources.may_ask(name, galleries)
        ]
        return [*trained, *(name for name in CLASSIFIERS.names() if name not in trained and has_files(name))]

    def _load_classifier(self, name: str) -> FaceClassifier:
        from visavis.train.classifier_file import load_classifier

        path = self.config.classifiers.get(name)
        if path is None:
            return CLASSIFIERS.create(name, threads=self.config.threads)
        try:
            trained = load_classifier(path)
        except UsageError as error:  # names the path
            raise ServerError(f"the classifier {name} cannot be used: {error}") from error
        return trained.with_recognizer(self.recognizer(trained.model))

    def gallery(self, name: str) -> Gallery:
        """Return the open gallery of this name, created where it is missing; raises ProblemError for another name."""
        url = self.config.galleries.get(name)
        if url is None:
            raise ProblemError(404, "unknown_gallery", "there is no gallery of this name on this server.")
        opened = self._galleries.get(name)
        if opened is not None and not opened.has_another_model():
            return opened
        with self._lock, Gallery(url) as gallery:  # its model is known only then
            model = gallery.model
        recognizer = self.recognizer(model)
        with self._lock:
            if self._galleries.get(name) is opened:  # else another thread was first
                self._galleries[name] = Gallery(url, recognizer=recognizer, index=self.config.index)
            return self._galleries[name]

    def load(self) -> None:
        """Open all galleries and load the networks, so that the first request does not wait for them."""
        for name in self.config.galleries:
            self.gallery(name)

    def close(self) -> None:
        """Finish what waits, and close all."""
        self.inference.close()
        for gallery in self._galleries.values():
            gallery.close()
        if "attendance_site" in self.__dict__ and self.attendance_site is not None:
            self.attendance_site.close()
        self.database.close()


def _read_state(path: Path | None) -> object:
    """Return what changes when the file of a classifier does; None where there is none."""
    if path is None:
        return None
    from visavis.train.classifier_file import FILE

    for file in (path / FILE, path):
        if file.is_file():
            status = file.stat()
            return status.st_mtime_ns, status.st_size, status.st_ino
    return None
