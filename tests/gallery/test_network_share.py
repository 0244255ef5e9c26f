"""A gallery on a network share is used with a warning."""

from __future__ import annotations

from pathlib import Path

import pytest

from visavis import Gallery
from visavis.errors import VisavisWarning
from visavis.gallery.sql import network_file_systems
from visavis.gallery.sql.network_file_systems import file_system, network_share

MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:26 / /mnt/my\\040nas rw,relatime shared:15 - nfs4 nas:/faces rw,vers=4.2
31 22 0:27 / /mnt rw,relatime - tmpfs tmpfs rw
32 30 0:28 / /mnt/my\\040nas/here rw - btrfs /dev/sdb1 rw
33 22 0:29 / /srv/smb rw,relatime shared:16 master:3 - cifs //nas/faces rw
broken
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/data/ann/faces.db", "ext4"),
        ("/mnt/faces.db", "tmpfs"),
        ("/mnt/my nas/faces.db", "nfs4"),
        ("/mnt/my nas/here/faces.db", "btrfs"),
        ("/mnt/my nasty/faces.db", "tmpfs"),
        ("/srv/smb/a/b/faces.db", "cifs"),
    ],
)
def test_the_deepest_mount_is_the_one_of_a_path(path: str, kind: str) -> None:
    assert file_system(Path(path), MOUNTS) == kind


@pytest.fixture
def mounted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that the list of mounts says is on NFS."""
    mounts = tmp_path / "mountinfo"
    place = str(tmp_path.resolve() / "nas").replace(" ", "\\040")
    mounts.write_text(f"22 1 8:1 / / rw - ext4 /dev/sda1 rw\n30 22 0:26 / {place} rw - nfs4 nas:/x rw\n")
    monkeypatch.setattr(network_file_systems, "MOUNTS", mounts)
    (tmp_path / "nas").mkdir()
    return tmp_path / "nas"


def test_a_gallery_on_a_share_is_opened_with_a_warning(mounted: Path) -> None:
    with pytest.warns(VisavisWarning, match=r"faces.db is on a network share \(nfs4\).*postgresql://"):
        Gallery(mounted / "faces.db").close()
    Gallery(mounted.parent / "faces.db").close()  # on ext4: a warning would be an error here


def test_where_no_list_of_mounts_is_nothing_is_told(mounted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_file_systems, "MOUNTS", mounted / "none")
    assert network_share(mounted / "faces.db") == ""
