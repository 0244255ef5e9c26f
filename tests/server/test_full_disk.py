"""A disk that fills up under a server: no 500, nothing acknowledged is lost, and it goes on once there is room."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from .load import fill_gallery
from .running_server import Start, photos

SIZE_MB = 100
"""Of the disk: more than /readyz asks for."""
MOUNT = ["unshare", "--map-root-user", "--mount", "sh", "-c"]


def fill(path: Path) -> None:
    """Write a file until the disk has no more room."""
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(1 << 16)):
            pass


def test_a_disk_that_fills_up(start: Start, sample_photos: Path, tmp_path: Path) -> None:
    mount = f"mount -t tmpfs -o size={SIZE_MB}m none"
    if not shutil.which("unshare") or subprocess.run([*MOUNT, f"{mount} {tmp_path}"], check=False).returncode:
        pytest.skip("no file system can be mounted here")
    disk, source = tmp_path / "disk", tmp_path / "faces.db"
    disk.mkdir()
    fill_gallery(source)
    script = f'{mount} {disk} && cp {source} {disk} && chmod 600 {disk}/faces.db && cd {disk} && exec "$@"'
    server = start(environment={"TMPDIR": str(disk)}, prefix=[*MOUNT, script, "sh"])
    server.set_up()
    assert server.get("/readyz").json()["checks"]["disk"] is True
    inside = Path(f"/proc/{server.process.pid}/root{disk}")  # the disk as the server sees it
    photo = sample_photos / "obama.jpg"
    large = [("photo", ("a.jpg", photo.read_bytes() + bytes(5_000_000)))]  # would be spooled to the disk
    filler = inside / "filler"
    fill(filler)
    readiness = server.get("/readyz")
    assert (readiness.status_code, readiness.json()["checks"]) == (
        503,
        {"database": True, "model": True, "queue": True, "disk": False},
    )
    assert server.post("/v1/identify", files=large).status_code == 200, "questions need no room"
    answers = [
        server.request("PATCH", "/v1/people/1", json={"note": f"{number} " + "x" * 4000}) for number in range(100)
    ]
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) <= {200, 503}
    assert statuses[-1] == 503, "what was left in the log of the database is used up"
    assert all("Retry-After" in answer.headers for answer in answers if answer.status_code == 503)
    assert "faces" not in answers[-1].text
    for path, order in (("/v1/keys", {"name": "x" * 200, "role": "read"}), ("/v1/jobs/index", {"folder": "x"})):
        assert server.post(path, json=order).status_code in {201, 404, 503}
    body = {"data": {"name": "Barack"}, "files": photos("photo", photo)}
    refused = server.post("/v1/people", **body)
    assert (refused.status_code, refused.json()["code"]) == (503, "gallery"), refused.text
    last = max((number for number, status in enumerate(statuses) if status == 200), default=None)
    note = server.get("/v1/people/1").json()["note"]
    assert note.partition(" ")[0] == ("" if last is None else str(last)), "the last acknowledged change, no later one"
    filler.unlink()
    assert server.get("/readyz").status_code == 200
    assert server.post("/v1/people", **body).status_code == 201
    assert server.stop() == 0
