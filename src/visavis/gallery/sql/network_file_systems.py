"""Recognize paths on network file systems, on which SQLite's locks do not hold."""

from __future__ import annotations

import re
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")
"""Linux's list of mounted file systems (proc(5)). On other systems only UNC paths are recognized."""

NETWORK = frozenset({
    "9p", "afs", "beegfs", "ceph", "cifs", "davfs", "fuse.ceph-fuse", "fuse.davfs2", "fuse.glusterfs", "fuse.rclone",
    "fuse.s3fs", "fuse.sshfs", "fuse.vmhgfs-fuse", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "smb3",
    "smbfs", "vboxsf",
})  # fmt: skip


def network_share(path: Path) -> str:
    """Return the kind of network file system of a path ("nfs4", "cifs"), or an empty string."""
    whole = path.absolute()
    if whole.drive.startswith("\\\\"):
        return "UNC"
    try:
        kind = file_system(whole.resolve(), MOUNTS.read_text(encoding="utf-8", errors="surrogateescape"))
    except OSError:
        return ""
    return kind if kind in NETWORK else ""


def file_system(path: Path, mounts: str) -> str:
    """Return the kind of file system of an absolute path by the text of ``MOUNTS``; of equal mounts, the last."""
    deepest, kind = -1, ""
    for line in mounts.splitlines():
        mount, _, source = line.partition(" - ")
        fields = mount.split(" ")
        if len(fields) < 5 or not source:
            continue
        point = Path(re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), fields[4]))
        if path.is_relative_to(point) and len(point.parts) >= deepest:
            deepest, kind = len(point.parts), source.split(" ")[0]
    return kind
