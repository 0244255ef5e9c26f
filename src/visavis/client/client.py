"""The class Client: calls named, typed and answered as those of the library and of a gallery."""

from __future__ import annotations

from visavis._closing import Closing
from visavis.client._connection import Connection
from visavis.client.attendance_calls import AttendanceCalls
from visavis.client.camera_calls import CameraCalls
from visavis.client.face_calls import FaceCalls
from visavis.client.feedback_calls import FeedbackCalls
from visavis.client.gallery_calls import GalleryCalls
from visavis.client.group_calls import GroupCalls
from visavis.client.job_calls import JobCalls
from visavis.client.kiosk_calls import KioskCalls
from visavis.client.migration_calls import MigrationCalls
from visavis.client.model_calls import ModelCalls
from visavis.client.person_calls import PersonCalls
from visavis.client.photo_calls import PhotoCalls
from visavis.client.server_calls import ServerCalls
from visavis.client.staff_calls import StaffRequestCalls


class Client(
    PhotoCalls, FeedbackCalls, FaceCalls, GroupCalls, PersonCalls, GalleryCalls, MigrationCalls, JobCalls, ModelCalls,
    CameraCalls, AttendanceCalls, StaffRequestCalls, KioskCalls, ServerCalls, Closing,
):  # fmt: skip
    """A visavis server, asked as the library is: the same names, options, results and exceptions.

    ::

        with visavis.Client("http://127.0.0.1:8000", key="vv_...") as client:
            client.enroll("Ann", ["ann1.jpg", "ann2.jpg"])
            client.identify("group.jpg")

    Photos are read on this machine and sent; of a path the server gets the name of the file alone. A photo of a result
    has no pixels. A server that is busy is asked again a few times. Errors of the server are those of the library:
    NoFaceError, UnknownNameError ...; a server that cannot be reached is a ServerError.
    """

    def __init__(self, url: str, key: str | None = None, gallery: str = "default", *, seconds: float = 60.0) -> None:
        """Speak to the server at ``url`` with an API ``key``, about one of its galleries.

        ``seconds`` is the time limit of a try. Nothing is sent before the first call.
        """
        self.gallery = gallery
        self._connection = Connection(url, key, seconds=seconds)

    @property
    def url(self) -> str:
        """The URL of the server."""
        return self._connection.url

    def close(self) -> None:
        """Close the connections to the server."""
        self._connection.close()

    def __repr__(self) -> str:
        return f"Client({self.url!r}, gallery={self.gallery!r})"
