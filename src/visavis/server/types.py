"""What a server stores and lists beside the library's results: its answers, and what the client returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from visavis.attendance.types import ClosedMonth
from visavis.plain import Plain

ServedState = Literal["starting", "running", "silent", "stopping", "stopped", "ended", "failed"]


@dataclass(frozen=True, slots=True)
class StoredFace(Plain):
    """A stored face: ``person_id`` is None for an unassigned one, ``cluster`` for one in no cluster."""

    template_id: int
    person_id: int | None
    cluster: int | None
    photo: str
    sha256: str | None
    box: tuple[float, float, float, float] | None
    quality: float | None


@dataclass(frozen=True, slots=True)
class FaceCluster(Plain):
    """Faces taken for one person; ``people`` are the ids of those who have templates among them."""

    cluster: int
    size: int
    unassigned: int
    people: tuple[int, ...]
    template_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Job(Plain):
    """A job: ``done`` of ``total`` photos (None: not yet counted), and its ``result`` at the end.

    Of a job that fetches a model ``done`` counts bytes, of one that measures models, models. ``order`` is what to do.
    ``state`` is "queued", "running", "saving", "canceling", "canceled", "done" or "failed".
    ``message`` is why it failed, or empty.
    """

    id: str
    kind: str
    gallery: str
    order: Mapping[str, Any]
    state: str
    done: int
    total: int | None
    message: str
    result: Mapping[str, Any] | None
    created: str
    created_by: str
    updated: str


@dataclass(frozen=True, slots=True)
class StoredEvent(Plain):
    """An event with its ``number``, by which a reader goes on, and the name of the ``gallery`` that was searched.

    ``content`` is the event as ``visavis video --events`` writes it.
    """

    number: int
    at: str
    gallery: str
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SeenStranger(Plain):
    """An unknown person before the cameras: seen how often, first and last when, by which cameras.

    ``template_ids`` are the faces that become those of a person when the stranger is named. ``picture`` is that of them
    whose kept crop shows the stranger best; None where the server keeps no pictures of strangers.
    """

    number: int
    sightings: int
    first: datetime
    last: datetime
    cameras: tuple[str, ...]
    template_ids: tuple[int, ...]
    picture: int | None = None


@dataclass(frozen=True, slots=True)
class ErasedCameraData(Plain):
    """What was erased of a camera: its ``events``, and its ``sightings`` of strangers."""

    events: int
    sightings: int


@dataclass(frozen=True, slots=True)
class ServedCamera(Plain):
    """A camera of a server.

    ``state`` is "starting", "running", "silent" (no frame since ``silent_since``), "stopping", "stopped", "ended" (a
    file, to its end) or "failed"; ``message`` is a sentence on why it is silent or has failed, else empty. Events are
    about the people of ``gallery``. ``frames_per_second`` were looked at lately; ``dropped`` frames came too fast for
    that, and the camera was ``reopened`` so often, since it was started.
    """

    name: str
    gallery: str
    state: ServedState
    message: str
    silent_since: str | None
    frames_per_second: float
    dropped: int
    reopened: int
    latest_event: StoredEvent | None = None


@dataclass(frozen=True, slots=True)
class CameraCheck(Plain):
    """What the source of a camera gave: a picture of ``width`` x ``height`` pixels after ``seconds`` seconds.

    These are None where no picture came; ``message`` is then a sentence on why, else empty.
    """

    name: str
    width: int | None = None
    height: int | None = None
    seconds: float | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class ExpiringKind(Plain):
    """What a server keeps for a number of ``days`` (0: for ever): "events" of cameras, ended "jobs", or its "log".

    ``stored`` is how many there are, the ``oldest`` from this time (None: there is none); ``due`` are too old.
    """

    name: str
    days: int
    stored: int
    oldest: str | None
    due: int


@dataclass(frozen=True, slots=True)
class GalleryRate(Plain):
    """The rate ``fpir`` at which searches of a gallery name strangers, unless a request names another.

    ``set_at`` is when it was set, by the key ``set_by``; None for the default rate.
    """

    fpir: float
    set_at: str | None = None
    set_by: str | None = None


@dataclass(frozen=True, slots=True)
class ModelSpeed(Plain):
    """Milliseconds that a model takes per face on a machine: one face at a time, and of 32 faces together."""

    model: str
    machine: str
    threads: int
    ms_one: float
    ms_of_many: float
    measured: str


@dataclass(frozen=True, slots=True)
class Evaluation(Plain):
    """An evaluation of a model: on the people of ``gallery``, or on the photos of ``folder`` (then that is None).

    ``kind`` is "verification" or "identification", ``result`` what ``visavis evaluate pairs`` or ``identification``
    prints with ``--json``. ``scale`` is a table of thresholds with a histogram of distances; None for identification,
    and where there are too few pairs. ``id`` is that of the job that measured it.
    """

    id: str
    kind: str
    gallery: str | None
    folder: str | None
    model: str
    result: Mapping[str, Any]
    scale: Mapping[str, Any] | None
    created: str
    created_by: str


@dataclass(frozen=True, slots=True)
class ServedClassifier(Plain):
    """A classifier of the configuration: ``present`` says whether it was trained, ``trained`` when.

    ``gallery`` is the one whose people it names; None: people of a folder. ``report`` is what ``visavis train
    classifier`` writes as ``report.json``, None in lists and where there is none.
    """

    name: str
    present: bool
    gallery: str | None = None
    trained: str | None = None
    report: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class TrainingRun(Plain):
    """A run of ``visavis train network`` in a folder of the server: its settings, and a row of values per epoch."""

    folder: str
    settings: Mapping[str, Any]
    epochs: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class ModelFile(Plain):
    """A weight file: what it is for, its license, whether this server has it, and which galleries use it.

    ``speeds`` were measured on the machines of the server.
    """

    name: str
    task: str
    license: str
    trained_on: str
    bytes: int | None
    non_commercial: bool | None
    imported: bool
    present: bool
    used_by: tuple[str, ...]
    speeds: tuple[ModelSpeed, ...] = ()


@dataclass(frozen=True, slots=True)
class ApiKey(Plain):
    """A key without its secret. ``galleries`` are the names it may use; None: all. ``revoked`` is a time, or None.

    ``employee`` is the number of the employee that a key of the role "employee" or "manager" is for.
    """

    id: str
    name: str
    role: str
    galleries: tuple[str, ...] | None
    created: str
    created_by: str
    revoked: str | None = None
    employee: str | None = None


@dataclass(frozen=True, slots=True)
class KeyOwner(Plain):
    """The employee of a key, by number, and the oldest record about the employee in the ledger."""

    employee: str
    first_record: int


@dataclass(frozen=True, slots=True)
class SiteSummary(Plain):
    """The site of attendance as a key may see it: the departments of the employees that it may see.

    ``months`` were closed. ``employee`` is the number of the employee of the key.
    """

    name: str
    zone: str
    departments: tuple[str, ...]
    months: tuple[ClosedMonth, ...]
    employee: str | None


@dataclass(frozen=True, slots=True)
class NewKey(Plain):
    """A key with its text, which is shown once and cannot be recovered."""

    name: str
    role: str
    key: str


@dataclass(frozen=True, slots=True)
class LogEntry(Plain):
    """An entry of the log of the server; ``detail`` names the key or the job."""

    number: int
    at: str
    actor: str
    action: str
    detail: str


@dataclass(frozen=True, slots=True)
class Readiness(Plain):
    """Whether a server is fit for requests: ``status`` is "ok" or "unavailable", ``checks`` are its parts."""

    status: str
    checks: Mapping[str, bool]

    def __bool__(self) -> bool:
        return self.status == "ok"
