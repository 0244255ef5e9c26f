"""Take the pictures of docs/pages.md: a server with made-up people, and each of its pages in Chromium.

``python tools/tour.py`` writes them into docs/images/tour. The people are drawn by ``draw_portraits.py``; no photo is
used.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import requests
from draw_portraits import PEOPLE, VIEWS, draw_portrait
from PIL import Image

import visavis
from visavis.attendance.demo.site import create_demo
from visavis.compare import parse_calibration

FOLDER = Path(__file__).parents[1] / "docs/images/tour"
HEIGHT = 1100
"""Pixels of a picture at most, from the top of the page."""
COLORS, BYTES = (72, 56, 40), 60_000
"""Numbers of colors that are tried, and the bytes of a picture at most."""
START_SECONDS = 180
CHROMIUMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
KNOWN = 6
"""People of the gallery; the others are strangers."""


@dataclass(frozen=True)
class Shot:
    """A picture of a page: its ``name``, the address, and what is done before it is taken.

    ``route`` is the page as docs/pages.md and the server's routes name it.
    """

    name: str
    route: str
    address: str = ""
    prepare: Callable[[Any, Path], None] | None = None
    width: int = 1280
    dark: bool = False


def _compare(page: Any, photos: Path) -> None:
    page.set_input_files('[data-field="a"] input', str(photos / "ada-brook-1.png"))
    page.set_input_files('[data-field="b"] input', str(photos / "ada-brook-2.png"))
    page.wait_for_selector(".verdict")
    page.wait_for_selector(".histogram")


def _identify(page: Any, photos: Path) -> None:
    page.set_input_files("#source input[multiple]", str(photos / "party.png"))
    page.wait_for_selector(".label")
    page.click(".label.match")
    page.wait_for_selector("#panel .scale")


def _rank(page: Any, photos: Path) -> None:
    page.set_input_files("#source input", str(photos / "party.png"))
    page.wait_for_selector(".ranking li")


def _enroll(page: Any, photos: Path) -> None:
    page.fill("#name", "Grace Mensah")
    page.set_input_files("input[type=file]", [str(photos / f"grace-mensah-{number}.png") for number in (1, 2)])
    page.wait_for_selector(".dots")


def _await_findings(page: Any, _photos: Path) -> None:
    page.wait_for_selector("#report [role=status]")


def _open_evaluation(page: Any, _photos: Path) -> None:
    page.click("tbody th a")
    page.wait_for_url("**/evaluate/results?*")


def _open_figures(page: Any, _photos: Path) -> None:
    page.click(".figures details:nth-of-type(2) summary")


def _choose_rate(page: Any, _photos: Path) -> None:
    page.wait_for_selector("#rate:not([hidden])")
    page.fill("#strangers", "1000000")
    page.wait_for_selector("#effect p")


SHOTS: Sequence[Shot] = (
    Shot("start", "/start"),
    Shot("sign-in", "/sign-in"),
    Shot("compare", "/compare", prepare=_compare),
    Shot("identify", "/identify", prepare=_identify),
    Shot("identify-phone", "/identify", prepare=_identify, width=360),
    Shot("look-alikes", "/look-alikes", prepare=_rank),
    Shot("celebrities", "/celebrities", prepare=_rank),
    Shot("people", "/people"),
    Shot("people-dark", "/people", dark=True),
    Shot("person", "/people/{person_id}", "/people/1"),
    Shot("person-phone", "/people/{person_id}", "/people/1", width=360),
    Shot("enroll", "/people/new", prepare=_enroll),
    Shot("more-photos", "/people/{person_id}/enroll", "/people/2/enroll"),
    Shot("findings", "/people/findings", prepare=_await_findings),
    Shot("groups", "/groups"),
    Shot("live", "/live"),
    Shot("attendance", "/attendance", "/attendance?day=2024-03-05&show=late"),
    Shot("attendance-present", "/attendance/present"),
    Shot("attendance-month", "/attendance/month", "/attendance/month?month=2024-03&department=Security"),
    Shot("attendance-reports", "/attendance/reports", "/attendance/reports?kind=late&month=2024-04&department=Office"),
    Shot("attendance-person", "/attendance/people/{number}", "/attendance/people/1025?month=2024-03"),
    Shot(
        "attendance-day",
        "/attendance/people/{number}/{day}",
        "/attendance/people/1007/2024-02-20",
        prepare=_open_figures,
    ),
    Shot("attendance-requests", "/attendance/requests"),
    Shot("attendance-payroll", "/attendance/payroll"),
    Shot("kiosk", "/kiosk"),
    Shot("evaluate", "/evaluate"),
    Shot("evaluation", "/evaluate/results", "/evaluate", prepare=_open_evaluation),
    Shot("train", "/train"),
    Shot("jobs", "/jobs"),
    Shot("settings-models", "/settings/models"),
    Shot("settings-thresholds", "/settings/thresholds", prepare=_choose_rate),
    Shot("settings-cameras", "/settings/cameras"),
    Shot("settings-retention", "/settings/retention"),
    Shot("settings-keys", "/settings/keys"),
    Shot("settings-log", "/settings/log"),
    Shot("settings-display", "/settings/display"),
)


class Server:
    """``visavis serve`` in a folder with made-up people, on a free port."""

    def __init__(self, folder: Path) -> None:
        options = ["--config", "server.toml", "--cameras", "cameras.toml", "--port", "0"]
        command = [sys.executable, "-m", "visavis", "serve", *options]
        self.process = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True)
        self.lines: list[str] = []
        self._is_up = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()
        if not self._is_up.wait(START_SECONDS):
            raise RuntimeError(f"the server did not start: {''.join(self.lines)}")
        self.url = self.find(r"serving at (https?://\S+);")
        self.session = requests.Session()
        self.session.trust_env = False

    def find(self, pattern: str) -> str:
        """Return what a line of the server says; raises RuntimeError where none does."""
        match = re.search(pattern, "".join(self.lines))
        if match is None:
            raise RuntimeError(f"the server did not say {pattern}: {''.join(self.lines)}")
        return match[1]

    def ask(self, method: str, path: str, **options: Any) -> Any:
        """Send a request with the key; raises where it fails."""
        answer = self.session.request(method, self.url + path, timeout=300, **options)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def finish(self, path: str, order: dict[str, str]) -> None:
        """Order a job, and wait for its end."""
        job = self.ask("POST", path, json=order)
        while job["state"] in {"queued", "running", "saving"}:
            time.sleep(0.2)
            job = self.ask("GET", f"/v1/jobs/{job['id']}")

    def work(self) -> None:
        """Evaluate the gallery, index the photos, and group their faces."""
        self.finish("/v1/evaluations", {"kind": "verification"})
        self.finish("/v1/jobs/index", {"folder": "photos"})
        self.ask("POST", "/v1/clusters")
        self.use_site()

    def use_site(self) -> None:
        """Let employees of the site come, ask for a correction, and close a month."""
        for number in ("1001", "1004", "1007", "1013", "1026"):
            self.ask("POST", "/v1/attendance/punches", json={"employee": number, "direction": "in"})
        order = {"kind": "punch", "employee": "1009", "at": "2024-03-05 16:31", "direction": "out"}
        self.ask("POST", "/v1/attendance/requests", json={**order, "reason": "the door was open, I forgot to punch"})
        self.ask("POST", "/v1/attendance/months/2024-02/close")

    def _read(self) -> None:
        for line in self.process.stderr or ():
            self.lines.append(line)
            if "serving at" in line:
                self._is_up.set()


def draw_people(folder: Path) -> None:
    """Write the portraits, and a party with people of the gallery and a stranger."""
    pictures = {
        (person.name, number): draw_portrait(person, **view)
        for person in PEOPLE
        for number, view in enumerate(VIEWS, 1)
    }
    for (name, number), picture in pictures.items():
        picture.save(folder / f"{name.lower().replace(' ', '-')}-{number}.png")
    guests = [(PEOPLE[0].name, 3), (PEOPLE[1].name, 2), (PEOPLE[3].name, 2), (PEOPLE[-1].name, 1)]
    party = Image.new("RGB", (4 * 400, 480))
    for place, guest in enumerate(guests):
        party.paste(pictures[guest], (place * 400, 0))
    party.save(folder / "party.png")


def measure_drawings(photos: Path) -> dict[str, Any]:
    """Return a table of thresholds for the drawn people, who look more alike than people do.

    Its threshold is between the farthest pictures of one person and the nearest of two.
    """
    files = sorted(photos.glob("*-[123].png"))
    answers = [*visavis.Recognizer().represent(files)]
    rows = np.stack([answer.embeddings[answer.largest] for answer in answers if answer.embeddings is not None])
    apart = 1 - rows @ rows.T
    people = np.array([file.stem[:-2] for file in files])
    is_same = people[:, None] == people
    farthest, nearest = float(apart[is_same].max()), float(apart[~is_same].min())
    if nearest <= farthest:
        raise RuntimeError(f"two drawn people are {nearest:.3f} apart, and pictures of one {farthest:.3f}: draw others")
    limit = (farthest + nearest) / 2
    rates = [(0.1, 1.5), (0.01, 1.2), (0.001, 1.0), (1e-4, 0.8), (1e-6, 0.4)]
    return {
        "model": "sface",
        "far_threshold": [[far, limit * share] for far, share in rates],
        "logistic": [-20 / limit, 22],
        "provenance": {"data": "drawn faces"},
    }


def prepare_folder(folder: Path) -> Path:
    """Write configuration, cameras, photos, gallery and classifier of the server; return the folder of the photos."""
    photos = folder / "photos"
    photos.mkdir()
    draw_people(photos)
    (folder / "film").mkdir()
    for number in range(12):
        frame = Image.new("RGB", (960, 480), (206, 212, 218))
        frame.paste(Image.open(photos / f"binh-tran-{1 + number % 3}.png"), (20 * number, 0))
        frame.save(folder / f"film/{number:02}.jpg", quality=92)
    (folder / "cameras.toml").write_text(
        '[[camera]]\nname = "entrance"\nsource = "film"\n'
        '[[camera]]\nname = "yard"\nsource = "rtsp://viewer:secret@127.0.0.1:9/stream"\nevery = 2\nmin_face = 40\n'
    )
    (folder / "cameras.toml").chmod(0o600)
    (folder / "server.toml").write_text(
        "[server]\nattendance_site = 'site'\n"
        "[galleries]\ndefault = 'faces.db'\n[index_roots]\nphotos = 'photos'\n[classifiers]\nteam = 'team'\n"
        "[retention]\njob_days = 90\nlog_days = 365\n"
    )
    create_demo(folder / "site").close()
    with visavis.Gallery(folder / "faces.db") as gallery:
        gallery.calibrate(parse_calibration(measure_drawings(photos)))
        gallery.keep_crops(keep=True)
        for person in PEOPLE[:KNOWN]:
            files = sorted(photos.glob(f"{person.name.lower().replace(' ', '-')}-[12].png"))
            gallery.enroll(person.name, files, consent="form of January 2026", note="drawn for this page")
    for person in PEOPLE[:KNOWN]:
        (folder / "classes" / person.name).mkdir(parents=True)
        for file in photos.glob(f"{person.name.lower().replace(' ', '-')}-*.png"):
            shutil.copy(file, folder / "classes" / person.name)
    visavis.train_classifier(folder / "classes").save(folder / "team")
    return photos


def take(shot: Shot, context: Any, url: str, photos: Path) -> None:
    """Take a picture of a page, and store it with few colors."""
    page = context.new_page()
    page.set_viewport_size({"width": shot.width, "height": 800})
    page.emulate_media(color_scheme="dark" if shot.dark else "light", reduced_motion="reduce")
    page.goto(url + (shot.address or shot.route))
    if shot.prepare is not None:
        shot.prepare(page, photos)
    page.wait_for_load_state("networkidle")
    height = min(HEIGHT, page.evaluate("document.documentElement.scrollHeight"))
    page.evaluate("scrollTo(0, 0)")
    taken = page.screenshot(full_page=True, clip={"x": 0, "y": 0, "width": shot.width, "height": height})
    store(Image.open(BytesIO(taken)).convert("RGB"), FOLDER / f"{shot.name}.png")
    page.close()


def store(picture: Image.Image, path: Path) -> None:
    """Store a picture with as many colors as fit into its bytes."""
    for colors in COLORS:
        few = picture.quantize(colors, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        few.save(path, optimize=True)
        if path.stat().st_size <= BYTES:
            return
    raise RuntimeError(f"{path.name} has {path.stat().st_size:,} bytes: show less of the page")


@contextmanager
def open_browser() -> Iterator[Any]:
    """Open a Chromium whose pages are in English, with the times of UTC."""
    from playwright.sync_api import sync_playwright

    path = next(path for name in CHROMIUMS if (path := shutil.which(name)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser.new_context(locale="en-US", timezone_id="UTC")
        browser.close()


def main(names: Sequence[str]) -> None:
    """Take the pictures of these names, or all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    shots = [shot for shot in SHOTS if not names or shot.name in names]
    with tempfile.TemporaryDirectory() as place, open_browser() as context:
        photos = prepare_folder(Path(place))
        server = Server(Path(place))
        try:
            before = [shot for shot in shots if shot.route == "/start"]
            for shot in before:
                take(shot, context, server.url, photos)
            made = server.ask("POST", "/v1/setup", json={"code": server.find(r"first key: ([\d-]+)"), "name": "office"})
            server.session.headers["x-api-key"] = made["key"]
            server.ask("POST", "/v1/keys", json={"name": "front door", "role": "read"})
            server.ask("POST", "/v1/keys", json={"name": "reception", "role": "enroll", "galleries": ["default"]})
            server.work()
            for shot in [shot for shot in shots if shot.route == "/sign-in"]:
                take(shot, context, server.url, photos)
            page = context.new_page()
            page.goto(f"{server.url}/sign-in")
            page.fill("#key", made["key"])
            page.press("#key", "Enter")
            page.wait_for_url("**/compare")
            page.close()
            for shot in shots:
                if shot.route not in {"/start", "/sign-in"}:
                    take(shot, context, server.url, photos)
        finally:
            server.process.terminate()
            server.process.wait(60)


if __name__ == "__main__":
    main(sys.argv[1:])
