"""Text of other people in every place that a page shows: names, notes, consent, files' names and what EXIF says."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from server.running_server import RunningServer

from .conftest import Tab
from .expectation import expect, expect_text

pytestmark = [pytest.mark.enable_socket, pytest.mark.xdist_group("pages")]
SCRIPT = "<img src=x onerror=document.title='run'>"
HOSTILE = f"\"'></script></textarea>{SCRIPT}{{{{ 7 * 7 }}}}"
EXIF_TEXTS = (0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x8298, 0x9C9B)
"""Description, maker, model, software, date, artist, copyright, title of Windows."""


@pytest.fixture
def photo(faces: Path, tmp_path: Path) -> bytes:
    """A photo whose EXIF has the script wherever it has text."""
    with Image.open(faces / "obama.jpg") as picture:
        exif = picture.getexif()
        for tag in EXIF_TEXTS:
            exif[tag] = HOSTILE.encode("utf-16-le") if tag == 0x9C9B else HOSTILE
        exif.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0" + HOSTILE.encode()
        picture.save(tmp_path / "hostile.jpg", exif=exif, comment=HOSTILE.encode())
    return (tmp_path / "hostile.jpg").read_bytes()


def test_what_is_stored_is_shown_as_text(
    signed_in: Tab, server: RunningServer, people_gallery: str, photo: bytes
) -> None:
    query = {"gallery": people_gallery}
    upload = {"name": f"{SCRIPT}.jpg", "mimeType": "image/jpeg", "buffer": photo}
    page = signed_in.open(f"/people/new?gallery={people_gallery}")
    page.fill("#name", HOSTILE)
    page.set_input_files("#files", upload)
    page.wait_for_selector("#photos li:has-text('good quality')")
    page.click("#send")
    page.wait_for_selector("#result .card")
    [person] = server.get("/v1/people", params=query).json()["people"]
    assert person["name"] == HOSTILE
    texts = {"note": HOSTILE, "consent": HOSTILE, "consented": "2026-11-29", "metadata": {HOSTILE[:40]: HOSTILE}}
    server.request("PATCH", f"/v1/people/{person['id']}", params=query, json=texts)
    for path in (f"/people/{person['id']}", "/people", "/people/findings"):
        page = signed_in.open(f"{path}?gallery={people_gallery}")
        expect_text(page, "main", HOSTILE)
        expect(page.locator("img[src=x]")).to_have_count(0)
        expect(page).not_to_have_title("run")
    page = signed_in.open(f"/people/{person['id']}?gallery={people_gallery}")
    expect(page.locator("h1")).to_have_text(HOSTILE)
    expect_text(page, "dl", HOSTILE)  # the metadata
    for field in ("note", "consent"):
        expect(page.locator(f"main [name={field}]")).to_have_value(HOSTILE)


def test_what_a_photo_says_of_itself_is_not_run(
    signed_in: Tab, server: RunningServer, people_gallery: str, photo: bytes
) -> None:
    page = signed_in.open(f"/identify?gallery={people_gallery}")
    page.set_input_files("main input[type=file]", {"name": f"{SCRIPT}.jpg", "mimeType": "image/jpeg", "buffer": photo})
    page.wait_for_selector(".label")
    expect(page.locator("img[src=x]")).to_have_count(0)
    expect(page).to_have_title("Identify - visavis")
