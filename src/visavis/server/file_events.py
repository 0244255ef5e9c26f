"""Ids of the events of a file: the same when it is read again, so that no event of it is stored twice.

A file that was being read when its process or its server ended is read again from its beginning, since the tracks at
that moment are lost. Frames, and so tracks and events, are then the same as before.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from typing import Any


class FileEventIds:
    """The ids of one reading of a file: by the ``order`` that began it, and the kind and the times of each event.

    Events of an id that is stored are left out by :meth:`visavis.server.state.cameras.Cameras.add_events`.
    """

    def __init__(self, camera: str, gallery: str, order: int) -> None:
        self._reading = [camera, gallery, order]
        self._numbers = Counter[str]()  # two tracks may begin and end together

    def identify(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """Return an event, in its form as JSON, with its id; each event of the reading is given once, in order."""
        text = json.dumps([*self._reading, content["event"], content["from"], content["to"]])
        self._numbers[text] += 1
        digest = hashlib.sha256(f"{text} {self._numbers[text]}".encode()).hexdigest()
        return {**content, "id": digest[:32]}
