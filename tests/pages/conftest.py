"""A real Chromium, a server, and pages in tabs of which every request and error is kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from browser import BROWSER, MISSING, OPTIONS
from conftest import DATA
from server.running_server import RunningServer
from visavis.attendance.demo.site import create_demo

from .expectation import expect
from .slowness import IS_SLOW, slow_down

CAMERA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
ELSEWHERE = "faces.example"
"""A name that the browser resolves to this machine, as that of a machine elsewhere."""
GALLERIES = tuple(f"people{number}" for number in range(1, 71))
"""Galleries that tests may change, each for one test."""
NAMED_GALLERIES = ("by_mouse", "by_keyboard", "similar", "of_many", "ranked", "empty")
"""Galleries for the tests that name them."""
TARGET = """
[targets.books]
kind = "webhook"
url = "http://127.0.0.1:9"
key_variable = "VISAVIS_KEY_THAT_IS_NOT_SET"
"""
"""A target that nothing can be sent to, since its key is missing."""
VERDICTS = {"Same person": "✓", "Different people": "✕", "Too poor to say": "?"}
"""Answers of the page Compare, and the mark before each."""
WEIGHTS = {"VISAVIS_WEIGHTS": os.environ.get("VISAVIS_WEIGHTS") or str(DATA.parent / "weights")}


@pytest.fixture(scope="session")
def faces(sample_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of sample photos at half their size, of one with two faces, and of one without a face."""
    folder = tmp_path_factory.mktemp("faces")
    for name in ("obama.jpg", "obama2.jpg", "biden.jpg"):
        with Image.open(sample_photos / name) as photo:
            photo.reduce(2).save(folder / name, quality=95)
    first, second = (Image.open(folder / name) for name in ("obama.jpg", "biden.jpg"))
    both = Image.new("RGB", (first.width + second.width // 2, first.height))
    both.paste(first, (0, 0))
    both.paste(second.reduce(2), (first.width, 0))
    both.save(folder / "both.jpg", quality=95)
    Image.new("RGB", (320, 240), (90, 140, 90)).save(folder / "meadow.png")
    (folder / "notes.jpg").write_bytes(b"this is no picture")
    return folder


@pytest.fixture(scope="package")
def driver() -> Iterator[Any]:
    """Playwright: its event loop ends with the last test of this folder, since other tests run loops of their own."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: pip install playwright"
    )
    if not BROWSER:
        pytest.skip(MISSING)
    with playwright.sync_playwright() as running:
        yield running


@pytest.fixture(scope="package")
def browser(driver: Any, faces: Path) -> Iterator[Any]:
    """A Chromium whose camera shows a face; each tab has cookies, storage and permissions of its own."""
    film = faces / "camera.mjpeg"
    frame = Image.new("RGB", (640, 480), (70, 80, 90))
    with Image.open(faces / "obama2.jpg") as photo:
        photo.thumbnail(frame.size)
        frame.paste(photo, (0, 0))
    frame.save(faces / "frame.jpg", quality=90)
    film.write_bytes((faces / "frame.jpg").read_bytes() * 10)
    host = f"--host-resolver-rules=MAP {ELSEWHERE} 127.0.0.1"
    chromium = driver.chromium.launch(
        executable_path=BROWSER, args=[*OPTIONS, *CAMERA, f"--use-file-for-fake-video-capture={film}", host]
    )
    yield chromium
    chromium.close()


@contextmanager
def serve(folder: Path, *options: str, environment: Mapping[str, str] | None = None) -> Iterator[RunningServer]:
    """A server of the configuration in a folder, with the key of an administrator; its log has no traceback."""
    running = RunningServer("--config", "server.toml", *options, folder=folder, environment=environment)
    try:
        running.set_up()
        yield running
    finally:
        running.stop()
    assert "Traceback" not in running.text


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with the key of an administrator, and with the sample site of attendance."""
    folder = tmp_path_factory.mktemp("pages")
    create_demo(folder / "site").close()
    with (folder / "site" / "site.toml").open("a") as settings:
        settings.write(TARGET)
    galleries = "".join(f"{name} = '{name}.db'\n" for name in ("default", *NAMED_GALLERIES, *GALLERIES))
    tables = f"[galleries]\n{galleries}[classifiers]\npresidents = 'run'\n"
    (folder / "server.toml").write_text(
        f"[server]\nhosts = ['{ELSEWHERE}']\nattendance_site = 'site'\n[limits]\nupload_mb = 4\n{tables}"
    )
    with serve(folder, environment=WEIGHTS) as running:
        yield running


_NAMES = iter(GALLERIES)


@pytest.fixture
def people_gallery() -> str:
    """Name of a gallery of the server that no other test uses."""
    return next(_NAMES)


class Tab:
    """A page in a browser of its own; ``requests`` are the addresses that it asked, ``errors`` what its console says.

    Answers of an error status are among the errors: tests that expect some take them out.
    """

    def __init__(self, browser: Any, url: str, **options: Any) -> None:
        self.context = browser.new_context(base_url=url, **{"locale": "en-US", **options})
        self.page = self.context.new_page()
        self.page.set_default_timeout(60_000)
        if IS_SLOW:
            slow_down(self.page)
        self.url = url
        self.requests: list[str] = []
        self.errors: list[str] = []
        self.context.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda line: line.type == "error" and self.errors.append(line.text))

    def open(self, path: str) -> Any:
        self.page.goto(path)
        return self.page

    def tab_to(self, place: str) -> None:
        """Press Tab until the element of a selector has the focus, also behind long lists of what other tests made."""
        focusable = "a, button, input, select, textarea, summary, audio, video, iframe, [tabindex]"
        for _ in range(self.page.locator(focusable).count() + 10):
            self.page.keyboard.press("Tab")
            if self.page.evaluate("place => document.activeElement.matches(place)", place):
                return
        raise AssertionError(f"Tab does not reach {place}")

    def choose(self, field: str, photo: Path) -> None:
        """Choose a photo of the page Compare, "a" or "b"."""
        self.page.set_input_files(f'[data-field="{field}"] input', str(photo))

    def expect_verdict(self, verdict: str) -> None:
        """Wait until the page Compare gives an answer."""
        expect(self.page.locator(".verdict")).to_have_text(VERDICTS[verdict] + verdict)

    def begin_session(self, key: str) -> None:
        """Sign in without a page: two pages less for each test."""
        answer = self.context.request.post("/sign-in", form={"key": key}, max_redirects=0)
        assert answer.status == 303

    def sign_in(self, key: str) -> None:
        """Sign in on the page, which leads to the page Compare."""
        self.open("/sign-in")
        self.page.fill("#key", key)
        self.page.press("#key", "Enter")
        self.page.wait_for_url("**/compare")

    @property
    def elsewhere(self) -> list[str]:
        """Addresses of other hosts that the page asked."""
        return [url for url in self.requests if not url.startswith((self.url, "blob:", "data:"))]


OpenTab = Callable[..., Tab]


@pytest.fixture
def open_tab(browser: Any) -> Iterator[OpenTab]:
    """Opens tabs; none of them has asked another host, or had an error that the test did not expect."""
    tabs: list[Tab] = []

    def open_it(url: str, **options: Any) -> Tab:
        tabs.append(Tab(browser, url, **options))
        return tabs[-1]

    yield open_it
    for tab in tabs:
        tab.context.close()
    assert [tab.elsewhere for tab in tabs if tab.elsewhere] == []
    assert [tab.errors for tab in tabs if tab.errors] == []


@pytest.fixture
def signed_in(open_tab: OpenTab, server: RunningServer) -> Tab:
    """A tab with the session of an administrator, and no page yet."""
    tab = open_tab(server.url)
    tab.begin_session(server.key or "")
    return tab


def open_as_administrator(open_tab: OpenTab, server: RunningServer, path: str) -> Tab:
    """Return a tab with the session of an administrator, on a page."""
    tab = open_tab(server.url)
    tab.begin_session(server.key or "")
    tab.open(path)
    return tab
