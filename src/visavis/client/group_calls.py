"""Calls about the groups of faces to name."""

from __future__ import annotations

from collections.abc import Sequence

from visavis.client._requests import GalleryRequests
from visavis.client.parse import parse
from visavis.gallery.change_groups import NamedGroup
from visavis.gallery.face_groups import NEAR, GroupDetails, GroupOverview, NearGroup


class GroupCalls(GalleryRequests):
    """Methods of :class:`visavis.Client` about groups: the unassigned faces of a cluster.

    Changes name the faces as they were read: GroupChangedError is raised where another user changed them meanwhile.
    """

    def groups(self, *, aside: bool = False) -> GroupOverview:
        """Return the groups to name, the largest first, or those that are put aside."""
        return parse(GroupOverview, self._ask_gallery("GET", "/groups", params={"aside": aside}))

    def group(self, number: int) -> GroupDetails:
        """Return the faces of a group, the doubtful ones first, and the people who it may show."""
        return parse(GroupDetails, self._ask_gallery("GET", f"/groups/{int(number)}"))

    def near_groups(self, number: int, template_ids: Sequence[int] = (), *, top: int = NEAR) -> list[NearGroup]:
        """Return the groups nearest to a group, or to these faces of it; none with a face of the same photo."""
        params = {"template_id": [*template_ids], "top": top}
        answer = self._ask_gallery("GET", f"/groups/{int(number)}/near", params=params)
        return [parse(NearGroup, line) for line in answer["groups"]]

    def move_to_group(
        self, number: int, template_ids: Sequence[int], to: int | None = None, *, expected: int | None = None
    ) -> int:
        """Move faces of a group to the group ``to``, or to a new one (None); return its number.

        Where ``expected`` is given, ``to`` has so many faces, else GroupChangedError is raised. Raises SamePhotoError
        where both groups have a face of the same photo.
        """
        order = {"template_ids": [*template_ids], "to": to, "expected": expected}
        moved: int = self._ask_gallery("POST", f"/groups/{int(number)}/move", json=order)["number"]
        return moved

    def name_group(
        self, number: int, template_ids: Sequence[int], name: str, *, person_id: int | None = None, new: bool = False
    ) -> NamedGroup:
        """Assign faces of a group to the person of ``person_id`` and ``name``, else as in ``name_faces``."""
        order = {"template_ids": [*template_ids], "name": name, "person_id": person_id, "new": new}
        return parse(NamedGroup, self._ask_gallery("POST", f"/groups/{int(number)}/name", json=order))

    def unname_faces(self, number: int, template_ids: Sequence[int], person_id: int) -> None:
        """Make templates of a person unassigned faces of a group again; without another template it is removed."""
        order = {"template_ids": [*template_ids], "person_id": person_id}
        self._ask_gallery("POST", f"/groups/{int(number)}/unname", json=order)

    def put_aside(self, number: int, *, aside: bool = True) -> None:
        """Put a group aside, or bring it back."""
        self._ask_gallery("PUT", f"/groups/{int(number)}/aside", json={"aside": aside})
