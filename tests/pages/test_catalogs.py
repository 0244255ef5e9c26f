"""Texts of the pages: the same keys and values in each language, and none outside of the catalogs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from visavis.server.pages import catalogs
from visavis.server.pages.catalogs import LANGUAGES, pick_language, read_catalog

PAGES = Path(catalogs.__file__).parent
TEMPLATES = sorted((PAGES / "templates").glob("*.j2"))
MODULES = sorted((PAGES / "static").glob("*.js"))
READ_ALOUD = {"alt", "aria-label", "aria-valuetext", "title", "value", "content"}
"""Attributes whose values people read or hear."""
SAMPLES = {"0000-0000-0000-0000", "visavis", "admin", "all", "UTC", "in", "out"}
"""What stands in templates and is the same in each language."""


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_each_language_has_all_texts_with_the_same_values(language: str) -> None:
    english, other = read_catalog("en"), read_catalog(language)
    assert [*other] == [*english]
    values = {key: sorted(re.findall(r"\{\w*\}", text)) for key, text in english.items()}
    assert {key: sorted(re.findall(r"\{\w*\}", text)) for key, text in other.items()} == values
    same = {key for key, text in english.items() if text == other[key]}
    assert same == ({"scale.value"} if language == "vi" else set())


def test_no_text_has_markup() -> None:
    assert [key for code in LANGUAGES for key, text in read_catalog(code).items() if re.search("[<>&]", text)] == []


def test_each_text_is_used() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in [*TEMPLATES, *MODULES, *PAGES.parent.rglob("*.py")])
    made_up = re.compile(
        r"language\.|page\.theme_|problem\.|quality\.|compare\.(same|different|no_answer)|\w+\.title$|.*\.(one|other)$"
        r"|action\.|role\.|models\.task_|live\.(state|event)_|live\.news\.|jobs\.(state|status)_"
        r"|error\.|kiosk\.(state|direction|text)_|thresholds\.of_|retention\.of_|evaluate\.(kind|about)_|train\.(head|curve|series|about)_"
        r"|attendance\.(section|count|about|status|note|short|bar|mark|legend|counts|direction|method|why|deduction|column)_"
        r"|attendance_today\.(do|refused)_|attendance\.(format|report|request|part|state|closing|unit)_|guide\.|findings\.(same|harmful|confused|thin)|why\.reason_|fault\.|better\.|batch\.kind_"
    )
    unused = [key for key in read_catalog("en") if f'"{key}"' not in source and not made_up.match(key)]
    assert unused == []


def test_each_key_that_is_named_is_there() -> None:
    named = {
        key
        for path in [*TEMPLATES, *MODULES]
        for key in re.findall(r'\b(?:t|text)\("([\w.]+)"[,)]', path.read_text(encoding="utf-8"))
    }
    assert len(named) > 50
    assert named - read_catalog("en").keys() == set()


class _Texts(HTMLParser):
    """Collects what people read in a template without its expressions."""

    def __init__(self, template: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.feed(re.sub(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", " ", template, flags=re.DOTALL))

    def handle_data(self, data: str) -> None:
        self.texts += re.findall(r"[^\W\d_][\w ]*", data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = (READ_ALOUD | {"placeholder"}) - ({"content"} if tag == "meta" else set())
        self.texts += [value for name, value in attrs if name in names and value and re.search(r"\w", value)]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_templates_have_no_text_of_their_own(path: Path) -> None:
    texts = {text.strip() for text in _Texts(path.read_text(encoding="utf-8")).texts}
    assert texts - SAMPLES == set()


def _strings(module: str) -> Iterator[str]:
    code = re.sub(r"^\s*//.*$", "", module, flags=re.MULTILINE)
    for match in re.finditer(r'"([^"\n]*)"|`([^`]*)`', code):
        yield re.sub(r"\$\{[^}]*\}", "", match[1] or match[2] or "")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_modules_have_no_text_of_their_own(path: Path) -> None:
    """Sentences have words with spaces between them, or a capital letter first: neither does what modules name."""
    names = {"Home", "End", "PageUp", "PageDown", "Enter", "Escape", "AbortError", "NotAllowedError"}
    arrows = {"ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"}
    classes = {"row spread", "row spread muted", "row choose", "notice danger", "notice warning", "plot fixed"}
    classes |= {"card same", "button primary"}
    looks_written = re.compile(r"^[A-Z][a-z]\w*$|[A-Za-z]{2,},? [A-Za-z]{2,}")
    texts = {text for text in _strings(path.read_text(encoding="utf-8")) if looks_written.search(text)}
    assert texts - names - arrows - classes == set()


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("*", "en"),
        ("vi", "vi"),
        ("zh-Hant-TW,zh;q=0.9", "zh"),
        ("fr-CH, fr;q=0.9, vi;q=0.7, en;q=0.8", "en"),
        ("de, VI-vn ; q=0.3, zh;q=0.2", "vi"),
        ("zh;q=0, vi;q=0.1", "vi"),
        ("vi;q=high, zh;q=0.1", "zh"),
        ("vi;q=7, en", "en"),
        ("vi;q=nan, zh;q=0.1", "zh"),
        (";;,,;q=1", "en"),
    ],
)
def test_the_language_of_a_browser(accepted: str, language: str) -> None:
    assert pick_language(accepted) == language
