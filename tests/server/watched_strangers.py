"""A server whose cameras saw a stranger, and show a person of its gallery."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import visavis
from videos.camera_servers import MjpegCamera

from .running_server import RunningServer
from .test_cameras import await_camera, draw, encode

CONFIGURATION = """
[server]
cameras = "cameras.toml"
[video]
pictures = true
strangers = 30
[galleries]
default = "faces.db"
elsewhere = "elsewhere.db"
"""


@contextmanager
def watch_strangers(photos: Path, folder: Path, *, person: str = "Ann", yard: str = "yard") -> Iterator[RunningServer]:
    """Run a server whose camera "door" has played a film of a stranger, while its camera ``yard`` shows ``person``."""
    (folder / "frames").mkdir()
    for number in range(30):
        (folder / f"frames/{number}.jpg").write_bytes(encode(draw(photos / "biden.jpg", 20 + number)))
    with visavis.Gallery(folder / "faces.db") as gallery:
        gallery.keep_crops(True)
        gallery.enroll(person, photos / "obama.jpg")
    camera = MjpegCamera(rate=10)
    picture = encode(draw(photos / "obama.jpg", 40))
    camera.picture = lambda _: picture
    (folder / "server.toml").write_text(CONFIGURATION)
    cameras = (
        f'[[camera]]\nname = "door"\nsource = "frames"\n[[camera]]\nname = "{yard}"\nsource = "{camera.address}"\n'
    )
    (folder / "cameras.toml").write_text(cameras)
    (folder / "cameras.toml").chmod(0o600)
    running = RunningServer("--config", "server.toml", folder=folder)
    try:
        running.set_up()
        await_camera(running, "door", "ended")
        yield running
    finally:
        running.stop()
        camera.stop()
    assert "Traceback" not in running.text, running.text
